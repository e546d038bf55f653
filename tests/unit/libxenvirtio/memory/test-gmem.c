// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory: what is not RAM is never touched, never more pages are mapped than allowed, and a
 * mapping that was let go of, or could not be, is never used again.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <xenvirtio/gmem.h>

#include "fake/hv-fake.h"

#define PAGES 4
#define RAM_GFN UINT64_C(0x40000)

struct bench {
	struct fake *fake;
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
};

static struct bench bench;

static int setup(void **state)
{
	/* two ranges that touch, one apart; the fake's RAM is zeroed */
	const struct fake_config config = {
		.ram = { { { RAM_GFN }, { RAM_GFN + 15 } },
			 { { RAM_GFN + 16 }, { RAM_GFN + 31 } },
			 { { 0x200000 }, { 0x200003 } } },
		.nr_ram = 3,
	};

	bench.fake = fake_new(&config);
	assert_non_null(bench.fake);
	assert_int_equal(fake_open(bench.fake, &bench.hv), 0);
	assert_int_equal(xenvirtio_gmem_new(&bench.gmem, bench.hv, PAGES), 0);
	return 0;
}

static int teardown(void **state)
{
	xenvirtio_gmem_free(bench.gmem);
	assert_int_equal(fake_live_mappings(bench.fake), 0);
	xenvirtio_hv_close(bench.hv);
	fake_free(bench.fake);
	return 0;
}

static struct xenvirtio_gpa page_gpa(uint64_t page, uint64_t offset)
{
	return xenvirtio_gpa((RAM_GFN + page) * XENVIRTIO_PAGE_SIZE + offset);
}

static void touch(uint64_t page)
{
	uint8_t byte;

	assert_int_equal(xenvirtio_gmem_read(bench.gmem, page_gpa(page, 0), &byte, 1), 0);
}

static void copies_cross_pages(void **state)
{
	uint8_t out[3 * 4096], in[sizeof(out)];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 13);
	assert_int_equal(xenvirtio_gmem_write(bench.gmem, page_gpa(14, 4000), out, sizeof(out)), 0);
	assert_int_equal(fake_guest_read(bench.fake, page_gpa(14, 4000), in, sizeof(in)), 0);
	assert_memory_equal(in, out, sizeof(out));
	memset(in, 0, sizeof(in));
	assert_int_equal(xenvirtio_gmem_read(bench.gmem, page_gpa(14, 4000), in, sizeof(in)), 0);
	assert_memory_equal(in, out, sizeof(out));
}

static void is_ram_is_exact(void **state)
{
	const struct {
		uint64_t gpa;
		uint64_t len;
		bool is_ram;
	} check[] = {
		{ page_gpa(0, 0).v, 1, true },
		{ page_gpa(0, 0).v, 32 * 4096, true },
		{ page_gpa(0, 0).v, 32 * 4096 + 1, false },
		{ page_gpa(0, 0).v - 1, 1, false },
		{ page_gpa(0, 0).v - 1, 2, false },
		{ page_gpa(31, 4095).v, 1, true },
		{ page_gpa(31, 4095).v, 2, false },
		{ page_gpa(32, 0).v, 1, false },
		{ 0x200003fff, 1, true },
		{ 0x200004000, 1, false },
		{ page_gpa(0, 0).v, 0x200004000 - page_gpa(0, 0).v, false }, /* over the hole */
		{ 0, 1, false },
		{ UINT64_MAX, 1, false },
		{ UINT64_MAX, 2, false },
		{ page_gpa(0, 0).v, UINT64_MAX, false },
		{ page_gpa(0, 0).v, UINT64_MAX - page_gpa(0, 0).v + 2, false }, /* wraps to 0 */
		{ page_gpa(0, 0).v, 0, false },
	};

	for (size_t i = 0; i < sizeof(check) / sizeof(check[0]); i++)
		assert_int_equal(xenvirtio_gmem_is_ram(bench.gmem, xenvirtio_gpa(check[i].gpa),
						       check[i].len),
				 check[i].is_ram);
}

static void what_is_not_ram_is_the_guests_error(void **state)
{
	uint8_t buf[8192] = { 0 };
	uint64_t before = fake_calls(bench.fake);
	uint16_t val;

	assert_int_equal(xenvirtio_gmem_read(bench.gmem, xenvirtio_gpa(0), buf, 1),
			 XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_gmem_write(bench.gmem, page_gpa(31, 4000), buf, 97),
			 XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_gmem_load16(bench.gmem, page_gpa(32, 0), &val),
			 XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_gmem_store16(bench.gmem, page_gpa(3, 1), 1), XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_gmem_load16(bench.gmem, xenvirtio_gpa(UINT64_MAX), &val),
			 XENVIRTIO_E_GUEST);
	/* nothing of it reached the hypervisor */
	assert_int_equal(fake_calls(bench.fake), before);
	/* a hole in a range is known to the hypervisor only */
	fake_make_hole(bench.fake, xenvirtio_gfn(RAM_GFN + 5), 1);
	assert_int_equal(xenvirtio_gmem_read(bench.gmem, page_gpa(4, 0), buf, 8192),
			 XENVIRTIO_E_GUEST);
	assert_int_equal(xenvirtio_gmem_read(bench.gmem, page_gpa(5, 0), buf, 0), 0);
}

