// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copying a guest's memory: what is left out is what the guest said is unused, what is in use is in
 * the file, what is written later is found on the paused guest, and every failure ends in one line
 * with nothing mapped and no half of a file.
 *
 * The tool runs in a child with the fake hypervisor's memory shared, the daemon and the guest's
 * driver run here.
 */
#include "config.h"

#include "unit/rigs/control-bench.h"
#include "unit/rigs/line-bench.h"
#include "unit/rigs/process-bench.h"
#include "unit/rigs/tool-bench.h"
#include "tools/copy/copy.h"

#include "backend/base/access.h"
#include "fake/machine-fake.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HINT_QUEUE 2
#define F_FREE_PAGE_HINT (UINT64_C(1) << 3)
#define REG_CMD_ID (REG_CONFIG + 8)
#define LEAKED 99

static struct tool_said tool;
static char file[160];
static int client; /* the impostor's */

struct run {
	struct process_bench *bench;
	const char *line;
	bool tty;
	int open_result;   /* of the hypervisor */
	uint64_t fail_nth; /* call of the seam, 0: none */
	int fail_with;
	bool step_answers; /* the guest's driver tells its unused pages */
	uint64_t unused_gfn;
	uint32_t unused_nr;
	uint32_t asked;	   /* number of the question that was seen last */
	uint32_t answered; /* and of the one that was answered */
	int listener;
	const char *impostor; /* what something says that listens in the daemon's place */
	bool slow; /* each look at the clock takes seconds, and each word with the daemon most of a minute */
};

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid)
{
	const struct run *r = opaque;
	int rc = r->open_result ? r->open_result : fake_open(r->bench->fake, hv);

	assert_int_equal(domid, 7);
	if (r->fail_nth)
		fake_fail(r->bench->fake, r->fail_nth, r->fail_with, FAKE_FAIL_FROM, false);
	return rc;
}

static int open_store(void *opaque, struct xenvirtio_store **store)
{
	const struct run *r = opaque;

	return fake_store_open(r->bench->store, store);
}

static int run_tool(void *opaque, FILE *out, FILE *err)
{
	struct run *r = opaque;
	size_t pages = fake_live_pages(r->bench->fake), handles = fake_open_handles(r->bench->fake);
	struct line_words words;
	static struct copy_options opts;
	static struct copy copy;
	char line[512], why[256];
	int code;

	snprintf(line, sizeof(line), "%s %s", r->line, file);
	line_words_split(&words, "xenvirtio-copy", line);
	if (copy_options_parse(&opts, words.argc, words.argv, why, sizeof(why)) != COMMAND_LINE_RUN)
		return COPY_EXIT_USAGE;
	opts.state_dir = r->bench->state_dir;
	machine_fake_set_look_ns(r->slow ? 2000000000 : 0);
	copy = (struct copy){
		.opts = &opts,
		.out = out,
		.err = err,
		.tty = r->tty,
		.open_hv = open_hv,
		.open_store = open_store,
		.opaque = r,
	};
	code = (int)copy_run(&copy);
	if (fake_live_pages(r->bench->fake) != pages || fake_open_handles(r->bench->fake) != handles)
		return LEAKED;
	return code;
}

static void put_chain(struct process_bench *b, struct driver_buf buf)
{
	struct driver_queue *q = &b->driver.queue[HINT_QUEUE];
	uint16_t head;
	uint32_t len;

	assert_int_equal(driver_add(q, &buf, 1, false, &head), 0);
	assert_int_equal(driver_kick(q), 0);
	assert_int_equal(driver_wait(q, &head, &len), 0);
}

static void put_command(struct process_bench *b, uint32_t cmd_id)
{
	struct driver_buf buf = {.len = 4};
	uint32_t *at = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa);

	assert_non_null(at);
	*at = cmd_id;
	put_chain(b, buf);
}

/* The driver, a millisecond after it has been asked. */
static void answer(struct run *r)
{
	uint32_t id = 0;

	driver_read(&r->bench->driver, REG_CMD_ID, &id);
	if (id != r->asked || id < 2 || id == r->answered) {
		r->asked = id;
		return;
	}
	r->answered = id;
	put_command(r->bench, id);
	put_chain(r->bench, (struct driver_buf){.gpa = r->unused_gfn << 12, .len = r->unused_nr << 12, .writable = true});
	put_command(r->bench, 0);
}

static void serve(void *opaque, unsigned int ms)
{
	struct run *r = opaque;

	process_bench_run(r->bench);
	if (r->step_answers)
		answer(r);
	if (r->slow && r->answered)
		machine_fake_pass(52000);
	if (r->impostor && client < 0) {
		client = accept(r->listener, NULL, NULL);
		if (client >= 0)
			client_send(client, r->impostor);
	}
}

