// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clock: the machine's monotonic one.
 */
#include "backend/base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ms(void)
{
	return clock_now_ns() / 1000000;
}

int clock_wait(int fd, unsigned int ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int ready = poll(&pollfd, 1, ms < INT_MAX ? (int)ms : INT_MAX);

	return ready < 0 ? -errno : ready;
}

int clock_wait_epoll(int epoll, struct epoll_event *event, int nr, unsigned int ms)
{
	int ready = epoll_wait(epoll, event, nr, ms < INT_MAX ? (int)ms : INT_MAX);

	return ready < 0 ? -errno : ready;
}
