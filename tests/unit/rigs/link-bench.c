// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See link-bench.h.
 */
#include "unit/rigs/link-bench.h"

#include "backend/base/clock.h"
#include "fake/machine-fake.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define WAIT_MS 5000

static int open_fake(void *opaque, struct xenvirtio_store **store)
{
	return fake_store_open(opaque, store);
}

static void note_event(void *opaque, const char *path, const char *token)
{
	struct link_bench *b = opaque;

	b->events++;
	snprintf(b->last_path, sizeof(b->last_path), "%s", path);
	snprintf(b->last_token, sizeof(b->last_token), "%s", token);
}

static void note_connected(void *opaque)
{
	struct link_bench *b = opaque;

	b->connected++;
}

int link_bench_setup(void **state)
{
	struct link_bench *b = calloc(1, sizeof(*b));
	struct store_link_config cfg = {
		.open = open_fake,
		.event = note_event,
		.connected = note_connected,
	};

	assert_non_null(b);
	log_capture_open(&b->capture, LOG_LEVEL_DEBUG);
	b->base = event_base_new();
	b->store = fake_store_new();
	assert_true(b->base && b->store);
	cfg.base = b->base;
	cfg.log = &b->capture.log;
	cfg.open_opaque = b->store;
	cfg.opaque = b;
	assert_int_equal(store_link_new(&b->link, &cfg, true), 0);
	*state = b;
	return 0;
}

int link_bench_teardown(void **state)
{
	struct link_bench *b = *state;

	store_link_free(b->link);
	assert_int_equal(fake_store_handles(b->store), 0);
	assert_int_equal(fake_store_watches(b->store), 0);
	fake_store_free(b->store);
	event_base_free(b->base);
	free(b);
	return 0;
}

void link_bench_run(struct link_bench *b)
{
	machine_fake_run(b->base);
}

bool link_bench_wait_up(struct link_bench *b)
{
	uint64_t end_ms = clock_now_ms() + WAIT_MS;

	link_bench_run(b);
	while (!store_link_up(b->link) && machine_fake_pass_to_timer(end_ms))
		;
	return store_link_up(b->link);
}