static void loads_and_stores_are_little_endian(void **state)
{
	const uint8_t bytes[2] = { 0x34, 0x12 };
	uint8_t stored[2];
	uint16_t val;

	assert_int_equal(fake_guest_write(bench.fake, page_gpa(1, 4094), bytes, 2), 0);
	assert_int_equal(xenvirtio_gmem_load16(bench.gmem, page_gpa(1, 4094), &val), 0);
	assert_int_equal(val, 0x1234);
	assert_int_equal(xenvirtio_gmem_store16(bench.gmem, page_gpa(2, 0), 0xabcd), 0);
	assert_int_equal(fake_guest_read(bench.fake, page_gpa(2, 0), stored, 2), 0);
	assert_int_equal(stored[0], 0xcd);
	assert_int_equal(stored[1], 0xab);
}

static void the_cache_is_bounded_and_keeps_the_recent(void **state)
{
	uint64_t calls;

	for (uint64_t page = 0; page < 10; page++) {
		touch(page);
		touch(0);
		assert_true(xenvirtio_gmem_mapped(bench.gmem) <= PAGES);
		assert_int_equal(fake_live_mappings(bench.fake), xenvirtio_gmem_mapped(bench.gmem));
	}
	/* 0 was used last each time, so it was never let go of; 9, 8, 7 are the others */
	calls = fake_calls(bench.fake);
	touch(0);
	touch(9);
	touch(8);
	touch(7);
	assert_int_equal(fake_calls(bench.fake), calls);
	touch(6);
	assert_int_equal(fake_calls(bench.fake), calls + 1);
}

static void forget_lets_go_of_exactly_these(void **state)
{
	for (uint64_t page = 0; page < PAGES; page++)
		touch(page);
	assert_int_equal(xenvirtio_gmem_forget(bench.gmem, xenvirtio_gfn(RAM_GFN + 1), 2), 0);
	assert_int_equal(xenvirtio_gmem_mapped(bench.gmem), 2);
	assert_int_equal(fake_frame_maps(bench.fake, xenvirtio_gfn(RAM_GFN)), 1);
	assert_int_equal(fake_frame_maps(bench.fake, xenvirtio_gfn(RAM_GFN + 1)), 0);
	assert_int_equal(fake_frame_maps(bench.fake, xenvirtio_gfn(RAM_GFN + 2)), 0);
	assert_int_equal(fake_frame_maps(bench.fake, xenvirtio_gfn(RAM_GFN + 3)), 1);
	/* frames nobody has mapped, few or more than there are */
	assert_int_equal(xenvirtio_gmem_forget(bench.gmem, xenvirtio_gfn(0), RAM_GFN), 0);
	assert_int_equal(xenvirtio_gmem_forget(bench.gmem, xenvirtio_gfn(RAM_GFN + 1), 1), 0);
	assert_int_equal(xenvirtio_gmem_forget(bench.gmem, xenvirtio_gfn(RAM_GFN + 4), UINT64_MAX),
			 0); /* wraps: up to RAM_GFN + 2 */
	assert_int_equal(xenvirtio_gmem_mapped(bench.gmem), 1);
	assert_int_equal(xenvirtio_gmem_flush(bench.gmem), 0);
	assert_int_equal(xenvirtio_gmem_mapped(bench.gmem), 0);
}

/* Whatever the last bits of its number are, and of the numbers before it; also one that was mapped after all were let go of. */
static void forget_finds_each_page_there_is(void **state)
{
	for (uint64_t page = 0; page < 32; page++)
		for (uint64_t nr = 1; nr <= 65; nr++)
			for (uint64_t before = 0; before < nr; before += nr > 8 ? 7 : 1) {
				touch(page);
				touch((page + 9) % 32);
				assert_int_equal(xenvirtio_gmem_forget(bench.gmem, xenvirtio_gfn(RAM_GFN + page - before), nr), 0);
				assert_int_equal(fake_frame_maps(bench.fake, xenvirtio_gfn(RAM_GFN + page)), 0);
				assert_int_equal(xenvirtio_gmem_flush(bench.gmem), 0);
			}
}

