// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program around a device, parent and children, on the fakes. The guest's driver is driven by the device's process itself, once it
 * serves, in memory that all have in common; the toolstack and time are in the parent's waits. Confined is none of this:
 * test-run-confine is about that.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake/hv-fake.h"
#include "fake/store-fake.h"
#include "guest/bus-fake.h"
#include "guest/driver.h"
#include "run/run-internal.h"
#include "unit/rigs/need-pidfd.h"

#define NODE "/local/domain/0/backend/virtio/5/0"
#define BASE 0x2000000
#define DEVICE_ID 4

/** what a child does, and what the parent sees meanwhile */
struct bench {
	struct fake *machine;
	struct fake_store *store;
	struct xenvirtio_server *server;
	struct driver driver;
	struct bus_fake bus;
	uint64_t buffer_gpa;
	/* each child's turn, by its number; and the parent's, when it has nothing to do */
	void (*child)(unsigned int life);
	void (*parent)(bool served);
	bool hangs;
	pid_t pid;
	int64_t now_ms;
	unsigned int lives, collected, steps, opened;
	int open_result;
	bool dies_opening; /* all but the first */
};

static struct bench *b;

static int put_seven(void *opaque, struct xenvirtio_queue *q, const struct xenvirtio_chain *chain, uint32_t *used_bytes)
{
	*used_bytes = 1;
	return xenvirtio_chain_write(q, chain, 0, "\7", 1);
}

static int open_device(void *opaque)
{
	b->pid = getpid();
	b->opened++;
	if (b->dies_opening && b->opened > 1)
		raise(SIGKILL);
	return b->open_result;
}

static const struct xenvirtio_program program = {
	.name = "# test-run",
	.summary = "sevens",
	.type = "virtio,device4",
	.device = { .device_id = DEVICE_ID, .nr_queues = 1, .queue_size_max = 64 },
	.serve = put_seven,
	.open = open_device,
};

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid)
{
	return fake_open(b->machine, hv);
}

static int open_store(void *opaque, struct xenvirtio_store **store)
{
	return fake_store_open(b->store, store);
}

static int64_t now_ms(void *opaque)
{
	return b->now_ms;
}

static bool is_state(const char *state)
{
	const char *value = fake_store_get(b->store, NODE "/state");

	return value && strcmp(value, state) == 0;
}

/* Time passes when nobody is there who could do anything; a child is waited for as long as it takes. */
static int wait_for(void *opaque, struct pollfd *fds, nfds_t nr, int timeout_ms)
{
	int ret;

	/* a child is listened to until it serves */
	if (b->parent && (fds[2].fd < 0 || fds[3].fd < 0))
		b->parent(fds[2].fd >= 0);
	ret = poll(fds, nr, 0);
	if (ret || !timeout_ms)
		return ret;
	if (timeout_ms < 0 || (fds[2].fd >= 0 && !b->hangs))
		return poll(fds, nr, -1);
	b->now_ms += timeout_ms;
	return 0;
}

static void serving(void *opaque, struct xenvirtio_server *server, struct xenvirtio_device *dev)
{
	b->server = server;
	b->child(b->lives++);
}

static const struct run_env env = {
	.open_hv = open_hv,
	.open_confined = open_hv,
	.open_store = open_store,
	.now_ms = now_ms,
	.wait = wait_for,
	.serving = serving,
};

static void put(const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), NODE "/%s", key);
	fake_store_put(b->store, path, value);
}

static void put_node(void)
{
	put("frontend", "/local/domain/5/device/virtio/0");
	put("frontend-id", "5");
	put("online", "1");
	put("state", "1");
	put("irq", "33");
	put("base", "0x2000000");
	put("type", "virtio,device4");
	put("transport", "mmio");
	put("grant_usage", "0");
}

static int setup(void **state)
{
	b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(b != MAP_FAILED);
	b->machine = fake_new(NULL);
	b->store = fake_store_new();
	return b->machine && b->store ? 0 : -1;
}

static int teardown(void **state)
{
	uint64_t faults = fake_faults_total(b->machine);
	size_t open = fake_open_handles(b->machine) + fake_store_handles(b->store);

	fake_free(b->machine);
	fake_store_free(b->store);
	munmap(b, sizeof(*b));
	return faults || open ? -1 : 0;
}

