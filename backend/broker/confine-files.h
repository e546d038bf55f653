/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that are left to a process, by Landlock: what it may open, make and remove by name. What is open stays so.
 */
#ifndef BACKEND_BROKER_CONFINE_FILES_H
#define BACKEND_BROKER_CONFINE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct confine_path - a file, or a directory with all that is in it
 * @write: also to write, and in a directory to make and remove files, sockets and directories; for a device file, its ioctls
 */
struct confine_path {
	const char *path;
	bool write;
};

/**
 * confine_files() - these and no others, for good
 * @path:     one that is not there is left out
 * @tcp_port: the port that may be listened at; 0: none
 *
 * Nothing is executed any more. As far as the kernel is new enough, TCP, sockets without a name in the file system and signals
 * end at this process and its children, too. Needs no_new_privs or CAP_SYS_ADMIN.
 * Return: 0; -EOPNOTSUPP this kernel has no Landlock, or it was not asked for at boot; -errno
 */
int confine_files(const struct confine_path *path, size_t nr, uint16_t tcp_port);

#endif /* BACKEND_BROKER_CONFINE_FILES_H */