/* A frame released and populated again is another frame: the old mapping must not be found. */
static void a_forgotten_page_is_mapped_anew(void **state)
{
	struct xenvirtio_gfn gfn = { RAM_GFN + 3 };
	uint8_t byte = 7;
	size_t done;

	touch(3);
	assert_int_equal(xenvirtio_gmem_forget(bench.gmem, gfn, 1), 0);
	assert_int_equal(bench.hv->ops->release_pages(bench.hv, &gfn, 1, 0, &done), 0);
	assert_int_equal(done, 1);
	assert_int_equal(fake_faults(bench.fake)->released_mapped, 0);
	assert_int_equal(xenvirtio_gmem_read(bench.gmem, page_gpa(3, 0), &byte, 1),
			 XENVIRTIO_E_GUEST);
	assert_int_equal(bench.hv->ops->populate_pages(bench.hv, &gfn, 1, 0, &done), 0);
	assert_int_equal(done, 1);
	assert_int_equal(xenvirtio_gmem_write(bench.gmem, page_gpa(3, 0), &byte, 1), 0);
	assert_int_equal(*(uint8_t *)fake_guest_page(bench.fake, gfn), 7);
}

static void an_unmap_that_fails_leaves_nothing_dangling(void **state)
{
	uint8_t byte = 9;

	touch(0);
	touch(1);
	fake_fail(bench.fake, 1, -EIO, FAKE_FAIL_ONCE, true);
	assert_int_equal(xenvirtio_gmem_forget(bench.gmem, xenvirtio_gfn(RAM_GFN), 1), -EIO);
	/* still mapped, but a look-up does not find it: the page is mapped a second time */
	assert_int_equal(xenvirtio_gmem_mapped(bench.gmem), 2);
	assert_int_equal(xenvirtio_gmem_write(bench.gmem, page_gpa(0, 0), &byte, 1), 0);
	assert_int_equal(fake_frame_maps(bench.fake, xenvirtio_gfn(RAM_GFN)), 2);
	/* and forgetting it again unmaps both */
	assert_int_equal(xenvirtio_gmem_forget(bench.gmem, xenvirtio_gfn(RAM_GFN), 1), 0);
	assert_int_equal(fake_frame_maps(bench.fake, xenvirtio_gfn(RAM_GFN)), 0);
	assert_int_equal(xenvirtio_gmem_mapped(bench.gmem), 1);
}

static void a_slot_that_is_stuck_is_tried_again(void **state)
{
	uint8_t byte;

	for (uint64_t page = 0; page < PAGES; page++)
		touch(page);
	fake_fail(bench.fake, 1, -EIO, FAKE_FAIL_FROM, true);
	assert_int_equal(xenvirtio_gmem_flush(bench.gmem), -EIO);
	assert_int_equal(xenvirtio_gmem_mapped(bench.gmem), PAGES);
	assert_int_equal(xenvirtio_gmem_read(bench.gmem, page_gpa(5, 0), &byte, 1), -EIO);
	fake_fail(bench.fake, 0, 0, FAKE_FAIL_ONCE, false);
	touch(5);
	assert_int_equal(xenvirtio_gmem_mapped(bench.gmem), PAGES);
	assert_int_equal(xenvirtio_gmem_flush(bench.gmem), 0);
	assert_int_equal(fake_live_mappings(bench.fake), 0);
}

static void a_map_that_fails_changes_nothing(void **state)
{
	uint8_t byte;

	touch(0);
	fake_fail(bench.fake, 1, -ENOMEM, FAKE_FAIL_ONCE, false);
	assert_int_equal(xenvirtio_gmem_read(bench.gmem, page_gpa(1, 0), &byte, 1), -ENOMEM);
	assert_int_equal(xenvirtio_gmem_mapped(bench.gmem), 1);
	touch(1);
	fake_set_gone(bench.fake);
	assert_int_equal(xenvirtio_gmem_read(bench.gmem, page_gpa(2, 0), &byte, 1),
			 XENVIRTIO_E_GONE);
}

static void new_refuses_and_cleans_up(void **state)
{
	struct xenvirtio_gmem *gmem;

	assert_int_equal(xenvirtio_gmem_new(&gmem, bench.hv, 0), -EINVAL);
	fake_fail(bench.fake, 1, -EPERM, FAKE_FAIL_ONCE, false);
	assert_int_equal(xenvirtio_gmem_new(&gmem, bench.hv, 1), -EPERM);
	xenvirtio_gmem_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(copies_cross_pages),
		TEST(is_ram_is_exact),
		TEST(what_is_not_ram_is_the_guests_error),
		TEST(loads_and_stores_are_little_endian),
		TEST(the_cache_is_bounded_and_keeps_the_recent),
		TEST(forget_lets_go_of_exactly_these),
		TEST(forget_finds_each_page_there_is),
		TEST(a_forgotten_page_is_mapped_anew),
		TEST(an_unmap_that_fails_leaves_nothing_dangling),
		TEST(a_slot_that_is_stuck_is_tried_again),
		TEST(a_map_that_fails_changes_nothing),
		TEST(new_refuses_and_cleans_up),
	};

	return cmocka_run_group_tests_name("gmem", tests, NULL, NULL);
}
