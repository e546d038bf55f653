// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is wanted, what is under way, and what is told of it. The next operation is chosen when the last one is over, by what is
 * wanted then: so any may be asked for at any time, with a backend or without.
 */
#include "backend/vhost/frontend-internal.h"

#include "backend/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

int frontend_watch(struct vhost_frontend *f, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

void frontend_close(struct vhost_frontend *f, struct vhost_channel *c)
{
	/* not left to close(): a child may have the same socket */
	if (c->fd >= 0)
		epoll_ctl(f->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	vhost_channel_close(c);
}

/* --- one backend's beginning and end --- */

static void drop_backend(struct vhost_frontend *f)
{
	frontend_close(f, &f->main);
	frontend_close(f, &f->requests);
	if (f->live && f->live == f->wanted)
		f->live->served = true;
	else
		handover_free(f->live);
	f->live = NULL;
	f->connected = f->stale = f->is_deaf = f->write.due = false;
	f->protocol = 0;
	f->done = 0;
	f->op = NOTHING;
}

static void lose(struct vhost_frontend *f, enum vhost_fault why)
{
	f->err = why == VHOST_SYSTEM ? f->main.err : 0;
	f->lost_queues = f->live;
	drop_backend(f);
	f->why = why;
	f->is_lost = true;
	f->times_lost++;
}

static unsigned int limit_ms(const struct vhost_frontend *f, enum operation op)
{
	const struct vhost_limits *l = &f->device.limits;

	switch (op) {
	case CONNECT:
		return l->connect_ms ? l->connect_ms : VHOST_CONNECT_MS;
	case START:
		return l->start_ms ? l->start_ms : VHOST_START_MS;
	case STOP:
		return l->stop_ms ? l->stop_ms : VHOST_STOP_MS;
	default:
		return l->config_ms ? l->config_ms : VHOST_CONFIG_MS;
	}
}

/* Who is refused here has had no queue. */
static enum vhost_fault begin_start(struct vhost_frontend *f)
{
	struct handover *h = f->wanted;
	enum vhost_fault fault = handover_check(f, h);

	if (fault)
		return fault;
	/* what a backend without such a record has served since is not in it */
	if (!has_protocol(f, VHOST_PROTOCOL_INFLIGHT) && h->inflight_fd >= 0) {
		if (!f->device.ops->drop_record || !f->device.ops->drop_record(f->device.opaque))
			return VHOST_NO_RECORD;
		close(h->inflight_fd);
		h->inflight_fd = -1;
	}
	f->live = h;
	return VHOST_OK;
}

static enum vhost_fault begin(struct vhost_frontend *f, enum operation op)
{
	f->op = op;
	f->deadline_ms = clock_now_ms() + limit_ms(f, op);
	steps_begin(f);
	if (op == READ_CONFIG) {
		f->reads++;
		f->look_ms = clock_now_ms() + VHOST_CHANGE_MS;
	}
	return op == START ? begin_start(f) : VHOST_OK;
}

static void finish(struct vhost_frontend *f)
{
	switch (f->op) {
	case CONNECT:
		f->connected = true;
		f->done |= 1u << VHOST_CONNECTED;
		break;
	case START:
		if (f->live != f->wanted)
			break;
		handover_kick(f->live);
		f->done |= 1u << VHOST_STARTED;
		break;
	case STOP:
		handover_free(f->live);
		f->live = NULL;
		f->done = (f->done & ~(1u << VHOST_STARTED)) | 1u << VHOST_STOPPED;
		break;
	case WRITE_CONFIG:
		f->done |= 1u << VHOST_CONFIG_WRITTEN;
		break;
	default:
		break;
	}
	f->op = NOTHING;
}

/* --- work --- */

static enum operation choose(const struct vhost_frontend *f)
{
	if (!f->connected)
		return NOTHING;
	if (f->live && f->live != f->wanted)
		return STOP;
	if (!f->live && f->wanted)
		return START;
	if (f->write.due)
		return WRITE_CONFIG;
	return f->stale && clock_now_ms() >= f->look_ms ? READ_CONFIG : NOTHING;
}

/* Nothing was asked: it may be gone, but say nothing. */
static enum vhost_fault listen_idly(struct vhost_frontend *f)
{
	bool whole;
	enum vhost_fault fault = vhost_channel_receive(&f->main, &whole);

	return fault == VHOST_CLOSED || fault == VHOST_SYSTEM ? fault : fault || f->main.got ? VHOST_UNASKED : VHOST_OK;
}

static enum vhost_fault work(struct vhost_frontend *f)
{
	enum vhost_fault fault = backend_requests_run(f);

	while (!fault) {
		bool over = true;

		if (f->op != NOTHING) {
			fault = steps_pump(f, &over);
			if (fault)
				break;
			if (!over)
				return clock_now_ms() >= f->deadline_ms ? VHOST_LATE : VHOST_OK;
			finish(f);
		}
		if (choose(f) == NOTHING)
			return listen_idly(f);
		fault = begin(f, choose(f));
	}
	return fault;
}

/* Each kind once: what a callback causes is told in the next turn, so that there is an end to this one. */
static void tell(struct vhost_frontend *f)
{
	const struct vhost_frontend_ops *ops = f->device.ops;
	bool is_lost = f->is_lost, changed;

	/* inside a callback: the turn is not over */
	if (f->telling)
		return;
	f->telling = true;
	f->is_lost = false;
	if (is_lost && ops->lost)
		ops->lost(f->device.opaque, f->why, f->err);
	for (unsigned int i = VHOST_CONNECTED; i <= VHOST_STARTED; i++) {
		bool done = f->done >> i & 1;

		f->done &= ~(1u << i);
		if (done && ops->done)
			ops->done(f->device.opaque, (enum vhost_done)i);
	}
	changed = f->changed;
	f->changed = false;
	if (changed && ops->config_changed)
		ops->config_changed(f->device.opaque);
	f->telling = false;
}

void vhost_frontend_run(struct vhost_frontend *f)
{
	if (f->main.fd >= 0) {
		enum vhost_fault fault = work(f);

		if (fault)
			lose(f, fault);
	}
	tell(f);
}

/* When time alone makes a difference; 0: never. */
static uint64_t next_ms(const struct vhost_frontend *f)
{
	uint64_t ms = f->op != NOTHING ? f->deadline_ms : f->connected && f->stale ? f->look_ms : 0;

	/* it may wait for a word before it answers */
	return f->is_deaf && (!ms || f->heard_end_ms < ms) ? f->heard_end_ms : ms;
}

enum vhost_fault vhost_frontend_wait(struct vhost_frontend *f)
{
	unsigned int times_lost = f->times_lost, reads = f->reads;

	vhost_frontend_run(f);
	/* a backend that says at each read that there is another to come is read on by whoever does not wait */
	while (f->op != NOTHING && f->times_lost == times_lost && (f->op != READ_CONFIG || f->reads - reads < 2)) {
		uint64_t now_ms = clock_now_ms(), end_ms = next_ms(f);
		int rc = 0;

		if (now_ms < end_ms)
			rc = clock_wait(f->epoll, (unsigned int)(end_ms - now_ms));
		if (rc < 0 && rc != -EINTR) {
			f->main.err = rc;
			lose(f, VHOST_SYSTEM);
		}
		vhost_frontend_run(f);
	}
	return f->connected && f->times_lost == times_lost ? VHOST_OK : f->why;
}

uint64_t vhost_frontend_deadline_ms(const struct vhost_frontend *f)
{
	if (f->is_lost || f->done || f->changed)
		return clock_now_ms();
	return next_ms(f);
}

/* --- its life --- */

int vhost_frontend_new(struct vhost_frontend **out, const struct vhost_device *device)
{
	struct vhost_frontend *f;

	if (device->config_bytes > VHOST_CONFIG_MAX || !device->ops)
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f->epoll < 0) {
		int rc = -errno;

		free(f);
		return rc;
	}
	f->device = *device;
	f->passed_fd = -1;
	f->queues = f->device.queues ? f->device.queues : QUEUES_MAX;
	f->why = VHOST_NOT_CONNECTED;
	vhost_channel_init(&f->main, -1);
	vhost_channel_init(&f->requests, -1);
	*out = f;
	return 0;
}

void vhost_frontend_hang_up(struct vhost_frontend *f)
{
	drop_backend(f);
	f->why = VHOST_NOT_CONNECTED;
}

void vhost_frontend_free(struct vhost_frontend *f)
{
	if (!f)
		return;
	drop_backend(f);
	handover_free(f->wanted);
	close(f->epoll);
	free(f);
}

void vhost_frontend_connect(struct vhost_frontend *f, int fd)
{
	int rc;

	drop_backend(f);
	vhost_channel_init(&f->main, fd);
	f->queues = f->device.queues ? f->device.queues : QUEUES_MAX;
	f->slots = VHOST_REGIONS_MAX;
	rc = frontend_watch(f, fd);
	if (rc) {
		f->main.err = rc;
		lose(f, VHOST_SYSTEM);
	} else {
		begin(f, CONNECT);
	}
	vhost_frontend_run(f);
}

int vhost_frontend_fd(const struct vhost_frontend *f)
{
	return f->epoll;
}

bool vhost_frontend_lost_queues(const struct vhost_frontend *f)
{
	return f->lost_queues;
}

bool vhost_frontend_is_connected(const struct vhost_frontend *f)
{
	return f->connected;
}

bool vhost_frontend_is_served(const struct vhost_frontend *f)
{
	return f->live;
}

bool vhost_frontend_has_record(const struct vhost_frontend *f)
{
	return f->wanted && f->wanted->inflight_fd >= 0;
}

uint64_t vhost_frontend_features(const struct vhost_frontend *f)
{
	return f->offered;
}

uint64_t vhost_frontend_protocol_features(const struct vhost_frontend *f)
{
	return f->protocol;
}

unsigned int vhost_frontend_queues(const struct vhost_frontend *f)
{
	return f->queues;
}

/* --- what is wanted --- */

/* The one before is given up by the next operation if a backend has it, and else at once. */
static void want(struct vhost_frontend *f, struct handover *h)
{
	uint64_t end_ms = clock_now_ms() + limit_ms(f, STOP);

	if (f->wanted != f->live)
		handover_free(f->wanted);
	f->wanted = h;
	/* nobody needs the queues that are being handed over any more, and a vcpu may wait for their way back */
	if (f->op == START && f->deadline_ms > end_ms)
		f->deadline_ms = end_ms;
	vhost_frontend_run(f);
}

int vhost_frontend_start(struct vhost_frontend *f, const struct vhost_start *s)
{
	struct handover *h;
	int rc = handover_new(&h, s);

	if (!rc)
		want(f, h);
	return rc;
}

void vhost_frontend_stop(struct vhost_frontend *f)
{
	want(f, NULL);
}

static bool is_config(const struct vhost_frontend *f, uint32_t offset, uint32_t bytes)
{
	return bytes && offset < f->device.config_bytes && bytes <= f->device.config_bytes - offset;
}

int vhost_frontend_read_config(const struct vhost_frontend *f, uint32_t offset, void *data, uint32_t bytes)
{
	if (!is_config(f, offset, bytes))
		return -ERANGE;
	if (!f->has_config)
		return -ENOTCONN;
	memcpy(data, f->config + offset, bytes);
	return 0;
}

int vhost_frontend_write_config(struct vhost_frontend *f, uint32_t offset, const void *data, uint32_t bytes)
{
	if (!is_config(f, offset, bytes))
		return -ERANGE;
	if (!f->connected || !has_protocol(f, VHOST_PROTOCOL_CONFIG))
		return -ENOTCONN;
	if (f->write.due || f->op == WRITE_CONFIG)
		return -EBUSY;
	f->write.due = true;
	f->write.offset = offset;
	f->write.bytes = bytes;
	memcpy(f->write.data, data, bytes);
	vhost_frontend_run(f);
	return 0;
}
