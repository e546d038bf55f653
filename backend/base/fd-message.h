/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages on a SOCK_SEQPACKET socket, with a descriptor where there is one. Who answers waits for nobody and takes no descriptor; who asks
 * waits for the answer and what comes with it.
 */
#ifndef BACKEND_FD_MESSAGE_H
#define BACKEND_FD_MESSAGE_H

#include <stddef.h>
#include <sys/types.h>

/** fd_message_send() - does not wait; @fd goes with it and stays the caller's, -1: none. Return: 0; -errno, also where it does not go whole */
int fd_message_send(int sock, const void *bytes, size_t len, int fd);
/**
 * fd_message_receive() - does not wait
 *
 * Return: the message's length; 0: the other side is gone; -EPROTO it is longer than @len, or had a descriptor, which is closed; -errno
 */
ssize_t fd_message_receive(int sock, void *bytes, size_t len);
/**
 * fd_message_await() - wait for a message of just @len bytes
 * @fd: out; the descriptor that came with it, close-on-exec; -1: none
 *
 * Return: 0; -EPIPE the other side is gone; -EPROTO; -errno
 */
int fd_message_await(int sock, void *bytes, size_t len, int *fd);

#endif /* BACKEND_FD_MESSAGE_H */
