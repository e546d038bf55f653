/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may steer a daemon: root, the user it runs as, and members of its group (program.h) where that
 * group exists. One answer for the state directory, the sockets in it and the processes
 * that connect.
 */
#ifndef BACKEND_ACCESS_H
#define BACKEND_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/** no such group */
#define ACCESS_NO_GROUP ((gid_t)-1)

/** access_group() - the number of the group @name; ACCESS_NO_GROUP */
gid_t access_group(const char *name);

/**
 * access_allowed() - the rule itself
 * @uid, @gid:  of the peer
 * @more, @nr:  its further groups
 * @own_uid:    the daemon's
 * @group:      access_group()
 */
bool access_allowed(uid_t uid, gid_t gid, const gid_t *more, size_t nr, uid_t own_uid, gid_t group);

/**
 * access_check_peer() - ask the kernel who connected to a Unix socket
 * @own_uid: the daemon's, also where a process of it has become another
 *
 * Return: 0; -EACCES not allowed; -errno
 */
int access_check_peer(int fd, uid_t own_uid, gid_t group);

/**
 * access_listen() - a Unix stream socket at @path for those allowed: mode 0660
 * @backlog: connections that may wait
 *
 * A socket nobody listens on any more is replaced; anything else at @path is left alone.
 * Return: the descriptor, non-blocking; -EADDRINUSE; -EEXIST not a socket; -ENAMETOOLONG; -errno
 */
int access_listen(const char *path, gid_t group, int backlog);

#endif /* BACKEND_ACCESS_H */
