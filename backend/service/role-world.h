/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the service that have no rights give away: names, users, capabilities, system calls. What a host does not have of it
 * is named in the log, and with --sandbox=require the part does not start.
 */
#ifndef BACKEND_ROLE_WORLD_H
#define BACKEND_ROLE_WORLD_H

#include "backend/base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * struct role_world - what a part keeps
 * @name:   of the part, for the log: "watcher"
 * @dirs:   directories that stay, by their absolute paths, to look into and to connect to sockets in: nothing can be written there. One that
 *          there is not is left out
 * @uid:    whom it becomes; 0: the user it is, without a capability
 * @group:  the one group that it is in; ACCESS_NO_GROUP
 * @outside: namespaces and files are somebody else's to give away: the unit's of systemd that it is in
 * @required: --sandbox=require
 */
struct role_world {
	const char *name;
	const char *const *dirs;
	size_t nr_dirs;
	uid_t uid;
	gid_t group;
	bool outside;
	bool required;
	struct log *log;
};

/** role_world_enter() - before there are threads. Return: 0; -EACCES a part is missing, and it must not */
int role_world_enter(const struct role_world *world);

/**
 * struct role_call - a system call that is left to a part
 * @name, @other: the kernel's name; the one that an architecture has in its place; NULL
 * @arg, @mask, @value: where @arg is not 0, argument @arg - 1 has this value in the bits of @mask
 * @err:  0: allowed; else refused without harm
 * @args: what @arg says, in words; ""
 * @why:  who calls it
 */
struct role_call {
	const char *name, *other;
	unsigned int arg;
	unsigned int mask, value;
	int err;
	const char *args, *why;
};

/** role_calls_all/watch/meter() - of all parts, and what one has beside that: what SECURITY.md shows. Return: the first of @nr */
const struct role_call *role_calls_all(size_t *nr);
const struct role_call *role_calls_watch(size_t *nr);
const struct role_call *role_calls_meter(size_t *nr);

/** role_world_seal() - those system calls and no others, in all threads; anything else is death. Return: as role_world_enter() */
int role_world_seal(const struct role_world *world, bool watch);

#endif /* BACKEND_ROLE_WORLD_H */
