// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See process-bench.h. Time passes from timer to timer.
 */
#include "unit/rigs/process-bench.h"

#include "backend/base/clock.h"
#include "fake/machine-fake.h"
#include "unit/rigs/control-bench.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* of the tests' clock */
#define WAIT_MS 5000
#define F_MUST_TELL_HOST (UINT64_C(1) << 0)

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	struct process_bench *b = opaque;

	return b->open_hv_result ? b->open_hv_result : fake_open(b->fake, hv);
}

static int open_store(void *opaque, struct xenvirtio_store **store)
{
	struct process_bench *b = opaque;

	if (!b->by_broker.made)
		store_by_broker_make(&b->by_broker, b->store, b->type_opts->program, BENCH_DOMID, &b->capture.log);
	return store_by_broker_open(&b->by_broker, store);
}

static void note_ready(void *opaque)
{
	struct process_bench *b = opaque;

	b->readies++;
	if (access(b->socket_path, F_OK) || !process_bench_key(b, "path"))
		b->ready_early = true;
}

void process_bench_run(struct process_bench *b)
{
	machine_fake_run(b->base);
}

/* The guest's vcpu waits meanwhile. */
static int serve(void *opaque)
{
	process_bench_run(opaque);
	return 0;
}

void process_bench_put(struct process_bench *b, const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), BENCH_NODE "/%s", key);
	fake_store_put(b->store, path, value);
}

const char *process_bench_key(struct process_bench *b, const char *key)
{
	char path[128];

	snprintf(path, sizeof(path), BENCH_NODE "/%s", key);
	return fake_store_get(b->store, path);
}

void process_bench_key_is(struct process_bench *b, const char *key, const char *value)
{
	const char *there = process_bench_key(b, key);

	assert_non_null(there);
	assert_string_equal(there, value);
}

static void put_nodes(struct process_bench *b)
{
	fake_store_put(b->store, BENCH_DOMAIN "/vm", "/vm/7-7-7");
	fake_store_put(b->store, BENCH_DOMAIN "/memory/static-max", "20480");
	fake_store_put(b->store, BENCH_DOMAIN "/memory/target", "20480");
	fake_store_put(b->store, BENCH_NODE, "");
	process_bench_put(b, "frontend", BENCH_DOMAIN "/device/virtio/0");
	process_bench_put(b, "frontend-id", "7");
	process_bench_put(b, "online", "1");
	process_bench_put(b, "state", "1");
	process_bench_put(b, "irq", "33");
	process_bench_put(b, "base", "0x2000000");
	process_bench_put(b, "type", "virtio,device5");
	process_bench_put(b, "transport", "mmio");
	process_bench_put(b, "grant_usage", "0");
}

struct process_bench *process_bench_new(void)
{
	const struct xenvirtio_gfn_range ram = {{0x40000}, {0x40fff}};
	struct process_bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	/* as the daemon's main() */
	signal(SIGPIPE, SIG_IGN);
	log_capture_open(&b->capture, LOG_LEVEL_NOTICE);
	b->base = event_base_new();
	b->fake = fake_new(NULL);
	b->store = fake_store_new();
	assert_true(b->base && b->fake && b->store);
	snprintf(b->dir, sizeof(b->dir), "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->state_dir, sizeof(b->state_dir), "%s/run", b->dir);
	snprintf(b->state_file, sizeof(b->state_file), "%s/7-0.state", b->state_dir);
	snprintf(b->socket_path, sizeof(b->socket_path), "%s/7-0.sock", b->state_dir);
	b->opts = (struct balloon_options){
		.common = {
			.program = &balloon_program,
			.domid = BENCH_DOMID,
			.state_dir = b->state_dir,
			.log_level = LOG_LEVEL_NOTICE,
		},
		.deflate_on_oom = true,
	};
	b->type = &balloon_type;
	b->type_opts = &b->opts.common;
	b->env = (struct device_process_env){
		.open_hv = open_hv,
		.open_store = open_store,
		.ready = note_ready,
		.ready_opaque = b,
		.opaque = b,
	};
	put_nodes(b);
	/* no hole for the hostile driver: what is not there is what the balloon holds */
	bus_fake_init(&b->bus, b->fake, BENCH_BASE, ram, xenvirtio_gfn(0), serve, NULL, b);
	b->driver.bus = &b->bus.bus;
	return b;
}

void process_bench_free(struct process_bench *b)
{
	process_bench_stop(b);
	unlink(b->state_file);
	rmdir(b->state_dir);
	assert_int_equal(rmdir(b->dir), 0);
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_open_handles(b->fake), 0);
	assert_int_equal(fake_open_fds(b->fake), 0);
	assert_int_equal(fake_store_handles(b->store), 0);
	assert_int_equal(fake_store_watches(b->store), 0);
	fake_free(b->fake);
	fake_store_free(b->store);
	event_base_free(b->base);
	free(b);
}

