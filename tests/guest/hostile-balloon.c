// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page numbers and statistics no driver would send. What an odd page number costs is that page's
 * entry in the message and no more: the message comes back used and the device goes on.
 */
#include "hostile-balloon.h"

#include <errno.h>
#include <string.h>

enum { INFLATE, DEFLATE, STATS };

#define F_MUST_TELL_HOST (UINT64_C(1) << 0)
#define F_STATS_VQ (UINT64_C(1) << 1)
#define STAT_BYTES 10u

static uint32_t to_pfn(uint64_t gpa)
{
	return (uint32_t)(gpa / BUS_PAGE_BYTES);
}

/* one buffer on a queue, given to the device and not waited for */
static int post(struct driver *d, unsigned int queue, uint64_t gpa, uint32_t len, bool writable)
{
	struct driver_buf buf = { gpa, len, writable };
	uint16_t head;
	int ret = driver_add(&d->queue[queue], &buf, 1, d->features & F_INDIRECT, &head);

	return ret ? ret : driver_kick(&d->queue[queue]);
}

static int wait_used(struct driver *d, unsigned int queue)
{
	uint16_t head;
	uint32_t len;
	int ret = driver_wait(&d->queue[queue], &head, &len);

	return ret || !len ? ret : -EPROTO;
}

/* a message of page numbers; comes back used, with nothing written */
static int send_pfns(struct driver *d, unsigned int queue, const uint32_t *pfn, unsigned int nr)
{
	uint64_t gpa;
	void *page = d->bus->ops->alloc_page(d->bus, &gpa);
	int ret;

	if (!page)
		return -ENOMEM;
	memcpy(page, pfn, nr * sizeof(*pfn));
	ret = post(d, queue, gpa, nr * (uint32_t)sizeof(*pfn), false);
	return ret ? ret : wait_used(d, queue);
}

static int request_page(struct driver *d)
{
	uint64_t gpa;
	uint8_t *page = d->bus->ops->alloc_page(d->bus, &gpa);
	uint32_t pfn = to_pfn(gpa);
	int ret;

	if (!page)
		return -ENOMEM;
	ret = send_pfns(d, INFLATE, &pfn, 1);
	if (!ret)
		ret = send_pfns(d, DEFLATE, &pfn, 1);
	return ret;
}

const struct hostile_target hostile_balloon_target = {
	.device_id = BALLOON_DEVICE_ID,
	.features = F_MUST_TELL_HOST | F_STATS_VQ,
	.nr_queues = BALLOON_QUEUES,
	.request = request_page,
};

static int send_both_ways(struct hostile *h, const uint32_t *pfn, unsigned int nr)
{
	int ret = hostile_init(h, 0);

	if (!ret)
		ret = send_pfns(&h->driver, INFLATE, pfn, nr);
	if (!ret)
		ret = send_pfns(&h->driver, DEFLATE, pfn, nr);
	return ret ? ret : request_page(&h->driver);
}

static int pages_outside_ram(struct hostile *h)
{
	const uint32_t pfn[] = {
		to_pfn(h->driver.bus->outside_gpa), to_pfn(h->driver.bus->base_gpa),
		0xffffffff, 0xfffffffe, 0x80000000,
	};

	return send_both_ways(h, pfn, sizeof(pfn) / sizeof(pfn[0]));
}

static int pages_repeated(struct hostile *h)
{
	uint32_t pfn[4];
	uint64_t gpa;
	int ret = hostile_init(h, 0);

	if (ret)
		return ret;
	if (!h->driver.bus->ops->alloc_page(h->driver.bus, &gpa))
		return -ENOMEM;
	for (int i = 0; i < 4; i++)
		pfn[i] = to_pfn(gpa);
	for (unsigned int queue = INFLATE; !ret && queue <= DEFLATE; queue++) {
		ret = send_pfns(&h->driver, queue, pfn, 4);
		if (!ret)
			ret = send_pfns(&h->driver, queue, pfn, 1);
	}
	return ret ? ret : request_page(&h->driver);
}

static int pages_never_inflated(struct hostile *h)
{
	uint64_t gpa;
	uint32_t pfn;
	int ret = hostile_init(h, 0);

	if (ret)
		return ret;
	if (!h->driver.bus->ops->alloc_page(h->driver.bus, &gpa))
		return -ENOMEM;
	pfn = to_pfn(gpa);
	ret = send_pfns(&h->driver, DEFLATE, &pfn, 1);
	return ret ? ret : request_page(&h->driver);
}

