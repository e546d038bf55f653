// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When a backend is started and ended, on processes that are only a descriptor: one for each device that is wanted, never two, and none
 * for a device that is gone.
 */
#include "backend/starter/starter.h"
#include "backend/base/clock.h"
#include "fake/machine-fake.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define PROCESSES 64
#define NAME "web"

struct fake {
	uint32_t domid, devid;
	int fd; /* readable: it has ended */
	bool alive;
	unsigned int terms, kills;
};

struct bench {
	struct log_capture capture;
	struct event_base *base;
	struct plan plan;
	struct backend_runner runner;
	struct starter_config cfg;
	struct starter *starter;
	struct fake process[PROCESSES];
	unsigned int nr;
	unsigned int most; /* of one device at a time */
	unsigned int tidied;
	int start_result;
	int device_result;
	bool deaf; /* to SIGTERM */
	const char *name, *vm;
	char line[512]; /* the last command */
};

static struct fake *newest(struct bench *b, uint32_t domid)
{
	for (unsigned int i = b->nr; i--;)
		if (b->process[i].domid == domid)
			return &b->process[i];
	return NULL;
}

static unsigned int alive(struct bench *b, uint32_t domid)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < b->nr; i++)
		nr += b->process[i].domid == domid && b->process[i].alive;
	return nr;
}

static int start(void *opaque, const struct plan_device *device, char *const *argv, struct process *p)
{
	struct bench *b = opaque;
	struct fake *fake = &b->process[b->nr];

	if (b->start_result)
		return b->start_result;
	assert_true(b->nr < PROCESSES);
	b->line[0] = '\0';
	for (; *argv; argv++)
		snprintf(b->line + strlen(b->line), sizeof(b->line) - strlen(b->line), "%s|", *argv);
	*fake = (struct fake){.domid = device->domid, .devid = device->devid, .fd = eventfd(0, EFD_CLOEXEC), .alive = true};
	assert_true(fake->fd >= 0);
	*p = (struct process){.pid = (pid_t)b->nr++, .fd = dup(fake->fd)};
	if (alive(b, device->domid) > b->most)
		b->most = alive(b, device->domid);
	return 0;
}

static int attach(void *opaque, uint32_t domid, uint32_t devid, struct process *p)
{
	struct bench *b = opaque;
	struct fake *fake = newest(b, domid);

	if (!fake || !fake->alive)
		return XENVIRTIO_E_EMPTY;
	*p = (struct process){.pid = (pid_t)(fake - b->process), .fd = dup(fake->fd)};
	return 0;
}

static void list_leftovers(void *opaque, void (*found)(void *found_opaque, uint32_t domid, uint32_t devid), void *found_opaque)
{
	struct bench *b = opaque;
	unsigned int nr = b->nr;

	for (unsigned int i = 0; i < nr; i++)
		if (newest(b, b->process[i].domid) == &b->process[i])
			found(found_opaque, b->process[i].domid, b->process[i].devid);
}

static void end(struct fake *fake)
{
	const uint64_t one = 1;

	fake->alive = false;
	assert_int_equal(write(fake->fd, &one, sizeof(one)), sizeof(one));
}

static void signal_group(void *opaque, const struct process *p, int signal)
{
	struct bench *b = opaque;
	struct fake *fake = &b->process[p->pid];

	fake->terms += signal == SIGTERM;
	fake->kills += signal == SIGKILL;
	if (fake->alive && (signal == SIGKILL || !b->deaf))
		end(fake);
}

static void detach(void *opaque, struct process *p)
{
	close(p->fd);
	p->fd = -1;
}

static void reap(void *opaque, struct process *p, struct process_end *how)
{
	struct bench *b = opaque;

	assert_false(b->process[p->pid].alive);
	*how = (struct process_end){.known = true, .value = 3};
	detach(opaque, p);
}

static void tidy(void *opaque, uint32_t domid, uint32_t devid, const char *socket)
{
	struct bench *b = opaque;

	/* nothing is taken from one that runs */
	assert_int_equal(alive(b, domid), 0);
	assert_non_null(socket);
	b->tidied++;
}

static int read_domain(void *opaque, uint32_t domid, const char *key, char value[XENVIRTIO_STORE_TEXT_MAX])
{
	struct bench *b = opaque;
	const char *text = strcmp(key, "name") == 0 ? b->name : b->vm;

	if (!text)
		return -ENOENT;
	snprintf(value, XENVIRTIO_STORE_TEXT_MAX, "%s", text);
	return 0;
}

static int find_device(void *opaque, uint32_t domid, uint32_t devid)
{
	struct bench *b = opaque;

	return b->device_result;
}

static void begin(struct bench *b)
{
	assert_int_equal(starter_new(&b->starter, &b->cfg), 0);
}

/* The service is gone without a word: backends run on. */
static void leave(struct bench *b)
{
	starter_free(b->starter);
	b->starter = NULL;
}

static void wanted(struct bench *b, uint32_t domid)
{
	const struct supervisor_companion *companion = starter_companion(b->starter);

	companion->wanted(companion->opaque, domid, 1);
	machine_fake_run(b->base);
}

