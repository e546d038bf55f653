/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of launch-protocol.h on their socket. The launcher waits for nobody; who asks it waits for the answer.
 */
#ifndef BACKEND_LAUNCH_SOCKET_H
#define BACKEND_LAUNCH_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

/** of the launcher, where its parts are not its children: in the state directory */
#define LAUNCH_SOCKET_NAME "launcher"

/** launch_socket_send() - does not wait; @fd goes with it, -1: none. Return: 0; -errno */
int launch_socket_send(int sock, const void *bytes, size_t len, int fd);
/**
 * launch_socket_receive() - does not wait; a descriptor that comes along is closed
 *
 * Return: the message's length; 0: the other side is gone; -EPROTO it is longer than @len, or had a descriptor; -errno
 */
ssize_t launch_socket_receive(int sock, void *bytes, size_t len);
/**
 * launch_socket_await() - wait for a message of just @len bytes
 * @fd: out; the descriptor that came with it, close-on-exec; -1: none
 *
 * Return: 0; -EPIPE the other side is gone; -EPROTO; -errno
 */
int launch_socket_await(int sock, void *bytes, size_t len, int *fd);

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
