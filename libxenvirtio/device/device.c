// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A device: its identity, its queues, and what it tells its driver.
 *
 * The state it works on may be a mapped file and come from a process that died: it is checked whole
 * before anything in it is used, and nothing the guest knows is kept anywhere else.
 *
 * Lock: none, the server's thread. Knows queues and notification, not the transport's registers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/probes.h"
#include "device/device-internal.h"

/* Bits 24 to 40, and 41 since, change ring or transport: the library serves these of them, and no author can. */
#define FEATURES_TRANSPORT ((UINT64_C(1) << 42) - (UINT64_C(1) << 24))
#define FEATURES_SERVED \
	(UINT64_C(1) << XENVIRTIO_F_INDIRECT_DESC | UINT64_C(1) << XENVIRTIO_F_EVENT_IDX | \
	 UINT64_C(1) << XENVIRTIO_F_VERSION_1)
/* What is in the rings is whoever's who serves them. Bits 33 and 38 would need the transport's help, or a translation. */
#define FEATURES_FOREIGN \
	(FEATURES_SERVED | UINT64_C(1) << XENVIRTIO_F_RING_PACKED | \
	 UINT64_C(1) << XENVIRTIO_F_IN_ORDER | UINT64_C(1) << XENVIRTIO_F_RING_RESET)

/* Of a driver that sleeps, kicks before it is tried again: each time that it sleeps still, twice as many. One that never looks waits seldom. */
#define KICKS_ASLEEP 16u
#define KICKS_ASLEEP_MAX 1024u

static bool owner_live(const void *opaque)
{
	return xenvirtio_device_driver_ok(opaque);
}

static uint64_t owner_features(const void *opaque)
{
	return xenvirtio_device_features(opaque);
}

static int owner_fault(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	return xenvirtio_device_guest_fault(opaque, kind, detail);
}

static int notify_driver(struct xenvirtio_device *dev, uint32_t bits)
{
	dev->state->interrupt_status |= bits;
	return dev->notify ? dev->notify->ops->interrupt(dev->notify, bits) : 0;
}

/* Of which the queue has a probe. */
static int owner_interrupt(void *opaque)
{
	struct xenvirtio_device *dev = opaque;

	dev->raised++;
	return notify_driver(dev, INTERRUPT_USED);
}

/*
 * Who has kicked and waits for the access to end most often looks at the ring as the next thing it does: an interrupt would only
 * be one more. One that sleeps instead would hear of it late.
 */
static bool owner_hold(void *opaque, unsigned int index)
{
	struct xenvirtio_device *dev = opaque;

	if (!dev->at_once)
		return false;
	if (dev->asleep) {
		dev->asleep--;
		return false;
	}
	dev->held |= queue_bit(index);
	return true;
}

static const struct queue_owner queue_owner = {
	.live = owner_live,
	.features = owner_features,
	.fault = owner_fault,
	.interrupt = owner_interrupt,
	.hold = owner_hold,
};

static bool fields_valid(const struct xenvirtio_device_config *cfg)
{
	if (cfg->nr_host_fields > XENVIRTIO_HOST_FIELDS_MAX)
		return false;
	for (size_t i = 0; i < cfg->nr_host_fields; i++) {
		const struct xenvirtio_host_field *field = &cfg->host_fields[i];

		if (field->offset % sizeof(*field->word) || field->offset >= cfg->config_bytes ||
		    cfg->config_bytes - field->offset < sizeof(*field->word) || (uintptr_t)field->word % sizeof(*field->word))
			return false;
	}
	return true;
}

static bool config_valid(const struct xenvirtio_device_config *cfg)
{
	uint64_t ring_features = cfg->foreign_queues ? FEATURES_FOREIGN : FEATURES_SERVED;

	if (cfg->in_flight && (cfg->foreign_queues || (uintptr_t)cfg->in_flight % _Alignof(struct in_flight)))
		return false;
	if (!fields_valid(cfg))
		return false;
	return cfg->ops && cfg->nr_queues && cfg->nr_queues <= XENVIRTIO_QUEUES_MAX &&
	       cfg->queue_size_max && cfg->queue_size_max <= XENVIRTIO_QUEUE_SIZE_MAX &&
	       !(cfg->queue_size_max & (cfg->queue_size_max - 1)) &&
	       cfg->config_bytes <= XENVIRTIO_CONFIG_MAX &&
	       !((cfg->features | cfg->features_kept) & FEATURES_TRANSPORT & ~ring_features);
}