/* Return: the exit code */
static int run(struct run *r, const char *line)
{
	const struct tool_run tool_run = {.child = run_tool, .meanwhile = serve, .opaque = r};

	r->line = line;
	return tool_bench_run(&tool_run, &tool);
}

static uint64_t figure(const char *key)
{
	struct json_object *json = json_tokener_parse(tool.out), *v;
	uint64_t value;

	assert_non_null(json);
	assert_true(json_object_object_get_ex(json, key, &v));
	value = json_object_get_uint64(v);
	json_object_put(json);
	return value;
}

/* --- files --- */

static void open_index(struct process_bench *b, struct copy_index *idx, int *fd)
{
	struct xenvirtio_hv *hv;
	const char *why;

	*idx = (struct copy_index){0};
	assert_int_equal(fake_open(b->fake, &hv), 0);
	assert_int_equal(hv->ops->ram_ranges(hv, idx->range, 8, &idx->nr_ranges), 0);
	xenvirtio_hv_close(hv);
	*fd = open(file, O_RDONLY);
	assert_true(*fd >= 0);
	assert_int_equal(copy_index_read(idx, *fd, &why), 0);
}

/*
 * Each frame of RAM: what the file has of it is what the guest has. What was left out must be among
 * @nr frames from @gfn on; what is not there, must not be. A driver goes on meanwhile: with one (@nr),
 * its own frames may have changed since they were copied.
 */
static void assert_file_is_guest(struct process_bench *b, uint64_t gfn, uint64_t nr)
{
	static unsigned char page[XENVIRTIO_PAGE_SIZE];
	struct copy_index idx;
	uint64_t pos = 0;
	int fd;

	open_index(b, &idx, &fd);
	for (size_t i = 0; i < idx.nr_ranges; i++) {
		for (uint64_t at = idx.range[i].start.v; at <= idx.range[i].end_incl.v;
		     at++, pos++) {
			switch (idx.kind[pos]) {
			case COPY_KIND_DATA:
				assert_true(fake_present(b->fake, xenvirtio_gfn(at)));
				assert_int_equal(pread(fd, page, sizeof(page), (off_t)idx.at[pos]), sizeof(page));
				if (nr && at < BENCH_FREE_GFN)
					break;
				/* not assert_memory_equal(), which goes byte by byte */
				if (memcmp(page, fake_guest_page(b->fake, xenvirtio_gfn(at)), sizeof(page)))
					fail_msg("frame %#llx differs", (unsigned long long)at);
				break;
			case COPY_KIND_UNUSED:
			case COPY_KIND_UNUSED_SUMS:
				assert_true(at >= gfn && at < gfn + nr);
				break;
			default:
				assert_int_equal(idx.kind[pos], COPY_KIND_ABSENT);
				assert_false(fake_present(b->fake, xenvirtio_gfn(at)));
			}
		}
	}
	copy_index_fini(&idx);
	close(fd);
}

static void write_guest(struct process_bench *b, uint64_t gfn, uint64_t value)
{
	uint64_t *at = fake_guest_page(b->fake, xenvirtio_gfn(gfn));

	assert_non_null(at);
	at[gfn % 512] = value;
}

/* Every frame differs, but those of the driver. */
static void fill_guest(struct process_bench *b)
{
	for (uint64_t gfn = BENCH_FREE_GFN; gfn < 0x41000; gfn++)
		write_guest(b, gfn, gfn * UINT64_C(0x9e3779b97f4a7c15));
	for (uint64_t gfn = 0x200000; gfn < 0x200400; gfn++)
		write_guest(b, gfn, gfn);
}

static struct run start(void **state)
{
	struct process_bench *b = *state;

	signal(SIGPIPE, SIG_IGN);
	snprintf(file, sizeof(file), "%s/copy", b->dir);
	fill_guest(b);
	return (struct run){.bench = b};
}

/* With a daemon, and a driver that has free page hints. */
static struct run start_served(void **state)
{
	struct run r = start(state);

	assert_true(process_bench_start(r.bench));
	assert_int_equal(driver_init(&r.bench->driver, 5, F_VERSION_1 | 1 | F_FREE_PAGE_HINT, 3), 0);
	r.unused_gfn = 0x200000;
	r.unused_nr = 700;
	r.step_answers = true;
	return r;
}

static bool file_exists(void)
{
	return access(file, F_OK) == 0;
}

/* --- the first round --- */

