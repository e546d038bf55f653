// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clock that tests move, in the place of backend/base/clock.c. A child that was made one asks its parent for time, and
 * does nothing else until it has an answer: so its parent knows when it has to wait, whatever the scheduler does.
 */
#include "machine-fake.h"

#include "backend/base/clock.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

/* as long after the machine's start as a test may think back */
static uint64_t clock_ns = UINT64_C(1000000) * 1000000000;
static uint64_t look_ns;
static int ask_fd = -1, answer_fd;
static bool interrupted;
static void (*attendant)(void *opaque);
static void *attendant_opaque;

uint64_t clock_now_ns(void)
{
	clock_ns += look_ns;
	return clock_ns;
}

uint64_t clock_now_ms(void)
{
	return clock_now_ns() / 1000000;
}

void machine_fake_set_look_ns(uint64_t ns)
{
	look_ns = ns;
}

void machine_fake_set_ns(uint64_t now_ns)
{
	assert(now_ns >= clock_ns);
	clock_ns = now_ns;
}

void machine_fake_be_a_child(int ask, int answer)
{
	ask_fd = ask;
	answer_fd = answer;
}

void machine_fake_attend(void (*turn)(void *opaque), void *opaque)
{
	attendant = turn;
	attendant_opaque = opaque;
}

void machine_fake_interrupt(void)
{
	interrupted = true;
}

static void let_time_pass(uint64_t end_ns)
{
	uint64_t now_ns;

	if (ask_fd < 0) {
		clock_ns = end_ns;
		return;
	}
	/* without a parent there is nobody to tell anything */
	if (write(ask_fd, "", 1) != 1 || read(answer_fd, &now_ns, sizeof(now_ns)) != sizeof(now_ns))
		_exit(1);
	clock_ns = now_ns;
}

static int is_readable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	int ready = poll(&pollfd, 1, 0);

	return ready < 0 ? -errno : ready;
}

int clock_wait(int fd, unsigned int ms)
{
	uint64_t end_ns = clock_ns + (uint64_t)ms * 1000000;

	for (;;) {
		int ready;

		if (attendant)
			attendant(attendant_opaque);
		if (interrupted) {
			interrupted = false;
			return -EINTR;
		}
		ready = is_readable(fd);

		if (ready || clock_ns >= end_ns)
			return ready;
		let_time_pass(end_ns);
	}
}

int clock_wait_epoll(int epoll, struct epoll_event *event, int nr, unsigned int ms)
{
	int ready = clock_wait(epoll, ms);

	if (ready <= 0)
		return ready;
	ready = epoll_wait(epoll, event, nr, 0);
	return ready < 0 ? -errno : ready;
}
