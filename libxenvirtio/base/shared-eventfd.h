/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Eventfds that another process has, too.
 *
 * Who has a duplicate can clear O_NONBLOCK, which is the file's and not the descriptor's, and fill or empty the counter at
 * any moment. Knows nothing of the library.
 */
#ifndef SHARED_EVENTFD_H
#define SHARED_EVENTFD_H

/** shared_eventfd_new() - Return: a non-blocking eventfd; -errno */
int shared_eventfd_new(void);
/** shared_eventfd_signal() - add one. Return: 0; -EAGAIN the counter is full: whoever reads it has signals enough; -errno */
int shared_eventfd_signal(int fd);
/** shared_eventfd_drain() - what was counted is forgotten */
void shared_eventfd_drain(int fd);

#endif /* SHARED_EVENTFD_H */
