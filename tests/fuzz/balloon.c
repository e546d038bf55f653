// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole balloon on the fake hypervisor, and a guest that does what the input says.
 *
 * Input: operations of 10 bytes each: what, where (1 byte), how much (8
 * bytes). They set up rings as a driver would or write any register, fill guest memory, make
 * chains available, kick, reset, take frames from the guest, give it some of the balloon's, kill
 * the process, now or at a hypercall to come, and start it again, change what the host has, ask for
 * what the daemon asks for. Between any two of them the guest's vcpu has its answer, and the
 * machine, the bitmap and what is published agree to the frame.
 *
 * libFuzzer: -max_len=640
 *
 * The machine is made once, and reset for each input, whose outcome must not depend on the one
 * before: order.c sees to that.
 */
#include <string.h>

#include "../guest/bulk.h"
#include "../guest/driver.h"
#include "backend/devices/balloon/balloon-internal.h"
#include "fake/hv-fake.h"
#include "fuzz.h"
#include "fake/lethal.h"
#include "machine.h"

#define BASE UINT64_C(0x2000000)
#define IRQ 33
#define RAM_GFN UINT64_C(0x40000)
#define RAM_PAGES 700u
#define HIGH_GFN UINT64_C(0x200000)
#define HIGH_PAGES 64u
#define QUEUES 5u
#define HINT_QUEUE 3u
#define RING_SIZE 16u
#define DESC_BYTES 16u
#define DESC_LEN 8u
#define DESC_FLAGS 12u
#define DESC_INDIRECT 4u
#define NO_MESSAGE_BYTES (1u << 24)
#define TABLE_BYTES 0x3fffu
#define TABLE_LONG_BYTES 0x1ffffu
#define RING_LONG_BYTES 0x3fffu
#define SHORT_BYTES 0x3ffu
#define OPERATION_BYTES 10
#define OPERATIONS_MAX 64 /* as many as the head lets libFuzzer make */
/* What costs most, and shows nothing new after a few times. */
#define SET_UPS_MAX 6
#define DEATHS_MAX 6
#define LONG_BYTES_MAX 0x10000
/* Looking at each frame takes time. */
#define CHECK_EVERY 16
#define FRAME_WORDS ((RAM_PAGES + HIGH_PAGES + 63) / 64)
#define RETRIES_MAX 100000

struct machine {
	struct fake *fake;
	struct xenvirtio_device_state state;
	void *persist;
	size_t persist_bytes;
	uint16_t server_id;
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct balloon *balloon;
	struct xenvirtio_server *server;
	uint16_t avail_idx[QUEUES];
	unsigned int set_ups;
	unsigned int deaths;
	uint64_t long_bytes;	/* of long descriptors that were made available */
	uint64_t holes;		/* that the guest made itself, beside the balloon */
	uint64_t excused;	/* of them, frames we had mapped: not our doing */
	uint64_t taken;		/* frames of the balloon that it took back itself */
};

static int start(struct machine *m)
{
	struct balloon_config config = {
		.deflate_on_oom = true,
		.bits = { 56, 57, 58 },
	};
	bool adopt = m->server_id != XENVIRTIO_IOREQ_NEW;

	MUST(!fake_open(m->fake, &m->hv));
	lethal_wrap(m->hv);
	MUST(!xenvirtio_gmem_new(&m->gmem, m->hv, 16));
	config.hv = m->hv;
	config.gmem = m->gmem;
	MUST(!balloon_new(&m->balloon, &config, m->persist, m->persist_bytes, &m->state));
	MUST(!xenvirtio_server_new(&m->server, m->hv, m->gmem));
	MUST(!xenvirtio_server_add(m->server, balloon_device(m->balloon), xenvirtio_gpa(BASE),
				   IRQ));
	MUST(!xenvirtio_server_open(m->server, &m->server_id));
	return adopt ? xenvirtio_server_resume(m->server) : 0;
}

static void kill_process(struct machine *m)
{
	xenvirtio_server_free(m->server);
	balloon_free(m->balloon);
	xenvirtio_gmem_free(m->gmem);
	xenvirtio_hv_close(m->hv);
}

static void die(struct machine *m)
{
	lethal_arm(0, false);
	kill_process(m);
	MUST(!start(m));
}

/* Have the process do something, in which it may meet its end: then it has a successor. */
#define LIVE(m, something) \
	do { \
		if (!setjmp(lethal_died)) { \
			something; \
		} else { \
			die(m); \
		} \
	} while (0)

