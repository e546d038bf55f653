// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper with processes that are pipes: a guest that was served is served again at once, a start that was refused is not tried
 * again, and who asked for the end gets it.
 */
#include "backend/base/clock.h"
#include "backend/service/keeper.h"
#include "fake/machine-fake.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
	struct event_base *base;
	struct log_capture capture;
	struct launcher launcher;
	struct keeper_env env;
	struct keeper *k;
	unsigned int starts, told;
	int start_result;
	int life, ready; /* the newest child's ends; -1: closed */
	int heard;	 /* the keeper's, of the latter */
	struct process_end end;
	int signal; /* it was sent last */
};

static int start(void *opaque, unsigned int flags, struct process *p, int *ready)
{
	struct bench *b = opaque;
	int life[2], word[2];

	if (b->start_result)
		return b->start_result;
	assert_int_equal(pipe(life) | pipe(word), 0);
	*p = (struct process){.pid = 100 + (pid_t)b->starts, .fd = life[0]};
	*ready = b->heard = word[0];
	b->life = life[1];
	b->ready = word[1];
	b->starts++;
	return 0;
}

static void told(void *opaque)
{
	((struct bench *)opaque)->told++;
}

static void send_signal(void *opaque, const struct process *p, int signal)
{
	((struct bench *)opaque)->signal = signal;
}

static void detach(void *opaque, struct process *p)
{
	close(p->fd);
	p->fd = -1;
}

static void reap(void *opaque, struct process *p, struct process_end *end)
{
	*end = ((struct bench *)opaque)->end;
	detach(opaque, p);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->base = event_base_new();
	assert_non_null(b->base);
	log_capture_open(&b->capture, LOG_LEVEL_INFO);
	b->launcher = (struct launcher){.signal = send_signal, .reap = reap, .detach = detach, .opaque = b};
	b->env = (struct keeper_env){.launcher = &b->launcher, .start = start, .ready = told, .opaque = b};
	b->life = b->ready = -1;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	keeper_free(b->k);
	if (b->ready >= 0)
		close(b->ready);
	if (b->life >= 0)
		close(b->life);
	event_base_free(b->base);
	free(b);
	return 0;
}

static void begin(struct bench *b)
{
	assert_int_equal(keeper_new(&b->k, b->base, &b->capture.log, &b->env), 0);
	machine_fake_run(b->base);
}

static void serves(struct bench *b)
{
	assert_int_equal(write(b->ready, "\n", 1), 1);
	close(b->ready);
	b->ready = -1;
	machine_fake_run(b->base);
}

static void ends(struct bench *b, bool signalled, int value)
{
	int life = b->life, ready = b->ready;

	b->end = (struct process_end){.known = true, .signalled = signalled, .value = value};
	b->life = b->ready = -1;
	if (ready >= 0)
		close(ready);
	close(life);
	machine_fake_run(b->base);
}

static bool ended(struct bench *b, enum exit_code *code, int *signal)
{
	return keeper_ended(b->k, code, signal);
}

static void goes_on(struct bench *b, unsigned int starts)
{
	enum exit_code code;
	int signal;

	assert_false(ended(b, &code, &signal));
	assert_int_equal(b->starts, starts);
}

static void ends_with(struct bench *b, enum exit_code wanted, int wanted_signal)
{
	enum exit_code code;
	int signal;

	assert_true(ended(b, &code, &signal));
	assert_int_equal(code, wanted);
	assert_int_equal(signal, wanted_signal);
}

/* The guest waits: no time passes before another is there, and who waited for the first is told once. */
static void one_that_served_is_replaced_at_once(void **state)
{
	struct bench *b = *state;

	begin(b);
	serves(b);
	assert_int_equal(b->told, 1);
	for (unsigned int i = 0; i < 5; i++) {
		machine_fake_pass(1000);
		ends(b, true, SIGKILL);
		goes_on(b, i + 2);
		serves(b);
	}
	assert_int_equal(b->told, 1);
	assert_true(log_capture_has(&b->capture, "died of signal 9 (Killed): started again at once"));
}

/* One that dies again and again costs the host less and less, and in the end nothing. */
static void repeated_deaths_have_an_end(void **state)
{
	struct bench *b = *state;
	unsigned int wait_ms = 100;

	begin(b);
	serves(b);
	ends(b, true, SIGSEGV);
	goes_on(b, 2);
	for (unsigned int death = 2; death <= KEEPER_DEATHS_MAX; death++, wait_ms *= 2) {
		if (death % 2)
			serves(b);
		machine_fake_pass(999 - (death % 2));
		ends(b, true, SIGSEGV);
		machine_fake_pass(wait_ms - 1);
		goes_on(b, death);
		machine_fake_pass(1);
		goes_on(b, death + 1);
	}
	ends(b, true, SIGSEGV);
	ends_with(b, EXIT_CODE_HOST, 0);
	assert_true(log_capture_has(&b->capture, "given up"));
}

