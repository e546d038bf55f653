// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recorder changes nothing of what it records, and writes it so that two runs can be compared.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake/hv-fake.h"

#define WINDOW 0x2000000

static const struct xenvirtio_gpa_range window = { { WINDOW }, { WINDOW + 0x1ff } };

struct fixture {
	struct fake *f;
	struct xenvirtio_hv *hv;
	char path[64];
};

static void open_recorder(struct fixture *x)
{
	struct xenvirtio_hv *inner;
	int fd;

	strcpy(x->path, "/tmp/test-hv-record.XXXXXX");
	fd = mkstemp(x->path);
	assert_true(fd >= 0);
	close(fd);
	x->f = fake_new(NULL);
	assert_non_null(x->f);
	assert_int_equal(fake_open(x->f, &inner), 0);
	assert_int_equal(xenvirtio_hv_open_record(&x->hv, inner, x->path), 0);
}

static void close_recorder(struct fixture *x)
{
	xenvirtio_hv_close(x->hv);
	assert_int_equal(fake_open_handles(x->f), 0);
	fake_free(x->f);
}

static void read_file(struct fixture *x, char *text, size_t size)
{
	FILE *file = fopen(x->path, "r");
	size_t n;

	assert_non_null(file);
	n = fread(text, 1, size - 1, file);
	text[n] = '\0';
	fclose(file);
	unlink(x->path);
}

