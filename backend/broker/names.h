/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of a device: the doors of a process that opens them. Three for each device in the state directory, and its
 * backend's socket, made of numbers and of the guest's UUID; that no others can be asked for is all there is to be careful about.
 */
#ifndef BACKEND_BROKER_NAMES_H
#define BACKEND_BROKER_NAMES_H

#include "backend/base/doors.h"
#include "backend/base/log.h"

#include <stdbool.h>

/**
 * struct names - what the doors stand on
 * @dir:     borrowed; made if only its last part is missing
 * @rival_dir: of another program for such devices, which may have this one: then it is as if it were ours, and locked. Borrowed; NULL
 * @read_vm: the guest's path in xenstore, "/vm/<uuid>". Return: 0; -errno
 * @group:   the name of the group that may steer the daemon; borrowed
 * @gid:     its number, access.h
 * @take_over: the state is another process's, which is told to let go when it is asked for: take-over.h
 * @queues_max: of the program, by which it is known whether the state can be gone on with
 * @log:     for what is said of that; borrowed
 * @backend_socket: pattern, backend-socket.h; borrowed; NULL: the device has none
 */
struct names {
	const char *dir;
	const char *rival_dir;
	int (*read_vm)(void *opaque, uint32_t domid, char *vm, size_t size);
	void *opaque;
	const char *group;
	gid_t gid;
	uint32_t domid;
	const char *backend_socket;
	bool take_over;
	unsigned int queues_max;
	struct log *log;
};

/** names_doors() - @doors: out; its functions are set, with @names, which are borrowed; the rest stays */
void names_doors(struct doors *doors, const struct names *names);

#endif /* BACKEND_BROKER_NAMES_H */