static void process_all(struct machine *m)
{
	MUST(!xenvirtio_server_process(m->server));
	/* what balloon_get_status() tells as work_pending, without all else it tells */
	for (int i = 0; i < RETRIES_MAX && m->balloon->work; i++)
		MUST(!balloon_retry(m->balloon));
}

static int serve(void *opaque)
{
	struct machine *m = opaque;

	LIVE(m, process_all(m); return 0);
	process_all(m);
	return 0;
}

static void write_register(struct machine *m, uint32_t offset, unsigned int size, uint64_t value)
{
	MUST(!fake_mmio_write(m->fake, 0, BASE + offset, size, value));
}

static void read_register(struct machine *m, uint32_t offset, unsigned int size)
{
	uint64_t value;

	MUST(!fake_mmio_read(m->fake, 0, BASE + offset, size, &value));
}

static void write_guest(struct machine *m, uint64_t gpa, const void *buf, size_t len)
{
	const uint8_t *at = buf;

	/* not through fake_guest_write(): a hole that is touched is no fault of the device here */
	while (len) {
		struct xenvirtio_gfn gfn = xenvirtio_gpa_to_gfn(xenvirtio_gpa(gpa));
		size_t here = 4096 - gpa % 4096 < len ? 4096 - gpa % 4096 : len;

		if (fake_present(m->fake, gfn))
			memcpy((uint8_t *)fake_guest_page(m->fake, gfn) + gpa % 4096, at, here);
		gpa += here;
		at += here;
		len -= here;
	}
}

static void write_le(struct machine *m, uint64_t gpa, uint64_t value, unsigned int bytes)
{
	write_guest(m, gpa, &value, bytes);
}

/* Ring of queue @index: one page each, the descriptors first. */
static uint64_t ring_gpa(unsigned int index)
{
	return (RAM_GFN + index) << 12;
}

/* As a driver does; the features are the input's, and which queues are left out. */
static void set_up(struct machine *m, uint8_t without, uint64_t features)
{
	write_register(m, REG_STATUS, 4, 0);
	write_register(m, REG_STATUS, 4, 1);
	write_register(m, REG_STATUS, 4, 3);
	features |= F_VERSION_1 | 1;
	for (uint32_t sel = 0; sel < 2; sel++) {
		write_register(m, REG_DRIVER_FEATURES_SEL, 4, sel);
		write_register(m, REG_DRIVER_FEATURES, 4, (uint32_t)(features >> (32 * sel)));
	}
	write_register(m, REG_STATUS, 4, 11);
	for (unsigned int i = 0; i < QUEUES; i++) {
		uint8_t zero[1024] = { 0 };

		if (without >> i & 1)
			continue;
		write_guest(m, ring_gpa(i) + 1024, zero, sizeof(zero));
		write_register(m, REG_QUEUE_SEL, 4, i);
		write_register(m, REG_QUEUE_NUM, 4, RING_SIZE);
		write_register(m, REG_QUEUE_DESC, 4, ring_gpa(i));
		write_register(m, REG_QUEUE_AVAIL, 4, ring_gpa(i) + 1024);
		write_register(m, REG_QUEUE_USED, 4, ring_gpa(i) + 2048);
		write_register(m, REG_QUEUE_READY, 4, 1);
		m->avail_idx[i] = 0;
	}
	write_register(m, REG_STATUS, 4, 15);
}

static uint64_t known_features(uint64_t n)
{
	return (n & 0x1f) | (n >> 5 & 7) << 56 | (n >> 8 & 3) << 28;
}

/* Descriptor @where of a queue, fields from @much: page, offset, length, flags, next. */
static void write_desc(struct machine *m, uint8_t where, uint64_t much)
{
	uint64_t at = ring_gpa(where >> 4) + where % 16 * 16;

	if (where >> 4 >= QUEUES)
		return;
	write_le(m, at, ((RAM_GFN + (much & 0x7ff)) << 12) + (much >> 11 & 0xff), 8);
	write_le(m, at + 8, much >> 19 & 0xffffff, 4);
	write_le(m, at + 12, much >> 43 & 7, 2);
	write_le(m, at + 14, much >> 46 & 0x1f, 2);
}

/* A descriptor whose length may be cut: not one that is no message. Return: its bytes, if many */
static uint32_t cut_length(uint8_t *desc, uint32_t limit)
{
	uint32_t bytes;

	memcpy(&bytes, desc + DESC_LEN, sizeof(bytes));
	if (bytes <= SHORT_BYTES || bytes >= NO_MESSAGE_BYTES)
		return 0;
	bytes &= limit;
	memcpy(desc + DESC_LEN, &bytes, sizeof(bytes));
	return bytes > SHORT_BYTES ? bytes : 0;
}