static uint32_t state_bytes(const struct xenvirtio_device *dev)
{
	return (uint32_t)XENVIRTIO_DEVICE_STATE_BYTES(dev->cfg.nr_queues);
}

/* Whatever its size says: that is stored first. */
static bool state_untouched(const struct xenvirtio_device *dev)
{
	const struct xenvirtio_device_state zero = { .bytes = dev->state->bytes };

	return !memcmp(dev->state, &zero, state_bytes(dev));
}

/* The version last: until it is there, nobody has begun the state. */
static void state_begin(struct xenvirtio_device *dev)
{
	dev->state->bytes = state_bytes(dev);
	__atomic_store_n(&dev->state->version, XENVIRTIO_DEVICE_STATE_VERSION, __ATOMIC_RELEASE);
}

/* Begun for a device with fewer queues: the others are new. Or with more, of which no driver has begun with any. */
static void state_fit(struct xenvirtio_device *dev)
{
	uint32_t bytes = state_bytes(dev);

	if (dev->state->bytes < bytes)
		memset((char *)dev->state + dev->state->bytes, 0, bytes - dev->state->bytes);
	__atomic_store_n(&dev->state->bytes, bytes, __ATOMIC_RELEASE);
}

static int state_restore(struct xenvirtio_device *dev)
{
	if (dev->state->version != XENVIRTIO_DEVICE_STATE_VERSION || !device_state_queues(dev))
		return -ENOTSUP;
	/* what there may be of them is behind this device's state, where nothing is looked at */
	if (dev->state->status && dev->state->bytes > state_bytes(dev))
		return -EBADMSG;
	device_finish_reset(dev);
	if (!device_state_valid(dev))
		return -EBADMSG;
	state_fit(dev);
	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++)
		queue_restore(&dev->queue[i]);
	return 0;
}

static int open_device(struct xenvirtio_device *dev)
{
	int ret = foreign_open(dev);

	if (ret)
		return ret;
	if (!state_untouched(dev))
		return state_restore(dev);
	state_begin(dev);
	return 0;
}

size_t xenvirtio_in_flight_bytes(unsigned int nr_queues)
{
	return nr_queues * sizeof(struct in_flight);
}

int xenvirtio_device_new(struct xenvirtio_device **out, const struct xenvirtio_device_config *cfg,
			 struct xenvirtio_gmem *gmem, struct xenvirtio_device_state *state)
{
	struct xenvirtio_device *dev;
	unsigned int i;
	int ret;