/* The device would cut the branch it sits on, and this driver its own. */
static int pages_of_rings(struct hostile *h)
{
	uint32_t pfn[BALLOON_QUEUES];
	int ret = hostile_init(h, 0);

	if (ret)
		return ret;
	for (unsigned int i = 0; i < BALLOON_QUEUES; i++)
		pfn[i] = to_pfn(h->driver.queue[i].ring_gpa);
	ret = send_pfns(&h->driver, INFLATE, pfn, BALLOON_QUEUES);
	return ret ? ret : request_page(&h->driver);
}

/* A queue is enabled on a page the balloon holds: that is a hole, whatever it was before. */
static int ring_on_a_ballooned_page(struct hostile *h)
{
	struct driver *d = &h->driver;
	uint32_t pfn;
	int ret = hostile_init(h, 0);

	if (!ret)
		ret = driver_write(d, REG_QUEUE_SEL, STATS);
	if (!ret)
		ret = driver_write(d, REG_QUEUE_READY, 0);
	pfn = to_pfn(d->queue[STATS].ring_gpa);
	if (!ret)
		ret = send_pfns(d, INFLATE, &pfn, 1);
	if (!ret && driver_enable_queue(d, STATS) != -EPROTO)
		return hostile_fail(h, "a queue was enabled on a ballooned page");
	return ret;
}

static int page_of_the_message(struct hostile *h)
{
	struct bus *bus = h->driver.bus;
	uint32_t *page, pfn;
	uint64_t gpa;
	int ret = hostile_init(h, 0);

	if (ret)
		return ret;
	page = bus->ops->alloc_page(bus, &gpa);
	if (!page)
		return -ENOMEM;
	pfn = to_pfn(gpa);
	*page = pfn;
	ret = post(&h->driver, INFLATE, gpa, sizeof(pfn), false);
	if (!ret)
		ret = wait_used(&h->driver, INFLATE);
	return ret ? ret : send_pfns(&h->driver, DEFLATE, &pfn, 1);
}

static int post_length(struct hostile *h, unsigned int queue, uint32_t len, bool writable)
{
	uint64_t gpa;
	int ret = hostile_init(h, 0);

	if (ret)
		return ret;
	if (!h->driver.bus->ops->alloc_page(h->driver.bus, &gpa))
		return -ENOMEM;
	return post(&h->driver, queue, gpa, len, writable);
}

static int message_of_odd_length(struct hostile *h)
{
	static const uint32_t len[] = { 1, 2, 3, 5, 4095 };
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(len) / sizeof(len[0]); i++)
		ret = post_length(h, INFLATE, len[i], false);
	for (size_t i = 0; !ret && i < sizeof(len) / sizeof(len[0]); i++)
		ret = post_length(h, DEFLATE, len[i], false);
	return ret;
}

static int message_of_nothing(struct hostile *h)
{
	int ret = post_length(h, INFLATE, 0, false);

	return ret ? ret : post_length(h, DEFLATE, 0, false);
}

static int message_to_be_written(struct hostile *h)
{
	int ret = post_length(h, INFLATE, 1024, true);

	return ret ? ret : post_length(h, DEFLATE, 1024, true);
}

static int message_of_2_gib(struct hostile *h)
{
	int ret = post_length(h, INFLATE, 0x80000000u, false);

	return ret ? ret : post_length(h, DEFLATE, 0x80000000u, false);
}

static int stats_of_0(struct hostile *h)
{
	int ret = post_length(h, STATS, 0, false);

	return ret ? ret : request_page(&h->driver);
}

static int stats_of_9(struct hostile *h)
{
	int ret = post_length(h, STATS, STAT_BYTES - 1, false);

	return ret ? ret : request_page(&h->driver);
}

static int stats_of_2_gib(struct hostile *h)
{
	return post_length(h, STATS, 0x80000000u, false);
}

static int stats_to_be_written(struct hostile *h)
{
	return post_length(h, STATS, 100, true);
}

/* the page's content is tags and values: all-ones are tags nobody knows */
static int stats_of_junk(struct hostile *h)
{
	struct bus *bus = h->driver.bus;
	uint64_t gpa;
	void *page;
	int ret = hostile_init(h, 0);

	if (ret)
		return ret;
	page = bus->ops->alloc_page(bus, &gpa);
	if (!page)
		return -ENOMEM;
	memset(page, 0xff, BUS_PAGE_BYTES);
	ret = post(&h->driver, STATS, gpa, 400 * STAT_BYTES, false);
	return ret ? ret : request_page(&h->driver);
}

static int stats_twice(struct hostile *h)
{
	int ret = post_length(h, STATS, STAT_BYTES, false);

	for (int i = 0; !ret && i < 4; i++) {
		uint64_t gpa;

		if (!h->driver.bus->ops->alloc_page(h->driver.bus, &gpa))
			return -ENOMEM;
		ret = post(&h->driver, STATS, gpa, STAT_BYTES, false);
	}
	return ret ? ret : request_page(&h->driver);
}