static void gone(struct bench *b, uint32_t domid)
{
	const struct supervisor_companion *companion = starter_companion(b->starter);

	companion->gone(companion->opaque, domid, 1);
	machine_fake_run(b->base);
}

static void ready(struct bench *b)
{
	const struct supervisor_companion *companion = starter_companion(b->starter);

	companion->ready(companion->opaque);
	machine_fake_run(b->base);
}

static void pass(struct bench *b, unsigned int ms)
{
	machine_fake_pass(ms);
	machine_fake_run(b->base);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	char why[PLAN_WHY_MAX];

	assert_non_null(b);
	log_capture_open(&b->capture, LOG_LEVEL_INFO);
	b->base = event_base_new();
	assert_non_null(b->base);
	b->name = NAME;
	b->vm = "/vm/0a1b2c3d-0000-1111-2222-333344445555";
	assert_int_equal(plan_parse(&b->plan, "x", "command = /x %s %d %i %n %u", why), 0);
	b->runner = (struct backend_runner){
		.start = start,
		.attach = attach,
		.leftovers = list_leftovers,
		.signal = signal_group,
		.reap = reap,
		.detach = detach,
		.tidy = tidy,
		.opaque = b,
	};
	b->cfg = (struct starter_config){
		.base = b->base,
		.log = &b->capture.log,
		.plan = &b->plan,
		.runner = &b->runner,
		.socket = "/run/x/%d-%i/sock",
		.read_domain = read_domain,
		.find_device = find_device,
		.opaque = b,
		.backoff_min_ms = 100,
		.backoff_max_ms = 800,
		.settled_ms = 10000,
	};
	begin(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	starter_free(b->starter);
	assert_true(b->most <= 1);
	for (unsigned int i = 0; i < b->nr; i++)
		close(b->process[i].fd);
	plan_free(&b->plan);
	event_base_free(b->base);
	free(b);
	return 0;
}

static void one_for_each_device_that_is_wanted(void **state)
{
	struct bench *b = *state;

	wanted(b, 5);
	assert_string_equal(b->line, "/x|/run/x/5-1/sock|5|1|" NAME "|0a1b2c3d-0000-1111-2222-333344445555|");
	wanted(b, 5);
	wanted(b, 6);
	assert_int_equal(b->nr, 2);
	gone(b, 5);
	assert_int_equal(newest(b, 5)->terms, 1);
	assert_int_equal(b->tidied, 1);
	assert_int_equal(alive(b, 6), 1);
	gone(b, 5);
	gone(b, 99);
	assert_int_equal(b->tidied, 1);
}

/* At once at first; one that cannot run is not run all the time, and one that did run has no history. */
static void one_that_ends_is_started_again(void **state)
{
	static const unsigned int wait_ms[] = {100, 200, 400, 800, 800};
	struct bench *b = *state;

	wanted(b, 5);
	for (size_t i = 0; i < sizeof(wait_ms) / sizeof(wait_ms[0]); i++) {
		end(newest(b, 5));
		machine_fake_run(b->base);
		pass(b, wait_ms[i] - 1);
		assert_int_equal(alive(b, 5), 0);
		pass(b, 1);
		assert_int_equal(alive(b, 5), 1);
	}
	assert_true(log_capture_has(&b->capture, "ended with exit code 3: started again in 800 ms"));
	pass(b, 10000);
	end(newest(b, 5));
	machine_fake_run(b->base);
	pass(b, 100);
	assert_int_equal(alive(b, 5), 1);
	/* gone while it waits */
	end(newest(b, 5));
	machine_fake_run(b->base);
	gone(b, 5);
	pass(b, 100000);
	assert_int_equal(b->nr, 7);
	assert_int_equal(b->tidied, 1);
}

static void one_that_cannot_be_started_is_tried_again(void **state)
{
	struct bench *b = *state;

	b->start_result = -EACCES;
	wanted(b, 5);
	pass(b, 100);
	assert_int_equal(b->nr, 0);
	b->start_result = 0;
	pass(b, 200);
	assert_int_equal(alive(b, 5), 1);
}

static void one_that_does_not_end_is_killed(void **state)
{
	struct bench *b = *state;

	b->deaf = true;
	wanted(b, 5);
	gone(b, 5);
	pass(b, STARTER_END_MS - 1);
	assert_int_equal(newest(b, 5)->kills, 0);
	pass(b, 1);
	assert_int_equal(newest(b, 5)->kills, 1);
	assert_int_equal(b->tidied, 1);
}

/* A device that comes back while its backend is ending has another then, and no two at a time. */
static void one_that_is_wanted_again_waits_for_the_last(void **state)
{
	struct bench *b = *state;

	b->deaf = true;
	wanted(b, 5);
	gone(b, 5);
	wanted(b, 5);
	assert_int_equal(b->nr, 1);
	end(newest(b, 5));
	machine_fake_run(b->base);
	pass(b, 100);
	assert_int_equal(b->nr, 2);
	assert_int_equal(alive(b, 5), 1);
	assert_int_equal(b->tidied, 0);
}

/* A name that could be more than a name in a command is in none. */
/* Who wants them may be anybody's: what he can have is bounded, and room is again where one goes. */
static void there_are_no_more_than_so_many(void **state)
{
	struct bench *b = *state;
	const struct supervisor_companion *companion = starter_companion(b->starter);

	b->start_result = -EIO;
	b->capture.log.level = LOG_LEVEL_ERROR;
	for (uint32_t devid = 0; devid < STARTER_BACKENDS_MAX; devid++)
		companion->wanted(companion->opaque, 5, devid);
	b->start_result = 0;
	companion->wanted(companion->opaque, 6, 1);
	assert_int_equal(b->nr, 0);
	assert_true(log_capture_has(&b->capture, "gets no backend"));
	/* who has a place keeps it */
	companion->wanted(companion->opaque, 5, 7);
	companion->gone(companion->opaque, 5, 7);
	companion->wanted(companion->opaque, 6, 1);
	assert_int_equal(b->nr, 1);
}

static void a_guest_with_a_wrong_name_has_none(void **state)
{
	struct bench *b = *state;

	b->name = "a,b";
	wanted(b, 5);
	assert_int_equal(b->nr, 0);
	assert_true(log_capture_has(&b->capture, "may not stand in a command"));
	b->name = NULL;
	pass(b, 100);
	assert_true(log_capture_has(&b->capture, "name cannot be read"));
	b->name = NAME;
	b->vm = "/vm/../x";
	pass(b, 200);
	assert_int_equal(b->nr, 0);
	assert_true(log_capture_has(&b->capture, "UUID cannot be read"));
	b->vm = "/vm/0a1b2c3d-0000-1111-2222-333344445555";
	/* renamed: found at the next attempt */
	pass(b, 400);
	assert_int_equal(alive(b, 5), 1);
}

/* What runs is taken over, not doubled; what has no device any more is ended, and only then. */
static void a_successor_finds_them(void **state)
{
	struct bench *b = *state;

	wanted(b, 5);
	wanted(b, 6);
	wanted(b, 7);
	leave(b);
	assert_int_equal(alive(b, 5) + alive(b, 6) + alive(b, 7), 3);
	end(newest(b, 7));
	begin(b);
	wanted(b, 5);
	assert_int_equal(b->nr, 3);
	b->device_result = -EPIPE;
	ready(b);
	assert_int_equal(alive(b, 6), 1);
	/* of one that has ended there was only the record */
	assert_int_equal(b->tidied, 1);
	b->device_result = -ENOENT;
	pass(b, 5000);
	assert_int_equal(alive(b, 6), 0);
	assert_int_equal(alive(b, 5), 1);
	assert_int_equal(b->tidied, 2);
	/* and follows it, as its own */
	end(newest(b, 5));
	machine_fake_run(b->base);
	pass(b, 100);
	assert_int_equal(alive(b, 5), 1);
}

/* One whose device is seen late is the device's. */
static void who_wants_them_may_die(void **state)
{
	struct bench *b = *state;

	wanted(b, 5);
	wanted(b, 6);
	ready(b);
	starter_asker_died(b->starter);
	assert_int_equal(alive(b, 5) + alive(b, 6), 2);
	/* the next one sees one of them, and that the other's device has gone */
	wanted(b, 5);
	b->device_result = -ENOENT;
	ready(b);
	pass(b, 5000);
	assert_int_equal(alive(b, 5), 1);
	assert_int_equal(alive(b, 6), 0);
	assert_int_equal(b->nr, 2);
	/* one that ends while nobody wants it is not started again; what waits is no more either */
	end(newest(b, 5));
	machine_fake_run(b->base);
	starter_asker_died(b->starter);
	pass(b, 5000);
	assert_int_equal(alive(b, 5), 0);
}

static void what_is_left_over_may_be_wanted_later(void **state)
{
	struct bench *b = *state;

	wanted(b, 5);
	leave(b);
	begin(b);
	ready(b);
	wanted(b, 5);
	b->device_result = -ENOENT;
	pass(b, 20000);
	assert_int_equal(alive(b, 5), 1);
	assert_int_equal(b->nr, 1);
}

static void those_that_are_ending_are_waited_for(void **state)
{
	struct bench *b = *state;

	wanted(b, 5);
	wanted(b, 6);
	b->deaf = true;
	gone(b, 5);
	leave(b);
	assert_int_equal(alive(b, 5), 0);
	assert_int_equal(newest(b, 5)->kills, 1);
	assert_int_equal(alive(b, 6), 1);
	begin(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_for_each_device_that_is_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_ends_is_started_again, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_cannot_be_started_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_does_not_end_is_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_is_wanted_again_waits_for_the_last, setup, teardown),
		cmocka_unit_test_setup_teardown(there_are_no_more_than_so_many, setup, teardown),
		cmocka_unit_test_setup_teardown(a_guest_with_a_wrong_name_has_none, setup, teardown),
		cmocka_unit_test_setup_teardown(a_successor_finds_them, setup, teardown),
		cmocka_unit_test_setup_teardown(who_wants_them_may_die, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_left_over_may_be_wanted_later, setup, teardown),
		cmocka_unit_test_setup_teardown(those_that_are_ending_are_waited_for, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
