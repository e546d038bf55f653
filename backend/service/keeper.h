/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who was started by hand, with --domid: the keeper of one device's processes. It starts the broker, which starts the device, and
 * when they die it starts others. Under the service the supervisor does that: its processes have --no-restart.
 *
 *   (xenvirtio-keep) --fork, exec--> broker --fork--> device (xenvirtio-dev)
 *
 * It keeps its rights, which the broker gives away, and for that it opens nothing: no Xen, no xenstore, no state. Of a child it hears
 * that it serves, one byte, and how it ended; of who asks for an upgrade (upgrade-door.h) one line, and then there are two children for
 * a while. Whoever kills the keeper has killed all three: each dies with its parent.
 *
 * The first time another is started at once, also after each that served for a second; else after 100 ms, 200 ms and so on. After
 * KEEPER_DEATHS_MAX deaths in a row it gives up. A child that has never served is not started again: it has said why.
 */
#ifndef BACKEND_KEEPER_H
#define BACKEND_KEEPER_H

#include "backend/base/exit-code.h"
#include "backend/base/log.h"
#include "backend/service/launcher.h"
#include "backend/service/upgrade.h"

/** in a row, without a second of service */
#define KEEPER_DEATHS_MAX 10u

struct event_base;
struct keeper;

/**
 * struct keeper_env - where processes come from
 * @launcher: signal, reap and detach are used; borrowed
 * @start:    @flags: as of a launcher; @ready: out; a descriptor from which a byte can be read when the process serves, or the end of the file. Return: 0; -errno
 * @no_upgrade: why no other child can take over from one that serves; NULL: it can
 * @ready:    a child serves; once; NULL: nobody wants to know
 */
struct keeper_env {
	const struct launcher *launcher;
	int (*start)(void *opaque, unsigned int flags, struct process *p, int *ready);
	void (*ready)(void *opaque);
	const char *no_upgrade;
	void *opaque;
};

/**
 * keeper_new() - begin
 * @k: out; may have ended already
 *
 * @base, @log and what is in @env are borrowed. Return: 0; -ENOMEM
 */
int keeper_new(struct keeper **k, struct event_base *base, struct log *log, const struct keeper_env *env);
/**
 * keeper_upgrade() - have the child that serves hand on to one of the installed version: upgrade.h
 * @domid, @devid: what the listener is told that it is
 *
 * As supervisor_upgrade().
 */
int keeper_upgrade(struct keeper *k, uint32_t domid, uint32_t devid, bool force, const struct upgrade_listener *listener);
/** keeper_free() - a child that there is ends as its parent does; NULL is fine */
void keeper_free(struct keeper *k);
/**
 * keeper_ended() - @code: out. The event base was told to stop
 * @signal: out; not 0: the first child died of it, before it served
 */
bool keeper_ended(const struct keeper *k, enum exit_code *code, int *signal);

#endif /* BACKEND_KEEPER_H */
