// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each operation as a table of requests in their order, some once, some for each queue or range of memory. One request that is
 * answered is under way at a time. Where REPLY_ACK is agreed on, all are answered; else what the others did is known by the
 * answer to one that always has one, now and then, so that no more goes out than a socket holds.
 *
 * Source: vhost-user.rst, "Front-end message types", "Ring states", "Inflight I/O tracking", "VHOST_USER_PROTOCOL_F_REPLY_ACK"
 */
#include "backend/vhost/frontend-internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Bits never offered: the log, the protocol's own, an IOMMU nobody has, doorbells with data, a queue reset by itself; and packed rings, of
 * which a backend wants to be told where it begins with both wrap counters.
 */
#define NEVER_OFFERED \
	(BIT64(VHOST_F_LOG_ALL) | BIT64(VHOST_F_PROTOCOL_FEATURES) | BIT64(VIRTIO_BIT_ACCESS_PLATFORM) | \
	 BIT64(VIRTIO_BIT_NOTIFICATION_DATA) | BIT64(VIRTIO_BIT_RING_RESET) | BIT64(VIRTIO_BIT_RING_PACKED))

#define TAKEN \
	(BIT64(VHOST_PROTOCOL_MQ) | BIT64(VHOST_PROTOCOL_REPLY_ACK) | BIT64(VHOST_PROTOCOL_BACKEND_REQ) | \
	 BIT64(VHOST_PROTOCOL_CONFIG) | BIT64(VHOST_PROTOCOL_INFLIGHT) | BIT64(VHOST_PROTOCOL_RESET_DEVICE) | \
	 BIT64(VHOST_PROTOCOL_MEM_SLOTS) | BIT64(VHOST_PROTOCOL_STATUS))

/* ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK: virtio 1.2, 2.1 Device Status Field */
#define STATUS_READY 0xfu

enum each { ONCE, RANGE, QUEUE, QUEUE_AGAIN };

struct question {
	struct vhost_message m;
	int fds[VHOST_FDS_MAX];
	unsigned int nr_fds;
};

struct step {
	uint32_t request; /* 0: the operation is over */
	enum each each;
	bool (*wanted)(const struct vhost_frontend *f); /* NULL: always */
	enum vhost_fault (*fill)(struct vhost_frontend *f, struct question *q); /* NULL: a header is all */
	enum vhost_fault (*take)(struct vhost_frontend *f, const struct vhost_message *m); /* NULL: no answer of its own */
	uint32_t answer_bytes; /* 0: take() looks at them */
	unsigned int answer_fds;
	bool may_refuse;
};

/* --- what an operation needs --- */

static bool has_protocol_features(const struct vhost_frontend *f)
{
	return f->features & BIT64(VHOST_F_PROTOCOL_FEATURES);
}

static bool has_no_ack(const struct vhost_frontend *f)
{
	return !has_protocol(f, VHOST_PROTOCOL_REPLY_ACK);
}

static bool has_mq(const struct vhost_frontend *f)
{
	return has_protocol(f, VHOST_PROTOCOL_MQ);
}

static bool has_backend_req(const struct vhost_frontend *f)
{
	return has_protocol(f, VHOST_PROTOCOL_BACKEND_REQ);
}

static bool has_slots(const struct vhost_frontend *f)
{
	return has_protocol(f, VHOST_PROTOCOL_MEM_SLOTS);
}

static bool has_config(const struct vhost_frontend *f)
{
	return has_protocol(f, VHOST_PROTOCOL_CONFIG);
}

static bool has_status(const struct vhost_frontend *f)
{
	return has_protocol(f, VHOST_PROTOCOL_STATUS);
}

static bool has_reset(const struct vhost_frontend *f)
{
	return has_protocol(f, VHOST_PROTOCOL_RESET_DEVICE);
}

static bool has_inflight(const struct vhost_frontend *f)
{
	return has_protocol(f, VHOST_PROTOCOL_INFLIGHT);
}

