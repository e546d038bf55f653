// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bridge: hooks of the device on the one side, what the front-end tells on the other.
 *
 * Queues start one by one, a register write each, and are handed over together in the next turn. They stop at once: a vcpu
 * waits, and after its write has returned it may use the memory for anything.
 *
 * Both sides call from inside calls to them. What they cannot say in a return value, an error of the host, is kept and said by
 * the call of the owner that caused it.
 */
#include "backend/devices/vhost-user/bridge-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 2u

static void keep(struct bridge *b, int rc)
{
	if (rc && !b->rc)
		b->rc = rc;
}

static int take_kept(struct bridge *b)
{
	int rc = b->rc;

	b->rc = 0;
	return rc;
}

static void call_for_work(struct bridge *b)
{
	b->due = b->live != 0;
	b->cfg.work(b->cfg.opaque);
}

/* --- how far the queues are served: the guest's to say, and at its own cost if it lies --- */

/* Return: 0; XENVIRTIO_E_GUEST; XENVIRTIO_E_GONE; -errno */
static int read_indices(struct bridge *b, unsigned int index, uint16_t *avail, uint16_t *used)
{
	struct xenvirtio_queue_rings rings;
	int rc = xenvirtio_queue_rings(xenvirtio_device_queue(b->dev, index), &rings);

	if (!rc)
		rc = xenvirtio_gmem_load16(b->gmem, xenvirtio_gpa(rings.used_gpa + 2), used);
	if (!rc)
		rc = xenvirtio_gmem_load16(b->gmem, xenvirtio_gpa(rings.avail_gpa + 2), avail);
	return rc == XENVIRTIO_E_EMPTY ? XENVIRTIO_E_GUEST : rc;
}

static uint32_t read_base(void *opaque, unsigned int index)
{
	struct bridge *b = opaque;
	uint16_t avail, used = 0;
	int rc = read_indices(b, index, &avail, &used);

	if (rc < 0 || rc == XENVIRTIO_E_GONE)
		keep(b, rc);
	return rc ? 0 : used;
}

static bool is_idle(struct bridge *b)
{
	/* buffers to receive in are always there, and what was sent may be lost: nothing that the driver waits for */
	if (b->cfg.kind->lossy)
		return true;
	for (unsigned int i = 0; i < b->nr_queues; i++) {
		uint16_t avail, used;

		if (b->used & BIT(i) && (read_indices(b, i, &avail, &used) || avail != used))
			return false;
	}
	return true;
}

/* --- hand over, take back --- */

static int add_queue(struct bridge *b, unsigned int index, struct vhost_queue *q)
{
	struct xenvirtio_queue_rings rings;
	int rc = xenvirtio_queue_rings(xenvirtio_device_queue(b->dev, index), &rings);

	if (rc)
		return rc;
	*q = (struct vhost_queue){
		.index = index,
		.size = rings.size,
		.desc_gpa = rings.desc_gpa,
		.avail_gpa = rings.avail_gpa,
		.used_gpa = rings.used_gpa,
		.kick_fd = xenvirtio_device_kick_fd(b->dev, index),
		.call_fd = xenvirtio_device_call_fd(b->dev),
		.again = b->used & BIT(index),
	};
	return 0;
}

static size_t list_memory(const struct bridge *b, struct vhost_memory memory[XENVIRTIO_MEMORY_FILES_MAX])
{
	for (size_t i = 0; i < b->files.nr; i++) {
		const struct xenvirtio_memory_file *file = &b->files.file[i];

		memory[i] = (struct vhost_memory){
			.gpa = file->range.start.v << XENVIRTIO_PAGE_SHIFT,
			.bytes = (file->range.end_incl.v - file->range.start.v + 1) << XENVIRTIO_PAGE_SHIFT,
			.fd = file->fd,
			.offset = file->offset,
		};
	}
	return b->files.nr;
}

static int hand_over(struct bridge *b)
{
	struct vhost_memory memory[XENVIRTIO_MEMORY_FILES_MAX];
	struct vhost_queue queue[XENVIRTIO_QUEUES_MAX];
	struct vhost_start start = {
		.features = xenvirtio_device_features(b->dev) & ~b->cfg.kind->features_ours,
		.memory = memory,
		.nr_memory = list_memory(b, memory),
		.queue = queue,
	};
	int rc = 0;

	for (unsigned int i = 0; i < b->nr_queues && !rc; i++)
		if (b->live & BIT(i))
			rc = add_queue(b, i, &queue[start.nr_queues++]);
	if (!rc)
		rc = vhost_frontend_start(b->front, &start);
	if (!rc)
		b->used |= b->live;
	if (rc == XENVIRTIO_E_EMPTY || rc == XENVIRTIO_E_GUEST)
		rc = xenvirtio_device_guest_fault(b->dev, XENVIRTIO_GUEST_BAD_QUEUE, "a queue that no backend can be given");
	return rc;
}

/* A record is of the queues as they were handed over: where they change without a backend to say how far it came, it is of no use. */
static void doubt_record(struct bridge *b)
{
	if (vhost_frontend_has_record(b->front) && !vhost_frontend_is_served(b->front))
		b->memory->doubt = true;
}

