// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See supervisor-bench.h.
 */
#include "unit/rigs/supervisor-bench.h"

#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/base/clock.h"
#include "fake/machine-fake.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define FIRST_PID 1000
#define WAIT_MS 10000

static int open_store(void *opaque, struct xenvirtio_store **store)
{
	struct supervisor_bench *b = opaque;

	return fake_store_open(b->store, store);
}

static void note_notify(void *opaque, const char *text)
{
	struct supervisor_bench *b = opaque;
	size_t used = strlen(b->notified);

	snprintf(b->notified + used, sizeof(b->notified) - used, "%s;", text);
}

static void note_ready(void *opaque)
{
	struct supervisor_bench *b = opaque;

	b->readies++;
}

static int pause_domain(void *opaque, uint32_t domid, struct log *log)
{
	struct supervisor_bench *b = opaque;

	if (!b->pause_result && domid < sizeof(b->pauses) / sizeof(b->pauses[0]))
		b->pauses[domid]++;
	return b->pause_result;
}

static int unpause_domain(void *opaque, uint32_t domid, struct log *log)
{
	struct supervisor_bench *b = opaque;

	if (domid < sizeof(b->pauses) / sizeof(b->pauses[0]))
		b->pauses[domid]--;
	return 0;
}

/* --- processes --- */

static int start_process(void *opaque, uint32_t domid, uint32_t devid, unsigned int flags, struct process *p)
{
	struct supervisor_bench *b = opaque;
	struct bench_process *process;
	unsigned int starting;

	if (b->start_result)
		return b->start_result;
	assert_true(b->nr_processes < BENCH_PROCESSES_MAX);
	process = &b->process[b->nr_processes];
	*process = (struct bench_process){
		.domid = domid,
		.devid = devid,
		.pid = (pid_t)(FIRST_PID + b->nr_processes),
		.fd = eventfd(0, EFD_CLOEXEC),
		.alive = true,
		.child = true,
		.life = 1,
		.flags = flags,
	};
	assert_true(process->fd >= 0);
	b->nr_processes++;
	*p = (struct process){.pid = process->pid, .fd = dup(process->fd)};
	starting = (unsigned int)supervisor_bench_counts(b).starting + 1;
	if (starting > b->most_starting)
		b->most_starting = starting;
	/* one that takes over serves after its predecessor's end */
	if (b->serve && !flags)
		supervisor_bench_put(b, domid, devid, "path", "event-channel");
	return 0;
}

static int attach_process(void *opaque, uint32_t domid, uint32_t devid, struct process *p)
{
	struct supervisor_bench *b = opaque;
	struct bench_process *process = supervisor_bench_process(b, domid, devid);

	if (b->attach_result)
		return b->attach_result;
	if (!process || !process->alive)
		return XENVIRTIO_E_EMPTY;
	b->attaches++;
	*p = (struct process){.pid = process->pid, .fd = dup(process->fd)};
	return 0;
}

static struct bench_process *process_of(struct supervisor_bench *b, pid_t pid)
{
	return &b->process[pid - FIRST_PID];
}

static void end_process(struct bench_process *p, bool signalled, int value)
{
	const uint64_t one = 1;

	p->alive = false;
	p->end = (struct process_end){.known = true, .signalled = signalled, .value = value};
	assert_int_equal(write(p->fd, &one, sizeof(one)), sizeof(one));
}

void supervisor_bench_exit(struct bench_process *p, int code)
{
	end_process(p, false, code);
}

void supervisor_bench_die(struct bench_process *p, int signal)
{
	end_process(p, true, signal);
}

static void signal_process(void *opaque, const struct process *p, int signal)
{
	struct supervisor_bench *b = opaque;
	struct bench_process *process = process_of(b, p->pid);

	process->terms += signal == SIGTERM;
	process->aborts += signal == SIGABRT;
	process->kills += signal == SIGKILL;
	if (!process->alive || process->stuck)
		return;
	if (signal == SIGTERM && b->obey)
		supervisor_bench_exit(process, EXIT_CODE_DONE);
	else if (signal == SIGKILL || (signal == SIGABRT && !process->deaf))
		supervisor_bench_die(process, signal);
	else
		assert_int_equal(signal == SIGTERM || signal == SIGABRT, 1);
}