static bool lacks_inflight_fd(const struct vhost_frontend *f)
{
	return has_inflight(f) && f->live->inflight_fd < 0;
}

/* --- the handshake --- */

static enum vhost_fault take_features(struct vhost_frontend *f, const struct vhost_message *m)
{
	f->features = m->payload.u64;
	if (!(f->features & BIT64(VIRTIO_BIT_VERSION_1)))
		return VHOST_LEGACY;
	f->offered = f->features & f->device.features & ~NEVER_OFFERED;
	if (f->device.config_bytes && !has_protocol_features(f))
		return VHOST_NO_CONFIG;
	return VHOST_OK;
}

static enum vhost_fault take_protocol_features(struct vhost_frontend *f, const struct vhost_message *m)
{
	f->protocol = m->payload.u64 & TAKEN;
	if (f->device.no_record)
		f->protocol &= ~BIT64(VHOST_PROTOCOL_INFLIGHT);
	if (!f->device.config_bytes)
		f->protocol &= ~BIT64(VHOST_PROTOCOL_CONFIG);
	else if (!has_protocol(f, VHOST_PROTOCOL_CONFIG))
		return VHOST_NO_CONFIG;
	return VHOST_OK;
}

static enum vhost_fault fill_protocol_features(struct vhost_frontend *f, struct question *q)
{
	q->m.header.bytes = 8;
	q->m.payload.u64 = f->protocol;
	return VHOST_OK;
}

static enum vhost_fault take_queue_num(struct vhost_frontend *f, const struct vhost_message *m)
{
	if (!m->payload.u64)
		return VHOST_VALUE;
	f->queues = m->payload.u64 < QUEUES_MAX ? (unsigned int)m->payload.u64 : QUEUES_MAX;
	return VHOST_OK;
}

static enum vhost_fault take_slots(struct vhost_frontend *f, const struct vhost_message *m)
{
	f->slots = m->payload.u64;
	return VHOST_OK;
}

static enum vhost_fault fill_backend_req(struct vhost_frontend *f, struct question *q)
{
	int ends[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		f->main.err = -errno;
		return VHOST_SYSTEM;
	}
	rc = frontend_watch(f, ends[0]);
	if (rc) {
		close(ends[0]);
		close(ends[1]);
		f->main.err = rc;
		return VHOST_SYSTEM;
	}
	vhost_channel_init(&f->requests, ends[0]);
	f->passed_fd = q->fds[0] = ends[1];
	q->nr_fds = 1;
	return VHOST_OK;
}

/* --- configuration --- */

static enum vhost_fault fill_get_config(struct vhost_frontend *f, struct question *q)
{
	/* a change after this is another one */
	f->said_changed = f->stale;
	f->stale = false;
	q->m.header.bytes = VHOST_CONFIG_BYTES(f->device.config_bytes);
	q->m.payload.config.bytes = f->device.config_bytes;
	return VHOST_OK;
}

/* An error is said by an empty payload, or by one that says it is empty. */
static enum vhost_fault take_config(struct vhost_frontend *f, const struct vhost_message *m)
{
	const struct vhost_config *c = &m->payload.config;

	if (!m->header.bytes || (m->header.bytes == VHOST_CONFIG_BYTES(0) && !c->bytes))
		return VHOST_NO_CONFIG;
	if (m->header.bytes != VHOST_CONFIG_BYTES(f->device.config_bytes))
		return VHOST_LENGTH;
	if (c->offset || c->bytes != f->device.config_bytes)
		return VHOST_VALUE;
	/* what the driver itself wrote is no news to it */
	if (f->has_config && memcmp(f->config, c->data, c->bytes) != 0 && (f->op != WRITE_CONFIG || f->said_changed))
		f->changed = true;
	memcpy(f->config, c->data, c->bytes);
	f->has_config = true;
	return VHOST_OK;
}

