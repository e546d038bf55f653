// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A view is the chain's bytes in place, for as long as they are the device's: whatever ends that, whoever still uses the pointers does
 * the guest no harm, and no frame is kept by it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xenvirtio/view.h>

#include "unit/rigs/rig.h"

#define FIRST 100
#define SECOND 4096

static struct rig rig;
static uint8_t *page[2];
static uint64_t page_gpa[2];
static struct xenvirtio_view *view;

/* One chain that waits: 100 bytes at the end of a page, and a page. */
static void ask(bool writable)
{
	struct driver_buf buf[2] = {{.len = FIRST, .writable = writable}, {.len = SECOND, .writable = writable}};
	uint16_t head;

	rig_driver(&rig, 0);
	for (int i = 0; i < 2; i++) {
		page[i] = rig.bus.bus.ops->alloc_page(&rig.bus.bus, &buf[i].gpa);
		assert_non_null(page[i]);
		page_gpa[i] = buf[i].gpa;
		memset(page[i], 'g', XENVIRTIO_PAGE_SIZE);
	}
	buf[0].gpa += XENVIRTIO_PAGE_SIZE - FIRST;
	assert_int_equal(driver_add(&rig.driver.queue[1], buf, 2, false, &head), 0);
	assert_int_equal(driver_kick(&rig.driver.queue[1]), 0);
	assert_int_equal(rig.nr_kept, 1);
}

static int setup(void **state)
{
	memset(&rig, 0, sizeof(rig));
	return rig_open(&rig);
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

static struct xenvirtio_queue *queue(void)
{
	return xenvirtio_device_queue(rig.dev, 1);
}

static int look(bool writable, uint64_t offset, uint64_t len)
{
	return xenvirtio_view_new(&view, queue(), &rig.kept[0], writable, offset, len);
}

/* What a system call would do. */
static void fill(char with)
{
	const struct iovec *iov;
	size_t nr;

	iov = xenvirtio_view_iov(view, &nr);
	for (size_t i = 0; i < nr; i++)
		memset(iov[i].iov_base, with, iov[i].iov_len);
}

static void system_calls_read_and_write_in_place(void **state)
{
	const struct iovec *iov;
	char got[FIRST + SECOND];
	size_t nr;
	int fd[2];

	ask(true);
	assert_int_equal(pipe(fd), 0);
	memset(got, 'k', sizeof(got));
	assert_int_equal(write(fd[1], got, sizeof(got)), sizeof(got));
	assert_int_equal(look(true, 0, FIRST + SECOND), 0);
	iov = xenvirtio_view_iov(view, &nr);
	assert_int_equal(nr, 2);
	assert_int_equal(readv(fd[0], iov, (int)nr), FIRST + SECOND);
	assert_true(xenvirtio_view_whole(view));
	assert_int_equal(page[0][XENVIRTIO_PAGE_SIZE - FIRST - 1], 'g');
	assert_memory_equal(page[0] + XENVIRTIO_PAGE_SIZE - FIRST, got, FIRST);
	assert_memory_equal(page[1], got, SECOND);
	assert_int_equal(writev(fd[1], iov, (int)nr), FIRST + SECOND);
	xenvirtio_view_free(view);
	close(fd[0]);
	close(fd[1]);
}

static void a_part_of_a_chain_is_just_that(void **state)
{
	const struct iovec *iov;
	size_t nr;

	ask(true);
	assert_int_equal(look(true, FIRST - 1, 3), 0);
	iov = xenvirtio_view_iov(view, &nr);
	assert_int_equal(nr, 2);
	assert_int_equal(iov[0].iov_len, 1);
	assert_int_equal(iov[1].iov_len, 2);
	fill('d');
	assert_int_equal(page[0][XENVIRTIO_PAGE_SIZE - 2], 'g');
	assert_int_equal(page[0][XENVIRTIO_PAGE_SIZE - 1], 'd');
	assert_memory_equal(page[1], "ddg", 3);
	xenvirtio_view_free(view);
	assert_int_equal(look(true, FIRST + SECOND - 1, 1), 0);
	xenvirtio_view_free(view);
	assert_int_equal(look(true, 0, 0), XENVIRTIO_E_GUEST);
	assert_int_equal(look(true, FIRST + SECOND, 1), XENVIRTIO_E_GUEST);
	assert_int_equal(look(true, 1, FIRST + SECOND), XENVIRTIO_E_GUEST);
	assert_int_equal(look(true, UINT64_MAX, 2), XENVIRTIO_E_GUEST);
	assert_int_equal(look(false, 0, 1), XENVIRTIO_E_GUEST);
}

/* Another device's balloon, for one, releases it. */
static void what_the_guest_gives_away_is_not_written(void **state)
{
	struct xenvirtio_gfn gfn;
	size_t done;

	ask(true);
	gfn = xenvirtio_gpa_to_gfn(xenvirtio_gpa(page_gpa[1]));
	assert_int_equal(look(true, 0, FIRST + SECOND), 0);
	assert_int_equal(xenvirtio_gmem_forget(rig.gmem, gfn, 1), 0);
	assert_false(xenvirtio_view_whole(view));
	fill('d');
	assert_int_equal(page[1][0], 'g');
	assert_int_equal(page[0][XENVIRTIO_PAGE_SIZE - 1], 'd');
	/* it was unmapped: nothing keeps the frame */
	assert_int_equal(rig.hv->ops->release_pages(rig.hv, &gfn, 1, 0, &done), 0);
	assert_int_equal(fake_faults(rig.fake)->released_mapped, 0);
	assert_int_equal(rig.hv->ops->populate_pages(rig.hv, &gfn, 1, 0, &done), 0);
	xenvirtio_view_free(view);
	/* and is mapped anew */
	assert_int_equal(look(true, 0, FIRST + SECOND), 0);
	assert_true(xenvirtio_view_whole(view));
	xenvirtio_view_free(view);
}

static void expect_gone(void)
{
	assert_false(xenvirtio_view_whole(view));
	fill('d');
	assert_int_equal(page[0][XENVIRTIO_PAGE_SIZE - 1], 'g');
	assert_int_equal(page[1][0], 'g');
	assert_int_equal(look(true, 0, 1), XENVIRTIO_E_GUEST);
}

static void a_reset_takes_it_away(void **state)
{
	struct xenvirtio_view *old;

	ask(true);
	assert_int_equal(look(true, 0, FIRST + SECOND), 0);
	assert_int_equal(driver_reset(&rig.driver), 0);
	expect_gone();
	old = view;
	/* the guest's next life does not give it back */
	rig.nr_kept = 0;
	rig_driver(&rig, 0);
	assert_false(xenvirtio_view_whole(old));
	xenvirtio_view_free(old);
}

static void a_stopped_queue_does(void **state)
{
	ask(true);
	assert_int_equal(look(true, 0, FIRST + SECOND), 0);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_SEL, 1), 0);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_READY, 0), 0);
	expect_gone();
	xenvirtio_view_free(view);
}

