// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clock of a front-end and its backend in one thread, in the place of backend/base/clock.c: while the front-end waits, the
 * backend has its turn, and if it has nothing to say, time passes.
 */
#include "config.h"

#include "unit/rigs/vhost-peer.h"

#include "backend/base/clock.h"

#include <poll.h>

static uint64_t clock_ms = 1000000;
static unsigned int waits;
static struct vhost_peer *attended;

uint64_t clock_now_ms(void)
{
	return clock_ms;
}

uint64_t clock_now_ns(void)
{
	return clock_ms * 1000000;
}

static int is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0);
}

int clock_wait(int fd, unsigned int ms)
{
	uint64_t end_ms = clock_ms + ms;
	int ready;

	waits++;
	for (;;) {
		if (attended)
			peer_run(attended);
		ready = is_readable(fd);
		if (ready || clock_ms >= end_ms)
			return ready;
		clock_ms = attended && attended->due_ms && attended->due_ms < end_ms ? attended->due_ms : end_ms;
	}
}

void peer_clock_attend(struct vhost_peer *p)
{
	attended = p;
}

void peer_clock_pass(unsigned int ms)
{
	clock_ms += ms;
}

unsigned int peer_clock_waits(void)
{
	return waits;
}