	if (!config_valid(cfg))
		return -EINVAL;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->cfg = *cfg;
	dev->offered = cfg->features | (cfg->foreign_queues ? UINT64_C(1) << XENVIRTIO_F_VERSION_1 : FEATURES_SERVED);
	dev->gmem = gmem;
	dev->state = state ? state : &dev->own_state;
	foreign_init(dev);
	for (i = 0; i < cfg->nr_queues; i++) {
		dev->queue[i] = (struct xenvirtio_queue){
			.gmem = gmem,
			.state = &dev->state->queue[i],
			.owner = &queue_owner,
			.opaque = dev,
			.device_id = cfg->device_id,
			.index = i,
			.foreign = cfg->foreign_queues,
			.segs.longest = cfg->queue_size_max > XENVIRTIO_CHAIN_SEGS_MIN ? cfg->queue_size_max : XENVIRTIO_CHAIN_SEGS_MIN,
			.log = cfg->in_flight ? (struct in_flight *)cfg->in_flight + i : NULL,
		};
	}
	ret = open_device(dev);
	if (ret) {
		xenvirtio_device_free(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

void xenvirtio_device_free(struct xenvirtio_device *dev)
{
	if (!dev)
		return;
	foreign_close(dev);
	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++)
		segs_free(&dev->queue[i].segs);
	free(dev);
}

struct xenvirtio_queue *xenvirtio_device_queue(struct xenvirtio_device *dev, unsigned int index)
{
	return index < dev->cfg.nr_queues ? &dev->queue[index] : NULL;
}

uint64_t xenvirtio_device_features(const struct xenvirtio_device *dev)
{
	if (!(dev->state->status & XENVIRTIO_STATUS_FEATURES_OK))
		return 0;
	return dev->state->driver_features;
}

uint32_t xenvirtio_device_status(const struct xenvirtio_device *dev)
{
	return dev->state->status;
}

bool xenvirtio_device_driver_ok(const struct xenvirtio_device *dev)
{
	return (dev->state->status & (XENVIRTIO_STATUS_DRIVER_OK | XENVIRTIO_STATUS_NEEDS_RESET |
				      XENVIRTIO_STATUS_FAILED)) == XENVIRTIO_STATUS_DRIVER_OK;
}

bool xenvirtio_device_ring_gfn(const struct xenvirtio_device *dev, struct xenvirtio_gfn gfn)
{
	return !xenvirtio_device_next_ring(dev, gfn, 1);
}

uint64_t xenvirtio_device_next_ring(const struct xenvirtio_device *dev, struct xenvirtio_gfn start,
				    uint64_t nr)
{
	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++)
		nr = queue_next_gfn(&dev->queue[i], start, nr);
	return nr;
}

int device_raise(struct xenvirtio_device *dev, uint32_t bits)
{
	int ret = notify_driver(dev, bits);

	if (dev->notify && !ret)
		PROBE_INTERRUPT(dev->cfg.device_id, PROBE_NO_QUEUE, PROBE_SENT);
	return ret;
}

int device_ack_interrupt(struct xenvirtio_device *dev, uint32_t bits)
{
	dev->state->interrupt_status &= ~bits;
	if (!dev->notify)
		return 0;
	return dev->notify->ops->ack(dev->notify, &dev->state->interrupt_status);
}

int xenvirtio_device_config_changed(struct xenvirtio_device *dev)
{
	dev->state->config_generation++;
	/* virtio 1.2, 3.1.1: no notification before DRIVER_OK; the driver reads all of it later */
	if (!(dev->state->status & XENVIRTIO_STATUS_DRIVER_OK) ||
	    dev->state->status & XENVIRTIO_STATUS_FAILED)
		return 0;
	return device_raise(dev, INTERRUPT_CONFIG);
}

void xenvirtio_device_guest_error(struct xenvirtio_device *dev, enum xenvirtio_guest_error kind,
				  const char *detail)
{
	if (dev->cfg.ops->guest_error)
		dev->cfg.ops->guest_error(dev->cfg.opaque, kind, detail);
}

int xenvirtio_device_guest_fault(struct xenvirtio_device *dev, enum xenvirtio_guest_error kind,
				 const char *detail)
{
	xenvirtio_device_guest_error(dev, kind, detail);
	return xenvirtio_device_needs_reset(dev);
}

int xenvirtio_device_needs_reset(struct xenvirtio_device *dev)
{
	int ret, off;

	/*
	 * Once is enough: a driver that does not reset could make us interrupt without end. And what stops for a reset needs none: the
	 * bit would outlive it.
	 */
	if (!dev->state->status || dev->state->status & XENVIRTIO_STATUS_NEEDS_RESET)
		return 0;
	dev->state->status |= XENVIRTIO_STATUS_NEEDS_RESET;
	dev->kicked = 0;
	off = device_notify_off(dev, UINT64_MAX);
	ret = xenvirtio_device_config_changed(dev);
	return ret ? ret : off;
}

int device_notify_on(struct xenvirtio_device *dev, unsigned int index)
{
	int ret;

	if (!dev->notify || dev->notify_on >> index & 1 || !xenvirtio_device_driver_ok(dev) ||
	    !xenvirtio_queue_enabled(&dev->queue[index]))
		return 0;
	/* an ioeventfd would answer the access before we know of it */
	if (dev->prompt >> index & 1)
		return 0;
	ret = foreign_start(dev, index);
	if (ret)
		return ret == XENVIRTIO_E_EMPTY ? 0 : ret;
	if (dev->notify->ops->queue_enable)
		ret = dev->notify->ops->queue_enable(dev->notify, index,
						      &dev->state->interrupt_status);
	if (ret) {
		foreign_stop(dev, index);
		return ret;
	}
	dev->notify_on |= queue_bit(index);
	ret = foreign_watch(dev);
	/* It may have been kicked before it was live. */
	if (!ret && dev->cfg.foreign_queues)
		ret = foreign_kick(dev, index);
	return ret;
}

int device_notify_off(struct xenvirtio_device *dev, uint64_t queues)
{
	int ret, first = 0;

	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++) {
		if (!(queues & dev->notify_on & queue_bit(i)))
			continue;
		dev->notify_on &= ~queue_bit(i);
		ret = dev->notify->ops->queue_disable ?
			      dev->notify->ops->queue_disable(dev->notify, i, &dev->state->interrupt_status) :
			      0;
		if (ret && !first)
			first = ret;
		foreign_stop(dev, i);
	}
	ret = foreign_watch(dev);
	return first ? first : ret;
}