static uint32_t cut_table(struct machine *m, uint64_t gpa, uint32_t bytes, uint32_t limit)
{
	uint8_t *page = NULL;
	uint32_t long_bytes = 0;

	for (; bytes >= DESC_BYTES; bytes -= DESC_BYTES, gpa += DESC_BYTES) {
		uint64_t at = gpa % 4096;

		if (!page || at < DESC_BYTES) {
			if (!fake_present(m->fake, xenvirtio_gfn(gpa >> 12)))
				break;
			page = fake_guest_page(m->fake, xenvirtio_gfn(gpa >> 12));
		}
		/* one that two pages share is left as it is */
		if (at <= 4096 - DESC_BYTES)
			long_bytes += cut_length(page + at, limit);
	}
	return long_bytes;
}

/*
 * What makes a message of many turns is a chain of many: one endless descriptor would be where most
 * of the time goes, in the ring or in a table, and so would be a message that is long again and
 * again. What is a hint is not read.
 */
static void cut_messages(struct machine *m, unsigned int queue)
{
	bool enough = m->long_bytes >= LONG_BYTES_MAX;
	uint8_t *desc;

	if (queue == HINT_QUEUE || !fake_present(m->fake, xenvirtio_gfn(RAM_GFN + queue)))
		return;
	desc = fake_guest_page(m->fake, xenvirtio_gfn(RAM_GFN + queue));
	for (unsigned int i = 0; i < RING_SIZE; i++, desc += DESC_BYTES) {
		uint64_t gpa;
		uint32_t bytes;

		if (!(desc[DESC_FLAGS] & DESC_INDIRECT)) {
			m->long_bytes += cut_length(desc, enough ? SHORT_BYTES : RING_LONG_BYTES);
			continue;
		}
		memcpy(&gpa, desc, sizeof(gpa));
		memcpy(&bytes, desc + DESC_LEN, sizeof(bytes));
		m->long_bytes += cut_table(m, gpa, bytes & TABLE_BYTES,
					   enough ? SHORT_BYTES : TABLE_LONG_BYTES);
	}
}

static void make_available(struct machine *m, uint8_t where, uint64_t much)
{
	unsigned int index = where % QUEUES;
	uint16_t idx = m->avail_idx[index]++;

	cut_messages(m, index);
	write_le(m, ring_gpa(index) + 1024 + 4 + idx % RING_SIZE * 2, much & 0x1f, 2);
	write_le(m, ring_gpa(index) + 1024 + 2, m->avail_idx[index] + (much >> 5 & 7) / 7, 2);
	write_register(m, REG_QUEUE_NOTIFY, 4, index);
}

/* The id that was asked for last, which a guest knows, into an answer's header or a command. */
static void write_id(struct machine *m, uint64_t much)
{
	uint64_t gpa = ((RAM_GFN + (much & 0x3f)) << 12) + (much >> 6 & 0xff);

	if (much >> 14 & 1)
		write_le(m, gpa, m->balloon->hostreq.req_id, 8);
	else
		write_le(m, gpa, ((struct balloon_persist *)m->persist)->hint_cmd_id, 4);
}

static void make_hole(struct machine *m, uint64_t much)
{
	static const struct xenvirtio_ioreq invalidate = {
		.type = XENVIRTIO_IOREQ_INVALIDATE, .size = 4, .count = 1, .data = UINT64_MAX,
	};
	struct xenvirtio_gfn gfn = { RAM_GFN + QUEUES + much % (RAM_PAGES - QUEUES) };

	if (m->holes < 8 && fake_present(m->fake, gfn) &&
	    frames_next(&m->balloon->frames, &(struct xenvirtio_run){ gfn, 1 },
			&(struct xenvirtio_run){ 0 }) == FRAME_PRESENT) {
		uint64_t before = fake_faults(m->fake)->released_mapped;

		fake_make_hole(m->fake, gfn, 1);
		m->holes++;
		m->excused += fake_faults(m->fake)->released_mapped - before;
		/* as Xen does afterwards */
		MUST(!fake_access_start(m->fake, &invalidate));
		serve(m);
		MUST(!fake_access_finish(m->fake, 0, NULL));
	}
}