static const struct xenvirtio_program *its_program = &program;

static int run(const char *more)
{
	char line[] = "test --domid=5 --no-sandbox", rest[64], *argv[8] = { NULL };
	int argc = 0;

	snprintf(rest, sizeof(rest), "%s", more ? more : "");
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	for (char *word = strtok(rest, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return run_main(its_program, &env, argc, argv);
}

/* --- what children do --- */

static int serve_once(void *opaque)
{
	return xenvirtio_server_process(b->server);
}

static void check(bool so)
{
	if (!so)
		_exit(77);
}

static void begin_driver(void)
{
	const struct xenvirtio_gfn_range ram = { { 0x40000 }, { 0x40fff } };

	bus_fake_init(&b->bus, b->machine, BASE, ram, xenvirtio_gfn(0x40fff), serve_once, NULL, NULL);
	b->driver.bus = &b->bus.bus;
	check(driver_init(&b->driver, DEVICE_ID, 0, 1) == 0);
}

static void add(void)
{
	struct driver_buf buf = { .gpa = UINT64_C(0x40400) << 12, .len = 4, .writable = true };
	uint16_t head;

	check(driver_add(&b->driver.queue[0], &buf, 1, false, &head) == 0);
}

static void collect(void)
{
	uint32_t bytes;
	uint16_t head;

	check(driver_collect(&b->driver.queue[0], &head, &bytes) == 0 && bytes == 1);
	b->collected++;
}

static void end_by_signal(unsigned int life)
{
	kill(getppid(), SIGTERM);
}

static void serve_and_end(unsigned int life)
{
	begin_driver();
	add();
	check(driver_kick(&b->driver.queue[0]) == 0);
	collect();
	end_by_signal(life);
}

static void a_guest_is_served_until_a_signal(void **state)
{
	need_pidfd();
	put_node();
	b->child = serve_and_end;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_DONE);
	assert_int_equal(b->collected, 1);
	assert_int_equal(b->lives, 1);
	assert_true(is_state("6"));
}

static void without_xenstores_place_by_hand(void **state)
{
	need_pidfd();
	b->child = serve_and_end;
	assert_int_equal(run("--base 0x2000000 --irq 33"), XENVIRTIO_EXIT_DONE);
	assert_int_equal(b->collected, 1);
	/* no node is made that was not there */
	assert_null(fake_store_get(b->store, NODE "/state"));
}

/* What the first is killed over the second does, though nobody kicks again. */
static void die_over_a_chain(unsigned int life)
{
	if (life == 0) {
		begin_driver();
		add();
		raise(SIGKILL);
	}
	collect();
	end_by_signal(life);
}

static void another_goes_on_where_one_was_killed(void **state)
{
	need_pidfd();
	put_node();
	/* as some start what they start */
	signal(SIGCHLD, SIG_IGN);
	b->child = die_over_a_chain;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_DONE);
	assert_int_equal(b->lives, 2);
	assert_int_equal(b->collected, 1);
	/* at once */
	assert_int_equal(b->now_ms, 0);
}

static struct xenvirtio_chain kept[3];
static unsigned int nr_kept;
static struct xenvirtio_queue *kept_queue;

static int keep(void *opaque, struct xenvirtio_queue *q, const struct xenvirtio_chain *chain, uint32_t *used_bytes)
{
	kept[nr_kept++ % 3] = *chain;
	kept_queue = q;
	return XENVIRTIO_E_AGAIN;
}

/* The last is answered first, and then no more. */
static void die_over_the_first(unsigned int life)
{
	if (life == 0) {
		begin_driver();
		add();
		add();
		check(driver_kick(&b->driver.queue[0]) == 0);
		check(nr_kept == 2 && xenvirtio_queue_push(kept_queue, &kept[1], 1) == 0);
		collect();
		raise(SIGKILL);
	}
	check(nr_kept == 1 && xenvirtio_queue_push(kept_queue, &kept[0], 1) == 0);
	collect();
	end_by_signal(life);
}

static void what_was_answered_out_of_order_is_not_asked_again(void **state)
{
	struct xenvirtio_program keeper = program;

	need_pidfd();
	put_node();
	keeper.serve = keep;
	keeper.any_order = true;
	b->child = die_over_the_first;
	its_program = &keeper;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_DONE);
	its_program = &program;
	assert_int_equal(b->lives, 2);
	assert_int_equal(b->collected, 2);
}

