/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backends that a service starts itself: one for each device that is to be served, for as long as there is the device.
 *
 *                wanted                 ended, still wanted
 *   (no entry) ----------> [running] -----------------------> [waiting]
 *       ^                   |     ^                             |
 *       |               gone|     +--------- back-off ----------+
 *       +----- ended --- [ending]
 *
 * It is wanted before the device's process is started, which waits for it some seconds. A service that dies leaves its backends to serve
 * on, as it does device processes; its successor finds them by a record each, so that no device has two. Which of those that are found
 * have no device any more is known when all devices have been seen: they are ended then.
 *
 *   plan.h    what is started, by the administrator's word
 *   exec.h    processes: how they are started with no right but their user's, and found again
 *   starter.c when
 *
 * Knows no device type, and of what a backend does that it may end.
 */
#ifndef BACKEND_STARTER_H
#define BACKEND_STARTER_H

#include "backend/base/log.h"
#include "backend/service/launcher.h"
#include "backend/service/supervisor.h"
#include "backend/starter/plan.h"

#include <xenvirtio/store.h>

/** backends at the same time: who wants them is a watcher, which may be in somebody else's hands */
#define STARTER_BACKENDS_MAX 8192u
/** a backend that is told to end must have by then */
#define STARTER_END_MS 5000u

struct event_base;
struct starter;

/** struct backend_runner - the seam to processes, so that tests need none; a record goes with each process */
struct backend_runner {
	/**
	 * start - make room for @device's socket, and run @argv
	 * Return: 0; -EADDRINUSE somebody listens there already; -errno, told
	 */
	int (*start)(void *opaque, const struct plan_device *device, char *const *argv, struct process *p);
	/**
	 * attach - a process that a service before this one has started
	 * Return: 0; XENVIRTIO_E_EMPTY there is none; -errno
	 */
	int (*attach)(void *opaque, uint32_t domid, uint32_t devid, struct process *p);
	/** leftovers - call @found for each device that there is a record of */
	void (*leftovers)(void *opaque, void (*found)(void *found_opaque, uint32_t domid, uint32_t devid), void *found_opaque);
	/** signal - to it and all its group */
	void (*signal)(void *opaque, const struct process *p, int signal);
	/** reap - once @p->fd is readable: what is left of its group is killed; closes the descriptor */
	void (*reap)(void *opaque, struct process *p, struct process_end *end);
	/** detach - let it run and forget it; closes the descriptor */
	void (*detach)(void *opaque, struct process *p);
	/** tidy - the device is gone and its backend has ended: nothing of either stays; @socket may be NULL */
	void (*tidy)(void *opaque, uint32_t domid, uint32_t devid, const char *socket);
	void *opaque;
};

/** times are for tests; 0: as in the manual page */
struct starter_config {
	struct event_base *base;
	struct log *log;
	const struct plan *plan;
	const struct backend_runner *runner;
	const char *socket; /* pattern, backend-socket.h */
	/** read_domain - a key of the domain's, below /local/domain/D. Return: 0; -ENOENT; -errno */
	int (*read_domain)(void *opaque, uint32_t domid, const char *key, char value[XENVIRTIO_STORE_TEXT_MAX]);
	/** find_device - whether xenstore has such a device. Return: 0; -ENOENT it has not; -errno it cannot be told */
	int (*find_device)(void *opaque, uint32_t domid, uint32_t devid);
	void *opaque;
	unsigned int backoff_min_ms; /* before one that ended is started again */
	unsigned int backoff_max_ms;
	unsigned int settled_ms; /* one that ran so long has no history */
};

/** starter_new() - all in @cfg is borrowed. Return: 0; -ENOMEM */
int starter_new(struct starter **s, const struct starter_config *cfg);
/** starter_free() - those that are ending have STARTER_END_MS for it; the others run on; NULL is fine */
void starter_free(struct starter *s);
/**
 * starter_asker_died() - whoever wanted backends is another process, and is no more: its successor wants them anew
 *
 * They run on meanwhile. Of which the device has gone in between is known when the successor says that all have been seen.
 */
void starter_asker_died(struct starter *s);
/** starter_companion() - for struct supervisor_env, as long as @s is there */
const struct supervisor_companion *starter_companion(const struct starter *s);

#endif /* BACKEND_STARTER_H */