int process_bench_setup(void **state)
{
	*state = process_bench_new();
	return 0;
}

int process_bench_teardown(void **state)
{
	struct process_bench *b = *state;

	process_bench_stop(b);
	assert_int_equal(fake_faults_total(b->fake), 0);
	process_bench_free(b);
	return 0;
}

bool process_bench_start(struct process_bench *b)
{
	assert_null(b->process);
	assert_int_equal(
		device_process_new(&b->process, b->base, b->type, b->type_opts,
				   &b->capture.log, &b->env),
		0);
	process_bench_run(b);
	return device_process_serving(b->process);
}

int process_bench_client(struct process_bench *b)
{
	int fd;

	fake_store_put(b->store, BENCH_DOMAIN "/name", "a-guest");
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	fd = client_connect(b->socket_path);
	assert_true(fd >= 0);
	return fd;
}

void process_bench_settle(struct process_bench *b)
{
	for (int i = 0; i < 2; i++) {
		machine_fake_pass(50);
		process_bench_run(b);
	}
}

void process_bench_inflated(struct process_bench *b, size_t pages)
{
	assert_true(process_bench_start(b));
	assert_int_equal(process_bench_driver(b), 0);
	assert_int_equal(process_bench_send(b, INFLATE, BENCH_FREE_GFN, pages), 0);
	process_bench_settle(b);
	assert_int_equal(fake_holes(b->fake), pages);
}

void process_bench_ends_clean(struct process_bench *b)
{
	enum exit_code code;

	assert_true(process_bench_wait_end(b, &code));
	assert_int_equal(code, EXIT_CODE_DONE);
	assert_int_equal(fake_live_pages(b->fake), 0);
	assert_int_equal(fake_open_handles(b->fake), 0);
	assert_int_equal(fake_servers(b->fake), 0);
	assert_false(process_bench_has_state(b));
}

bool process_bench_has_state(const struct process_bench *b)
{
	return access(b->state_file, F_OK) == 0;
}

bool process_bench_ended(struct process_bench *b, enum exit_code *code)
{
	enum exit_code ignored;

	return device_process_ended(b->process, code ? code : &ignored);
}

int process_bench_stop(struct process_bench *b)
{
	enum exit_code code = EXIT_CODE_DONE;

	if (!b->process)
		return code;
	device_process_ended(b->process, &code);
	device_process_free(b->process);
	b->process = NULL;
	store_by_broker_end(&b->by_broker);
	return (int)code;
}

static bool key_is(struct process_bench *b, const char *key, const char *value)
{
	const char *there = process_bench_key(b, key);

	return value ? there && strcmp(there, value) == 0 : !there;
}

bool process_bench_wait_key(struct process_bench *b, const char *key, const char *value)
{
	uint64_t end_ms = clock_now_ms() + WAIT_MS;

	process_bench_run(b);
	while (!key_is(b, key, value) && machine_fake_pass_to_timer(end_ms))
		;
	return key_is(b, key, value);
}

bool process_bench_wait_end(struct process_bench *b, enum exit_code *code)
{
	uint64_t end_ms = clock_now_ms() + WAIT_MS;

	process_bench_run(b);
	while (!process_bench_ended(b, code) && machine_fake_pass_to_timer(end_ms))
		;
	return process_bench_ended(b, code);
}

int process_bench_driver(struct process_bench *b)
{
	return driver_init(&b->driver, 5, F_VERSION_1 | F_MUST_TELL_HOST, 2);
}

int process_bench_send(struct process_bench *b, unsigned int index, uint64_t gfn, size_t nr)
{
	while (nr) {
		uint32_t here = nr < 256 ? (uint32_t)nr : 256, len;
		struct driver_buf buf = {.len = here * 4};
		uint32_t *pfn = b->bus.bus.ops->alloc_page(&b->bus.bus, &buf.gpa);
		uint16_t head;
		int ret;

		if (!pfn)
			return -ENOSPC;
		for (uint32_t i = 0; i < here; i++)
			pfn[i] = (uint32_t)gfn + i;
		ret = driver_add(&b->driver.queue[index], &buf, 1, false, &head);
		if (!ret)
			ret = driver_kick(&b->driver.queue[index]);
		if (!ret)
			ret = driver_wait(&b->driver.queue[index], &head, &len);
		if (ret)
			return ret;
		b->bus.next_gfn--;
		gfn += here;
		nr -= here;
	}
	return 0;
}

uint32_t process_bench_num_pages(struct process_bench *b)
{
	uint32_t pages = UINT32_MAX;

	driver_read(&b->driver, REG_CONFIG, &pages);
	return pages;
}
