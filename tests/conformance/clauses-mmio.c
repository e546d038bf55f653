// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of virtio-mmio: virtio 1.2, 4.2.2 and 4.2.3. The widths and holes that no driver asks for are hostile scenarios.
 */
#include "conformance/clauses.h"

static int expect(struct world *w, uint32_t reg, uint32_t want, const char *name)
{
	uint32_t val = world_reg(w, reg);

	return val == want ? 0 : world_fail(w, "%s is %#x, not %#x", name, val, want);
}

static int select_queue(struct world *w, unsigned int index)
{
	return world_check(w, driver_write(&w->driver, REG_QUEUE_SEL, index), "QueueSel");
}

static int magic(struct world *w)
{
	return expect(w, REG_MAGIC, 0x74726976, "MagicValue");
}

static int version(struct world *w)
{
	return expect(w, REG_VERSION, 2, "Version");
}

static int device_id(struct world *w)
{
	if (!w->cd->device_id)
		return world_fail(w, "the author's device_id is 0, which drivers ignore");
	return expect(w, REG_DEVICE_ID, w->cd->device_id, "DeviceID");
}

static int queue_sizes(struct world *w)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < w->cd->nr_queues; i++) {
		uint32_t max;

		ret = select_queue(w, i);
		max = world_reg(w, REG_QUEUE_NUM_MAX);
		if (!ret && (!max || max > 32768))
			return world_fail(w, "QueueNumMax of queue %u is %u", i, max);
	}
	return ret;
}

static int no_such_queue(struct world *w)
{
	static const uint32_t none[] = {XENVIRTIO_QUEUES_MAX, 64, 65535, UINT32_MAX};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(none) / sizeof(none[0]); i++) {
		ret = select_queue(w, none[i]);
		if (!ret)
			ret = expect(w, REG_QUEUE_NUM_MAX, 0, "QueueNumMax of a queue that is none");
		if (!ret)
			ret = expect(w, REG_QUEUE_READY, 0, "QueueReady of a queue that is none");
	}
	return ret;
}

static int queue_ready_reads_back(struct world *w)
{
	int ret = world_init(w, 0);

	for (unsigned int i = 0; !ret && i < w->cd->nr_queues; i++) {
		ret = select_queue(w, i);
		if (!ret)
			ret = expect(w, REG_QUEUE_READY, 1, "QueueReady of a queue that was enabled");
		if (!ret)
			ret = world_check(w, driver_write(&w->driver, REG_QUEUE_READY, 0), "QueueReady");
		if (!ret)
			ret = expect(w, REG_QUEUE_READY, 0, "QueueReady of a queue that was disabled");
		for (unsigned int k = i + 1; !ret && k < w->cd->nr_queues; k++) {
			ret = select_queue(w, k);
			if (!ret)
				ret = expect(w, REG_QUEUE_READY, 1, "QueueReady of a queue, another having been disabled,");
		}
	}
	return ret;
}

static int reset_clears_queues(struct world *w)
{
	int ret = world_init(w, 0);

	if (!ret)
		ret = world_check(w, driver_write(&w->driver, REG_STATUS, 0), "a reset");
	for (unsigned int i = 0; !ret && i < w->cd->nr_queues; i++) {
		ret = select_queue(w, i);
		if (!ret)
			ret = expect(w, REG_QUEUE_READY, 0, "QueueReady after a reset");
	}
	return ret;
}

static int reset_clears_interrupts(struct world *w)
{
	int ret = world_init(w, 0);

	if (!ret)
		ret = world_request(w, NULL);
	if (!ret)
		ret = world_check(w, driver_write(&w->driver, REG_STATUS, 0), "a reset");
	return ret ? ret : expect(w, REG_INTERRUPT_STATUS, 0, "InterruptStatus after a reset");
}

/* An irqfd that leaves the registers to the process says used buffers always: see xenvirtio/device.h on the call eventfd. */
static bool says_used_always(struct world *w)
{
	return w->cd->flags & CONFORMANCE_RINGS_ELSEWHERE && world_reg(w, REG_INTERRUPT_STATUS) == 1;
}

