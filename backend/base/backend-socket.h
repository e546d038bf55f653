/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket of a vhost-user backend: its name, made for a device, and who may be at its other end. It must not know what is
 * said there.
 */
#ifndef BACKEND_BACKEND_SOCKET_H
#define BACKEND_BACKEND_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** as long as a Unix socket's name may be, with its 0 */
#define BACKEND_SOCKET_PATH_MAX 108

/**
 * backend_socket_path() - a device's, out of a pattern
 * @pattern: %d is the domain's number, %i the device's, %% a percent sign
 *
 * Return: 0; -EINVAL any other %, no absolute path, or too long a name
 */
int backend_socket_path(char path[BACKEND_SOCKET_PATH_MAX], const char *pattern, uint32_t domid, uint32_t devid);

/** backend_socket_is_of_one() - whether no two devices have the same name by that pattern, which is one */
bool backend_socket_is_of_one(const char *pattern);

/**
 * backend_socket_connect() - to whoever listens there, without waiting
 * @own_uid, @group: who may, beside root: access_check_peer()
 *
 * The other end gets a guest's memory: so it is looked at who it is, not only where.
 * Return: the descriptor; -ENOENT, -ECONNREFUSED nobody; -ENOTSOCK something else has the name; -EACCES it
 *         may not be written to; -EPERM it is somebody who may not; -EAGAIN it takes no more connections now; -errno
 */
int backend_socket_connect(const char *path, uid_t own_uid, gid_t group);

/** backend_socket_advice() - what to do about such an error; "" where there is nothing to say */
const char *backend_socket_advice(int err);

#endif /* BACKEND_BACKEND_SOCKET_H */