static void take_back(struct bridge *b)
{
	doubt_record(b);
	b->stopping = true;
	vhost_frontend_stop(b->front);
	/* not for a backend that has none of them, whose handshake may take longer than a vcpu shall wait */
	if (vhost_frontend_is_served(b->front))
		vhost_frontend_wait(b->front);
	b->stopping = false;
}

/* --- hooks of the device --- */

static int queue_start(void *opaque, unsigned int index)
{
	struct bridge *b = opaque;

	b->live |= BIT(index);
	/* under a process before this one, to whose backend it was a stop */
	if (b->adopted)
		b->used |= BIT(index);
	call_for_work(b);
	return 0;
}

static void queue_stop(void *opaque, unsigned int index)
{
	struct bridge *b = opaque;

	b->live &= ~BIT(index);
	b->adopted = false;
	if (b->used)
		take_back(b);
	b->used &= b->live;
	/* a driver that begins anew has nothing to lose; a process that ends has */
	if (!b->used && !xenvirtio_device_driver_ok(b->dev))
		b->memory->doubt = false;
	call_for_work(b);
}

static int driver_ok(void *opaque)
{
	struct bridge *b = opaque;

	b->cfg.changed(b->cfg.opaque);
	return 0;
}

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	struct bridge *b = opaque;

	b->status.guest_errors[kind]++;
	b->cfg.guest_error(b->cfg.opaque, kind, detail);
	b->cfg.changed(b->cfg.opaque);
}

static const struct xenvirtio_device_ops device_ops = {
	.config_read = bridge_config_read,
	.config_write = bridge_config_write,
	.driver_ok = driver_ok,
	.reset = driver_ok,
	.guest_error = guest_error,
	.queue_start = queue_start,
	.queue_stop = queue_stop,
};

/* --- what the front-end tells --- */

/* Without a backend, and without its record. */
static void judge_loss(struct bridge *b)
{
	b->memory->doubt = false;
	if (!b->used || is_idle(b))
		return;
	b->memory->lost++;
	/* which stops each queue */
	keep(b, xenvirtio_device_needs_reset(b->dev));
}

static void lost(void *opaque, enum vhost_fault why, int err)
{
	struct bridge *b = opaque;

	/* for a process that comes after this one and has no record; and for the queues that are left when some have stopped */
	if (b->dev && vhost_frontend_lost_queues(b->front))
		b->memory->doubt = true;
	if (b->dev && b->memory->doubt && !b->stopping && (b->refused || !vhost_frontend_has_record(b->front)))
		judge_loss(b);
	b->refused = false;
	b->cfg.lost(b->cfg.opaque, vhost_fault_text(why), why == VHOST_SYSTEM ? err : 0);
	b->cfg.changed(b->cfg.opaque);
}

static void done(void *opaque, enum vhost_done what)
{
	struct bridge *b = opaque;

	b->status.connections += what == VHOST_CONNECTED;
	if (b->dev && what == VHOST_CONNECTED)
		bridge_config_keep(b);
	/* it has the record, if there was one */
	if (b->dev && what == VHOST_STARTED)
		b->memory->doubt = false;
	b->cfg.changed(b->cfg.opaque);
}

static void config_changed(void *opaque)
{
	struct bridge *b = opaque;

	if (!b->dev)
		return;
	bridge_config_keep(b);
	keep(b, xenvirtio_device_config_changed(b->dev));
}

/* Inside an operation of the front-end, which ends it as lost(). */
static bool drop_record(void *opaque)
{
	struct bridge *b = opaque;

	b->refused = !is_idle(b);
	return !b->refused;
}

static const struct vhost_frontend_ops front_ops = {
	.lost = lost,
	.done = done,
	.config_changed = config_changed,
	.base = read_base,
	.drop_record = drop_record,
};

/* --- and what the owner calls --- */

int bridge_new(struct bridge **out, const struct bridge_config *cfg)
{
	struct bridge *b = calloc(1, sizeof(*b));
	struct vhost_device device = {
		.features = cfg->kind->features,
		.config_bytes = cfg->kind->config_ours ? 0 : cfg->kind->config_bytes,
		.no_record = cfg->kind->lossy,
		/* one that does not say may have no more than the type needs */
		.queues = cfg->kind->queues,
		.limits = cfg->limits,
		.ops = &front_ops,
		.opaque = b,
	};
	int rc;

	if (!b)
		return -ENOMEM;
	b->cfg = *cfg;
	rc = bridge_config_make(b, cfg->tag);
	if (!rc)
		rc = vhost_frontend_new(&b->front, &device);
	if (rc) {
		free(b);
		return rc;
	}
	*out = b;
	return 0;
}

void bridge_free(struct bridge *b)
{
	if (!b)
		return;
	bridge_close(b);
	vhost_frontend_free(b->front);
	free(b);
}

void bridge_connect(struct bridge *b, int fd)
{
	vhost_frontend_connect(b->front, fd);
	b->cfg.work(b->cfg.opaque);
}