/* The guest's own hypercall, for a frame of the balloon. */
static void take_back(struct machine *m, uint64_t much)
{
	struct xenvirtio_gfn gfn = { RAM_GFN + QUEUES + much % (RAM_PAGES - QUEUES) };
	struct xenvirtio_hv *guest;
	size_t done;

	if (m->taken >= 8 || fake_present(m->fake, gfn) ||
	    frames_next(&m->balloon->frames, &(struct xenvirtio_run){ gfn, 1 },
			&(struct xenvirtio_run){ 0 }) != FRAME_BALLOONED)
		return;
	MUST(!fake_open(m->fake, &guest));
	MUST(!guest->ops->populate_pages(guest, &gfn, 1, 0, &done));
	guest->ops->close(guest);
	m->taken += done;
}

static bool is_answer(int ret)
{
	return ret >= 0 && ret != XENVIRTIO_E_GONE;
}

static void ask_unused(struct machine *m, uint8_t where)
{
	struct xenvirtio_run run = { { 0 }, UINT64_C(1) << 53 }, piece;
	uint64_t count = 0;

	switch (where % 3) {
	case 0:
		LIVE(m, MUST(is_answer(balloon_request_unused(m->balloon))));
		break;
	case 1:
		LIVE(m, MUST(!balloon_release_unused(m->balloon)));
		break;
	default:
		while (run.nr) {
			if (balloon_next_unused(m->balloon, &run, &piece))
				count += piece.nr;
		}
		MUST(count <= RAM_PAGES + HIGH_PAGES);
	}
}

static void operate(struct machine *m, uint8_t what, uint8_t where, uint64_t much)
{
	static const unsigned int sizes[] = { 1, 2, 4, 8 };
	uint64_t all = RAM_PAGES + HIGH_PAGES;

	switch (what % 16) {
	case 0:
		if (m->set_ups++ < SET_UPS_MAX)
			set_up(m, where, known_features(much));
		break;
	case 1:
		write_desc(m, where, much);
		break;
	case 2:
		make_available(m, where, much);
		break;
	case 3: /* words of a message */
		write_le(m, ((RAM_GFN + QUEUES + where % 32) << 12) + (much >> 56), much << 8 >> 8,
			 8);
		break;
	case 4: /* heads, chunks and page numbers that mean something */
		write_le(m, ((RAM_GFN + QUEUES + where % 32) << 12) + (much & 0xff) * 8,
			 bulk_head(RAM_GFN + (much >> 8 & 0xfff), 12 + (much >> 20 & 0xf),
				   (much >> 24 & 0x3f) * (much >> 30 & 1)), 8);
		break;
	case 5:
		write_le(m, ((RAM_GFN + QUEUES + where % 32) << 12) + (much & 0xff) * 8,
			 ((much >> 16 & 1 ? RAM_GFN : 0) + (much >> 8 & 0xff)) << 12, 8);
		break;
	case 6:
		write_register(m, where * 4 % 0x120, sizes[much & 3], much >> 2);
		break;
	case 7:
		read_register(m, where * 2 % 0x120, sizes[much & 3]);
		break;
	case 8:
		if (m->deaths++ >= DEATHS_MAX)
			break;
		if (where)
			lethal_arm((where + 1u) / 2, where & 1);
		else
			die(m);
		break;
	case 9:
		make_hole(m, much);
		break;
	case 10:
		fake_set_max_pages(m->fake, where & 1 ? all : all - much % 600);
		fake_set_heap_order(m->fake, where >> 1 & 15);
		LIVE(m, MUST(!balloon_retry(m->balloon)));
		break;
	case 11:
		ask_unused(m, where);
		break;
	case 12:
		LIVE(m, MUST(!balloon_set_target(m->balloon, (uint32_t)(much % all))));
		LIVE(m, MUST(is_answer(balloon_request_stats(m->balloon))));
		break;
	case 13:
		write_id(m, much);
		break;
	case 14:
		take_back(m, much);
		break;
	default:
		/* a driver that hesitates */
		balloon_settle(m->balloon);
		LIVE(m, MUST(!balloon_verify(m->balloon)));
	}
	serve(m);
}

/* An older daemon is kept off while there is any. */
static void check_due(const struct machine *m)
{
	const struct balloon_persist *p = m->persist;
	const struct frames *f = &m->balloon->due.frames;
	uint64_t nr = 0;

	for (size_t i = 0; i < FRAME_WORDS; i++)
		nr += (uint64_t)__builtin_popcountll(f->word[i]);
	MUST(nr == f->nr_set);
	MUST(!nr == !(p->nr_ranges & BALLOON_DUE));
}