/* The host fails to: a failure of the device's process, which ends of it, and its mappings with it. */
static void or_the_reset_fails(void **state)
{
	ask(true);
	assert_int_equal(look(true, 0, FIRST + SECOND), 0);
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_STATUS, 4, false, 0), 0);
	/* the first is the access itself */
	fake_fail(rig.fake, 2, -EIO, FAKE_FAIL_ONCE, true);
	assert_int_equal(rig_serve(&rig), -EIO);
	assert_int_equal(fake_failed(rig.fake), 1);
	fake_fail(rig.fake, 0, 0, FAKE_FAIL_ONCE, true);
	assert_false(xenvirtio_view_whole(view));
	xenvirtio_view_free(view);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, NULL), 0);
	rig_crash(&rig);
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(driver_status(&rig.driver), 0);
}

/* Half of the eight pages: rings and copies have room. */
static void views_have_a_bound(void **state)
{
	struct xenvirtio_view *held[2];
	char byte;

	for (int i = 0; i < 2; i++) {
		ask(true);
		/* the same pages again take no more */
		assert_int_equal(look(true, 0, FIRST + SECOND), 0);
		xenvirtio_view_free(view);
		assert_int_equal(look(true, 0, FIRST + SECOND), 0);
		held[i] = view;
		rig.nr_kept = 0;
	}
	ask(true);
	assert_int_equal(look(true, 0, FIRST + SECOND), -EAGAIN);
	assert_int_equal(xenvirtio_chain_write(queue(), &rig.kept[0], 0, "c", 1), 0);
	/* also those that were revoked, as long as somebody may use them */
	xenvirtio_view_free(held[0]);
	assert_int_equal(look(true, 0, FIRST + SECOND), 0);
	/* rings and whatever else were mapped beside it, and evicted nothing of it */
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(xenvirtio_gmem_read(rig.gmem, xenvirtio_gpa(UINT64_C(0x40000000) + i * XENVIRTIO_PAGE_SIZE), &byte, 1), 0);
	fill('v');
	assert_int_equal(page[1][0], 'v');
	xenvirtio_view_free(view);
	xenvirtio_view_free(held[1]);
}

static void memory_that_is_not_there_is_the_guests_fault(void **state)
{
	ask(true);
	assert_int_equal(xenvirtio_gmem_flush(rig.gmem), 0);
	assert_int_equal(rig.bus.bus.ops->make_hole(&rig.bus.bus, page_gpa[1]), 0);
	assert_int_equal(look(true, 0, FIRST + SECOND), XENVIRTIO_E_GUEST);
	/* nothing is left of the part that was there */
	assert_int_equal(look(true, 0, FIRST), 0);
	xenvirtio_view_free(view);
	xenvirtio_view_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(system_calls_read_and_write_in_place),
		TEST(a_part_of_a_chain_is_just_that),
		TEST(what_the_guest_gives_away_is_not_written),
		TEST(a_reset_takes_it_away),
		TEST(a_stopped_queue_does),
		TEST(or_the_reset_fails),
		TEST(views_have_a_bound),
		TEST(memory_that_is_not_there_is_the_guests_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