enum vhost_fault bridge_wait(struct bridge *b)
{
	return vhost_frontend_wait(b->front);
}

static bool memory_valid(const struct bridge_memory *m)
{
	/* one whose making was cut off by a kill is new */
	return m->version ? m->version == VERSION && m->bytes == sizeof(*m) && m->queues <= XENVIRTIO_QUEUES_MAX : !m->lost && !m->doubt;
}

static unsigned int count_queues(const struct bridge *b, unsigned int most)
{
	const struct vhost_user_kind *kind = b->cfg.kind;
	unsigned int nr = vhost_frontend_queues(b->front);

	if (!kind->queues_at)
		return kind->queues;
	return nr < most ? nr : most;
}

static int make_device(struct bridge *b, struct xenvirtio_gmem *gmem, struct xenvirtio_device_state *state, unsigned int queues)
{
	const struct vhost_user_kind *kind = b->cfg.kind;
	bool connected = vhost_frontend_is_connected(b->front);
	uint64_t version_1 = BIT(XENVIRTIO_F_VERSION_1);
	uint64_t theirs = vhost_frontend_features(b->front) & ~kind->features_ours;
	uint64_t offered = connected ? theirs | bridge_config_features(b) : b->memory->features;
	struct xenvirtio_device_config device = {
		.device_id = kind->program.device_id,
		.features = offered & ~version_1,
		/* what was agreed on with another backend stays; one that lacks it is refused when it is to begin */
		.features_kept = kind->features & ~version_1,
		.nr_queues = count_queues(b, queues),
		.queue_size_max = kind->queue_size,
		.config_bytes = kind->config_bytes,
		.ops = &device_ops,
		.opaque = b,
		.foreign_queues = true,
	};
	int rc;

	/* a driver counts on as many as it was told of; a backend that has fewer is refused when it is to begin */
	if (state->status && b->memory->queues > device.nr_queues)
		device.nr_queues = (unsigned int)b->memory->queues;
	b->nr_queues = device.nr_queues;
	b->adopted = state->status & XENVIRTIO_STATUS_DRIVER_OK;
	rc = xenvirtio_device_new(&b->dev, &device, gmem, state);
	if (rc)
		b->dev = NULL;
	else
		b->memory->features = offered;
	return rc == -ENOTSUP ? -EBADMSG : rc;
}

bool bridge_begun(const struct bridge_memory *memory, const struct xenvirtio_device_state *state)
{
	return memory->version == VERSION && state->status && memory->features;
}

int bridge_lend(struct bridge *b, struct xenvirtio_hv *hv)
{
	return xenvirtio_memory_files_open(hv, &b->files);
}

int bridge_open(struct bridge *b, struct xenvirtio_gmem *gmem, struct bridge_memory *memory, struct xenvirtio_device_state *state,
		unsigned int queues)
{
	int rc;

	if (!memory_valid(memory) || memory->queues > queues)
		return -EBADMSG;
	if (!b->files.nr || (!vhost_frontend_is_connected(b->front) && !bridge_begun(memory, state)))
		return -ENOTCONN;
	b->memory = memory;
	b->gmem = gmem;
	rc = make_device(b, gmem, state, queues);
	if (rc)
		return rc;
	memory->queues = b->nr_queues;
	bridge_config_keep(b);
	memory->bytes = sizeof(*memory);
	__atomic_store_n(&memory->version, VERSION, __ATOMIC_RELEASE);
	return 0;
}

void bridge_close(struct bridge *b)
{
	xenvirtio_device_free(b->dev);
	b->dev = NULL;
	vhost_frontend_hang_up(b->front);
	xenvirtio_memory_files_close(&b->files);
}

struct xenvirtio_device *bridge_device(struct bridge *b)
{
	return b->dev;
}

int bridge_fd(const struct bridge *b)
{
	return vhost_frontend_fd(b->front);
}

uint64_t bridge_deadline_ms(const struct bridge *b)
{
	return vhost_frontend_deadline_ms(b->front);
}

int bridge_run(struct bridge *b)
{
	vhost_frontend_run(b->front);
	return take_kept(b);
}

bool bridge_work_pending(const struct bridge *b)
{
	return b->due || b->rc;
}

int bridge_work(struct bridge *b)
{
	bool due = b->due;
	int rc;

	b->due = false;
	b->adopted = false;
	if (due)
		doubt_record(b);
	if (b->memory->doubt && (due || !vhost_frontend_has_record(b->front)) && !vhost_frontend_is_served(b->front))
		judge_loss(b);
	if (due && xenvirtio_device_driver_ok(b->dev))
		keep(b, hand_over(b));
	rc = take_kept(b);
	b->cfg.work(b->cfg.opaque);
	return rc;
}

void bridge_get_status(const struct bridge *b, struct bridge_status *status)
{
	*status = b->status;
	status->connected = vhost_frontend_is_connected(b->front);
	status->served = vhost_frontend_is_served(b->front);
	status->driver_ok = xenvirtio_device_driver_ok(b->dev);
	status->lost = b->memory->lost;
}
