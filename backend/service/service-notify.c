// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service manager's socket: a path, or a name in the abstract namespace with '@' before it.
 */
#include "backend/service/service-notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xenvirtio/error.h>

int service_notify(const char *text)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *name = getenv("NOTIFY_SOCKET");
	socklen_t bytes;
	int fd, rc = 0;

	if (!name || !name[0])
		return XENVIRTIO_E_EMPTY;
	if (name[0] != '/' && name[0] != '@')
		return -EAFNOSUPPORT;
	if (strlen(name) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	strcpy(to.sun_path, name);
	if (name[0] == '@')
		to.sun_path[0] = '\0';
	bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, bytes) < 0)
		rc = -errno;
	close(fd);
	return rc;
}
