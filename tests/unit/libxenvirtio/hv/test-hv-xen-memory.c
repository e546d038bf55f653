// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of the guest's memory on stand-ins for Xen's libraries and for the kernel: what is asked of which descriptor, that
 * released frames are forgotten after they are gone and not before, and hosts that have no such files.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>
#include <xenvirtio/memory-files.h>

#include "unit/rigs/xen-libs.h"

#include <xen/privcmd-memory.h>

#define RESTRICT _IOC(_IOC_NONE, 'P', 6, sizeof(uint16_t))
#define NEW_FD 77
#define FORGOTTEN_MAX 1024u

static struct {
	int restrict_errno, info_errno, file_errno;
	uint32_t features;
	uint16_t restricted;
	struct privcmd_memory asked;
	struct privcmd_memory_range forgotten[FORGOTTEN_MAX];
	size_t nr_forgotten;
	unsigned int calls;
	char trace_then[sizeof(xen.trace)];
} host;

int __wrap_ioctl(int fd, unsigned long request, void *arg);

static int fail_with(int err)
{
	errno = err;
	return -1;
}

static int forget(const struct privcmd_memory_forget *arg)
{
	const struct privcmd_memory_range *range = (void *)(uintptr_t)arg->ranges;

	assert_int_equal(arg->dom, DOMID);
	assert_int_equal(arg->flags, 0);
	assert_true(arg->nr_ranges <= PRIVCMD_MEMORY_RANGES_MAX);
	assert_true(host.nr_forgotten + arg->nr_ranges <= FORGOTTEN_MAX);
	memcpy(&host.forgotten[host.nr_forgotten], range, arg->nr_ranges * sizeof(*range));
	host.nr_forgotten += arg->nr_ranges;
	host.calls++;
	strcpy(host.trace_then, xen.trace);
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	assert_true(fd >= 0);
	if (request == RESTRICT) {
		memcpy(&host.restricted, arg, sizeof(host.restricted));
		return host.restrict_errno ? fail_with(host.restrict_errno) : 0;
	}
	/* nothing is asked of an unrestricted file */
	assert_int_equal(host.restricted, DOMID);
	switch (request) {
	case IOCTL_PRIVCMD_MEMORY_INFO:
		if (host.info_errno)
			return fail_with(host.info_errno);
		((struct privcmd_memory_info *)arg)->features = host.features;
		return 0;
	case IOCTL_PRIVCMD_MEMORY:
		memcpy(&host.asked, arg, sizeof(host.asked));
		return host.file_errno ? fail_with(host.file_errno) : NEW_FD;
	case IOCTL_PRIVCMD_MEMORY_FORGET:
		return forget(arg);
	default:
		fail_msg("ioctl %#lx", request);
		return -1;
	}
}

static struct xenvirtio_hv *open_fresh(void)
{
	struct xenvirtio_hv *hv = NULL;

	reset_xen();
	memset(&host, 0, sizeof(host));
	host.features = PRIVCMD_MEMORY_FILES;
	assert_int_equal(xenvirtio_hv_open_xen(&hv, DOMID, NULL), 0);
	xen.trace[0] = '\0';
	return hv;
}

static void a_range_is_asked_for_as_it_is(void **state)
{
	static const struct xenvirtio_gfn_range range = { { 0x40000 }, { 0x4ffff } };
	static const struct {
		int err, ret;
	} cases[] = { { ESRCH, XENVIRTIO_E_GONE }, { ENOSPC, -ENOSPC }, { EPERM, -EACCES }, { ENOMEM, -ENOMEM } };
	struct xenvirtio_hv *hv = open_fresh();
	uint64_t offset = 1;
	int fd = -1;

	assert_int_equal(hv->ops->memory_file(hv, &range, &fd, &offset), 0);
	assert_int_equal(fd, NEW_FD);
	assert_int_equal(offset, 0);
	assert_int_equal(host.asked.gfn, 0x40000);
	assert_int_equal(host.asked.nr_frames, 0x10000);
	assert_int_equal(host.asked.dom, DOMID);
	assert_int_equal(host.asked.flags, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		host.file_errno = cases[i].err;
		assert_int_equal(hv->ops->memory_file(hv, &range, &fd, &offset), cases[i].ret);
	}
	/* one descriptor for all */
	assert_string_equal(xen.trace, "probe ");
	xenvirtio_hv_close(hv);
}

/* The extent that was not released whole may be so in part. */
static void what_is_released_is_forgotten_after(void **state)
{
	const struct xenvirtio_gfn start[3] = { { 0x200 }, { 0x400 }, { 0x800 } };
	struct xenvirtio_hv *hv = open_fresh();
	size_t done;

	xen.extents_done = 2;
	assert_int_equal(hv->ops->release_pages(hv, start, 3, 9, &done), 0);
	assert_int_equal(done, 2);
	assert_int_equal(host.nr_forgotten, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(host.forgotten[i].gfn, start[i].v);
		assert_int_equal(host.forgotten[i].nr_frames, 512);
	}
	assert_non_null(strstr(host.trace_then, "decrease "));
	xenvirtio_hv_close(hv);
}