static int lie_about_actual(struct hostile *h)
{
	struct bus *bus = h->driver.bus;
	int ret = hostile_init(h, 0);

	for (uint32_t offset = REG_CONFIG; !ret && offset < REG_CONFIG + 8; offset += 4)
		ret = driver_write(&h->driver, offset, 0xffffffff);
	if (!ret)
		ret = bus->ops->write(bus, REG_CONFIG, 8, UINT64_MAX);
	if (!ret)
		ret = bus->ops->write(bus, REG_CONFIG + 7, 1, 0xff);
	if (!ret)
		ret = bus->ops->write(bus, REG_CONFIG + 4, 2, 0x8000);
	return ret ? ret : request_page(&h->driver);
}

/* Of a message only the pages that can be given are: three are out at the end, whatever else it says. */
static int pages_of_all_kinds(struct hostile *h)
{
	struct bus *bus = h->driver.bus;
	uint64_t gpa[3];
	int ret = hostile_init(h, 0);

	if (ret)
		return ret;
	for (int i = 0; i < 3; i++)
		if (!bus->ops->alloc_page(bus, &gpa[i]))
			return -ENOMEM;

	const uint32_t pfn[] = {
		to_pfn(gpa[0]), 0xffffffff, to_pfn(h->driver.queue[INFLATE].ring_gpa), to_pfn(gpa[1]),
		to_pfn(gpa[0]), to_pfn(bus->outside_gpa), to_pfn(gpa[2]), to_pfn(gpa[2]),
		to_pfn(bus->base_gpa),
	};

	return send_pfns(&h->driver, INFLATE, pfn, sizeof(pfn) / sizeof(pfn[0]));
}

/* A driver that crashes with pages out: the next one must find them all. */
static int reset_with_pages_out(struct hostile *h)
{
	struct bus *bus = h->driver.bus;
	uint8_t *page[16];
	uint32_t pfn[16];
	int ret = hostile_init(h, 0);

	if (ret)
		return ret;
	for (int i = 0; i < 16; i++) {
		uint64_t gpa;

		page[i] = bus->ops->alloc_page(bus, &gpa);
		if (!page[i])
			return -ENOMEM;
		pfn[i] = to_pfn(gpa);
	}
	ret = send_pfns(&h->driver, INFLATE, pfn, 16);
	if (!ret)
		ret = driver_reset(&h->driver);
	for (int i = 0; !ret && i < 20; i++) {
		uint64_t gpa;
		volatile uint8_t *again = bus->ops->alloc_page(bus, &gpa);

		if (!again)
			return -ENOMEM;
		*again = 0x5a;
		if (*again != 0x5a)
			return hostile_fail(h, "page %#x is not memory after a reset", to_pfn(gpa));
	}
	return ret;
}

const struct hostile_scenario hostile_balloon[] = {
	{ "pages outside RAM", pages_outside_ram, HOSTILE_IGNORED, true },
	{ "pages repeated", pages_repeated, HOSTILE_IGNORED, true },
	{ "pages of all kinds", pages_of_all_kinds, HOSTILE_IGNORED, true },
	{ "pages never inflated", pages_never_inflated, HOSTILE_IGNORED, true },
	{ "pages of the rings", pages_of_rings, HOSTILE_IGNORED, true },
	{ "ring on a ballooned page", ring_on_a_ballooned_page, HOSTILE_NEEDS_RESET, true },
	{ "page the message is in", page_of_the_message, HOSTILE_IGNORED, false },
	{ "messages of odd length", message_of_odd_length, HOSTILE_NEEDS_RESET, true },
	{ "messages of no length", message_of_nothing, HOSTILE_EITHER, false },
	{ "messages to be written", message_to_be_written, HOSTILE_EITHER, false },
	{ "messages of 2 GiB", message_of_2_gib, HOSTILE_NEEDS_RESET, true },
	{ "statistics of 0 bytes", stats_of_0, HOSTILE_IGNORED, true },
	{ "statistics of 9 bytes", stats_of_9, HOSTILE_IGNORED, true },
	{ "statistics of 2 GiB", stats_of_2_gib, HOSTILE_EITHER, true },
	{ "statistics to be written", stats_to_be_written, HOSTILE_EITHER, false },
	{ "statistics of junk", stats_of_junk, HOSTILE_IGNORED, false },
	{ "several statistics buffers", stats_twice, HOSTILE_EITHER, false },
	{ "actual is a lie", lie_about_actual, HOSTILE_IGNORED, false },
	{ "reset with pages out", reset_with_pages_out, HOSTILE_IGNORED, false },
	{ 0 },
};