int device_attach(struct xenvirtio_device *dev, struct notify *notify)
{
	dev->notify = notify;
	notify->lent = dev->cfg.foreign_queues ? &dev->lent : NULL;
	notify->field = dev->cfg.host_fields;
	notify->nr_fields = dev->cfg.nr_host_fields;
	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++) {
		int ret = device_notify_on(dev, i);

		if (ret) {
			device_detach(dev);
			return ret;
		}
	}
	return 0;
}

int device_detach(struct xenvirtio_device *dev)
{
	int ret = device_notify_off(dev, UINT64_MAX);

	if (dev->notify) {
		dev->notify->lent = NULL;
		dev->notify->nr_fields = 0;
	}
	dev->notify = NULL;
	dev->kicked = 0;
	dev->held = 0;
	dev->called = false;
	return ret;
}

void device_field_written(struct xenvirtio_device *dev)
{
	if (dev->cfg.ops->field_written)
		dev->cfg.ops->field_written(dev->cfg.opaque);
}

int xenvirtio_device_watch_fields(struct xenvirtio_device *dev)
{
	return dev->notify && dev->notify->ops->watch_fields ? dev->notify->ops->watch_fields(dev->notify) : 0;
}

void device_mark_kick(struct xenvirtio_device *dev, uint32_t index)
{
	if (index >= dev->cfg.nr_queues || !dev->state->queue[index].ready) {
		xenvirtio_device_guest_error(dev, XENVIRTIO_GUEST_BAD_QUEUE,
					     "notified a queue that is not enabled");
		return;
	}
	/* Linux's drivers kick before DRIVER_OK; it is not lost, see device_mark_all()'s caller. */
	if (!xenvirtio_device_driver_ok(dev))
		return;
	PROBE_KICK(dev->cfg.device_id, index, PROBE_BY_IOREQ);
	dev->kicked |= queue_bit(index);
}

void device_mark_signal(struct xenvirtio_device *dev, uint32_t index)
{
	if (index >= dev->cfg.nr_queues || !xenvirtio_device_driver_ok(dev) ||
	    !xenvirtio_queue_enabled(&dev->queue[index]))
		return;
	PROBE_KICK(dev->cfg.device_id, index, PROBE_BY_EVENTFD);
	dev->kicked |= queue_bit(index);
}

void device_mark_all(struct xenvirtio_device *dev)
{
	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++)
		if (xenvirtio_device_driver_ok(dev) && xenvirtio_queue_enabled(&dev->queue[i]))
			dev->kicked |= queue_bit(i);
}

void xenvirtio_device_kick_again(struct xenvirtio_device *dev, unsigned int index)
{
	if (index < dev->cfg.nr_queues)
		dev->again |= queue_bit(index);
}

