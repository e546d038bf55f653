/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front-end of one device whose queues a vhost-user backend serves: the handshake, the guest's memory and rings handed over
 * and taken back, configuration, and a backend that comes back after a crash.
 *
 *                connect()             start()               stop()
 *   no backend -----------> connected --------> the backend <-------- the guest resets
 *       ^  lost()             |  ^              serves the queues        |
 *       +---------------------+  +---------------------------------------+
 *
 * What the guest wants (start, stop) and whether there is a backend are two things. Started without a backend, the queues are
 * handed over as soon as there is one; after a crash they are handed over again, with the record of what was in flight.
 *
 * Nothing waits but vhost_frontend_wait(). Whoever has an event loop calls vhost_frontend_run() when vhost_frontend_fd() is
 * readable, and when the time is vhost_frontend_deadline_ms(). Each operation has a limit; a backend that takes longer is as
 * one that crashed. It may still have the guest's memory mapped: end it.
 *
 * Two things are the kernel's and are not bounded here: to close a descriptor that the backend has sent (of a file system in user space,
 * or a socket that lingers), and to signal an eventfd that it fills in the moment after it was looked at. Whoever serves guests by this
 * has to be ended when it hangs, as the service ends a device process.
 *
 * Everything from the backend is hostile. It must not know Xen, xenstore, device types, or how a backend is found or started.
 * One thread. Source: vhost-user.rst; virtio 1.2.
 */
#ifndef BACKEND_VHOST_FRONTEND_H
#define BACKEND_VHOST_FRONTEND_H

#include "backend/vhost/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vhost_frontend;

/** a range of the guest's memory, and where in @fd it is */
struct vhost_memory {
	uint64_t gpa;
	uint64_t bytes;
	int fd;
	uint64_t offset;
};

/** a queue the driver has set up */
struct vhost_queue {
	unsigned int index;
	uint32_t size;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	int kick_fd; /* an eventfd, which the backend reads */
	int call_fd; /* an eventfd, which the backend writes; -1: none */
	uint32_t base; /* 0, or from where on to serve it */
	bool again; /* it was served before: base() is asked when it is handed over */
};

struct vhost_start {
	uint64_t features; /* as acknowledged by the driver */
	const struct vhost_memory *memory;
	size_t nr_memory;
	const struct vhost_queue *queue;
	size_t nr_queues;
};

/** told in this order */
enum vhost_done {
	VHOST_CONNECTED, /* features, queues and configuration are known */
	VHOST_CONFIG_WRITTEN, /* or refused: what the backend has now is what is read */
	VHOST_STOPPED,
	VHOST_STARTED,
};

/**
 * struct vhost_frontend_ops - what it tells; each from inside one of the functions below, which may be called in turn
 *
 * Only vhost_frontend_free() may not be. Any may be NULL.
 */
struct vhost_frontend_ops {
	/** the backend is gone; what was under way is over, a stop too. @err: -errno, of VHOST_SYSTEM */
	void (*lost)(void *opaque, enum vhost_fault why, int err);
	void (*done)(void *opaque, enum vhost_done what);
	/**
	 * the configuration is another: raise the interrupt, count the generation. By what a backend says once in VHOST_CHANGE_MS at
	 * most; the last change is told, whatever came before it
	 */
	void (*config_changed)(void *opaque);
	/**
	 * from where on a queue that was served before is to be: the used ring's index, read from the guest's memory. Without
	 * vhost_frontend_has_record() it is all there is, and right for backends that serve in order. NULL: as at the start
	 */
	uint32_t (*base)(void *opaque, unsigned int index);
	/**
	 * drop_record - the next backend keeps no record, and so cannot go on with the one there is: may it be served all the same?
	 * Only if nothing was in flight. NULL: it may not
	 *
	 * Return: false: it is given up, VHOST_NO_RECORD
	 */
	bool (*drop_record)(void *opaque);
};

/** of one operation, in milliseconds; 0: the default */
struct vhost_limits {
	unsigned int connect_ms;
	unsigned int start_ms;
	unsigned int stop_ms; /* a vcpu may be waiting */
	unsigned int config_ms; /* likewise */
};
#define VHOST_CONNECT_MS 5000u
#define VHOST_START_MS 5000u
#define VHOST_STOP_MS 2000u
#define VHOST_CONFIG_MS 1000u
/** between two looks at the configuration because the backend says that it is another: each may be an interrupt of the guest's */
#define VHOST_CHANGE_MS 100u

struct vhost_device {
	uint64_t features; /* that the guest may be offered if the backend has them */
	uint32_t config_bytes; /* that the backend tells, at most VHOST_CONFIG_MAX; 0: somebody else does */
	bool no_record;	     /* of what is in flight (INFLIGHT): what is lost may be */
	unsigned int queues; /* of a backend that does not say how many it has; 0: as many as there can be */
	struct vhost_limits limits;
	const struct vhost_frontend_ops *ops; /* borrowed */
	void *opaque;
};