static int read_life(void *opaque, uint32_t domid, uint32_t devid, uint64_t *mark)
{
	struct supervisor_bench *b = opaque;
	struct bench_process *process = supervisor_bench_process(b, domid, devid);

	b->looks++;
	if (!process)
		return -ENOENT;
	if (!process->silent)
		process->life++;
	*mark = process->life;
	return 0;
}

static enum launcher_runs runs_process(void *opaque, const struct process *p)
{
	return process_of(opaque, p->pid)->runs;
}

static void detach_process(void *opaque, struct process *p)
{
	close(p->fd);
	p->fd = -1;
}

static void reap_process(void *opaque, struct process *p, struct process_end *end)
{
	struct bench_process *process = process_of(opaque, p->pid);

	assert_false(process->alive);
	*end = process->end;
	end->known = process->child;
	detach_process(opaque, p);
}

/* --- nodes --- */

static void node_path(char *path, size_t size, uint32_t domid, uint32_t devid, const char *key)
{
	snprintf(path, size, "/local/domain/0/backend/virtio/%" PRIu32 "/%" PRIu32 "%s%s", domid,
		 devid, key[0] ? "/" : "", key);
}

void supervisor_bench_put(struct supervisor_bench *b, uint32_t domid, uint32_t devid,
			  const char *key, const char *value)
{
	char path[128];

	node_path(path, sizeof(path), domid, devid, key);
	fake_store_put(b->store, path, value);
}

const char *supervisor_bench_get(struct supervisor_bench *b, uint32_t domid, uint32_t devid,
				 const char *key)
{
	char path[128];

	node_path(path, sizeof(path), domid, devid, key);
	return fake_store_get(b->store, path);
}

void supervisor_bench_del(struct supervisor_bench *b, uint32_t domid, uint32_t devid)
{
	char path[128];

	node_path(path, sizeof(path), domid, devid, "");
	fake_store_del(b->store, path);
}

void supervisor_bench_node(struct supervisor_bench *b, uint32_t domid, uint32_t devid,
			   const char *type)
{
	char text[64];

	supervisor_bench_put(b, domid, devid, "", "");
	snprintf(text, sizeof(text), "/local/domain/%" PRIu32 "/device/virtio/%" PRIu32, domid,
		 devid);
	supervisor_bench_put(b, domid, devid, "frontend", text);
	snprintf(text, sizeof(text), "%" PRIu32, domid);
	supervisor_bench_put(b, domid, devid, "frontend-id", text);
	supervisor_bench_put(b, domid, devid, "online", "1");
	supervisor_bench_put(b, domid, devid, "state", "1");
	snprintf(text, sizeof(text), "%" PRIu32, 33 + devid);
	supervisor_bench_put(b, domid, devid, "irq", text);
	snprintf(text, sizeof(text), "%#" PRIx32, 0x2000000 + devid * 0x200);
	supervisor_bench_put(b, domid, devid, "base", text);
	supervisor_bench_put(b, domid, devid, "type", type);
	supervisor_bench_put(b, domid, devid, "transport", "mmio");
	supervisor_bench_put(b, domid, devid, "grant_usage", "0");
}

void supervisor_bench_guests(struct supervisor_bench *b, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		supervisor_bench_node(b, i + 1, 0, BENCH_BALLOON);
}

struct bench_process *supervisor_bench_process(struct supervisor_bench *b, uint32_t domid,
					       uint32_t devid)
{
	for (unsigned int i = b->nr_processes; i--;) {
		if (b->process[i].domid == domid && b->process[i].devid == devid)
			return &b->process[i];
	}
	return NULL;
}