static enum vhost_fault fill_set_config(struct vhost_frontend *f, struct question *q)
{
	q->m.header.bytes = VHOST_CONFIG_BYTES(f->write.bytes);
	q->m.payload.config.offset = f->write.offset;
	q->m.payload.config.bytes = f->write.bytes;
	memcpy(q->m.payload.config.data, f->write.data, f->write.bytes);
	f->write.due = false;
	return VHOST_OK;
}

/* --- the queues' way to the backend --- */

static enum vhost_fault fill_features(struct vhost_frontend *f, struct question *q)
{
	q->m.header.bytes = 8;
	q->m.payload.u64 = f->live->features | (f->features & BIT64(VHOST_F_PROTOCOL_FEATURES));
	return VHOST_OK;
}

/* The guest's addresses serve as the user addresses of this process too: nobody looks at its mappings. */
static struct vhost_region region_of(const struct vhost_memory *m)
{
	return (struct vhost_region){.gpa = m->gpa, .bytes = m->bytes, .user = m->gpa, .mmap_offset = m->offset};
}

static enum vhost_fault fill_mem_table(struct vhost_frontend *f, struct question *q)
{
	const struct handover *h = f->live;
	struct vhost_mem_table *table = &q->m.payload.table;

	table->nr = h->nr_memory < VHOST_REGIONS_MAX ? (uint32_t)h->nr_memory : VHOST_REGIONS_MAX;
	q->m.header.bytes = VHOST_TABLE_BYTES(table->nr);
	for (; q->nr_fds < table->nr; q->nr_fds++) {
		table->region[q->nr_fds] = region_of(&h->memory[q->nr_fds]);
		q->fds[q->nr_fds] = h->memory[q->nr_fds].fd;
	}
	return VHOST_OK;
}

/* Of those that the table has no room for. */
static enum vhost_fault fill_mem_region(struct vhost_frontend *f, struct question *q)
{
	const struct vhost_memory *m = &f->live->memory[VHOST_REGIONS_MAX + f->which];

	q->m.header.bytes = sizeof(q->m.payload.region);
	q->m.payload.region.region = region_of(m);
	q->fds[q->nr_fds++] = m->fd;
	return VHOST_OK;
}

static enum vhost_fault fill_get_inflight(struct vhost_frontend *f, struct question *q)
{
	struct vhost_inflight *in = &q->m.payload.inflight;

	for (size_t i = 0; i < f->live->nr_queues; i++) {
		const struct vhost_queue *queue = &f->live->queue[i];

		if (queue->index >= in->queues)
			in->queues = (uint16_t)(queue->index + 1);
		if (queue->size > in->queue_size)
			in->queue_size = (uint16_t)queue->size;
	}
	q->m.header.bytes = sizeof(*in);
	return VHOST_OK;
}

static enum vhost_fault take_inflight(struct vhost_frontend *f, const struct vhost_message *m)
{
	struct vhost_inflight *in = &f->live->inflight;
	struct question asked = {0};
	uint64_t end;

	fill_get_inflight(f, &asked);
	*in = m->payload.inflight;
	/* where it is in the file is the backend's affair; what it is for is not */
	in->queues = asked.m.payload.inflight.queues;
	in->queue_size = asked.m.payload.inflight.queue_size;
	in->zero = 0;
	if (!in->mmap_bytes || __builtin_add_overflow(in->mmap_offset, in->mmap_bytes, &end))
		return VHOST_VALUE;
	f->live->inflight_fd = vhost_channel_take_fd(&f->main);
	return VHOST_OK;
}

static enum vhost_fault fill_set_inflight(struct vhost_frontend *f, struct question *q)
{
	q->m.header.bytes = sizeof(q->m.payload.inflight);
	q->m.payload.inflight = f->live->inflight;
	q->fds[q->nr_fds++] = f->live->inflight_fd;
	return VHOST_OK;
}