static int event_until_acknowledged(struct world *w)
{
	int ret = world_init(w, 0);

	if (!ret)
		ret = world_request(w, NULL);
	if (!ret)
		ret = world_turn(w);
	if (ret)
		return ret;
	if (!(world_reg(w, REG_INTERRUPT_STATUS) & 1))
		return world_fail(w, "a buffer was used and InterruptStatus has no bit 0");
	/* the bit that is not acknowledged stays */
	ret = driver_write(&w->driver, REG_INTERRUPT_ACK, 2);
	if (!ret && !(world_reg(w, REG_INTERRUPT_STATUS) & 1))
		return world_fail(w, "bit 0 of InterruptStatus went with the acknowledgement of bit 1");
	if (!ret)
		ret = world_quiet(w);
	if (!ret && says_used_always(w))
		return world_skip(w, "this host's irqfd leaves InterruptStatus to nobody");
	return ret ? ret : expect(w, REG_INTERRUPT_STATUS, 0, "InterruptStatus after all was acknowledged");
}

static int no_event_no_bit(struct world *w)
{
	int ret = expect(w, REG_INTERRUPT_STATUS, 0, "InterruptStatus before a driver came");

	if (!ret)
		ret = world_init(w, 0);
	if (!ret && says_used_always(w))
		return world_skip(w, "this host's irqfd leaves InterruptStatus to nobody");
	if (!ret)
		ret = expect(w, REG_INTERRUPT_STATUS, 0, "InterruptStatus, nothing having been used,");
	if (!ret)
		ret = world_request(w, NULL);
	if (!ret && world_reg(w, REG_INTERRUPT_STATUS) & ~1u)
		return world_fail(w, "InterruptStatus is %#x after buffers were used", world_reg(w, REG_INTERRUPT_STATUS));
	return ret;
}

static int line_is_held(struct world *w)
{
	int ret = world_init(w, 0);

	if (!ret && fake_irq_level(w->fake, WORLD_IRQ) && !says_used_always(w))
		return world_fail(w, "the line is up, and nothing has happened");
	if (!ret)
		ret = world_request(w, NULL);
	if (!ret)
		ret = world_turn(w);
	if (!ret && !fake_irq_level(w->fake, WORLD_IRQ))
		return world_fail(w, "the line is down, and InterruptStatus is %#x", world_reg(w, REG_INTERRUPT_STATUS));
	if (!ret)
		ret = world_quiet(w);
	if (!ret && !world_reg(w, REG_INTERRUPT_STATUS) && fake_irq_level(w->fake, WORLD_IRQ))
		return world_fail(w, "the line is up, and InterruptStatus is 0");
	return ret;
}

static int no_shared_memory(struct world *w)
{
	int ret = 0;

	for (uint32_t id = 0; !ret && id < 4; id++) {
		ret = world_check(w, driver_write(&w->driver, 0x0ac, id), "SHMSel");
		for (uint32_t reg = 0x0b0; !ret && reg <= 0x0bc; reg += 4)
			ret = expect(w, reg, UINT32_MAX, "a register of a shared memory region that is none");
	}
	return ret;
}

const struct clause clauses_mmio[] = {
	{"4.2.2.1", "MagicValue is 0x74726976", magic, 0, NULL},
	{"4.2.2.1", "Version is 2", version, 0, NULL},
	{"4.2.2", "DeviceID is the device's", device_id, 0, NULL},
	{"4.2.2", "QueueNumMax of each queue is a size that can be", queue_sizes, 0, NULL},
	{"4.2.2", "QueueNumMax and QueueReady of a queue that is none are 0", no_such_queue, 0, NULL},
	{"4.2.2", "QueueReady reads back as it was written, of each queue by itself", queue_ready_reads_back, 0, NULL},
	{"4.2.2", "registers of a shared memory region that is none are all-ones", no_shared_memory, 0, NULL},
	{"4.2.2.1", "an event is in InterruptStatus until it is acknowledged", event_until_acknowledged, 0, NULL},
	{"4.2.2.1", "bits of InterruptStatus for what has not happened are 0", no_event_no_bit, 0, NULL},
	{"4.2.2.1", "a reset clears InterruptStatus", reset_clears_interrupts, 0, NULL},
	{"4.2.2.1", "a reset clears QueueReady of all queues", reset_clears_queues, 0, NULL},
	{"4.2.3.4", "the line is up while a bit of InterruptStatus is set, and no longer", line_is_held, NEEDS_HELD_LINE, NULL},
	{0},
};
