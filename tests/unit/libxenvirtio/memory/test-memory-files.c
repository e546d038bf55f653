// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's memory as descriptors: a file for each range or none at all, which show the guest's bytes, and an address
 * is found in the file that has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <xenvirtio/gmem.h>
#include <xenvirtio/memory-files.h>

#include "fake/hv-fake.h"
#include "unit/rigs/descriptors.h"

#define LOW_GFN UINT64_C(0x40000)
#define LOW_PAGES 16u
#define HIGH_GFN UINT64_C(0x200000)
#define HIGH_PAGES 4u

struct bench {
	struct fake *fake;
	struct xenvirtio_hv *hv;
	struct xenvirtio_memory_files files;
};

static struct bench bench;

static int setup(void **state)
{
	const struct fake_config config = {
		.ram = { { { LOW_GFN }, { LOW_GFN + LOW_PAGES - 1 } },
			 { { HIGH_GFN }, { HIGH_GFN + HIGH_PAGES - 1 } } },
		.nr_ram = 2,
	};

	bench.fake = fake_new(&config);
	assert_non_null(bench.fake);
	assert_int_equal(fake_open(bench.fake, &bench.hv), 0);
	return 0;
}

static int teardown(void **state)
{
	xenvirtio_memory_files_close(&bench.files);
	assert_int_equal(fake_faults_total(bench.fake), 0);
	xenvirtio_hv_close(bench.hv);
	fake_free(bench.fake);
	return 0;
}

static struct xenvirtio_gpa gpa_of(uint64_t gfn, uint64_t offset)
{
	return xenvirtio_gpa((gfn << XENVIRTIO_PAGE_SHIFT) + offset);
}

static uint8_t *map_file(const struct xenvirtio_memory_file *file, size_t pages)
{
	uint8_t *va = mmap(NULL, pages << XENVIRTIO_PAGE_SHIFT, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd,
			   (off_t)file->offset);

	assert_ptr_not_equal(va, MAP_FAILED);
	return va;
}

static void each_range_is_a_file_of_the_guests_bytes(void **state)
{
	static const struct {
		uint64_t gfn;
		size_t pages;
	} ranges[] = { { LOW_GFN, LOW_PAGES }, { HIGH_GFN, HIGH_PAGES } };
	struct xenvirtio_gmem *gmem;

	assert_int_equal(xenvirtio_gmem_new(&gmem, bench.hv, 2), 0);
	assert_int_equal(xenvirtio_memory_files_open(bench.hv, &bench.files), 0);
	assert_int_equal(bench.files.nr, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct xenvirtio_memory_file *file = &bench.files.file[i];
		uint64_t offset = (ranges[i].pages << XENVIRTIO_PAGE_SHIFT) - 8;
		uint8_t *va = map_file(file, ranges[i].pages);
		uint64_t word = 0x1122334455667788 + i;
		struct stat st;

		assert_int_equal(file->range.start.v, ranges[i].gfn);
		assert_int_equal(file->range.end_incl.v, ranges[i].gfn + ranges[i].pages - 1);
		assert_int_equal(fcntl(file->fd, F_GETFD), FD_CLOEXEC);
		assert_int_equal(fstat(file->fd, &st), 0);
		assert_true((uint64_t)st.st_size >= file->offset + offset + 8);
		assert_int_equal(xenvirtio_gmem_write(gmem, gpa_of(ranges[i].gfn, offset), &word, 8), 0);
		assert_memory_equal(va + offset, &word, 8);
		va[0] = (uint8_t)(0xa0 + i);
		assert_int_equal(xenvirtio_gmem_read(gmem, gpa_of(ranges[i].gfn, 0), &word, 1), 0);
		assert_int_equal(word & 0xff, 0xa0 + i);
		munmap(va, ranges[i].pages << XENVIRTIO_PAGE_SHIFT);
	}
	xenvirtio_gmem_free(gmem);
}

