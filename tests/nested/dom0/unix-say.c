// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unix-say PATH: sends standard input to a Unix stream socket, then prints what comes until the other side
 * closes. For cases that say what xen-vballoonctl never would. Status 1: no connection; 2: not closed after 20 s.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	char buf[65536];
	size_t len;
	ssize_t got;

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 1;
	strcpy(address.sun_path, argv[1]);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror(argv[1]);
		return 1;
	}
	while ((len = fread(buf, 1, sizeof(buf), stdin)) > 0) {
		/* one that closes early is seen below */
		if (send(fd, buf, len, MSG_NOSIGNAL) != (ssize_t)len)
			break;
	}
	shutdown(fd, SHUT_WR);
	while (poll(&pollfd, 1, 20000) == 1) {
		got = recv(fd, buf, sizeof(buf), 0);
		if (got <= 0)
			return 0;
		fwrite(buf, 1, (size_t)got, stdout);
	}
	return 2;
}
