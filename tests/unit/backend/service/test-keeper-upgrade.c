// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A keeper's device goes over to the installed version: the child that serves is left until another is ready, and whatever dies when,
 * there is one child in the end and who asked has one answer.
 */
#include "backend/service/keeper.h"
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
#include <unistd.h>

#include <cmocka.h>

#define CHILDREN 8
#define FIRST_PID 100

struct child {
	int life, ready; /* the child's ends; -1: closed */
	unsigned int flags;
	struct process_end end;
	int signal; /* it was sent last */
	enum launcher_runs runs;
};

struct bench {
	struct event_base *base;
	struct log_capture capture;
	struct launcher launcher;
	struct keeper_env env;
	struct keeper *k;
	struct child child[CHILDREN];
	unsigned int starts;
	int start_result;
	char said[256];
	unsigned int overs;
};

static int start(void *opaque, unsigned int flags, struct process *p, int *ready)
{
	struct bench *b = opaque;
	int life[2], word[2];

	if (b->start_result)
		return b->start_result;
	assert_true(b->starts < CHILDREN);
	assert_int_equal(pipe(life) | pipe(word), 0);
	*p = (struct process){.pid = FIRST_PID + (pid_t)b->starts, .fd = life[0]};
	*ready = word[0];
	b->child[b->starts++] = (struct child){.life = life[1], .ready = word[1], .flags = flags};
	return 0;
}

static struct child *child_of(void *opaque, const struct process *p)
{
	return &((struct bench *)opaque)->child[p->pid - FIRST_PID];
}

static void send_signal(void *opaque, const struct process *p, int signal)
{
	child_of(opaque, p)->signal = signal;
}

static enum launcher_runs runs(void *opaque, const struct process *p)
{
	return child_of(opaque, p)->runs;
}

static void detach(void *opaque, struct process *p)
{
	close(p->fd);
	p->fd = -1;
}

static void reap(void *opaque, struct process *p, struct process_end *end)
{
	*end = child_of(opaque, p)->end;
	detach(opaque, p);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->base = event_base_new();
	assert_non_null(b->base);
	log_capture_open(&b->capture, LOG_LEVEL_INFO);
	b->launcher = (struct launcher){.signal = send_signal, .reap = reap, .detach = detach, .runs = runs, .opaque = b};
	b->env = (struct keeper_env){.launcher = &b->launcher, .start = start, .opaque = b};
	*state = b;
	return 0;
}

static void close_child(struct child *c)
{
	if (c->ready >= 0)
		close(c->ready);
	if (c->life >= 0)
		close(c->life);
	c->ready = c->life = -1;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	keeper_free(b->k);
	for (unsigned int i = 0; i < b->starts; i++)
		close_child(&b->child[i]);
	event_base_free(b->base);
	free(b);
	return 0;
}

static void serves(struct bench *b, unsigned int nr)
{
	assert_int_equal(write(b->child[nr].ready, "\n", 1), 1);
	close(b->child[nr].ready);
	b->child[nr].ready = -1;
	machine_fake_run(b->base);
}

static void ends(struct bench *b, unsigned int nr, bool signalled, int value)
{
	b->child[nr].end = (struct process_end){.known = true, .signalled = signalled, .value = value};
	close_child(&b->child[nr]);
	machine_fake_run(b->base);
}

static void note_told(void *opaque, uint32_t domid, uint32_t devid, enum upgrade_result result, const char *why)
{
	static const char *const words[] = {"done", "same", "refused: "};
	struct bench *b = opaque;

	assert_int_equal(domid, 7);
	assert_int_equal(devid, 1);
	snprintf(b->said, sizeof(b->said), "%s%s", words[result], why);
}

static void note_over(void *opaque)
{
	((struct bench *)opaque)->overs++;
}

static int ask(struct bench *b, bool force)
{
	const struct upgrade_listener listener = {.told = note_told, .over = note_over, .opaque = b};
	int rc;

	b->said[0] = '\0';
	b->overs = 0;
	rc = keeper_upgrade(b->k, 7, 1, force, &listener);
	machine_fake_run(b->base);
	return rc;
}

static void expect_over(struct bench *b, const char *text)
{
	assert_string_equal(b->said, text);
	assert_int_equal(b->overs, 1);
}

static void goes_on(struct bench *b)
{
	enum exit_code code;
	int signal;

	assert_false(keeper_ended(b->k, &code, &signal));
}

/* Child 0 serves, and child 1 is to take over. */
static void begin(struct bench *b)
{
	assert_int_equal(keeper_new(&b->k, b->base, &b->capture.log, &b->env), 0);
	machine_fake_run(b->base);
	serves(b, 0);
	assert_int_equal(ask(b, false), 0);
	assert_int_equal(b->starts, 2);
	assert_int_equal(b->child[0].flags, 0);
	assert_int_equal(b->child[1].flags, LAUNCHER_TAKE_OVER);
	assert_int_equal(b->overs, 0);
}

