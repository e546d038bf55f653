/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a front-end, a file a concept:
 *
 *   frontend.c          what is wanted, what is under way, what is told; time
 *   frontend-steps.c    each operation as a table of requests
 *   frontend-handover.c whether what is to be handed over can be
 *   frontend-backend.c  the backend's own requests
 *
 * It must not know who uses it.
 */
#ifndef BACKEND_VHOST_FRONTEND_INTERNAL_H
#define BACKEND_VHOST_FRONTEND_INTERNAL_H

#include "backend/vhost/channel.h"
#include "backend/vhost/frontend.h"

/** virtio 1.2, 6 Reserved Feature Bits */
#define VIRTIO_BIT_VERSION_1 32
#define VIRTIO_BIT_ACCESS_PLATFORM 33
#define VIRTIO_BIT_RING_PACKED 34
#define VIRTIO_BIT_NOTIFICATION_DATA 38
#define VIRTIO_BIT_RING_RESET 40

#define BIT64(n) (UINT64_C(1) << (n))

/** queues a message can name: "VHOST_USER_SET_VRING_KICK" */
#define QUEUES_MAX 256u
/** regions of a guest's memory: as many as anybody's slots */
#define MEMORY_MAX 509u

enum operation { NOTHING, CONNECT, START, STOP, READ_CONFIG, WRITE_CONFIG };

/* What is handed over, or was: with what a backend needs to go on where another one stopped. */
struct handover {
	uint64_t features;
	struct vhost_memory *memory;
	size_t nr_memory;
	struct vhost_queue *queue;
	size_t nr_queues;
	bool served; /* some backend has had it */
	int inflight_fd; /* -1: none */
	struct vhost_inflight inflight;
};

struct vhost_frontend {
	struct vhost_device device;
	int epoll;
	struct vhost_channel main;
	struct vhost_channel requests; /* the backend's own */
	/* of this backend */
	bool connected;
	uint64_t features; /* all of it */
	uint64_t protocol; /* agreed on */
	unsigned int queues;
	uint64_t slots;
	bool stale; /* the configuration: the backend said so */
	bool is_deaf; /* to its own requests, which are not watched until heard_end_ms */
	bool said_changed; /* it had, when what is being read was asked for */
	unsigned int reads; /* of it, begun because the backend said so */
	/* of the last one as well */
	unsigned int heard; /* requests of the backend's own, in the period that ends at heard_end_ms */
	uint64_t heard_end_ms;
	uint64_t look_ms; /* the configuration is not read before that because the backend says that it is another */
	uint64_t offered;
	bool has_config;
	uint8_t config[VHOST_CONFIG_MAX];

	struct handover *wanted; /* by the guest */
	struct handover *live; /* the backend's; the same one, if it is what is wanted */
	struct {
		bool due;
		uint32_t offset, bytes;
		uint8_t data[VHOST_CONFIG_MAX];
	} write;

	/* under way: the step of the operation, which of its queues or regions, whether it has been asked */
	enum operation op;
	uint64_t deadline_ms;
	unsigned int step, which;
	bool asked;
	int passed_fd; /* ours only until it has been sent; -1: none */

	/* to be told, and while it is */
	unsigned int done; /* a bit for each enum vhost_done */
	bool changed;
	bool telling;
	bool is_lost;
	bool lost_queues; /* with the last one */
	enum vhost_fault why; /* there is no backend */
	int err;
	unsigned int times_lost;
};

static inline bool has_protocol(const struct vhost_frontend *f, unsigned int bit)
{
	return f->protocol & BIT64(bit);
}

/* --- frontend-steps.c --- */

/** steps_begin() - the first request of @f->op is next */
void steps_begin(struct vhost_frontend *f);
/** steps_pump() - ask and hear answers until one is waited for, or it is @over. Return: the fault that ends this backend */
enum vhost_fault steps_pump(struct vhost_frontend *f, bool *over);

/* --- frontend-handover.c --- */

/** handover_new() - as vhost_frontend_start() */
int handover_new(struct handover **h, const struct vhost_start *s);
void handover_free(struct handover *h);
/** handover_check() - whether the backend is one for it */
enum vhost_fault handover_check(const struct vhost_frontend *f, const struct handover *h);
/** handover_kick() - each queue once */
void handover_kick(const struct handover *h);

/* --- frontend-backend.c --- */

/** backend_requests_run() - answer those that have come, a few at a time and in a period. Return: the fault that ends this backend */
enum vhost_fault backend_requests_run(struct vhost_frontend *f);

/* --- frontend.c --- */

/** frontend_watch() - have @fd wake whoever looks at the front-end's. Return: 0; -errno */
int frontend_watch(struct vhost_frontend *f, int fd);
/** frontend_close() - @c, which was watched */
void frontend_close(struct vhost_frontend *f, struct vhost_channel *c);

#endif /* BACKEND_VHOST_FRONTEND_INTERNAL_H */
