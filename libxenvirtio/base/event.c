// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Eventfds that another process has, too.
 *
 * Reading is safe by RWF_NOWAIT. Writing has no such flag, so it is asked whether there is room; to make us wait the other
 * process would have to fill the counter in the moment between, after it took O_NONBLOCK away.
 */
#include "config.h"

#include "base/event.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

int event_new(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int event_signal(int fd)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	const uint64_t one = 1;
	int nr;

	do {
		nr = poll(&room, 1, 0);
	} while (nr < 0 && errno == EINTR);
	if (nr < 0)
		return -errno;
	if (!(room.revents & POLLOUT))
		return room.revents & POLLNVAL ? -EBADF : -EAGAIN;
	return write(fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

void event_drain(int fd)
{
	uint64_t count;
	const struct iovec whole = { .iov_base = &count, .iov_len = sizeof(count) };

	/* Nothing there, or no such flag for eventfds (before Linux 5.8): what is left costs a signal too many. */
	if (preadv2(fd, &whole, 1, -1, RWF_NOWAIT) < 0)
		return;
}