static void its_device_goes_over(void **state)
{
	struct bench *b = *state;

	begin(b);
	assert_int_equal(b->child[0].signal, 0);
	/* without a keeper's child that ends like this its keeper would end as well */
	ends(b, 0, false, EXIT_CODE_HANDED_ON);
	assert_int_equal(b->overs, 0);
	serves(b, 1);
	expect_over(b, "done");
	goes_on(b);
	/* and again, and its death is what a death is */
	assert_int_equal(ask(b, false), 0);
	serves(b, 2);
	assert_int_equal(b->overs, 0);
	ends(b, 1, false, EXIT_CODE_HANDED_ON);
	expect_over(b, "done");
	ends(b, 2, true, SIGKILL);
	assert_int_equal(b->starts, 4);
	assert_int_equal(b->child[3].flags, 0);
}

static void who_is_not_ready_changes_nothing(void **state)
{
	struct bench *b = *state;

	begin(b);
	ends(b, 1, false, EXIT_CODE_UNSUITABLE);
	assert_non_null(strstr(b->said, "refused: the installed version cannot go on with the state"));
	assert_int_equal(b->overs, 1);
	goes_on(b);
	assert_int_equal(b->child[0].signal, 0);
	b->start_result = -EAGAIN;
	assert_int_equal(ask(b, false), 0);
	assert_non_null(strstr(b->said, "refused: no process could be started"));
	b->start_result = 0;
	assert_int_equal(ask(b, false), 0);
	machine_fake_pass(UPGRADE_MS);
	assert_int_equal(b->child[2].signal, SIGKILL);
	ends(b, 2, true, SIGKILL);
	expect_over(b, "refused: the process that was to take over was not ready within 9 s");
	goes_on(b);
	assert_int_equal(b->starts, 3);
	/* it was told to let go after all, and does so late: its guest is not left */
	ends(b, 0, false, EXIT_CODE_HANDED_ON);
	assert_int_equal(b->starts, 4);
	goes_on(b);
}

static void either_may_die_meanwhile(void **state)
{
	struct bench *b = *state;

	begin(b);
	ends(b, 0, true, SIGKILL);
	assert_int_equal(b->starts, 2);
	serves(b, 1);
	expect_over(b, "done");
	assert_int_equal(ask(b, false), 0);
	ends(b, 1, false, EXIT_CODE_DONE);
	ends(b, 2, true, SIGSEGV);
	expect_over(b, "refused: the process that took over ended before it served");
	goes_on(b);
	assert_int_equal(b->starts, 4);
}

/* Its guest is destroyed: both end, and so does the keeper. */
static void with_its_guest_all_end(void **state)
{
	struct bench *b = *state;
	enum exit_code code;
	int signal;

	begin(b);
	ends(b, 0, false, EXIT_CODE_DONE);
	ends(b, 1, false, EXIT_CODE_NO_DEVICE);
	assert_int_equal(b->overs, 1);
	assert_true(keeper_ended(b->k, &code, &signal));
	assert_int_equal(code, EXIT_CODE_DONE);
	assert_int_equal(b->starts, 2);
}

static void what_cannot_be_is_said(void **state)
{
	struct bench *b = *state;

	assert_int_equal(keeper_new(&b->k, b->base, &b->capture.log, &b->env), 0);
	machine_fake_run(b->base);
	assert_int_equal(ask(b, true), 0);
	expect_over(b, "refused: it is just being started: ask again");
	serves(b, 0);
	b->child[0].runs = LAUNCHER_RUNS_INSTALLED;
	assert_int_equal(ask(b, false), 0);
	expect_over(b, "same");
	assert_int_equal(b->starts, 1);
	assert_int_equal(ask(b, true), 0);
	assert_int_equal(b->starts, 2);
	assert_int_equal(ask(b, true), -EBUSY);
	ends(b, 1, false, EXIT_CODE_HOST);
	/* who waits for a start gets what is installed */
	ends(b, 0, true, SIGSEGV);
	ends(b, 2, true, SIGSEGV);
	assert_int_equal(ask(b, true), 0);
	expect_over(b, "same");
	assert_int_equal(b->starts, 3);
}

static void a_keeper_has_its_reasons(void **state)
{
	struct bench *b = *state;

	b->env.no_upgrade = "a reason";
	assert_int_equal(keeper_new(&b->k, b->base, &b->capture.log, &b->env), 0);
	machine_fake_run(b->base);
	serves(b, 0);
	assert_int_equal(ask(b, true), 0);
	expect_over(b, "refused: a reason");
	assert_int_equal(b->starts, 1);
}

static void who_asks_for_the_end_gets_it(void **state)
{
	struct bench *b = *state;
	enum exit_code code;
	int signal;

	begin(b);
	raise(SIGTERM);
	machine_fake_run(b->base);
	assert_int_equal(b->child[1].signal, SIGKILL);
	assert_int_equal(b->child[0].signal, SIGTERM);
	expect_over(b, "refused: the keeper was told to end");
	ends(b, 1, true, SIGKILL);
	ends(b, 0, false, EXIT_CODE_DONE);
	assert_true(keeper_ended(b->k, &code, &signal));
	assert_int_equal(code, EXIT_CODE_DONE);
	assert_int_equal(ask(b, true), -ECANCELED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(its_device_goes_over),
		TEST(who_is_not_ready_changes_nothing),
		TEST(either_may_die_meanwhile),
		TEST(with_its_guest_all_end),
		TEST(what_cannot_be_is_said),
		TEST(a_keeper_has_its_reasons),
		TEST(who_asks_for_the_end_gets_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