/** vhost_frontend_new() - @device: copied. Return: 0; -EINVAL; -ENOMEM; -errno */
int vhost_frontend_new(struct vhost_frontend **f, const struct vhost_device *device);
/** vhost_frontend_free() - hangs up first; NULL is fine */
void vhost_frontend_free(struct vhost_frontend *f);

/** vhost_frontend_connect() - begin with a backend; @fd: a connected stream socket, the front-end's from now on. Closes an older one */
void vhost_frontend_connect(struct vhost_frontend *f, int fd);
/** vhost_frontend_hang_up() - be without a backend; tells nobody */
void vhost_frontend_hang_up(struct vhost_frontend *f);

/** vhost_frontend_fd() - the one descriptor to look at, for all of its life */
int vhost_frontend_fd(const struct vhost_frontend *f);
/** vhost_frontend_deadline_ms() - by clock_now_ms(): when to run in any case; 0: never. May be another after each call here */
uint64_t vhost_frontend_deadline_ms(const struct vhost_frontend *f);
/** vhost_frontend_run() - all that can be done now. Bounded, whatever the backend sends */
void vhost_frontend_run(struct vhost_frontend *f);
/**
 * vhost_frontend_wait() - until nothing is under way that was asked for here
 *
 * Bounded: by the limits of what is. Of a backend that changes its configuration again and again one reading is waited for; the
 * next is left to vhost_frontend_run().
 *
 * Return: VHOST_OK; else why there is no backend: VHOST_NOT_CONNECTED, or what was told to lost()
 */
enum vhost_fault vhost_frontend_wait(struct vhost_frontend *f);

/** vhost_frontend_lost_queues() - from inside lost(): that backend had the queues, or was being given them */
bool vhost_frontend_lost_queues(const struct vhost_frontend *f);
/** vhost_frontend_is_connected() - the handshake is over */
bool vhost_frontend_is_connected(const struct vhost_frontend *f);
/** vhost_frontend_is_served() - the queues are the backend's, or on their way there or back: a reset has to wait */
bool vhost_frontend_is_served(const struct vhost_frontend *f);
/**
 * vhost_frontend_has_record() - what is in flight is on record: another backend can go on where this one crashes
 *
 * Without, requests that were served out of order are served twice or never. Whose device may not do that calls
 * vhost_frontend_stop() from inside lost(), and sets NEEDS_RESET.
 */
bool vhost_frontend_has_record(const struct vhost_frontend *f);
/** vhost_frontend_features() - to offer the guest; of the last backend; 0: there was none */
uint64_t vhost_frontend_features(const struct vhost_frontend *f);
/** vhost_frontend_protocol_features() - that were agreed on */
uint64_t vhost_frontend_protocol_features(const struct vhost_frontend *f);
/** vhost_frontend_queues() - that the backend has at most */
unsigned int vhost_frontend_queues(const struct vhost_frontend *f);

/**
 * vhost_frontend_start() - the driver is ready: hand over what it set up; in place of what was handed over before
 * @s: copied; its descriptors are borrowed until vhost_frontend_stop(), and after it until nothing is under way
 *
 * Each queue is kicked once, for what the driver did before.
 *
 * Trust:  the queues are the guest's: each ring must be aligned and in one range of memory, since backends look only at starts
 * Return: 0: begun, or to be begun; XENVIRTIO_E_GUEST: a ring is not in memory: set NEEDS_RESET; -EINVAL: no such memory or
 *         queues; -ENOMEM
 */
int vhost_frontend_start(struct vhost_frontend *f, const struct vhost_start *s);
/**
 * vhost_frontend_stop() - the driver resets the device: take all back
 *
 * As long as vhost_frontend_is_served(), the backend may still write to the guest's memory, and the reset waits: at most twice
 * stop_ms.
 */
void vhost_frontend_stop(struct vhost_frontend *f);

/** vhost_frontend_read_config() - as the backend last told it. Return: 0; -ERANGE; -ENOTCONN: no backend has told it yet */
int vhost_frontend_read_config(const struct vhost_frontend *f, uint32_t offset, void *data, uint32_t bytes);
/**
 * vhost_frontend_write_config() - to the backend, whose configuration is read again after it
 *
 * Of fields that drivers may write: where one refuses, some backends hang up.
 *
 * Return: 0: begun; -ERANGE; -ENOTCONN; -EBUSY: another one is under way
 */
int vhost_frontend_write_config(struct vhost_frontend *f, uint32_t offset, const void *data, uint32_t bytes);

#endif /* BACKEND_VHOST_FRONTEND_H */
