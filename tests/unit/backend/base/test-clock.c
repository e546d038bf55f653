// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine's own clock and timers, which no other test has: that they do what they say, never when.
 * What is waited for here is an event, for as long as it takes.
 */
#include "backend/base/clock.h"
#include "backend/base/timer.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

static void the_clock_never_goes_back(void **state)
{
	uint64_t last_ns = clock_now_ns();

	assert_true(last_ns > 0);
	for (int i = 0; i < 10000; i++) {
		uint64_t ms = clock_now_ms(), ns = clock_now_ns();

		assert_true(ms >= last_ns / 1000000 && ms <= ns / 1000000);
		last_ns = ns;
	}
}

static void a_wait_ends_with_something_to_read(void **state)
{
	int fd[2];
	char byte;

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(clock_wait(fd[0], 0), 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(clock_wait(fd[0], UINT_MAX), 1);
	assert_int_equal(read(fd[0], &byte, 1), 1);
	/* the other side's end, too */
	close(fd[1]);
	assert_int_equal(clock_wait(fd[0], UINT_MAX), 1);
	close(fd[0]);
}

static void or_when_the_time_is_over(void **state)
{
	uint64_t begin_ns = clock_now_ns();
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(clock_wait(fd[0], 2), 0);
	assert_int_equal(clock_wait(-1, 2), 0);
	assert_true(clock_now_ns() - begin_ns >= 4000000);
	close(fd[0]);
	close(fd[1]);
}

static void what_epoll_knows_ends_a_wait_too(void **state)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7}, got[2];
	int fd[2], epoll = epoll_create1(0);
	uint64_t begin_ns;

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd[0], &event), 0);
	begin_ns = clock_now_ns();
	assert_int_equal(clock_wait_epoll(epoll, got, 2, 2), 0);
	assert_true(clock_now_ns() - begin_ns >= 2000000);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(clock_wait_epoll(epoll, got, 2, UINT_MAX), 1);
	assert_int_equal(got[0].data.u32, 7);
	close(epoll);
	assert_int_equal(clock_wait_epoll(epoll, got, 2, 0), -EBADF);
	close(fd[0]);
	close(fd[1]);
}

struct bench {
	struct event_base *base;
	struct timer *timer, *other;
	unsigned int fired, again, others;
};

static void count(void *opaque)
{
	struct bench *b = opaque;

	assert_false(timer_is_set(b->timer));
	b->fired++;
	if (b->again && b->again--)
		timer_set(b->timer, b->again % 2);
}

static void count_other(void *opaque)
{
	struct bench *b = opaque;

	b->others++;
	timer_free(b->other);
	b->other = NULL;
}

static int setup(void **state)
{
	static struct bench b;

	b = (struct bench){.base = event_base_new()};
	assert_non_null(b.base);
	b.timer = timer_new(b.base, count, &b);
	b.other = timer_new(b.base, count_other, &b);
	assert_true(b.timer && b.other);
	*state = &b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	timer_free(b->timer);
	timer_free(b->other);
	event_base_free(b->base);
	return 0;
}

/* A loop without anything to wait for any more ends by itself. */
static void a_timer_fires_once(void **state)
{
	struct bench *b = *state;
	uint64_t begin_ns = clock_now_ns();

	assert_false(timer_is_set(b->timer));
	timer_set(b->timer, 3600000);
	assert_true(timer_is_set(b->timer));
	timer_set(b->timer, 20);
	assert_int_equal(event_base_dispatch(b->base), 1);
	assert_int_equal(b->fired, 1);
	/* by libevent's coarse clock, which is a tick behind at most: 10 ms, where HZ is 100 */
	assert_true(clock_now_ns() - begin_ns >= 10000000);
	b->again = 3;
	timer_set(b->timer, 1);
	assert_int_equal(event_base_dispatch(b->base), 1);
	assert_int_equal(b->fired, 5);
}

static void a_stopped_timer_does_not(void **state)
{
	struct bench *b = *state;

	timer_stop(b->timer);
	timer_set(b->timer, 0);
	timer_stop(b->timer);
	assert_false(timer_is_set(b->timer));
	timer_set(b->other, 1);
	assert_int_equal(event_base_dispatch(b->base), 1);
	assert_int_equal(b->fired, 0);
	/* it was freed from inside */
	assert_int_equal(b->others, 1);
	timer_free(NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *opaque)
{
	struct bench *b = opaque;

	assert_int_equal(b->fired, 0);
	b->others++;
}

static void descriptors_have_their_turn_before_it(void **state)
{
	struct bench *b = *state;
	struct event *event;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	event = event_new(b->base, fd[0], EV_READ, on_readable, b);
	assert_non_null(event);
	timer_set(b->timer, 0);
	event_add(event, NULL);
	assert_int_equal(event_base_dispatch(b->base), 1);
	assert_int_equal(b->fired, 1);
	assert_int_equal(b->others, 1);
	event_free(event);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clock_never_goes_back),
		cmocka_unit_test(a_wait_ends_with_something_to_read),
		cmocka_unit_test(or_when_the_time_is_over),
		cmocka_unit_test(what_epoll_knows_ends_a_wait_too),
		TEST(a_timer_fires_once),
		TEST(a_stopped_timer_does_not),
		TEST(descriptors_have_their_turn_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
