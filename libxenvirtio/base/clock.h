/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library's clock: for bounds on how long one call may take, and for programs' waits (run/). Who wants another one, a test, gives it
 * to the server. Knows nothing of the library.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <poll.h>
#include <stdint.h>

/** clock_coarse_ms() - never goes back; cheap, and a few milliseconds behind */
int64_t clock_coarse_ms(void);

/** clock_poll() - poll(), which may end with a time */
int clock_poll(struct pollfd *fds, nfds_t nr, int timeout_ms);

#endif /* CLOCK_H */
