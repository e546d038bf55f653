// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest and backends that do anything, in an order that is random and the same each time: the bridge lives, nobody waits longer
 * than is said, no error of the host comes of it, no page stays mapped, no descriptor is lost. STORM_SEED and STORM_RUNS in the
 * environment: where to begin, and how many.
 */
#include "unit/rigs/bridge-bench.h"

#include "backend/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <xenvirtio/server.h>

#include <cmocka.h>

#define RUNS 40u
#define STEPS 300u
/** of a reset: a start that is cut off, and the stop after it. All else is less */
#define WAIT_MAX_MS (2 * VHOST_STOP_MS)

static uint64_t seed;

static uint32_t any(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static int storm_turn(void *opaque)
{
	uint64_t begin_ms = clock_now_ms();

	assert_true(xenvirtio_server_process(x.rig.server) >= 0);
	assert_true(clock_now_ms() - begin_ms <= WAIT_MAX_MS);
	for (int i = 0; i < 8; i++) {
		if (bridge_work_pending(x.bridge))
			assert_true(bridge_work(x.bridge) >= 0);
		if (any(4)) {
			if (x.peer->nr_asked > 300) {
				x.peer->nr_asked = 0;
				x.peer->ill_at = any(60);
			}
			peer_run(x.peer);
		}
		assert_true(bridge_run(x.bridge) >= 0);
	}
	assert_int_equal(xenvirtio_gmem_flush(x.rig.gmem), 0);
	return 0;
}

static void be_another_backend(void)
{
	bridge_new_peer(any(3) ? UINT64_MAX : any(2) ? WITHOUT_RECORD : (uint64_t)any(1u << 20) | 1u << 9);
	x.peer->queues = 1 + any(20);
	x.peer->slots = 1 + any(8);
	x.peer->changes = !any(4) && (x.peer->protocol >> 5 & 1) && (x.peer->protocol >> 9 & 1);
	if (any(2)) {
		x.peer->ill = (enum peer_ill)any(PEER_ILLS);
		x.peer->ill_at = any(60);
		x.peer->ill_value = x.peer->ill == PEER_LATE ? any(5000) : any(40);
	}
	if (any(2))
		bridge_wait(x.bridge);
}

static void be_another_process(void)
{
	bridge_end_process();
	assert_int_equal(bridge_open_process(), 0);
	bridge_serve();
	assert_int_equal(xenvirtio_server_resume(x.rig.server), 0);
}

static void say_by_itself(void)
{
	struct vhost_message m = {.header = {.request = any(4), .flags = any(16), .bytes = any(2) ? 0 : any(300)}};
	size_t payload = any(2) && m.header.bytes < 260 ? m.header.bytes : 0;

	if (x.peer->requests_fd >= 0)
		peer_say(x.peer->requests_fd, &m, VHOST_HEADER_BYTES + payload, NULL, 0);
}

static void write_any_register(void)
{
	static const uint16_t regs[] = {REG_STATUS, REG_QUEUE_SEL, REG_QUEUE_READY, REG_QUEUE_NUM, REG_QUEUE_NOTIFY, REG_QUEUE_DESC,
					REG_QUEUE_AVAIL, REG_QUEUE_USED, REG_CONFIG + 32, REG_INTERRUPT_ACK, REG_DEVICE_FEATURES_SEL,
					REG_DRIVER_FEATURES_SEL, REG_DRIVER_FEATURES};

	driver_write(&x.rig.driver, regs[any(sizeof(regs) / sizeof(regs[0]))], any(2) ? any(32) : 0x40000000u + 4096u * any(0x1000));
}

static void one_step(void)
{
	struct driver *d = &x.rig.driver;
	uint32_t word;

	switch (any(12)) {
	case 0:
		driver_init(d, x.kind->program.device_id, F_VERSION_1, QUEUES);
		break;
	case 1:
		driver_write(d, REG_STATUS, any(2) ? 0 : any(256));
		break;
	case 2:
		peer_hang_up(x.peer);
		break;
	case 3:
		be_another_backend();
		break;
	case 4:
		driver_write(d, REG_QUEUE_SEL, any(QUEUES + 2));
		driver_write(d, REG_QUEUE_READY, any(2));
		break;
	case 5:
		x.rig.bus.bus.ops->write(&x.rig.bus.bus, REG_CONFIG + any(64), 1u << any(3), any(1000));
		break;
	case 6:
		peer_clock_pass(any(3000));
		break;
	case 7:
		if (d->queue[0].used_idx && d->queue[1].used_idx)
			*d->queue[any(QUEUES)].used_idx = (uint16_t)any(65536);
		break;
	case 8:
		say_by_itself();
		break;
	case 9:
		driver_read(d, REG_CONFIG + 4 * any(16), &word);
		break;
	default:
		write_any_register();
		break;
	}
	if (any(40) == 0)
		be_another_process();
	storm_turn(NULL);
}

static void run_storms(int (*setup)(void **state))
{
	const char *first = getenv("STORM_SEED"), *runs = getenv("STORM_RUNS");
	uint64_t begin = first ? strtoull(first, NULL, 0) : 1, nr = runs ? strtoull(runs, NULL, 0) : RUNS;

	for (uint64_t i = 0; i < nr; i++) {
		assert_int_equal(setup(NULL), 0);
		x.rig.bus.serve = storm_turn;
		fake_set_serve(x.rig.fake, storm_turn, NULL);
		seed = begin + i;
		for (unsigned int step = 0; step < STEPS; step++)
			one_step();
		assert_int_equal(bridge_teardown(NULL), 0);
	}
}

static void a_file_system_lives_through_anything(void **state)
{
	run_storms(bridge_setup_fs);
}

static void so_does_a_disk(void **state)
{
	run_storms(bridge_setup_blk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_system_lives_through_anything),
		cmocka_unit_test(so_does_a_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
