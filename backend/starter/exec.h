/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backends as processes: what struct backend_runner says, with fork() and process descriptors.
 *
 *   exec.c    the life of one
 *   become.c  what a child gives away before it is another program
 *   places.c  the socket's directory, the log, the record
 *
 * A backend is the user that the plan names, in the groups that go with that and in the daemon's own, by which the socket can be
 * reached; without a capability, a way to new rights, or a descriptor but the three; in a session of its own. Where the plan says
 * root, it is root, with what capabilities the service has.
 *
 * A child waits until its record, <state_dir>/<domid>-<devid>.backend, is written: one that nobody could find again never runs.
 */
#ifndef BACKEND_STARTER_EXEC_H
#define BACKEND_STARTER_EXEC_H

#include "backend/starter/starter.h"

/** whom a backend becomes, in numbers */
struct backend_user {
	uid_t uid;
	gid_t gid;
	gid_t group; /* the daemon's; (gid_t)-1: there is none */
};

struct backend_exec {
	const struct plan *plan;
	const char *state_dir;
	bool own_dirs; /* each socket has a directory of its own, which is made for it and goes with it, whatever is in it */
	struct backend_user user;
	struct log *log;
};

/**
 * backend_exec_user() - look up whom @plan names
 * @group: of the daemon; the user of that name, too, where the plan names none
 * @why:   out, PLAN_WHY_MAX bytes; with -ENOENT what there is not, and what to do
 *
 * Return: 0; -ENOENT
 */
int backend_exec_user(struct backend_user *user, const struct plan *plan, const char *group, char *why);
/** backend_exec_own_dirs() - whether by @socket, a pattern, each device has a directory of its own */
bool backend_exec_own_dirs(const char *socket);
/** backend_exec_init() - @exec is filled in, and borrowed */
void backend_exec_init(struct backend_runner *runner, struct backend_exec *exec);

/* --- become.c --- */

/** what a child could not do: a step of its way, and why */
struct backend_failure {
	int step;
	int err;
};

/**
 * backend_become() - in the child, and only what a child of many threads may do
 * @sock: says when to go on; a failure is told there
 * @log:  standard output and error
 */
void backend_become(const struct backend_exec *exec, char *const *argv, int sock, int log) __attribute__((noreturn));
/** backend_step_text() - what failed: "cannot ..." */
const char *backend_step_text(int step);

/* --- places.c --- */

/** backend_places_open_log() - Return: a descriptor; -errno, told */
int backend_places_open_log(const struct backend_exec *exec, const struct plan_device *device);
/** backend_places_prepare() - a directory for the socket, where that is to be made, and nothing of its name in it. Return: 0; -EADDRINUSE; -errno, told */
int backend_places_prepare(const struct backend_exec *exec, const char *socket);
void backend_places_tidy(const struct backend_exec *exec, const char *socket);

int backend_record_write(const char *state_dir, uint32_t domid, uint32_t devid, pid_t pid);
/** backend_record_find() - Return: 0 and a descriptor of the very process; XENVIRTIO_E_EMPTY; -errno */
int backend_record_find(const char *state_dir, uint32_t domid, uint32_t devid, struct process *p);
void backend_record_remove(const char *state_dir, uint32_t domid, uint32_t devid);
void backend_record_list(const char *state_dir, void (*found)(void *opaque, uint32_t domid, uint32_t devid), void *opaque);

#endif /* BACKEND_STARTER_EXEC_H */