static void die(unsigned int life)
{
	raise(SIGKILL);
}

static void who_dies_again_and_again_is_given_up(void **state)
{
	need_pidfd();
	put_node();
	b->child = die;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_HOST);
	assert_int_equal(b->lives, 6);
	assert_int_equal(b->now_ms, (0 + 1 + 2 + 4 + 8) * 1000);
	assert_true(is_state("6"));
}

static void do_nothing(unsigned int life)
{
}

static void kill_after_a_minute(bool served)
{
	if (!served || b->pid == 0)
		return;
	if (b->steps++ >= 20) {
		if (b->steps == 21)
			kill(getpid(), SIGTERM);
		return;
	}
	b->now_ms += 60000;
	kill(b->pid, SIGKILL);
	b->pid = 0;
}

static void who_served_a_minute_has_begun_well(void **state)
{
	need_pidfd();
	put_node();
	b->child = do_nothing;
	b->parent = kill_after_a_minute;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_DONE);
	assert_int_equal(b->now_ms, 20 * 60000);
}

/* One that served long, and then none that comes so far: its minute is not theirs. */
static void the_minute_is_of_who_served_it(void **state)
{
	need_pidfd();
	put_node();
	b->child = do_nothing;
	b->parent = kill_after_a_minute;
	b->dies_opening = true;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_HOST);
	assert_int_equal(b->opened, 6);
	assert_int_equal(b->now_ms, 60000 + (0 + 1 + 2 + 4 + 8) * 1000);
}

static void hang(unsigned int life)
{
	b->hangs = true;
	end_by_signal(life);
	for (;;)
		pause();
}

static void who_does_not_end_is_killed(void **state)
{
	need_pidfd();
	put_node();
	b->child = hang;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_DONE);
	assert_int_equal(b->now_ms, 5000);
	assert_true(is_state("6"));
}

/* --- what befalls the device, in the parent's waits --- */

static void end_domain(bool served)
{
	if (!served || b->steps++)
		return;
	fake_set_dying(b->machine);
	fake_store_event(b->store, "@releaseDomain");
}

static void it_ends_with_its_domain(void **state)
{
	need_pidfd();
	put_node();
	b->child = do_nothing;
	b->parent = end_domain;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_DONE);
	assert_int_equal(b->lives, 1);
}

static void close_device(bool served)
{
	if (served && !b->steps++)
		put("state", "5");
}

static void it_ends_when_the_toolstack_takes_the_device(void **state)
{
	need_pidfd();
	put_node();
	b->child = do_nothing;
	b->parent = close_device;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_DONE);
	assert_true(is_state("6"));
}

static void lose_store(bool served)
{
	if (!served)
		return;
	if (b->steps++ == 0)
		fake_store_stop(b->store);
	else if (b->steps == 4)
		fake_store_start(b->store);
	else if (b->steps > 4 && fake_store_handles(b->store))
		kill(getpid(), SIGTERM);
	/* the child is there all the time, and time passes all the same */
	b->hangs = !fake_store_handles(b->store);
}

static void xenstore_may_go_and_come_back(void **state)
{
	need_pidfd();
	put_node();
	b->child = do_nothing;
	b->parent = lose_store;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_DONE);
	assert_int_equal(b->lives, 1);
	assert_true(is_state("6"));
}

static void write_the_rest(bool served)
{
	if (!served && b->steps++ == 0)
		put("type", "virtio,device4");
}

static void a_node_that_is_half_written_is_waited_for(void **state)
{
	need_pidfd();
	put_node();
	fake_store_del(b->store, NODE "/type");
	b->child = serve_and_end;
	b->parent = write_the_rest;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_DONE);
	assert_int_equal(b->collected, 1);
}

static void but_not_for_ever(void **state)
{
	put_node();
	fake_store_del(b->store, NODE "/type");
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_UNSUITABLE);
	assert_int_equal(b->now_ms, 10000);
}

/* --- what cannot be served --- */