/* --- the supervisor --- */

void supervisor_bench_run(struct supervisor_bench *b)
{
	machine_fake_run(b->base);
}

bool supervisor_bench_ended(struct supervisor_bench *b, enum exit_code *code)
{
	enum exit_code ignored;

	return supervisor_ended(b->sup, code ? code : &ignored);
}

bool supervisor_bench_start(struct supervisor_bench *b)
{
	assert_null(b->sup);
	assert_int_equal(supervisor_new(&b->sup, b->base, &b->opts, &b->capture.log, &b->env), 0);
	supervisor_bench_run(b);
	return !supervisor_bench_ended(b, NULL);
}

void supervisor_bench_kill(struct supervisor_bench *b)
{
	supervisor_free(b->sup);
	b->sup = NULL;
	for (unsigned int i = 0; i < b->nr_processes; i++)
		b->process[i].child = false;
}

bool supervisor_bench_wait(struct supervisor_bench *b,
			   bool (*so)(struct supervisor_bench *b, unsigned int arg),
			   unsigned int arg)
{
	uint64_t end_ms = clock_now_ms() + WAIT_MS;

	supervisor_bench_run(b);
	while (!so(b, arg) && machine_fake_pass_to_timer(end_ms))
		;
	return so(b, arg);
}

bool started(struct supervisor_bench *b, unsigned int nr)
{
	return b->nr_processes >= nr;
}

bool serving(struct supervisor_bench *b, unsigned int nr)
{
	return supervisor_bench_counts(b).serving == nr;
}

bool looked(struct supervisor_bench *b, unsigned int nr)
{
	return b->looks >= nr;
}

bool has_ended(struct supervisor_bench *b, unsigned int ignored)
{
	return supervisor_bench_ended(b, NULL);
}

struct supervisor_counts supervisor_bench_counts(struct supervisor_bench *b)
{
	struct supervisor_counts counts = {0};

	if (b->sup)
		supervisor_count(b->sup, &counts);
	return counts;
}

int supervisor_bench_setup(void **state)
{
	struct supervisor_bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	log_capture_open(&b->capture, LOG_LEVEL_INFO);
	b->base = event_base_new();
	b->store = fake_store_new();
	assert_true(b->base && b->store);
	snprintf(b->dir, sizeof(b->dir), "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->state_dir, sizeof(b->state_dir), "%s/run", b->dir);
	b->opts = (struct options){.program = &balloon_program, .state_dir = b->state_dir};
	b->launcher = (struct launcher){
		.start = start_process,
		.attach = attach_process,
		.life = read_life,
		.runs = runs_process,
		.signal = signal_process,
		.reap = reap_process,
		.detach = detach_process,
		.opaque = b,
	};
	b->env = (struct supervisor_env){
		.open_store = open_store,
		.opaque = b,
		.launcher = &b->launcher,
		.ready = note_ready,
		.notify = note_notify,
		.pause = pause_domain,
		.unpause = unpause_domain,
		.first_ms = 4,
		.backoff_min_ms = 4,
		.backoff_max_ms = 64,
		.settled_ms = 60000,
		.start_ms = 60000,
		.stop_ms = 60000,
	};
	b->serve = true;
	b->obey = true;
	*state = b;
	return 0;
}

int supervisor_bench_teardown(void **state)
{
	struct supervisor_bench *b = *state;
	char lock[128];

	supervisor_bench_kill(b);
	for (unsigned int i = 0; i < b->nr_processes; i++)
		close(b->process[i].fd);
	snprintf(lock, sizeof(lock), "%s/service.lock", b->state_dir);
	unlink(lock);
	rmdir(b->state_dir);
	assert_int_equal(rmdir(b->dir), 0);
	assert_int_equal(fake_store_handles(b->store), 0);
	assert_int_equal(fake_store_watches(b->store), 0);
	fake_store_free(b->store);
	event_base_free(b->base);
	free(b);
	return 0;
}
