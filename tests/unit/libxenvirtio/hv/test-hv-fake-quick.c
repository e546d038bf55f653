// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fake machine that is kept and reset: nothing of a former life is found in the next, and what is
 * not mapped is not to be touched, though a quick machine maps nothing. It must not know any device.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake/hv-fake.h"

#ifdef __has_feature
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISONED(at) __asan_address_is_poisoned(at)
#else
#define POISONED(at) true /* true mappings: nothing is there */
#endif

#define RAM 0x40000
#define PAGES 100

static const struct fake_config quick = {
	.ram = { { { RAM }, { RAM + PAGES - 1 } } },
	.nr_ram = 1,
	.quick = true,
	.invalidate = true,
};
static const struct xenvirtio_gpa_range window = { { 0x2000000 }, { 0x20001ff } };

static bool is_zero(struct fake *f, uint64_t gfn)
{
	uint8_t page[4096];

	assert_int_equal(fake_guest_read(f, xenvirtio_gpa(gfn << 12), page, sizeof(page)), 0);
	return !page[0] && !memcmp(page, page + 1, sizeof(page) - 1);
}

static void *map(struct xenvirtio_hv *hv, uint64_t gfn)
{
	struct xenvirtio_gfn one = { gfn };
	void *va = NULL;

	assert_int_equal(hv->ops->map(hv, &one, 1, true, &va), 0);
	return va;
}

/* As much as a life can leave behind. */
static void live(struct fake *f)
{
	struct xenvirtio_gfn gone[] = { { RAM + 7 }, { RAM + 5 } }, outside = { 1 };
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct xenvirtio_hv *hv;
	size_t done;

	assert_int_equal(fake_open(f, &hv), 0);
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	memset(fake_guest_page(f, xenvirtio_gfn(RAM + 1)), 1, 4096);
	memset(map(hv, RAM + 2), 2, 4096);
	memset(fake_guest_page(f, xenvirtio_gfn(RAM + 5)), 3, 4096);
	assert_int_equal(hv->ops->release_pages(hv, gone, 2, 0, &done), 0);
	assert_int_equal(hv->ops->populate_pages(hv, &gone[0], 1, 0, &done), 0);
	assert_int_equal(hv->ops->populate_pages(hv, &gone[0], 1, 0, &done), 0);
	assert_int_equal(hv->ops->populate_pages(hv, &outside, 1, 0, &done), 0);
	assert_int_equal(hv->ops->set_irq(hv, 3, true), 0);
	assert_int_equal(fake_mmio_start(f, 0, window.start.v, 4, true, 0), 0);
	fake_set_max_pages(f, 3);
	fake_set_heap_order(f, 0);
	fake_fail(f, 100, -EIO, FAKE_FAIL_FROM, true);
	fake_set_gone(f);
	xenvirtio_hv_close(hv);
}

static void nothing_of_a_former_life_is_left(void **state)
{
	struct fake *f = fake_new(&quick);
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct xenvirtio_domain_info info;
	struct xenvirtio_hv *hv;
	uint64_t holes[2] = { 7, 7 };

	(void)state;
	assert_non_null(f);
	live(f);
	assert_int_not_equal(fake_faults_total(f), 0);
	fake_read_holes(f, holes);
	assert_int_equal(holes[0], 1 << 5);
	fake_reset(f);

	assert_int_equal(fake_faults_total(f) + fake_holes(f) + fake_servers(f) + fake_calls(f), 0);
	assert_int_equal(fake_irqs(f, 3, true), 0);
	assert_false(fake_irq_level(f, 3));
	assert_int_equal(fake_tot_pages(f), PAGES);
	assert_int_equal(fake_max_pages(f), PAGES);
	assert_int_equal(fake_heap_free(f), 0);
	for (uint64_t i = 0; i < PAGES; i++)
		assert_true(is_zero(f, RAM + i));
	assert_int_equal(fake_faults_total(f), 0);
	/* all frames in one run again */
	assert_non_null(fake_guest_ptr(f, xenvirtio_gpa((uint64_t)RAM << 12), PAGES * 4096));
	assert_int_equal(fake_open(f, &hv), 0);
	assert_int_equal(hv->ops->domain_info(hv, &info), 0);
	assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
	assert_int_equal(id, 0);
	xenvirtio_hv_close(hv);
	fake_free(f);
}