static void each_reason_has_its_number(void **state)
{
	const struct xenvirtio_gpa_range range = { { BASE }, { BASE + 0x1ff } };

	need_pidfd();
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_NO_DEVICE);
	put_node();
	assert_int_equal(run("--devid=1"), XENVIRTIO_EXIT_NO_DEVICE);
	put("grant_usage", "1");
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_UNSUITABLE);
	put("grant_usage", "0");
	b->open_result = -ENOENT;
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_HOST);
	b->open_result = 0;
	fake_add_foreign(b->machine, &range);
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_BUSY);
	fake_store_stop(b->store);
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_NO_XEN);
	fake_set_gone(b->machine);
	assert_int_equal(run(NULL), XENVIRTIO_EXIT_NO_DEVICE);
	assert_int_equal(b->lives, 0);
	assert_true(is_state("1"));
}

/* --- one process's life after the other, in this one --- */

/* The guest writes a register, and the host fails before it has its answer. */
static void fail_host(unsigned int life)
{
	check(fake_servers(b->machine) == 1);
	if (life)
		return;
	check(fake_mmio_start(b->machine, 0, BASE + REG_STATUS, 4, false, STATUS_ACKNOWLEDGE) == 0);
	fake_fail(b->machine, 1, -EIO, FAKE_FAIL_ONCE, false);
}

static void a_successor_adopts_the_ioreq_server(void **state)
{
	struct run_shared *shared = calloc(1, sizeof(*shared));
	struct run r = { .program = &program, .env = &env, .shared = shared, .opts = { .domid = 5, .sandbox = RUN_NO_SANDBOX } };
	int pair[2];

	r.bus.base = xenvirtio_gpa(BASE);
	r.bus.irq = 33;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	b->child = fail_host;
	assert_int_equal(run_child(&r, pair[1]), XENVIRTIO_EXIT_HOST);
	assert_int_equal(fake_servers(b->machine), 1);
	assert_int_equal(shared->state.status, 0);
	/* the next has the same server, answers the access that was under way, and takes it along: its parent is gone */
	r.life = 1;
	shutdown(pair[0], SHUT_WR);
	assert_int_equal(run_child(&r, pair[1]), XENVIRTIO_EXIT_DONE);
	assert_int_equal(fake_servers(b->machine), 0);
	close(pair[0]);
	close(pair[1]);
	free(shared);
}

/* The parent's part, when there is no next one. */
static void what_a_killed_child_left_is_removed_and_nothing_else(void **state)
{
	const struct xenvirtio_gpa_range range = { { BASE }, { BASE + 0x1ff } }, other = { { BASE + 0x200 }, { BASE + 0x3ff } };
	struct run r = { .program = &program, .env = &env };
	uint16_t id = XENVIRTIO_IOREQ_NEW;
	struct xenvirtio_hv *hv;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(fake_open(b->machine, &hv), 0);
		id = XENVIRTIO_IOREQ_NEW;
		assert_int_equal(hv->ops->ioreq_open(hv, i ? &other : &range, 1, &id), 0);
		xenvirtio_hv_close(hv);
	}
	r.bus.base = xenvirtio_gpa(BASE);
	run_remove_server(&r);
	assert_int_equal(fake_servers(b->machine), 1);
	run_remove_server(&r);
	assert_int_equal(fake_servers(b->machine), 1);
	r.bus.base = xenvirtio_gpa(BASE + 0x200);
	run_remove_server(&r);
	assert_int_equal(fake_servers(b->machine), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_guest_is_served_until_a_signal),
		TEST(without_xenstores_place_by_hand),
		TEST(another_goes_on_where_one_was_killed),
		TEST(what_was_answered_out_of_order_is_not_asked_again),
		TEST(who_dies_again_and_again_is_given_up),
		TEST(who_served_a_minute_has_begun_well),
		TEST(the_minute_is_of_who_served_it),
		TEST(who_does_not_end_is_killed),
		TEST(it_ends_with_its_domain),
		TEST(it_ends_when_the_toolstack_takes_the_device),
		TEST(xenstore_may_go_and_come_back),
		TEST(a_node_that_is_half_written_is_waited_for),
		TEST(but_not_for_ever),
		TEST(each_reason_has_its_number),
		TEST(a_successor_adopts_the_ioreq_server),
		TEST(what_a_killed_child_left_is_removed_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
