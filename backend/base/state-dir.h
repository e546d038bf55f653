/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where daemons keep their state and their control sockets, and where the control tool looks for
 * them: one place for both.
 */
#ifndef BACKEND_STATE_DIR_H
#define BACKEND_STATE_DIR_H

#define DEFAULT_STATE_DIR "/run/xen-vballoon"

#endif /* BACKEND_STATE_DIR_H */
