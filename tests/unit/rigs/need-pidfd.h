/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests that wait for processes by pidfd_open(): Linux 5.3 has it, and valgrind of Debian 12 does not know it; and
 * there to start /proc/self/exe is to start valgrind.
 */
#ifndef NEED_PIDFD_H
#define NEED_PIDFD_H

/** need_pidfd() - skip the test, and say so, where there is none; before anything that is to be freed */
void need_pidfd(void);

#endif /* NEED_PIDFD_H */
