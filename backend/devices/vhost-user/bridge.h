/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device of a guest whose queues a vhost-user backend serves: the registers are the library's, the protocol is
 * backend/vhost's, and here one is told what the other needs.
 *
 *   guest --registers--> xenvirtio_device --bridge--> vhost_frontend --socket--> backend
 *     |                                                                            |
 *     +---- queues: memory files, kick and call eventfds; nobody wakes here -------+
 *
 * A backend that goes away
 *   What was served up to then is what the used rings say. If each queue was idle, or the backend keeps a record (INFLIGHT), the
 *   next one goes on and the guest notices nothing. Otherwise nobody knows which requests are done: NEEDS_RESET. The same
 *   rings say where a backend goes on that outlived this process, or was asked to stop: it has finished what it took.
 *
 * Knows no process, no event loop, no socket's name. The backend is hostile, and so is the guest.
 */
#ifndef BACKEND_VHOST_USER_BRIDGE_H
#define BACKEND_VHOST_USER_BRIDGE_H

#include "backend/devices/vhost-user/kinds.h"
#include "backend/vhost/frontend.h"

#include <xenvirtio/device.h>

struct bridge;

/** struct bridge_memory - what survives the process; all zero when new */
struct bridge_memory {
	uint32_t version; /* 0: new */
	uint32_t bytes;	  /* its size */
	uint64_t lost;	  /* backends, without a record of what was in flight */
	uint64_t queues;  /* that the device has */
	uint64_t doubt;	  /* 1: one went away with queues that no other has begun with since */
	uint64_t features; /* that were offered to the guest */
	uint8_t config[XENVIRTIO_CONFIG_MAX]; /* as a backend last told it */
};

struct bridge_config {
	const struct vhost_user_kind *kind; /* borrowed */
	const char *tag;		    /* of a file system; borrowed for the call */
	uint8_t mac[6];			    /* of a network device */
	uint16_t mtu;			    /* likewise; 0: the driver is told none */
	struct vhost_limits limits;
	/** lost - there is no backend any more: connect to another */
	void (*lost)(void *opaque, const char *why, int err);
	/** work - bridge_work_pending() may be true now, bridge_deadline_ms() another; from inside any call */
	void (*work)(void *opaque);
	/** changed - figures did; likewise */
	void (*changed)(void *opaque);
	void (*guest_error)(void *opaque, enum xenvirtio_guest_error kind, const char *detail);
	void *opaque;
};

struct bridge_status {
	bool connected;
	bool served;	      /* the backend has the queues */
	bool driver_ok;
	uint64_t connections; /* since the process started */
	uint64_t lost;	      /* by all processes: devices that had to be reset for want of a record */
	uint64_t guest_errors[XENVIRTIO_GUEST_ERRORS];
};

/** bridge_new() - no backend, no device yet. Return: 0; -EINVAL a tag that cannot be; -ENOMEM; -errno */
int bridge_new(struct bridge **b, const struct bridge_config *cfg);
/** bridge_free() - the device first, if there is one; NULL is fine */
void bridge_free(struct bridge *b);

/** bridge_connect() - begin with a backend; @fd: the bridge's from now on */
void bridge_connect(struct bridge *b, int fd);
/** bridge_wait() - until it is connected, or is not. Return: VHOST_OK; why not */
enum vhost_fault bridge_wait(struct bridge *b);

/** bridge_lend() - open the guest's memory as files, by @hv. Return: 0; -ENOSYS there are none here; as xenvirtio_memory_files_open() */
int bridge_lend(struct bridge *b, struct xenvirtio_hv *hv);
/** bridge_begun() - a driver has begun with this device: it can be opened as it was, without a backend */
bool bridge_begun(const struct bridge_memory *memory, const struct xenvirtio_device_state *state);
/**
 * bridge_open() - make the device of what the connected backend has; without one, of what was kept, if the driver has begun
 * @gmem:          borrowed until bridge_close()
 * @memory, @state: where they live, borrowed
 * @queues:        that @state has room for: the device has no more, whatever the backend has
 *
 * After bridge_lend(). Return: 0; -EBADMSG @memory or @state cannot be; -ENOTCONN no backend, and a new device; -errno
 */
int bridge_open(struct bridge *b, struct xenvirtio_gmem *gmem, struct bridge_memory *memory,
		struct xenvirtio_device_state *state, unsigned int queues);
/** bridge_close() - what is in memory and state stays; again is fine */
void bridge_close(struct bridge *b);
/** bridge_device() - NULL: not open */
struct xenvirtio_device *bridge_device(struct bridge *b);

/** bridge_fd() - to look at, for all of its life: then bridge_run() */
int bridge_fd(const struct bridge *b);
/** bridge_deadline_ms() - by clock_now_ms(): when to run in any case; 0: never */
uint64_t bridge_deadline_ms(const struct bridge *b);
/** bridge_run() - what the backend has to say. Return: as xenvirtio_server_process() */
int bridge_run(struct bridge *b);
/** bridge_work_pending() - queues are to be handed over */
bool bridge_work_pending(const struct bridge *b);
/** bridge_work() - do that. Return: as xenvirtio_server_process() */
int bridge_work(struct bridge *b);

void bridge_get_status(const struct bridge *b, struct bridge_status *status);

#endif /* BACKEND_VHOST_USER_BRIDGE_H */