/* Who looked at the hole has a page that is nobody's. */
static void what_is_populated_is_seen_after(void **state)
{
	const struct xenvirtio_gfn start[3] = { { 0x200 }, { 0x400 }, { 0x800 } };
	struct xenvirtio_hv *hv = open_fresh();
	size_t done;

	xen.extents_done = 0;
	assert_int_equal(hv->ops->populate_pages(hv, start, 3, 9, &done), 0);
	assert_int_equal(host.calls, 0);
	xen.extents_done = 2;
	assert_int_equal(hv->ops->populate_pages(hv, start, 3, 9, &done), 0);
	assert_int_equal(host.nr_forgotten, 2);
	assert_int_equal(host.forgotten[1].gfn, 0x400);
	assert_int_equal(host.forgotten[1].nr_frames, 512);
	assert_non_null(strstr(host.trace_then, "populate "));
	xenvirtio_hv_close(hv);
}

static void any_number_of_ranges_is_forgotten(void **state)
{
	struct xenvirtio_gfn_range range[130];
	struct xenvirtio_hv *hv = open_fresh();

	for (size_t i = 0; i < 130; i++)
		range[i] = (struct xenvirtio_gfn_range){ { i * 10 }, { i * 10 + i % 3 } };
	assert_int_equal(hv->ops->memory_forget(hv, range, 130), 0);
	assert_int_equal(host.nr_forgotten, 130);
	for (size_t i = 0; i < 130; i++) {
		assert_int_equal(host.forgotten[i].gfn, i * 10);
		assert_int_equal(host.forgotten[i].nr_frames, i % 3 + 1);
	}
	xenvirtio_hv_close(hv);
}

/* A stock module, one of before, a PV domain, a kernel that restricts nothing. */
static void a_host_without_is_no_error(void **state)
{
	static const struct xenvirtio_gfn_range range = { { 0x40000 }, { 0x4ffff } };
	static const struct {
		int restrict_errno, info_errno;
		uint32_t features;
	} hosts[] = { { 0, ENOTTY, 1 }, { 0, 0, 0 }, { ENOTTY, 0, 1 } };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct xenvirtio_hv *hv = open_fresh();
		uint64_t offset;
		size_t done;
		int fd;

		host.restrict_errno = hosts[i].restrict_errno;
		host.info_errno = hosts[i].info_errno;
		host.features = hosts[i].features;
		assert_int_equal(hv->ops->memory_file(hv, &range, &fd, &offset), -ENOSYS);
		assert_int_equal(hv->ops->memory_forget(hv, &range, 1), 0);
		xen.extents_done = 1;
		assert_int_equal(hv->ops->release_pages(hv, &range.start, 1, 0, &done), 0);
		assert_int_equal(done, 1);
		assert_int_equal(host.calls, 0);
		/* asked once */
		assert_string_equal(xen.trace, "probe decrease ");
		xenvirtio_hv_close(hv);
	}
}

/* While it cannot be said whether somebody may have the frames, none is released. */
static void without_an_answer_nothing_is_released(void **state)
{
	const struct xenvirtio_gfn start = { 0x200 };
	struct xenvirtio_hv *hv = open_fresh();
	size_t done = 1;

	xen.extents_done = 1;
	xen.fail_nth = xen.calls + 1;
	xen.fail_errno = EMFILE;
	assert_int_equal(hv->ops->release_pages(hv, &start, 1, 0, &done), -EMFILE);
	assert_int_equal(done, 0);
	assert_string_equal(xen.trace, "probe ");
	assert_int_equal(hv->ops->release_pages(hv, &start, 1, 0, &done), 0);
	assert_int_equal(done, 1);
	assert_int_equal(host.nr_forgotten, 1);
	xenvirtio_hv_close(hv);
}

static void a_confined_handle_has_none(void **state)
{
	struct xenvirtio_memory_files files;
	struct xenvirtio_hv *hv;

	xenvirtio_hv_close(open_fresh());
	/* of its eventfds' file nothing is asked here */
	host.restrict_errno = ENOTTY;
	assert_int_equal(xenvirtio_hv_open_xen_confined(&hv, DOMID, NULL), 0);
	assert_false(XENVIRTIO_HV_HAS(hv, memory_file));
	assert_false(XENVIRTIO_HV_HAS(hv, memory_forget));
	assert_int_equal(xenvirtio_memory_files_open(hv, &files), -ENOSYS);
	xenvirtio_hv_close(hv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_is_asked_for_as_it_is),
		cmocka_unit_test(what_is_released_is_forgotten_after),
		cmocka_unit_test(what_is_populated_is_seen_after),
		cmocka_unit_test(any_number_of_ranges_is_forgotten),
		cmocka_unit_test(a_host_without_is_no_error),
		cmocka_unit_test(without_an_answer_nothing_is_released),
		cmocka_unit_test(a_confined_handle_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
