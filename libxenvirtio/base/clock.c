// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The library's clock: the machine's, as of the last tick.
 */
#include "base/clock.h"

#include <time.h>

int64_t clock_coarse_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int clock_poll(struct pollfd *fds, nfds_t nr, int timeout_ms)
{
	return poll(fds, nr, timeout_ms);
}
