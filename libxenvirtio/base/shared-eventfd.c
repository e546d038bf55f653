// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Eventfds that another process has, too.
 *
 * There is no write of an eventfd that never waits but by O_NONBLOCK, so before each access it is asked whether it would. To
 * make us wait all the same the other process has to take the flag away, and fill or empty the counter in the moment between.
 */
#include "config.h"

#include "base/shared-eventfd.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int shared_eventfd_new(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool is_ready(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	/* With no time to wait there is none to be interrupted in; one that fails is as one that is not ready. */
	return poll(&pfd, 1, 0) == 1 && pfd.revents & events;
}

int shared_eventfd_signal(int fd)
{
	const uint64_t one = 1;

	if (!is_ready(fd, POLLOUT))
		return -EAGAIN;
	return write(fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

void shared_eventfd_drain(int fd)
{
	uint64_t count;

	if (is_ready(fd, POLLIN) && read(fd, &count, sizeof(count)) < 0)
		return; /* somebody else was faster */
}
