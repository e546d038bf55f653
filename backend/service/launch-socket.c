// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the launcher is asked by parts that are not its children.
 */
#include "config.h"

#include "backend/service/launch-socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4

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