static const struct vhost_queue *queue_of(const struct vhost_frontend *f)
{
	return &f->live->queue[f->which];
}

static enum vhost_fault fill_state(struct question *q, uint32_t index, uint32_t num)
{
	q->m.header.bytes = sizeof(q->m.payload.state);
	q->m.payload.state.index = index;
	q->m.payload.state.num = num;
	return VHOST_OK;
}

static enum vhost_fault fill_num(struct vhost_frontend *f, struct question *q)
{
	return fill_state(q, queue_of(f)->index, queue_of(f)->size);
}

static enum vhost_fault fill_base(struct vhost_frontend *f, struct question *q)
{
	const struct vhost_queue *queue = queue_of(f);
	uint32_t base = queue->base;

	if ((f->live->served || queue->again) && f->device.ops->base)
		base = f->device.ops->base(f->device.opaque, queue->index);
	return fill_state(q, queue->index, base);
}

static enum vhost_fault fill_addr(struct vhost_frontend *f, struct question *q)
{
	const struct vhost_queue *queue = queue_of(f);

	q->m.header.bytes = sizeof(q->m.payload.addr);
	q->m.payload.addr.index = queue->index;
	q->m.payload.addr.desc = queue->desc_gpa;
	q->m.payload.addr.avail = queue->avail_gpa;
	q->m.payload.addr.used = queue->used_gpa;
	return VHOST_OK;
}

static enum vhost_fault fill_eventfd(struct question *q, uint32_t index, int fd)
{
	q->m.header.bytes = 8;
	q->m.payload.u64 = index | (fd < 0 ? VHOST_VRING_NO_FD : 0);
	if (fd >= 0)
		q->fds[q->nr_fds++] = fd;
	return VHOST_OK;
}

static enum vhost_fault fill_call(struct vhost_frontend *f, struct question *q)
{
	return fill_eventfd(q, queue_of(f)->index, queue_of(f)->call_fd);
}

static enum vhost_fault fill_kick(struct vhost_frontend *f, struct question *q)
{
	return fill_eventfd(q, queue_of(f)->index, queue_of(f)->kick_fd);
}

static enum vhost_fault fill_enable(struct vhost_frontend *f, struct question *q)
{
	return fill_state(q, queue_of(f)->index, 1);
}

static enum vhost_fault fill_ready(struct vhost_frontend *f, struct question *q)
{
	q->m.header.bytes = 8;
	q->m.payload.u64 = STATUS_READY;
	return VHOST_OK;
}

/* --- and back --- */

static enum vhost_fault fill_disable(struct vhost_frontend *f, struct question *q)
{
	return fill_state(q, queue_of(f)->index, 0);
}

/* How far it came is of no use, as a reset comes next; but it must be an answer for this queue. */
static enum vhost_fault take_base(struct vhost_frontend *f, const struct vhost_message *m)
{
	const struct vhost_vring_state *state = &m->payload.state;
	bool packed = f->live->features & BIT64(VIRTIO_BIT_RING_PACKED);

	return state->index != queue_of(f)->index || (!packed && state->num > UINT16_MAX) ? VHOST_VALUE : VHOST_OK;
}

static enum vhost_fault fill_no_status(struct vhost_frontend *f, struct question *q)
{
	q->m.header.bytes = 8;
	return VHOST_OK;
}

/* Only that it has been answered counts. */
static enum vhost_fault take_nothing(struct vhost_frontend *f, const struct vhost_message *m)
{
	return VHOST_OK;
}

/* Without REPLY_ACK: what was sent before has been looked at. */
#define BARRIER(each) {VHOST_GET_FEATURES, each, has_no_ack, NULL, take_nothing, 8, 0, false}