static uint64_t kickable(const struct xenvirtio_device *dev, uint64_t queues)
{
	if (!xenvirtio_device_driver_ok(dev))
		return 0;
	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++)
		if (!xenvirtio_queue_enabled(&dev->queue[i]))
			queues &= ~queue_bit(i);
	return queues;
}

void device_mark_again(struct xenvirtio_device *dev)
{
	dev->kicked |= kickable(dev, dev->again);
	dev->again = 0;
}

bool device_wants_again(const struct xenvirtio_device *dev)
{
	return kickable(dev, dev->again);
}

static int run_kick(struct xenvirtio_device *dev, unsigned int index)
{
	if (dev->cfg.foreign_queues)
		return foreign_kick(dev, index);
	return dev->cfg.ops->kick ? dev->cfg.ops->kick(dev->cfg.opaque, index) : 0;
}

int device_run_kicks(struct xenvirtio_device *dev)
{
	uint64_t kicked = dev->kicked;
	int ret;

	dev->kicked = 0;
	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++) {
		/* A kick may have broken the device or, through the author, its other queues. */
		if (!(kicked & queue_bit(i)) || !xenvirtio_device_driver_ok(dev) ||
		    !xenvirtio_queue_enabled(&dev->queue[i]))
			continue;
		ret = run_kick(dev, i);
		/* The host failed in the middle of something: going on in another queue could finish it wrongly. */
		if (ret < 0 || ret == XENVIRTIO_E_GONE)
			return ret;
	}
	return 0;
}

int device_run_prompt(struct xenvirtio_device *dev)
{
	uint64_t others = dev->kicked & ~dev->prompt;
	int ret;

	dev->kicked &= dev->prompt;
	dev->at_once = true;
	ret = device_run_kicks(dev);
	dev->at_once = false;
	dev->kicked |= others;
	return ret;
}

void xenvirtio_device_set_prompt(struct xenvirtio_device *dev, uint64_t queues)
{
	/* nobody here takes the kicks of queues that others serve */
	dev->prompt = dev->cfg.foreign_queues ? 0 : queues;
}

bool xenvirtio_device_at_once(const struct xenvirtio_device *dev)
{
	return dev->at_once;
}

int device_tell_held(struct xenvirtio_device *dev)
{
	uint64_t before = dev->raised;
	int ret = 0;

	for (unsigned int i = 0; i < dev->cfg.nr_queues && !ret; i++)
		if (dev->held & queue_bit(i))
			ret = xenvirtio_queue_interrupt(&dev->queue[i]);
	dev->held = 0;
	if (dev->raised == before) {
		dev->asleep_next = KICKS_ASLEEP;
	} else {
		dev->asleep = dev->asleep_next < KICKS_ASLEEP ? KICKS_ASLEEP : dev->asleep_next;
		dev->asleep_next = dev->asleep < KICKS_ASLEEP_MAX ? 2 * dev->asleep : KICKS_ASLEEP_MAX;
	}
	/* The ring is broken: the driver was told so. */
	return ret == XENVIRTIO_E_GUEST ? 0 : ret;
}

int device_lower(struct xenvirtio_device *dev)
{
	uint32_t nothing = 0;

	return dev->notify ? dev->notify->ops->ack(dev->notify, &nothing) : 0;
}

bool device_is_served(const struct xenvirtio_device *dev, uint64_t queues)
{
	for (unsigned int i = 0; i < dev->cfg.nr_queues; i++) {
		const struct xenvirtio_queue_state *state = dev->queue[i].state;

		if (queues & queue_bit(i) && (dev->cfg.foreign_queues || state->last_avail_idx != state->used_idx))
			return false;
	}
	return true;
}

int device_resume(struct xenvirtio_device *dev)
{
	int kicks, ret = 0;

	device_mark_all(dev);
	kicks = device_run_kicks(dev);
	if (xenvirtio_device_driver_ok(dev))
		ret = device_raise(dev, INTERRUPT_USED);
	else if (dev->state->interrupt_status)
		ret = device_raise(dev, 0);
	else
		ret = device_lower(dev);
	return kicks ? kicks : ret;
}