static void what_is_not_mapped_is_not_to_be_touched(void **state)
{
	struct fake *f = fake_new(&quick);
	struct xenvirtio_hv *hv, *other;
	uint8_t *va, *also;

	(void)state;
	assert_non_null(f);
	assert_int_equal(fake_open(f, &hv), 0);
	assert_int_equal(fake_open(f, &other), 0);
	va = map(hv, RAM + 3);
	also = map(other, RAM + 3);
	va[5] = 55;
	assert_int_equal(also[5], 55);
	assert_int_equal(((uint8_t *)fake_guest_page(f, xenvirtio_gfn(RAM + 3)))[5], 55);
	assert_int_equal(fake_live_pages(f), 2);
	assert_int_equal(hv->ops->unmap(hv, va, 1), 0);
	/* it is the other one's still, and only theirs */
	assert_int_equal(also[5], 55);
	assert_int_equal(hv->ops->unmap(hv, va, 1), -EINVAL);
	assert_int_equal(fake_faults(f)->bad_unmap, 1);
	assert_int_equal(other->ops->unmap(other, also, 1), 0);
	assert_true(POISONED(va) && POISONED(va + 4095));
	assert_int_equal(fake_live_pages(f), 0);
	xenvirtio_hv_close(other);
	xenvirtio_hv_close(hv);
	fake_free(f);
}

static void a_page_lost_while_mapped_is_free_when_it_is_not(void **state)
{
	struct fake *f = fake_new(&quick);
	struct xenvirtio_hv *hv;
	uint8_t *va;

	(void)state;
	assert_non_null(f);
	assert_int_equal(fake_open(f, &hv), 0);
	va = map(hv, RAM);
	fake_make_hole(f, xenvirtio_gfn(RAM), 1);
	memset(va, 9, 4096);
	assert_int_equal(fake_heap_free(f), 0);
	/* a process that dies */
	xenvirtio_hv_close(hv);
	assert_true(POISONED(va));
	assert_int_equal(fake_heap_free(f), 1);
	fake_reset(f);
	assert_true(is_zero(f, RAM));
	fake_free(f);
}

static void nobody_can_wait_for_a_server_without_eventfds(void **state)
{
	struct fake_config config = quick;
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct xenvirtio_hv *hv;
	struct fake *f;

	(void)state;
	unsetenv("FAKE_EVENTFD_FEATURES");
	for (int i = 0; i < 2; i++) {
		config.eventfd_features = i ? XENVIRTIO_EVENTFD_IOEVENTFD : 0;
		f = fake_new(&config);
		assert_non_null(f);
		assert_int_equal(fake_open(f, &hv), 0);
		id = XENVIRTIO_IOREQ_NEW;
		assert_int_equal(hv->ops->ioreq_open(hv, &window, 1, &id), 0);
		if (i)
			assert_true(hv->ops->ioreq_fd(hv) >= 0);
		else
			assert_int_equal(hv->ops->ioreq_fd(hv), -ENOSYS);
		xenvirtio_hv_close(hv);
		assert_int_equal(fake_open_fds(f), 0);
		fake_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_of_a_former_life_is_left),
		cmocka_unit_test(what_is_not_mapped_is_not_to_be_touched),
		cmocka_unit_test(a_page_lost_while_mapped_is_free_when_it_is_not),
		cmocka_unit_test(nobody_can_wait_for_a_server_without_eventfds),
	};

	return cmocka_run_group_tests_name("hv-fake-quick", tests, NULL, NULL);
}