/* As without a keeper: the shell, and whoever waits for the newline, learn how it ended. */
static void one_that_never_served_ends_it(void **state)
{
	static const enum exit_code codes[] = {EXIT_CODE_HOST, EXIT_CODE_NO_DEVICE, EXIT_CODE_NO_XEN, EXIT_CODE_BUSY, EXIT_CODE_UNSUITABLE};
	struct bench *b = *state;

	for (unsigned int i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		begin(b);
		ends(b, false, (int)codes[i]);
		ends_with(b, codes[i], 0);
		keeper_free(b->k);
	}
	begin(b);
	ends(b, true, SIGKILL);
	ends_with(b, EXIT_CODE_HOST, SIGKILL);
	assert_int_equal(b->told, 0);
}

/* What a successor is told after its guest was served: some of it may pass. */
static void answers_after_service(void **state)
{
	static const struct {
		enum exit_code said, ends;
		bool again;
	} cases[] = {
		{EXIT_CODE_DONE, EXIT_CODE_DONE, false},
		{EXIT_CODE_HOST, EXIT_CODE_HOST, true},
		{EXIT_CODE_NO_XEN, EXIT_CODE_HOST, true},
		{EXIT_CODE_NO_DEVICE, EXIT_CODE_DONE, false}, /* the domain went meanwhile */
		{EXIT_CODE_BUSY, EXIT_CODE_BUSY, false},
		{EXIT_CODE_UNSUITABLE, EXIT_CODE_UNSUITABLE, false},
		{EXIT_CODE_USAGE, EXIT_CODE_USAGE, false},
		{EXIT_CODE_HANDED_ON, EXIT_CODE_HOST, true}, /* and the other did not go on */
		{127, EXIT_CODE_HOST, true}, /* the loader: a library is being replaced */
	};
	struct bench *b = *state;

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		b->starts = 0;
		begin(b);
		serves(b);
		ends(b, true, SIGKILL);
		goes_on(b, 2);
		ends(b, false, (int)cases[i].said);
		if (cases[i].again) {
			machine_fake_pass(100);
			goes_on(b, 3);
			close(b->life);
			close(b->ready);
		} else {
			ends_with(b, cases[i].ends, 0);
		}
		keeper_free(b->k);
	}
	b->life = b->ready = -1;
	b->k = NULL;
}

/* Also while none is there, and then without another. */
static void who_asks_for_the_end_gets_it(void **state)
{
	struct bench *b = *state;

	begin(b);
	serves(b);
	raise(SIGTERM);
	machine_fake_run(b->base);
	assert_int_equal(b->signal, SIGTERM);
	goes_on(b, 1);
	ends(b, false, EXIT_CODE_DONE);
	ends_with(b, EXIT_CODE_DONE, 0);
	keeper_free(b->k);
	begin(b);
	serves(b);
	raise(SIGINT);
	machine_fake_run(b->base);
	ends(b, true, SIGKILL);
	ends_with(b, EXIT_CODE_HOST, SIGKILL);
	keeper_free(b->k);
	begin(b);
	serves(b);
	ends(b, true, SIGKILL);
	ends(b, true, SIGKILL);
	raise(SIGHUP);
	machine_fake_run(b->base);
	ends_with(b, EXIT_CODE_DONE, 0);
	machine_fake_pass(100000);
	assert_int_equal(b->starts, 4);
}

/* Who started it by nohup(1) logs out, and its guest is served on. */
static void a_hang_up_that_came_ignored_stays_so(void **state)
{
	struct bench *b = *state;

	signal(SIGHUP, SIG_IGN);
	begin(b);
	serves(b);
	raise(SIGHUP);
	machine_fake_run(b->base);
	signal(SIGHUP, SIG_DFL);
	assert_int_equal(b->signal, 0);
	raise(SIGTERM);
	machine_fake_run(b->base);
	assert_int_equal(b->signal, SIGTERM);
}

/* A child that died without a word may have left a device behind that has the other end still: it is not waited for. */
static void one_that_is_silent_holds_nobody_up(void **state)
{
	struct bench *b = *state;
	int ready;

	begin(b);
	serves(b);
	ends(b, true, SIGKILL);
	ready = b->ready;
	b->ready = -1;
	/* or the next line does not come back */
	assert_true(fcntl(b->heard, F_GETFL) & O_NONBLOCK);
	ends(b, true, SIGKILL);
	close(ready);
	machine_fake_pass(100);
	goes_on(b, 3);
}

static void a_start_that_fails_is_tried_again_for_a_guest_that_was_served(void **state)
{
	struct bench *b = *state;

	b->start_result = -EAGAIN;
	begin(b);
	ends_with(b, EXIT_CODE_HOST, 0);
	keeper_free(b->k);
	b->start_result = 0;
	begin(b);
	serves(b);
	b->start_result = -EAGAIN;
	ends(b, true, SIGKILL);
	goes_on(b, 1);
	b->start_result = 0;
	machine_fake_pass(100);
	goes_on(b, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_that_served_is_replaced_at_once),
		TEST(repeated_deaths_have_an_end),
		TEST(one_that_never_served_ends_it),
		TEST(answers_after_service),
		TEST(who_asks_for_the_end_gets_it),
		TEST(a_hang_up_that_came_ignored_stays_so),
		TEST(one_that_is_silent_holds_nobody_up),
		TEST(a_start_that_fails_is_tried_again_for_a_guest_that_was_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
