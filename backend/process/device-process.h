/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of one device process: from a command line to an exit code.
 *
 *   [waiting for xenstore's node] --complete--> [serving] --> ended(code)
 *          |                                       |
 *          +-- signal, domain gone, time over -----+-- also: device closed by the toolstack,
 * E_GONE, a failure of the host
 *
 * Everything happens in callbacks of one event base, each with bounded work. Ending lets go of all
 * mappings at once and tells the toolstack (XenbusState 6), since xl destroy waits for both.
 */
#ifndef BACKEND_DEVICE_PROCESS_H
#define BACKEND_DEVICE_PROCESS_H

#include "backend/base/doors.h"
#include "backend/base/exit-code.h"
#include "backend/device/device-type.h"

#include <sys/types.h>
#include <xenvirtio/hv.h>
#include <xenvirtio/store.h>

struct event_base;
struct device_process;

/**
 * struct device_process_env - where the hypervisor and xenstore come from: Xen's, or fakes
 * @confine:      all that is opened by name is open, and nothing was read yet that is not trusted. Return: 0; -errno, which is
 *                in the log: the end. NULL: nothing to be done
 * @doors:        what is opened later; NULL: by name
 * @owner:        struct guest_config
 * @discovery_ms: how long a node may stay half written; 0: 10 s
 * @seal:         all is open that the guest is served with, and none of its requests was looked at: give away what serving does
 *                not take; @state_bytes: its state file is no longer from now on. Return: 0; else the process ends, and why was logged. NULL:
 *                nothing is given away
 * @unconfined:   what @confine and @seal could not do, a line each, from then on; NULL: it is not told
 * @ready:        the guest is served and the node says so; once; NULL: nobody wants to know; with @ready_opaque
 */
struct device_process_env {
	int (*open_hv)(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log);
	int (*open_store)(void *opaque, struct xenvirtio_store **store);
	void (*ready)(void *opaque);
	void *ready_opaque;
	int (*confine)(void *opaque);
	int (*seal)(void *opaque, uint64_t state_bytes, struct log *log);
	const struct doors *doors;
	const char *unconfined;
	void *opaque;
	pid_t owner;
	unsigned int discovery_ms;
};

/**
 * device_process_new() - begin
 * @dp: out; may have ended already
 *
 * @base, @opts (the type's own) and @log are borrowed.
 * Return: 0; -ENOMEM
 */
int device_process_new(struct device_process **dp, struct event_base *base,
		       const struct device_type *type, const struct options *opts, struct log *log,
		       const struct device_process_env *env);
/** device_process_free() - ends like a signal if it has not ended; NULL is fine */
void device_process_free(struct device_process *dp);

/** device_process_ended() - it has let go of everything; @code: out. The event base was told to
 * stop */
bool device_process_ended(const struct device_process *dp, enum exit_code *code);
/** device_process_serving() - the guest is being served */
bool device_process_serving(const struct device_process *dp);

#endif /* BACKEND_DEVICE_PROCESS_H */