static void all_memory_is_copied(void **state)
{
	struct run r = start(state);
	struct stat st;

	/* found by trying: nobody tells of these */
	fake_make_hole(r.bench->fake, xenvirtio_gfn(BENCH_FREE_GFN + 77), 1);
	fake_make_hole(r.bench->fake, xenvirtio_gfn(BENCH_FREE_GFN + 1000), 600);
	assert_int_equal(run(&r, "7 --no-skip --json"), COPY_EXIT_DONE);
	assert_int_equal(figure("copied_kib"), (BENCH_RAM_PAGES - 601) * 4);
	assert_int_equal(figure("absent_kib"), 601 * 4);
	assert_int_equal(figure("unused_kib"), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, figure("file_bytes"));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_file_is_guest(r.bench, 0, 0);
	assert_string_equal(tool.err, "");
	unlink(file);
}

static void unused_pages_are_left_out(void **state)
{
	struct run r = start_served(state);
	uint32_t id = 0;

	assert_int_equal(process_bench_send(r.bench, 0, BENCH_FREE_GFN + 100, 1500), 0);
	assert_int_equal(run(&r, "7 --json"), COPY_EXIT_DONE);
	assert_int_equal(figure("unused_kib"), 700 * 4);
	assert_int_equal(figure("absent_kib"), 1500 * 4);
	assert_int_equal(figure("copied_kib"), (BENCH_RAM_PAGES - 2200) * 4);
	assert_int_equal(figure("answer_ns"), 1000000);
	assert_true(figure("took_ns") > figure("answer_ns"));
	assert_file_is_guest(r.bench, r.unused_gfn, r.unused_nr);
	/* the guest has its pages back */
	process_bench_run(r.bench);
	driver_read(&r.bench->driver, REG_CMD_ID, &id);
	assert_int_equal(id, 1);
	unlink(file);
	assert_int_equal(run(&r, "7"), COPY_EXIT_DONE);
	assert_non_null(strstr(tool.out, "left out: 2800 KiB unused, 6000 KiB not there"));
	unlink(file);
}

static void a_guest_that_does_not_tell_is_copied_whole(void **state)
{
	struct run r;

	((struct process_bench *)*state)->opts.unused_ms = 50;
	r = start_served(state);
	r.step_answers = false;
	assert_int_equal(run(&r, "7 --json"), COPY_EXIT_DONE);
	assert_non_null(strstr(tool.out, "\"refused\":\"no-answer\""));
	tool_bench_expect(&tool, "copied, too: the guest has not answered in time");
	assert_int_equal(figure("copied_kib"), BENCH_RAM_PAGES * 4);
	assert_file_is_guest(r.bench, 0, 0);
	unlink(file);
}

static void a_terminal_has_a_bar(void **state)
{
	struct run r = start(state);

	r.tty = true;
	assert_int_equal(run(&r, "7 --no-skip"), COPY_EXIT_DONE);
	assert_non_null(strstr(tool.err, "\rdomain 7: [########################] 100%  20 of 20 MiB"));
	assert_int_equal(tool.err[strlen(tool.err) - 1], '\n');
	unlink(file);
}

/* --- the last round --- */

static void what_was_written_later_is_appended(void **state)
{
	struct run r = start_served(state);
	struct process_bench *b = r.bench;

	assert_int_equal(process_bench_send(b, 0, BENCH_FREE_GFN + 10, 4), 0);
	assert_int_equal(run(&r, "7 --checksums --json"), COPY_EXIT_DONE);
	assert_int_equal(figure("unused_kib"), 700 * 4);
	assert_int_equal(run(&r, "7 --verify"), COPY_EXIT_RUNNING);
	tool_bench_expect(&tool, "pause it first");
	/* used: one that was left out, one that was copied, one in the balloon then, one now */
	write_guest(b, 0x200000 + 5, 1);
	write_guest(b, BENCH_FREE_GFN + 2000, 2);
	assert_int_equal(process_bench_send(b, 1, BENCH_FREE_GFN + 11, 1), 0);
	write_guest(b, BENCH_FREE_GFN + 11, 3);
	assert_int_equal(process_bench_send(b, 0, BENCH_FREE_GFN + 3000, 1), 0);
	fake_set_paused(b->fake, true);
	assert_int_equal(run(&r, "7 --verify --json"), COPY_EXIT_DONE);
	assert_int_equal(figure("used_kib"), 4);
	assert_int_equal(figure("unused_kib"), 699 * 4);
	assert_int_equal(figure("came_kib"), 4);
	assert_int_equal(figure("gone_kib"), 4);
	assert_int_equal(figure("absent_kib"), 3 * 4);
	/* beside it only what the driver wrote into its rings and messages */
	assert_true(figure("written_kib") >= 4 && figure("written_kib") <= 16 * 4);
	assert_file_is_guest(b, r.unused_gfn, r.unused_nr);
	/* nothing is new after that */
	assert_int_equal(run(&r, "7 --verify --json"), COPY_EXIT_DONE);
	assert_int_equal(figure("used_kib") + figure("written_kib") + figure("came_kib") + figure("gone_kib"), 0);
	assert_file_is_guest(b, r.unused_gfn, r.unused_nr);
	unlink(file);
}

