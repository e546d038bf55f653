/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control sockets in a state directory: which devices are served, or were by one that was
 * killed. Only names are looked at.
 */
#ifndef BACKEND_SOCKETS_H
#define BACKEND_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

#define SOCKETS_PATH_MAX 128
/** connections that may wait to be accepted */
#define SOCKETS_BACKLOG 64

struct control_socket {
	uint32_t domid;
	uint32_t devid;
	char path[SOCKETS_PATH_MAX];
};

/** sockets_path() - of a device's socket. Return: 0; -ENAMETOOLONG */
int sockets_path(char *path, size_t size, const char *dir, uint32_t domid, uint32_t devid);

/**
 * sockets_find() - all of them, by domid and devid
 * @sockets: out; to be freed; NULL when there are none
 *
 * Return: 0, also where the directory is not there; -EACCES; -ENAMETOOLONG; -ENOMEM; -errno
 */
int sockets_find(const char *dir, struct control_socket **sockets, size_t *nr);

#endif /* BACKEND_SOCKETS_H */