static const struct step connect_steps[] = {
	{.request = VHOST_SET_OWNER},
	{.request = VHOST_GET_FEATURES, .take = take_features, .answer_bytes = 8},
	{VHOST_GET_PROTOCOL_FEATURES, ONCE, has_protocol_features, NULL, take_protocol_features, 8, 0, false},
	{VHOST_SET_PROTOCOL_FEATURES, ONCE, has_protocol_features, fill_protocol_features, NULL, 0, 0, false},
	{VHOST_GET_QUEUE_NUM, ONCE, has_mq, NULL, take_queue_num, 8, 0, false},
	{VHOST_SET_BACKEND_REQ_FD, ONCE, has_backend_req, fill_backend_req, NULL, 0, 0, false},
	{VHOST_GET_MAX_MEM_SLOTS, ONCE, has_slots, NULL, take_slots, 8, 0, false},
	{VHOST_GET_CONFIG, ONCE, has_config, fill_get_config, take_config, 0, 0, false},
	BARRIER(ONCE),
	{0},
};

static const struct step start_steps[] = {
	{.request = VHOST_SET_FEATURES, .fill = fill_features},
	{.request = VHOST_SET_MEM_TABLE, .fill = fill_mem_table},
	{.request = VHOST_ADD_MEM_REG, .each = RANGE, .fill = fill_mem_region},
	BARRIER(RANGE),
	{VHOST_GET_INFLIGHT_FD, ONCE, lacks_inflight_fd, fill_get_inflight, take_inflight, 24, 1, false},
	{VHOST_SET_INFLIGHT_FD, ONCE, has_inflight, fill_set_inflight, NULL, 0, 0, false},
	{.request = VHOST_SET_VRING_NUM, .each = QUEUE, .fill = fill_num},
	{.request = VHOST_SET_VRING_BASE, .each = QUEUE, .fill = fill_base},
	{.request = VHOST_SET_VRING_ADDR, .each = QUEUE, .fill = fill_addr},
	{.request = VHOST_SET_VRING_CALL, .each = QUEUE, .fill = fill_call},
	{.request = VHOST_SET_VRING_KICK, .each = QUEUE, .fill = fill_kick},
	{.request = VHOST_SET_VRING_ENABLE, .each = QUEUE, .wanted = has_protocol_features, .fill = fill_enable},
	BARRIER(QUEUE),
	{.request = VHOST_SET_STATUS, .wanted = has_status, .fill = fill_ready},
	BARRIER(ONCE),
	{0},
};

/* All are disabled before the first is taken back: so none is in use when the others are no more. */
static const struct step stop_steps[] = {
	{.request = VHOST_SET_VRING_ENABLE, .each = QUEUE, .wanted = has_protocol_features, .fill = fill_disable},
	BARRIER(QUEUE),
	{VHOST_GET_VRING_BASE, QUEUE_AGAIN, NULL, fill_disable, take_base, 8, 0, false},
	{.request = VHOST_RESET_DEVICE, .wanted = has_reset},
	{.request = VHOST_SET_STATUS, .wanted = has_status, .fill = fill_no_status},
	BARRIER(ONCE),
	{0},
};

static const struct step read_config_steps[] = {
	{VHOST_GET_CONFIG, ONCE, NULL, fill_get_config, take_config, 0, 0, false},
	{0},
};

static const struct step write_config_steps[] = {
	{VHOST_SET_CONFIG, ONCE, NULL, fill_set_config, NULL, 0, 0, true},
	{VHOST_GET_CONFIG, ONCE, NULL, fill_get_config, take_config, 0, 0, false},
	{0},
};

static const struct step *const operations[] = {
	[CONNECT] = connect_steps,
	[START] = start_steps,
	[STOP] = stop_steps,
	[READ_CONFIG] = read_config_steps,
	[WRITE_CONFIG] = write_config_steps,
};

static const struct step *step_of(const struct vhost_frontend *f)
{
	return &operations[f->op][f->step];
}

