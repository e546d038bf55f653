// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See state-bench.h.
 */
#include "unit/rigs/state-bench.h"
#include "backend/devices/balloon/figures/balloon-names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct state_bench bench;

int state_bench_setup(void **state)
{
	char top[] = "/tmp/xenvirtio-test-XXXXXX";

	assert_non_null(mkdtemp(top));
	snprintf(bench.dir, sizeof(bench.dir), "%s/run", top);
	snprintf(bench.path, sizeof(bench.path), "%s/7-1.state", bench.dir);
	log_capture_open(&bench.capture, LOG_LEVEL_DEBUG);
	return 0;
}

int state_bench_teardown(void **state)
{
	unlink(bench.path);
	assert_int_equal(rmdir(bench.dir), 0);
	*strrchr(bench.dir, '/') = '\0';
	assert_int_equal(rmdir(bench.dir), 0);
	return 0;
}

struct state_file_key state_bench_key(void)
{
	return (struct state_file_key){
		.program = &balloon_program,
		.domid = 7,
		.devid = 1,
		.identity = "/vm/0a1b",
		.base = xenvirtio_gpa(0x2000000),
		.irq = 33,
		.memory_bytes = STATE_BENCH_BYTES,
	};
}

struct program state_bench_many_queues(void)
{
	struct program p = balloon_program;

	p.queues_max = 64;
	return p;
}

struct state_file *state_bench_open(const struct state_file_key *key)
{
	struct state_file *sf = NULL;

	assert_int_equal(state_file_open(&sf, bench.dir, key, &bench.capture.log, &bench.owner), 0);
	assert_non_null(sf);
	return sf;
}

bool state_bench_is_zero(const void *at, size_t bytes)
{
	const unsigned char *p = at;

	for (size_t i = 0; i < bytes; i++) {
		if (p[i])
			return false;
	}
	return true;
}
