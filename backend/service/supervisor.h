/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon as a service: one device process for each of its devices in xenstore.
 *
 *   supervisor.c         the life of the service: lock, xenstore, signals, its end
 *   supervisor-tree.c    what a watch event means: which device to look at
 *   supervisor-device.c  one device: when to start its process, and what its end means
 *   supervisor-life.c    one that serves must go on: a process that hangs is ended
 *   supervisor-upgrade.c one that serves is replaced while it does
 *   supervisor-hold.c    a new guest does not run before its device is served
 *
 *                  node complete          a slot is free          key `path`
 *   (no entry) ----------------> [queued] -------------> [starting] ------> [serving]
 *       ^                          ^   ^                      |                 |
 *       |                 back-off |   | node changed         +------ ended ----+
 *       |                          |   |                                |
 *       +--- node gone ---- [waiting] [alone] <------------------------+
 *
 * A device that cannot be served as it is stays alone until the toolstack changes its node. The
 * supervisor has nothing of a guest's, but for a new one the time until it is served: when it dies, device processes serve on, and the next
 * supervisor takes notice of them by their locks. It reads what the toolstack writes, nothing else.
 */
#ifndef BACKEND_SUPERVISOR_H
#define BACKEND_SUPERVISOR_H

#include "backend/base/exit-code.h"
#include "backend/service/launcher.h"
#include "backend/options/options.h"
#include "backend/service/upgrade.h"

#include <stddef.h>
#include <xenvirtio/store.h>

/** processes that start at the same time: they cost time, which those that serve need */
#define SUPERVISOR_STARTS_MAX 8u

struct event_base;
struct supervisor;

/** struct supervisor_companion - who has something else to do for each device than its process; see backend/starter */
struct supervisor_companion {
	/** wanted - before a process is started for the device, or found; again is fine */
	void (*wanted)(void *opaque, uint32_t domid, uint32_t devid);
	/** gone - the device is, or it is not served as it is, or the service and all devices end; that nobody wanted is fine */
	void (*gone)(void *opaque, uint32_t domid, uint32_t devid);
	/** ready - whatever device there is has been wanted */
	void (*ready)(void *opaque);
	void *opaque;
};

/** times are for tests; 0: as in the manual pages */
struct supervisor_env {
	int (*open_store)(void *opaque, struct xenvirtio_store **store);
	void *opaque;
	const struct launcher *launcher;
	bool locked; /* somebody else has the service's lock: the launcher that started this process */
	const struct supervisor_companion *companion; /* NULL: there is none */
	/**
	 * pause, unpause - as the seam's, of the domain named; NULL: no guest is held
	 * Return: 0; XENVIRTIO_E_GONE; -errno
	 */
	int (*pause)(void *opaque, uint32_t domid, struct log *log);
	int (*unpause)(void *opaque, uint32_t domid, struct log *log);
	/** notify - what sd_notify(3) would be told; may be NULL */
	void (*notify)(void *opaque, const char *text);
	/** ready - no device is overlooked from now on; once; may be NULL */
	void (*ready)(void *opaque);
	unsigned int first_ms;	     /* before a process that ended is started again, the first time; 0: at once */
	unsigned int backoff_min_ms; /* the second time, and twice as long each time after that */
	unsigned int backoff_max_ms;
	unsigned int settled_ms; /* one that served so long has no history */
	unsigned int start_ms;	 /* one that does not serve by then makes room for others */
	unsigned int stop_ms;	 /* device processes that are told to end must have by then */
};

struct supervisor_counts {
	size_t devices;
	size_t alone, queued, starting, serving, waiting;
};

/**
 * supervisor_new() - begin
 * @sup: out; may have ended already
 *
 * @base, @opts, @log and what is in @env are borrowed.
 * Return: 0; -ENOMEM
 */
int supervisor_new(struct supervisor **sup, struct event_base *base, const struct options *opts,
		   struct log *log, const struct supervisor_env *env);
/** supervisor_free() - device processes serve on; NULL is fine */
void supervisor_free(struct supervisor *sup);

/**
 * supervisor_upgrade() - have the devices that are served be served by the installed version, one after the other
 * @wish:     copied
 * @listener: copied; is told at a later turn of the loop
 *
 * Return: 0; -EBUSY: others are being upgraded; -ECANCELED the service is ending
 */
int supervisor_upgrade(struct supervisor *sup, const struct upgrade_wish *wish, const struct upgrade_listener *listener);
/** supervisor_ended() - @code: out. The event base was told to stop */
bool supervisor_ended(const struct supervisor *sup, enum exit_code *code);
void supervisor_count(const struct supervisor *sup, struct supervisor_counts *counts);

#endif /* BACKEND_SUPERVISOR_H */
