/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the launcher is asked, by messages of launch-protocol.h, where its parts are not its children: a socket in the state directory.
 */
#ifndef BACKEND_LAUNCH_SOCKET_H
#define BACKEND_LAUNCH_SOCKET_H

#include <sys/types.h>

/** its name */
#define LAUNCH_SOCKET_NAME "launcher"

/** launch_socket_listen() - at @dir's LAUNCH_SOCKET_NAME, for root alone. Return: the descriptor; -EADDRINUSE; -errno */
int launch_socket_listen(const char *dir);
void launch_socket_unlisten(const char *dir);
/**
 * launch_socket_accept() - of this process's own user
 * @but: a process that may not all the same, of the launcher's children; 0: there is none
 *
 * Return: the descriptor of the connection; -EACCES; -errno
 */
int launch_socket_accept(int listener, pid_t but);
/** launch_socket_connect() - Return: the descriptor; -errno */
int launch_socket_connect(const char *dir);

#endif /* BACKEND_LAUNCH_SOCKET_H */