static size_t how_often(const struct vhost_frontend *f, enum each each)
{
	switch (each) {
	case QUEUE:
	case QUEUE_AGAIN:
		return f->live->nr_queues;
	case RANGE:
		return f->live->nr_memory > VHOST_REGIONS_MAX ? f->live->nr_memory - VHOST_REGIONS_MAX : 0;
	default:
		return 1;
	}
}

void steps_begin(struct vhost_frontend *f)
{
	f->step = f->which = 0;
	f->asked = false;
}

/* Steps side by side that are for each queue take turns: all of them for the first queue, then for the second. */
static void advance(struct vhost_frontend *f)
{
	const struct step *steps = operations[f->op];
	enum each each = steps[f->step].each;

	f->asked = false;
	f->step++;
	if (each == ONCE || (steps[f->step].request && steps[f->step].each == each))
		return;
	if (++f->which >= how_often(f, each)) {
		f->which = 0;
		return;
	}
	while (f->step > 0 && steps[f->step - 1].each == each)
		f->step--;
}

static bool is_wanted(const struct vhost_frontend *f, const struct step *s)
{
	return f->which < how_often(f, s->each) && (!s->wanted || s->wanted(f));
}

/* Whether the answer is to be a word on success. What is agreed on holds after it was said. */
static bool wants_ack(const struct vhost_frontend *f, const struct step *s)
{
	return !s->take && has_protocol(f, VHOST_PROTOCOL_REPLY_ACK) && s->request != VHOST_SET_PROTOCOL_FEATURES;
}

static enum vhost_fault ask(struct vhost_frontend *f, const struct step *s)
{
	struct question q = {.m.header = {.request = s->request, .flags = VHOST_FLAG_VERSION}};
	enum vhost_fault fault = s->fill ? s->fill(f, &q) : VHOST_OK;

	if (wants_ack(f, s))
		q.m.header.flags |= VHOST_FLAG_NEED_REPLY;
	if (!fault)
		fault = vhost_channel_send(&f->main, &q.m, q.fds, q.nr_fds);
	if (f->passed_fd >= 0)
		close(f->passed_fd);
	f->passed_fd = -1;
	return fault;
}

/* Source: "Header"; "VHOST_USER_PROTOCOL_F_REPLY_ACK" */
static enum vhost_fault take(struct vhost_frontend *f, const struct step *s, const struct vhost_message *m)
{
	uint32_t bytes = s->take ? s->answer_bytes : 8;

	if (!(m->header.flags & VHOST_FLAG_REPLY))
		return VHOST_NO_REPLY_FLAG;
	if (m->header.request != s->request)
		return VHOST_OTHER_REQUEST;
	if (bytes && m->header.bytes != bytes)
		return VHOST_LENGTH;
	if (f->main.nr_fds != s->answer_fds)
		return f->main.nr_fds > s->answer_fds ? VHOST_FDS_MANY : VHOST_FDS_MISSING;
	if (s->take)
		return s->take(f, m);
	return m->payload.u64 && !s->may_refuse ? VHOST_REFUSED : VHOST_OK;
}

static enum vhost_fault hear(struct vhost_frontend *f, const struct step *s, bool *whole)
{
	enum vhost_fault fault = vhost_channel_receive(&f->main, whole);

	if (fault || !*whole)
		return fault;
	fault = take(f, s, &f->main.in);
	vhost_channel_next(&f->main);
	return fault;
}

enum vhost_fault steps_pump(struct vhost_frontend *f, bool *over)
{
	const struct step *s;

	*over = false;
	for (s = step_of(f); s->request; s = step_of(f)) {
		enum vhost_fault fault = VHOST_OK;
		bool whole = true;

		if (f->asked) {
			fault = hear(f, s, &whole);
		} else if (is_wanted(f, s)) {
			fault = ask(f, s);
			f->asked = s->take || wants_ack(f, s);
			if (f->asked && !fault)
				continue;
		}
		if (fault || !whole)
			return fault;
		advance(f);
	}
	*over = true;
	return VHOST_OK;
}
