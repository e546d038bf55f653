// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See bus-fake.h. Pages are handed out in ascending order, skipping holes, and all freed at once.
 */
#include "fake/hv-fake.h"

#include "bus-fake.h"

#include <errno.h>
#include <string.h>

static struct bus_fake *to_fake(struct bus *bus)
{
	return (struct bus_fake *)bus;
}

/* What the fake answers, as a -errno: nobody claims it, or nobody answered. */
static int to_errno(int ret)
{
	if (ret <= 0)
		return ret;
	return ret == XENVIRTIO_E_GUEST ? -ENXIO : -EIO;
}

static int read_register(struct bus *bus, uint32_t offset, uint32_t size, uint64_t *val)
{
	return to_errno(fake_mmio_read(to_fake(bus)->fake, 0, bus->base_gpa + offset, size, val));
}

static int write_register(struct bus *bus, uint32_t offset, uint32_t size, uint64_t val)
{
	return to_errno(fake_mmio_write(to_fake(bus)->fake, 0, bus->base_gpa + offset, size, val));
}

static void *alloc_page(struct bus *bus, uint64_t *gpa)
{
	struct bus_fake *bf = to_fake(bus);
	struct xenvirtio_gfn gfn;
	void *va;

	do {
		gfn = xenvirtio_gfn(bf->next_gfn++);
		if (gfn.v > bf->ram.end_incl.v)
			return NULL;
	} while (!fake_present(bf->fake, gfn));
	va = fake_guest_page(bf->fake, gfn);
	memset(va, 0, BUS_PAGE_BYTES);
	*gpa = xenvirtio_gfn_to_gpa(gfn).v;
	return va;
}

static void free_pages(struct bus *bus)
{
	to_fake(bus)->next_gfn = to_fake(bus)->ram.start.v;
}

static int wait_device(struct bus *bus)
{
	return to_fake(bus)->serve(to_fake(bus)->opaque);
}

/* As Xen does after it took a frame away: it tells whoever may have it mapped. */
static int make_hole(struct bus *bus, uint64_t gpa)
{
	static const struct xenvirtio_ioreq invalidate = {
		.type = XENVIRTIO_IOREQ_INVALIDATE, .size = 4, .count = 1, .data = UINT64_MAX,
	};
	struct bus_fake *bf = to_fake(bus);
	int ret;

	bf->holes_made++;
	fake_make_hole(bf->fake, xenvirtio_gpa_to_gfn(xenvirtio_gpa(gpa)), 1);
	ret = fake_access_start(bf->fake, &invalidate);
	if (!ret)
		ret = bf->serve(bf->opaque);
	return to_errno(ret ? ret : fake_access_finish(bf->fake, 0, NULL));
}

static uint64_t count_errors(struct bus *bus)
{
	return to_fake(bus)->count_errors(to_fake(bus)->opaque);
}

static const struct bus_ops ops_counting = {
	.read = read_register,
	.write = write_register,
	.alloc_page = alloc_page,
	.free_pages = free_pages,
	.wait = wait_device,
	.make_hole = make_hole,
	.errors = count_errors,
};

static const struct bus_ops ops_plain = {
	.read = read_register,
	.write = write_register,
	.alloc_page = alloc_page,
	.free_pages = free_pages,
	.wait = wait_device,
	.make_hole = make_hole,
};

void bus_fake_init(struct bus_fake *bf, struct fake *fake, uint64_t base_gpa,
		   struct xenvirtio_gfn_range ram, struct xenvirtio_gfn hole,
		   int (*serve)(void *opaque), uint64_t (*counter)(void *opaque), void *opaque)
{
	*bf = (struct bus_fake){
		.bus = {
			.ops = counter ? &ops_counting : &ops_plain,
			.base_gpa = base_gpa,
			.outside_gpa = xenvirtio_gfn_to_gpa(ram.end_incl).v + 0x1000000,
			.hole_gpa = xenvirtio_gfn_to_gpa(hole).v,
			.last_gpa = xenvirtio_gfn_to_gpa(ram.end_incl).v,
			.unaligned = true,
		},
		.fake = fake,
		.ram = ram,
		.next_gfn = ram.start.v,
		.serve = serve,
		.count_errors = counter,
		.opaque = opaque,
	};
	fake_make_hole(fake, hole, 1);
	fake_set_serve(fake, serve, opaque);
}
