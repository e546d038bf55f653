// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Access. The socket has mode 0600 from its first moment, and only then its group and 0660: there
 * is no moment at which somebody else could connect.
 */
#include "config.h"

#include "backend/base/access.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* NGROUPS_MAX is 65536; nobody who may steer a daemon is in that many. */
#define PEER_GROUPS_MAX 1024

bool access_allowed(uid_t uid, gid_t gid, const gid_t *more, size_t nr, uid_t own_uid, gid_t group)
{
	if (uid == 0 || uid == own_uid)
		return true;
	if (group == ACCESS_NO_GROUP)
		return false;
	if (gid == group)
		return true;
	for (size_t i = 0; i < nr; i++) {
		if (more[i] == group)
			return true;
	}
	return false;
}

int access_check_peer(int fd, uid_t own_uid, gid_t group)
{
	gid_t more[PEER_GROUPS_MAX];
	socklen_t size = sizeof(struct ucred), more_size = sizeof(more);
	struct ucred peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return -errno;
	/* too many to look at are none */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, more, &more_size))
		more_size = 0;
	return access_allowed(peer.uid, peer.gid, more, more_size / sizeof(more[0]), own_uid, group)
		       ? 0
		       : -EACCES;
}

/* A socket whose process is gone stays in the file system until somebody removes it. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, rc;

	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
	close(fd);
	if (rc != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) && errno != ENOENT ? -errno : 0;
}

static int bind_private(int fd, const struct sockaddr_un *address, gid_t group, int backlog)
{
	if (fchmod(fd, 0600) || bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		return -errno;
	if ((group != ACCESS_NO_GROUP && lchown(address->sun_path, (uid_t)-1, group)) ||
	    chmod(address->sun_path, 0660) || listen(fd, backlog)) {
		int rc = -errno;

		unlink(address->sun_path);
		return rc;
	}
	return 0;
}

int access_listen(const char *path, gid_t group, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	rc = remove_stale(&address);
	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = bind_private(fd, &address, group, backlog);
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}
