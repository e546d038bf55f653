// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See broken-behind.h.
 */
#include "unit/conformance/broken-behind.h"

#include <xenvirtio/gmem.h>
#include <xenvirtio/hv.h>

/* The suite's. */
#define IRQ 33u
#define DESC_WRITE 2u
#define DESC_INDIRECT 4u

static uint16_t load(uint64_t gpa)
{
	uint16_t val = 0;

	xenvirtio_gmem_load16(broken.host.gmem, xenvirtio_gpa(gpa), &val);
	return val;
}

static void store(uint64_t gpa, uint16_t val)
{
	xenvirtio_gmem_store16(broken.host.gmem, xenvirtio_gpa(gpa), val);
}

static void scribble(uint64_t gpa)
{
	static const uint8_t bytes[] = {0xee, 0xee};

	xenvirtio_gmem_write(broken.host.gmem, xenvirtio_gpa(gpa), bytes, sizeof(bytes));
}

void behind_interrupt(void)
{
	struct xenvirtio_hv *hv = broken.host.hv;

	if (hv->ops->irq_held(hv))
		return;
	hv->ops->set_irq(hv, IRQ, true);
	hv->ops->set_irq(hv, IRQ, false);
}

void behind_a_kick(struct xenvirtio_queue *q)
{
	if (!xenvirtio_queue_index(q))
		broken.has_rings = !xenvirtio_queue_rings(q, &broken.rings);
}

uint64_t behind_a_chain(struct xenvirtio_queue *q, struct xenvirtio_chain *chain, uint64_t len)
{
	const struct xenvirtio_seg *last = &chain->seg[chain->nr_readable + chain->nr_writable - 1];
	bool indirect = xenvirtio_device_features(broken.dev) >> XENVIRTIO_F_INDIRECT_DESC & 1;
	struct xenvirtio_queue_rings rings;
	uint16_t flags;

	if (xenvirtio_queue_rings(q, &rings))
		return len;
	flags = load(rings.desc_gpa + 16u * chain->head + 12);
	if (broken.fault == WRITES_READABLE && chain->nr_readable)
		scribble(chain->seg[0].gpa.v);
	if (broken.fault == WRITES_BEYOND)
		scribble(last->gpa.v + last->len_bytes);
	if (broken.fault == WRITES_TABLE)
		scribble(rings.desc_gpa + 16u * (rings.size - 1u));
	if (broken.fault == NO_TABLES && flags & DESC_INDIRECT)
		return 0;
	if (broken.fault == NO_BUFFERS_BEFORE_TABLES && indirect && !(flags & DESC_INDIRECT))
		return 0;
	if (broken.fault == MINDS_FLAG_OF_TABLE && flags & DESC_INDIRECT && flags & DESC_WRITE)
		return 0;
	return len;
}

void behind_a_turn(struct xenvirtio_queue *q, unsigned int done)
{
	struct xenvirtio_queue_rings rings;

	if (!done || xenvirtio_queue_rings(q, &rings))
		return;
	if (broken.fault == USES_TWICE)
		store(rings.used_gpa + 2, load(rings.used_gpa + 2) + 1);
	if (broken.fault == USED_FLAGS_2)
		store(rings.used_gpa, 2);
	if (broken.fault == USED_FLAGS_1)
		store(rings.used_gpa, 1);
	if (broken.fault == ALWAYS_INTERRUPTS)
		behind_interrupt();
}

bool behind_wants_interrupt(struct xenvirtio_queue *q)
{
	bool events = xenvirtio_device_features(broken.dev) >> XENVIRTIO_F_EVENT_IDX & 1;
	struct xenvirtio_queue_rings rings;

	if (broken.fault == NEVER_INTERRUPTS)
		return false;
	if (xenvirtio_queue_rings(q, &rings))
		return true;
	if (broken.fault == MINDS_FLAGS && events)
		return !(load(rings.avail_gpa) & 1);
	if (broken.fault == MINDS_EVENT && !events)
		return load(rings.avail_gpa + 4 + 2u * rings.size) == (uint16_t)(load(rings.used_gpa + 2) - 1);
	return true;
}

void behind_a_reset(void)
{
	if (broken.fault == KEEPS_STATUS)
		broken.state->status = 1;
	if (broken.fault == KEEPS_EVENTS)
		broken.state->interrupt_status = 1;
	if (broken.fault == KEEPS_QUEUES)
		broken.state->queue[0].ready = 1;
}

/* A page that is mapped; its owner is forgotten by all but those who look for memory that is lost. */
void behind_an_end(void)
{
	static struct xenvirtio_gmem *leaks[65536];
	static unsigned int nr;
	uint16_t val;

	if (broken.fault != LEAVES_A_MAPPING || nr == sizeof(leaks) / sizeof(leaks[0]))
		return;
	if (!xenvirtio_gmem_new(&leaks[nr], broken.host.hv, 1))
		xenvirtio_gmem_load16(leaks[nr++], xenvirtio_gpa(UINT64_C(0x40000000)), &val);
}

/* As if the library served queue 0 when it must not. */
static void use_what_is_there(void)
{
	uint16_t used = load(broken.rings.used_gpa + 2);

	if (load(broken.rings.avail_gpa + 2) != used)
		store(broken.rings.used_gpa + 2, used + 1);
}

static void serve_when_it_must_not(void)
{
	const struct xenvirtio_queue_state *q = &broken.state->queue[0];
	uint32_t status = broken.state->status;

	if (broken.fault == SERVES_BEFORE_DRIVER_OK && q->ready && status == 11) {
		broken.rings = (struct xenvirtio_queue_rings){q->desc_gpa, q->avail_gpa, q->used_gpa, q->size};
		use_what_is_there();
	}
	if (!broken.has_rings)
		return;
	if (broken.fault == SERVES_AFTER_RESET && !status)
		use_what_is_there();
	if (broken.fault == SERVES_AFTER_FAILED && status & XENVIRTIO_STATUS_FAILED)
		use_what_is_there();
	if (broken.fault == SERVES_STOPPED_QUEUES && status == 15 && !q->ready)
		use_what_is_there();
}

void behind_the_library(void)
{
	struct xenvirtio_device_state *state = broken.state;

	serve_when_it_must_not();
	if (broken.fault == HIDES_NEEDS_RESET)
		state->status &= ~XENVIRTIO_STATUS_NEEDS_RESET;
	if (broken.fault == DOES_NOT_TELL_NEEDS_RESET && state->status & XENVIRTIO_STATUS_NEEDS_RESET)
		state->interrupt_status = 0;
	if (broken.fault == TAKES_UNOFFERED && state->status == 3 && state->driver_features >> 40)
		state->status = 11;
	if (broken.fault == FORGETS_EVENTS)
		state->interrupt_status = 0;
	if (broken.fault == INVENTS_EVENTS)
		state->interrupt_status |= 2;
	if (broken.fault == TELLS_NOBODY && broken.fresh)
		state->interrupt_status = 0;
	broken.fresh = false;
}