/* Every frame is where the bitmap says, but for those the guest threw away itself. */
static void check(struct machine *m)
{
	const struct fake_faults *faults = fake_faults(m->fake);
	struct balloon_status status;
	uint64_t hole[FRAME_WORDS], differ = 0;

	fake_read_holes(m->fake, hole);
	for (size_t i = 0; i < FRAME_WORDS; i++)
		differ += (uint64_t)__builtin_popcountll(hole[i] ^ m->balloon->frames.word[i]);
	balloon_get_status(m->balloon, &status);
	MUST(differ <= m->holes + m->taken);
	MUST(status.ballooned_pages == m->balloon->frames.nr_set);
	MUST(m->balloon->inflate.slice.runs.room <= 16384);
	MUST(m->balloon->deflate.slice.runs.room <= 16384);
	check_due(m);
	MUST(faults->released_mapped == m->excused);
	/* what it gave away and took between two looks is its own loss */
	MUST(faults->leaked <= m->taken && !faults->populated_outside);
	MUST(!faults->bad_state && !faults->bad_unmap && !faults->stuck);
}

static const struct fake_config quick_config = {
	.ram = { { { RAM_GFN }, { RAM_GFN + RAM_PAGES - 1 } },
		 { { HIGH_GFN }, { HIGH_GFN + HIGH_PAGES - 1 } } },
	.nr_ram = 2,
	.quick = true,
};

static struct fake *kept;
static bool digest_wanted;
static uint64_t last_digest;

void fuzz_machine_renew(bool quick)
{
	struct fake_config config = quick_config;

	config.quick = quick;
	fake_free(kept);
	kept = fake_new(&config);
	MUST(kept);
}

void fuzz_machine_want_digest(void)
{
	digest_wanted = true;
}

uint64_t fuzz_machine_digest(void)
{
	return last_digest;
}

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t word;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	for (; len; len--)
		hash = (hash ^ *at++) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t mix_page(struct machine *m, uint64_t hash, uint64_t gfn)
{
	uint8_t page[4096];

	hash = mix(hash, &gfn, sizeof(gfn));
	if (!fake_present(m->fake, xenvirtio_gfn(gfn)))
		return hash;
	MUST(!fake_guest_read(m->fake, xenvirtio_gpa(gfn << 12), page, sizeof(page)));
	return memcmp(page, page + 8, sizeof(page) - 8) ? mix(hash, page, sizeof(page)) :
							  mix(hash, page, 8);
}

/* All that an input leaves: the guest's memory, what survives the process, what was counted. */
static uint64_t digest(struct machine *m)
{
	const uint64_t count[] = {
		fake_calls(m->fake), fake_irqs(m->fake, IRQ, true), fake_tot_pages(m->fake),
		fake_max_pages(m->fake), fake_heap_free(m->fake), fake_live_pages(m->fake),
	};
	struct balloon_status status;
	uint64_t hash = mix(0, count, sizeof(count));

	balloon_get_status(m->balloon, &status);
	hash = mix(hash, &status, sizeof(status));
	hash = mix(hash, &m->state, sizeof(m->state));
	hash = mix(hash, m->persist, m->persist_bytes);
	hash = mix(hash, fake_faults(m->fake), sizeof(struct fake_faults));
	for (uint64_t i = 0; i < RAM_PAGES; i++)
		hash = mix_page(m, hash, RAM_GFN + i);
	for (uint64_t i = 0; i < HIGH_PAGES; i++)
		hash = mix_page(m, hash, HIGH_GFN + i);
	return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine m = { .server_id = XENVIRTIO_IOREQ_NEW };

	if (kept)
		fake_reset(kept);
	else
		fuzz_machine_renew(true);
	m.fake = kept;
	m.persist_bytes = balloon_persist_bytes(quick_config.ram, quick_config.nr_ram);
	m.persist = calloc(1, m.persist_bytes);
	MUST(m.persist);
	fake_set_serve(m.fake, serve, &m);
	MUST(!start(&m));
	for (int i = 0; i < OPERATIONS_MAX && size >= OPERATION_BYTES; i++) {
		uint64_t much;

		memcpy(&much, data + 2, sizeof(much));
		operate(&m, data[0], data[1], much);
		if (i % CHECK_EVERY == 0)
			check(&m);
		data += OPERATION_BYTES;
		size -= OPERATION_BYTES;
	}
	lethal_arm(0, false);
	check(&m);
	if (digest_wanted)
		last_digest = digest(&m);
	kill_process(&m);
	MUST(!fake_live_pages(m.fake) && !fake_open_handles(m.fake) && !fake_open_fds(m.fake));
	free(m.persist);
	return 0;
}
