/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One guest's device, from the hypervisor up: state file, guest memory, device, ioreq server.
 *
 *   hv (borrowed) <- gmem <- device <- server;  device and server id live on in the state file
 *
 * Opening adopts what a dead predecessor left and otherwise starts anew; closing either leaves all
 * of it for a successor or takes all of it away. Knows no xenstore and no event loop.
 */
#ifndef BACKEND_GUEST_H
#define BACKEND_GUEST_H

#include "backend/base/exit-code.h"
#include "backend/base/log.h"
#include "backend/base/state-file.h"
#include "backend/device/device-type.h"

#include <sys/types.h>

struct guest_config {
	const struct device_type *type;
	const struct program *program;
	void *device;		 /* of that type, not open; borrowed */
	struct xenvirtio_hv *hv; /* borrowed; outlives the guest */
	struct log *log;
	const char *state_dir;
	uint32_t domid;
	uint32_t devid;
	const char *identity; /* tells domains of one domid apart */
	struct xenvirtio_gpa base;
	uint32_t irq;
	enum xenvirtio_notify_path notify;
	pid_t owner; /* the process that others are told serves the device; 0: this one */
	const struct doors *doors; /* borrowed; NULL: the state file is opened by its name */
	/** path_changed - notifications travel another way, because of @why (-errno) */
	void (*path_changed)(void *opaque, int why);
	void *opaque;
};

/** stays where it is while it is open */
struct guest {
	struct log *log;
	const struct device_type *type;
	const struct program *program;
	void *device;
	struct state_file *state;
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_server *server;
	bool adopted; /* the ioreq server was a predecessor's */
	bool claimed; /* it is ours, since before the device was made */
};

enum guest_end {
	GUEST_LEAVE,  /* a successor goes on: the guest waits at its next access */
	GUEST_REMOVE, /* the device is no more */
};

/**
 * guest_open() - claim the device's addresses and be ready to serve
 * @g:    zeroed; on failure all zero again, and nothing new is left in the hypervisor
 * @code: out; with -ECANCELED how to end: the reason is in the log
 *
 * Return: 0; XENVIRTIO_E_GONE; -ECANCELED
 */
int guest_open(struct guest *g, const struct guest_config *cfg, enum exit_code *code);
/** guest_close() - all zero is fine */
void guest_close(struct guest *g, enum guest_end end);

/**
 * guest_in_use() - the guest counts on the device being there: a driver is bound, or the type says
 * so
 */
bool guest_in_use(const struct guest *g);

#endif /* BACKEND_GUEST_H */
