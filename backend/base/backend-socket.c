// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A backend's socket: see backend-socket.h.
 */
#include "backend/base/backend-socket.h"
#include "backend/base/access.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == BACKEND_SOCKET_PATH_MAX, "as in unix(7)");

/* Return: characters, as snprintf(); negative: no such word */
static int expand(char *at, size_t room, char word, uint32_t domid, uint32_t devid)
{
	switch (word) {
	case 'd':
		return snprintf(at, room, "%" PRIu32, domid);
	case 'i':
		return snprintf(at, room, "%" PRIu32, devid);
	case '%':
		return snprintf(at, room, "%%");
	default:
		return -1;
	}
}

int backend_socket_path(char path[BACKEND_SOCKET_PATH_MAX], const char *pattern, uint32_t domid, uint32_t devid)
{
	size_t used = 0;

	if (pattern[0] != '/')
		return -EINVAL;
	for (; *pattern; pattern++) {
		size_t room = BACKEND_SOCKET_PATH_MAX - used;
		int len = *pattern == '%' ? expand(path + used, room, *++pattern, domid, devid) :
					    snprintf(path + used, room, "%c", *pattern);

		if (len < 0 || (size_t)len >= room)
			return -EINVAL;
		used += (size_t)len;
	}
	return 0;
}

bool backend_socket_is_of_one(const char *pattern)
{
	/* each differs from the others in one number, or in where the one ends and the other begins */
	static const struct {
		uint32_t domid, devid;
	} device[] = {{1, 1}, {2, 1}, {1, 2}, {11, 1}, {1, 11}};
	enum { DEVICES = sizeof(device) / sizeof(device[0]) };
	char path[DEVICES][BACKEND_SOCKET_PATH_MAX];

	for (size_t i = 0; i < DEVICES; i++) {
		if (backend_socket_path(path[i], pattern, device[i].domid, device[i].devid))
			return false;
		for (size_t j = 0; j < i; j++)
			if (strcmp(path[i], path[j]) == 0)
				return false;
	}
	return true;
}

/* A name of something else is refused by connect() as if nobody listened. */
static int explain(const char *path, int err)
{
	struct stat st;

	return err == -ECONNREFUSED && !stat(path, &st) && !S_ISSOCK(st.st_mode) ? -ENOTSOCK : err;
}

int backend_socket_connect(const char *path, uid_t own_uid, gid_t group)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, ret;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ret = connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) ? explain(path, -errno) : 0;
	if (!ret && access_check_peer(fd, own_uid, group))
		ret = -EPERM;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

const char *backend_socket_advice(int err)
{
	switch (err) {
	case -ENOENT:
		return ": start the backend, or say with --socket where its socket is";
	case -ECONNREFUSED:
		return ": nobody listens there: start the backend";
	case -ENOTSOCK:
		return ": that is no socket: say with --socket where the backend's is";
	case -EPROTOTYPE:
		return ": that is a socket of another kind: say with --socket where the backend's is";
	case -EACCES:
		return ": the socket cannot be written to: it is to be for the daemon's user or group";
	case -EPERM:
		return ": the backend is neither root's nor this user's: run it as one of them, or as a member of the "
		       "daemon's group with a socket that is writable for it";
	case -EAGAIN:
		return ": it serves another connection: a backend is for one device";
	default:
		return "";
	}
}
