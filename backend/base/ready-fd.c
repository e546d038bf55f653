// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A newline on a descriptor, see ready-fd.h. Its flags are left as they are: they belong to the open
 * file, which whoever reads may share.
 */
#include "config.h"

#include "backend/base/ready-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

int ready_fd_check(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	return (flags & O_ACCMODE) == O_RDONLY || flags & O_PATH ? -EINVAL : 0;
}

void ready_fd_hide(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int ready_fd_tell(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int rc = 0;

	/* a guest is served meanwhile, and must not wait for a pipe that is full */
	if (poll(&p, 1, 0) != 1)
		rc = -EAGAIN;
	else if (write(fd, "\n", 1) != 1)
		rc = -errno;
	close(fd);
	return rc;
}
