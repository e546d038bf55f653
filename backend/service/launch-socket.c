// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets between the launcher and who asks it.
 */
#include "config.h"

#include "backend/service/launch-socket.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4

union descriptor {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int launch_socket_send(int sock, const void *bytes, size_t len, int fd)
{
	union descriptor control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_LEN(sizeof(fd));
	}
	return sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len ? 0 : -errno;
}

ssize_t launch_socket_receive(int sock, void *bytes, size_t len)
{
	struct iovec iov = {.iov_base = bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t got = recvmsg(sock, &msg, MSG_DONTWAIT);

	if (got < 0)
		return errno == ECONNRESET ? 0 : -errno;
	/* a descriptor has no room, and is closed by the kernel */
	return msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EPROTO : got;
}

int launch_socket_await(int sock, void *bytes, size_t len, int *fd)
{
	union descriptor control;
	struct iovec iov = {.iov_base = bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *header;
	ssize_t got;

	*fd = -1;
	do
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	header = CMSG_FIRSTHDR(&msg);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(*fd)))
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	if ((size_t)got == len && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 0;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return got ? -EPROTO : -EPIPE;
}

static int make_address(struct sockaddr_un *address, const char *dir)
{
	int bytes;

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	bytes = snprintf(address->sun_path, sizeof(address->sun_path), "%s/" LAUNCH_SOCKET_NAME, dir);
	return bytes >= 0 && (size_t)bytes < sizeof(address->sun_path) ? 0 : -ENAMETOOLONG;
}

int launch_socket_listen(const char *dir)
{
	struct sockaddr_un address;
	int fd, rc = make_address(&address, dir);

	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* whoever calls has the service's lock: a name that is there is of one that is no more */
	if ((unlink(address.sun_path) && errno != ENOENT) || fchmod(fd, 0600) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG)) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

void launch_socket_unlisten(const char *dir)
{
	struct sockaddr_un address;

	if (!make_address(&address, dir))
		unlink(address.sun_path);
}

int launch_socket_accept(int listener, pid_t but)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ? -errno : 0;
	if (!rc && (peer.uid != geteuid() || (but && peer.pid == but)))
		rc = -EACCES;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int launch_socket_connect(const char *dir)
{
	struct sockaddr_un address;
	int fd, rc = make_address(&address, dir);

	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}