/* After two minutes a driver of ours has its pages back: what is in them then is copied. */
static void what_may_be_in_use_again_is_copied(void **state)
{
	struct run r = start_served(state);

	r.slow = true;
	assert_int_equal(run(&r, "7 --checksums --json"), COPY_EXIT_DONE);
	assert_int_equal(figure("unused_kib"), 512 * 4);
	assert_int_equal(figure("copied_kib"), (BENCH_RAM_PAGES - 512) * 4);
	assert_file_is_guest(r.bench, r.unused_gfn, 512);
	unlink(file);
}

static void write_file(const void *bytes, size_t len)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

/* A good header and then this record. */
static void write_record(uint32_t kind, uint64_t gfn, uint64_t nr)
{
	struct {
		char magic[8];
		uint32_t domid, page_bytes;
		uint64_t frames;
		uint32_t kind, zero;
		uint64_t gfn, nr;
	} f = {"XVCOPY1", 7, 4096, 0, kind, 0, gfn, nr};

	f.magic[7] = '\n';
	write_file(&f, sizeof(f));
}

static void what_is_no_copy_is_refused(void **state)
{
	struct run r = start(state);
	struct stat st;

	fake_set_paused(r.bench->fake, true);
	assert_int_equal(run(&r, "7 --verify"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "No such file");
	write_file("hello", 5);
	assert_int_equal(run(&r, "7 --verify"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "no copy of a guest's memory");
	write_record(9, 0x40000, 1);
	assert_int_equal(run(&r, "7 --verify"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "no known kind");
	write_record(COPY_KIND_ABSENT, 0x3ffff, 1);
	assert_int_equal(run(&r, "7 --verify"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "another guest's");
	write_record(COPY_KIND_ABSENT, 0x40000, UINT64_MAX);
	assert_int_equal(run(&r, "7 --verify"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "another guest's");
	write_record(COPY_KIND_DATA, 0x40000, 1);
	assert_int_equal(run(&r, "7 --verify"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "middle of a record");
	write_record(COPY_KIND_END, 1, 0);
	assert_int_equal(run(&r, "7 --verify"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "not in order");
	write_record(COPY_KIND_ABSENT, 0x40000, 1);
	assert_int_equal(run(&r, "7 --verify"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "not complete");
	/* nothing was done to it */
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, 48);
	fake_set_paused(r.bench->fake, false);
	unlink(file);
}

static void without_checksums_there_is_no_verdict(void **state)
{
	struct run r = start_served(state);

	assert_int_equal(run(&r, "7"), COPY_EXIT_DONE);
	fake_set_paused(r.bench->fake, true);
	assert_int_equal(run(&r, "7 --verify"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "--checksums");
	unlink(file);
}

/* --- failures --- */

static void what_cannot_be_is_said(void **state)
{
	struct run r = start(state);

	assert_int_equal(run(&r, "7"), COPY_EXIT_NO_DOMAIN);
	assert_non_null(strstr(tool.err, "no xen-vballoond serves it"));
	assert_non_null(strstr(tool.err, "--no-skip"));
	assert_int_equal(run(&r, "no-such-guest"), COPY_EXIT_NO_DOMAIN);
	tool_bench_expect(&tool, "no-such-guest: no such domain");
	r.open_result = -EACCES;
	assert_int_equal(run(&r, "7 --no-skip"), COPY_EXIT_NO_PERMISSION);
	tool_bench_expect(&tool, "as root");
	r.open_result = -ENOENT;
	assert_int_equal(run(&r, "7 --no-skip"), COPY_EXIT_NO_XEN);
	tool_bench_expect(&tool, "not on Xen");
	r.open_result = -EIO;
	assert_int_equal(run(&r, "7 --no-skip"), COPY_EXIT_NO_XEN);
	tool_bench_expect(&tool, "cannot connect to Xen (Input/output error): run it as root, in dom0");
	r.open_result = 0;
	snprintf(file, sizeof(file), "/dev/full");
	assert_int_equal(run(&r, "7 --no-skip"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "/dev/full: No space left on device: the copy is not complete");
	snprintf(file, sizeof(file), "%s/no/such", r.bench->dir);
	assert_int_equal(run(&r, "7 --no-skip"), COPY_EXIT_FAILED);
	tool_bench_expect(&tool, "No such file");
	fake_set_dying(r.bench->fake);
	assert_int_equal(run(&r, "7 --no-skip"), COPY_EXIT_NO_DOMAIN);
	tool_bench_expect(&tool, "no such domain");
}

/* The n-th call of the seam and all after it fail, for every n. */
static void end_at_each_call(struct run *r, const char *line, int with)
{
	int code = COPY_EXIT_FAILED;

	r->fail_with = with;
	for (r->fail_nth = 1; code != COPY_EXIT_DONE; r->fail_nth++) {
		code = run(r, line);
		assert_int_not_equal(code, LEAKED);
		if (code == COPY_EXIT_DONE)
			break;
		if (with == XENVIRTIO_E_GONE)
			assert_true(code == COPY_EXIT_GONE || code == COPY_EXIT_NO_DOMAIN || code == COPY_EXIT_FAILED);
		else
			assert_int_equal(code, COPY_EXIT_FAILED);
		tool_bench_expect(&tool, "domain 7: ");
		assert_false(file_exists());
	}
	/* ten batches were mapped at least */
	assert_true(r->fail_nth > 10);
	r->fail_nth = 0;
	unlink(file);
}

static void a_guest_that_dies_in_the_middle_is_said(void **state)
{
	struct run r = start(state);

	end_at_each_call(&r, "7 --no-skip", XENVIRTIO_E_GONE);
	end_at_each_call(&r, "7 --no-skip", -EIO);
	assert_int_equal(run(&r, "7 --no-skip"), COPY_EXIT_DONE);
	assert_file_is_guest(r.bench, 0, 0);
	unlink(file);
}

/* A daemon that lies: refused, and no wait for ever. */
static void a_daemon_that_is_none(void **state)
{
	static const char *const unused = "{\"id\":1,\"result\":{\"domid\":7,\"devid\":0,\"via\":\"free-page-hint\",\"ram_kib\":1,"
					  "\"ballooned_kib\":0,\"unused_kib\":0,\"took_ns\":1}}\n";
	static const char *const frames[] = {
		"7", "{}", "{\"unused\":[],\"ballooned\":7}",
		"{\"unused\":[7],\"ballooned\":[]}",
		"{\"unused\":[[1]],\"ballooned\":[]}", "{\"unused\":[[1,0]],\"ballooned\":[]}",
		"{\"unused\":[[-1,1]],\"ballooned\":[]}",
		"{\"unused\":[[4503599627370495,2]],\"ballooned\":[]}",
		"{\"unused\":[[5,2],[6,1]],\"ballooned\":[]}", "{\"unused\":[[5,2]],\"ballooned\":[[6,1]]}",
		"{\"unused\":[],\"ballooned\":[],\"next\":0}", "{\"unused\":[],\"ballooned\":[],\"next\":4503599627370496}",
	};
	struct run r = start(state);
	char path[160];

	assert_int_equal(mkdir(r.bench->state_dir, 0700), 0);
	snprintf(path, sizeof(path), "%s/7-0.sock", r.bench->state_dir);
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		char answers[1024];

		snprintf(answers, sizeof(answers), "%s{\"id\":2,\"result\":%s}\n", unused, frames[i]);
		r.impostor = answers;
		r.listener = access_listen(path, ACCESS_NO_GROUP, 4);
		assert_true(r.listener >= 0);
		client = -1;
		assert_int_equal(run(&r, "7"), COPY_EXIT_FAILED);
		tool_bench_expect(&tool, "does not understand");
		assert_false(file_exists());
		assert_true(client >= 0);
		close(client);
		close(r.listener);
		unlink(path);
	}
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, process_bench_setup, process_bench_teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_memory_is_copied),
		TEST(unused_pages_are_left_out),
		TEST(a_guest_that_does_not_tell_is_copied_whole),
		TEST(a_terminal_has_a_bar),
		TEST(what_was_written_later_is_appended),
		TEST(what_may_be_in_use_again_is_copied),
		TEST(what_is_no_copy_is_refused),
		TEST(without_checksums_there_is_no_verdict),
		TEST(what_cannot_be_is_said),
		TEST(a_guest_that_dies_in_the_middle_is_said),
		TEST(a_daemon_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