/* One of everything: each call reaches the inner handle, and its line says what went in and out. */
static void every_call_is_a_line(void **state)
{
	static const char expected[] =
		"domain_info = 0 tot_pages=5120 max_pages=5120 vcpus=1\n"
		"ram_ranges max=4 = 0 40000-40fff 200000-2003ff\n"
		"map rw 40000+3 40010 = 0\n"
		"unmap nr=4 = 0\n"
		"map ro 9000 = 2\n"
		"ioreq_open 2000000-20001ff new = 0 id=0\n"
		"ioreq_next = 0 vcpu=0 type=1 write addr=2000050 size=4 count=1 data=7\n"
		"ioreq_complete vcpu=0 type=1 write addr=2000050 size=4 count=1 data=7 = 0\n"
		"ioreq_next = 1\n"
		"ioreq_close = 0\n"
		"ioreq_open 2000000-20001ff adopt=5 = -2\n"
		"set_irq irq=33 level=1 = 0\n"
		"release_pages order=1 40000+2 40010 = 0 done=3\n"
		"populate_pages order=1 40000+2 40010 = 0 done=3\n"
		"set_max_mem kib=4096 = 0\n"
		"frames_present 40000+3 9000 = 0 1110\n"
		"host_info = 0 total_pages=5120 free_pages=0\n"
		"pause = 0\n"
		"unpause = 0\n"
		"unpause = -22\n"
		"close\n";
	const struct xenvirtio_gfn frame[4] = {
		{ 0x40000 }, { 0x40001 }, { 0x40002 }, { 0x40010 },
	};
	const struct xenvirtio_gfn extent[3] = { { 0x40000 }, { 0x40002 }, { 0x40010 } };
	const struct xenvirtio_gfn hole = { 0x9000 };
	const struct xenvirtio_gfn asked[4] = { frame[0], frame[1], frame[2], hole };
	bool present[4];
	struct xenvirtio_gfn_range range[4];
	const struct xenvirtio_hv_ops *ops;
	struct xenvirtio_domain_info info;
	struct xenvirtio_host_info host;
	struct xenvirtio_ioreq req;
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	char text[4096];
	struct fixture x;
	size_t nr, done;
	void *va;

	open_recorder(&x);
	ops = x.hv->ops;
	assert_int_equal(ops->domain_info(x.hv, &info), 0);
	assert_int_equal(ops->ram_ranges(x.hv, range, 4, &nr), 0);
	assert_int_equal(ops->map(x.hv, frame, 4, true, &va), 0);
	assert_int_equal(fake_live_pages(x.f), 4);
	assert_int_equal(ops->unmap(x.hv, va, 4), 0);
	assert_int_equal(ops->map(x.hv, &hole, 1, false, &va), XENVIRTIO_E_GUEST);
	assert_int_equal(ops->ioreq_open(x.hv, &window, 1, &id), 0);
	assert_true(ops->ioreq_fd(x.hv) >= 0);
	assert_int_equal(fake_mmio_start(x.f, 0, WINDOW + 0x50, 4, false, 7), 0);
	assert_int_equal(ops->ioreq_next(x.hv, &req), 0);
	assert_int_equal(ops->ioreq_complete(x.hv, &req), 0);
	assert_int_equal(fake_mmio_finish(x.f, 0, NULL), 0);
	assert_int_equal(ops->ioreq_next(x.hv, &req), XENVIRTIO_E_EMPTY);
	assert_int_equal(ops->ioreq_close(x.hv), 0);
	id = 5;
	assert_int_equal(ops->ioreq_open(x.hv, &window, 1, &id), -ENOENT);
	assert_int_equal(ops->set_irq(x.hv, 33, true), 0);
	assert_int_equal(fake_irqs(x.f, 33, true), 1);
	assert_int_equal(ops->release_pages(x.hv, extent, 3, 1, &done), 0);
	assert_int_equal(fake_holes(x.f), 6);
	assert_int_equal(ops->populate_pages(x.hv, extent, 3, 1, &done), 0);
	assert_int_equal(fake_holes(x.f), 0);
	assert_int_equal(ops->set_max_mem(x.hv, 4096), 0);
	assert_int_equal(ops->frames_present(x.hv, asked, 4, present), 0);
	assert_int_equal(fake_max_pages(x.f), 1024);
	assert_int_equal(ops->host_info(x.hv, &host), 0);
	assert_int_equal(ops->pause(x.hv), 0);
	assert_int_equal(ops->unpause(x.hv), 0);
	assert_int_equal(ops->unpause(x.hv), -EINVAL);
	close_recorder(&x);
	read_file(&x, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void populate_on_demand_is_a_line(void **state)
{
	struct xenvirtio_pod_info info = { 0 };
	struct xenvirtio_hv_ops ops;
	struct xenvirtio_hv *inner;
	struct fixture x;
	char text[128];

	open_recorder(&x);
	xenvirtio_hv_close(x.hv);
	assert_int_equal(fake_open(x.f, &inner), 0);
	/* a hypervisor without */
	ops = *inner->ops;
	ops.pod_info = NULL;
	inner->ops = &ops;
	assert_int_equal(xenvirtio_hv_open_record(&x.hv, inner, x.path), 0);
	assert_false(XENVIRTIO_HV_HAS(x.hv, pod_info));
	xenvirtio_hv_close(x.hv);

	fake_set_pod(x.f, xenvirtio_gfn(0x40000), 30, 20);
	assert_int_equal(fake_open(x.f, &inner), 0);
	assert_int_equal(xenvirtio_hv_open_record(&x.hv, inner, x.path), 0);
	assert_int_equal(x.hv->ops->pod_info(x.hv, &info), 0);
	assert_int_equal(info.entries, 30);
	assert_int_equal(info.cache_pages, 20);
	close_recorder(&x);
	read_file(&x, text, sizeof(text));
	assert_non_null(strstr(text, "pod_info = 0 entries=30 cache_pages=20\n"));
}

static void extents_of_several_orders_are_a_line(void **state)
{
	const struct xenvirtio_extent extent[] = {{{0x40010}, 3}, {{0x40002}, 1}, {{0x40000}, 0}};
	struct xenvirtio_domain_info info;
	struct fixture x;
	char text[512];
	size_t done;

	open_recorder(&x);
	/* of one that has none */
	assert_false(XENVIRTIO_HV_HAS(x.hv, move_extents));
	close_recorder(&x);
	read_file(&x, text, sizeof(text));
	setenv("FAKE_ONE_WAY", "1", 1);
	open_recorder(&x);
	unsetenv("FAKE_ONE_WAY");
	assert_int_equal(x.hv->ops->move_extents(x.hv, true, 0, extent, 3, &info, &done), 0);
	assert_int_equal(fake_holes(x.f), 11);
	assert_int_equal(x.hv->ops->move_extents(x.hv, false, 5108, extent, 3, &info, &done), XENVIRTIO_E_AGAIN);
	assert_int_equal(x.hv->ops->move_extents(x.hv, false, 5109, extent, 3, &info, &done), 0);
	assert_int_equal(fake_holes(x.f), 0);
	assert_int_equal(x.hv->ops->move_extents(x.hv, true, 0, extent, 0, &info, &done), -EINVAL);
	close_recorder(&x);
	read_file(&x, text, sizeof(text));
	assert_string_equal(
		text, "move_extents release tot_pages=0 40010/3 40002/1 40000/0 = 0 done=3 tot_pages=5120 max_pages=5120 vcpus=1\n"
		      "move_extents populate tot_pages=5108 40010/3 40002/1 40000/0 = 3 done=0 tot_pages=5109 max_pages=5120 vcpus=1\n"
		      "move_extents populate tot_pages=5109 40010/3 40002/1 40000/0 = 0 done=3 tot_pages=5109 max_pages=5120 vcpus=1\n"
		      "move_extents release tot_pages=0 = -22 done=0\n"
		      "close\n");
}

static void files_of_memory_are_lines(void **state)
{
	static const struct xenvirtio_gfn_range range[] = { { { 0x200000 }, { 0x2003ff } },
							    { { 0x40000 }, { 0x40003 } } };
	struct fixture x;
	char text[256];
	uint64_t offset;
	int fd;

	open_recorder(&x);
	assert_int_equal(x.hv->ops->memory_file(x.hv, &range[0], &fd, &offset), 0);
	close(fd);
	assert_int_equal(x.hv->ops->memory_forget(x.hv, range, 2), 0);
	fake_set_no_memory_files(x.f);
	assert_int_equal(x.hv->ops->memory_file(x.hv, &range[1], &fd, &offset), -ENOSYS);
	close_recorder(&x);
	read_file(&x, text, sizeof(text));
	assert_string_equal(text, "memory_file 200000-2003ff = 0 offset=1000000\n"
				  "memory_forget 200000-2003ff 40000-40003 = 0\n"
				  "memory_file 40000-40003 = -38\n"
				  "close\n");
}

/* Optional operations are there when the inner handle has them, and are lines like all others. */
static void optional_calls_are_lines(void **state)
{
	static const char expected[] =
		"ioreq_open 2000000-20001ff new = 0 id=0\n"
		"eventfd_features = 0 3f\n"
		"ioeventfd_add base=2000000 queue=3 = 0\n"
		"irqfd_add irq=33 = 0\n"
		"registers_add base=2000000 irq=33 status=1 = 0\n"
		"kick_wait base=2000000 idle_us=50 signal = 1\n"
		"field_add addr=2000104 written = 0\n"
		"field_add addr=2000104 written = -17\n"
		"field_del addr=2000104 written = 0\n"
		"registers_del base=2000000 = 0 status=3\n"
		"irqfd_del irq=33 = 0\n"
		"ioeventfd_del base=2000000 queue=3 = 0\n"
		"ioeventfd_del base=2000000 queue=3 = -19\n"
		"ioreq_close = 0\n"
		"close\n";
	const struct xenvirtio_gpa base = window.start;
	struct xenvirtio_irq_registers regs = { .base = base, .irq = 33, .status = 1 };
	const struct xenvirtio_hv_ops *ops;
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	const uint64_t one = 1;
	uint32_t features, queue, status = 0, word = 0;
	const struct xenvirtio_field_register field = { .addr = { base.v + 0x104 }, .word = &word, .written = true, .fd = -1 };
	int fd[3];
	char text[1024];
	struct fixture x;

	setenv("FAKE_EVENTFD_FEATURES", "63", 1);
	open_recorder(&x);
	unsetenv("FAKE_EVENTFD_FEATURES");
	for (int i = 0; i < 3; i++) {
		fd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		assert_true(fd[i] >= 0);
	}
	regs.used_fd = fd[1];
	regs.config_fd = fd[2];
	ops = x.hv->ops;
	assert_int_equal(ops->ioreq_open(x.hv, &window, 1, &id), 0);
	assert_int_equal(ops->eventfd_features(x.hv, &features), 0);
	assert_int_equal(features, 63);
	assert_int_equal(ops->ioeventfd_add(x.hv, base, 3, fd[0]), 0);
	assert_int_equal(ops->irqfd_add(x.hv, 33, fd[0]), 0);
	assert_int_equal(ops->registers_add(x.hv, &regs), 0);
	assert_int_equal(fake_armed(x.f), 3);
	assert_int_equal(write(fd[2], &one, sizeof(one)), sizeof(one));
	assert_int_equal(ops->kick_wait(x.hv, base, 50, fd[1], &queue), XENVIRTIO_E_EMPTY);
	assert_int_equal(ops->field_add(x.hv, &field), 0);
	assert_int_equal(ops->field_add(x.hv, &field), -EEXIST);
	assert_int_equal(ops->field_del(x.hv, &field), 0);
	assert_int_equal(ops->registers_del(x.hv, base, &status), 0);
	assert_int_equal(status, 3);
	assert_int_equal(ops->irqfd_del(x.hv, 33, fd[0]), 0);
	assert_int_equal(ops->ioeventfd_del(x.hv, base, 3, fd[0]), 0);
	assert_int_equal(ops->ioeventfd_del(x.hv, base, 3, fd[0]), -ENODEV);
	assert_int_equal(ops->ioreq_close(x.hv), 0);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	close_recorder(&x);
	read_file(&x, text, sizeof(text));
	assert_string_equal(text, expected);
}

/* A failure of the inner handle comes through as it is, with nothing done behind it. */
static void failures_come_through(void **state)
{
	const struct xenvirtio_gfn gfn = { 0x40000 };
	char text[256];
	struct fixture x;
	size_t done = 9;

	open_recorder(&x);
	fake_fail(x.f, 1, -EIO, FAKE_FAIL_ONCE, false);
	assert_int_equal(x.hv->ops->release_pages(x.hv, &gfn, 1, 0, &done), -EIO);
	assert_int_equal(done, 0);
	assert_int_equal(fake_calls(x.f), 1);
	close_recorder(&x);
	read_file(&x, text, sizeof(text));
	assert_string_equal(text, "release_pages order=0 40000 = -5 done=0\nclose\n");
}

/* Without its file there is no recorder, and the inner handle stays the caller's. */
static void open_needs_its_file(void **state)
{
	struct fake *f = fake_new(NULL);
	struct xenvirtio_hv *inner, *hv = NULL;

	assert_non_null(f);
	assert_int_equal(fake_open(f, &inner), 0);
	assert_int_equal(xenvirtio_hv_open_record(&hv, inner, "/nonexistent/dir/file"), -ENOENT);
	assert_null(hv);
	assert_int_equal(fake_open_handles(f), 1);
	xenvirtio_hv_close(inner);
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_is_a_line),
		cmocka_unit_test(populate_on_demand_is_a_line),
		cmocka_unit_test(extents_of_several_orders_are_a_line),
		cmocka_unit_test(files_of_memory_are_lines),
		cmocka_unit_test(optional_calls_are_lines),
		cmocka_unit_test(failures_come_through),
		cmocka_unit_test(open_needs_its_file),
	};

	return cmocka_run_group_tests_name("hv-record", tests, NULL, NULL);
}
