/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Eventfds that another process has, too.
 *
 * Who has a duplicate can clear O_NONBLOCK, which is the file's and not the descriptor's, and fill or empty the counter at
 * any moment. Knows nothing of the library.
 */
#ifndef EVENT_H
#define EVENT_H

/** event_new() - Return: a non-blocking eventfd; -errno */
int event_new(void);
/** event_signal() - add one. Return: 0; -EAGAIN the counter is full: whoever reads it has signals enough; -errno */
int event_signal(int fd);
/** event_drain() - what was counted is forgotten */
void event_drain(int fd);

#endif /* EVENT_H */