/* Whichever call fails, no descriptor stays, and the next try works. */
static void a_failure_leaves_no_descriptor(void **state)
{
	size_t before = count_descriptors();
	unsigned int nth;

	for (nth = 1; nth <= 3; nth++) {
		fake_fail(bench.fake, nth, -EIO, FAKE_FAIL_ONCE, false);
		assert_int_equal(xenvirtio_memory_files_open(bench.hv, &bench.files), -EIO);
		assert_int_equal(bench.files.nr, 0);
		assert_int_equal(count_descriptors(), before);
	}
	fake_fail(bench.fake, 0, 0, FAKE_FAIL_ONCE, false);
	assert_int_equal(xenvirtio_memory_files_open(bench.hv, &bench.files), 0);
	assert_int_equal(count_descriptors(), before + 2);
	xenvirtio_memory_files_close(&bench.files);
	assert_int_equal(count_descriptors(), before);
	xenvirtio_memory_files_close(&bench.files);
}

static void where_there_are_none_is_said(void **state)
{
	struct xenvirtio_hv_ops ops = *bench.hv->ops;
	struct xenvirtio_hv older = { &ops };

	ops.size = offsetof(struct xenvirtio_hv_ops, memory_file);
	assert_int_equal(xenvirtio_memory_files_open(&older, &bench.files), -ENOSYS);
	assert_int_equal(xenvirtio_memory_files_forget(&older, xenvirtio_gfn(LOW_GFN), 1), 0);
	fake_set_no_memory_files(bench.fake);
	assert_int_equal(xenvirtio_memory_files_open(bench.hv, &bench.files), -ENOSYS);
	assert_int_equal(bench.files.nr, 0);
}

static void an_address_is_in_one_file_or_in_none(void **state)
{
	const struct xenvirtio_memory_files *files = &bench.files;
	uint64_t page = XENVIRTIO_PAGE_SIZE;

	assert_int_equal(xenvirtio_memory_files_open(bench.hv, &bench.files), 0);
	assert_ptr_equal(xenvirtio_memory_files_find(files, gpa_of(LOW_GFN, 0), LOW_PAGES * page), &files->file[0]);
	assert_ptr_equal(xenvirtio_memory_files_find(files, gpa_of(HIGH_GFN + 3, page - 1), 1), &files->file[1]);
	assert_null(xenvirtio_memory_files_find(files, gpa_of(LOW_GFN, 0), LOW_PAGES * page + 1));
	assert_null(xenvirtio_memory_files_find(files, gpa_of(LOW_GFN - 1, page - 1), 2));
	assert_null(xenvirtio_memory_files_find(files, gpa_of(HIGH_GFN + HIGH_PAGES, 0), 1));
	assert_null(xenvirtio_memory_files_find(files, gpa_of(LOW_GFN, 0), 0));
	assert_null(xenvirtio_memory_files_find(files, gpa_of(LOW_GFN, 0), UINT64_MAX));
	assert_null(xenvirtio_memory_files_find(files, xenvirtio_gpa(UINT64_MAX), 1));
}

static void what_is_forgotten_is_told_to_the_host(void **state)
{
	assert_int_equal(xenvirtio_memory_files_forget(bench.hv, xenvirtio_gfn(LOW_GFN), 3), 0);
	assert_int_equal(fake_forgotten(bench.fake), 3);
	assert_int_equal(xenvirtio_memory_files_forget(bench.hv, xenvirtio_gfn(LOW_GFN), 0), -EINVAL);
	assert_int_equal(xenvirtio_memory_files_forget(bench.hv, xenvirtio_gfn(UINT64_MAX), 2), -EINVAL);
	fake_fail(bench.fake, 1, -EIO, FAKE_FAIL_ONCE, false);
	assert_int_equal(xenvirtio_memory_files_forget(bench.hv, xenvirtio_gfn(LOW_GFN), 1), -EIO);
	assert_int_equal(fake_forgotten(bench.fake), 3);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_range_is_a_file_of_the_guests_bytes),
		TEST(a_failure_leaves_no_descriptor),
		TEST(where_there_are_none_is_said),
		TEST(an_address_is_in_one_file_or_in_none),
		TEST(what_is_forgotten_is_told_to_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
