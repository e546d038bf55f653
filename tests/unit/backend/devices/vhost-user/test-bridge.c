// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest on the fake hypervisor, its driver, the bridge, and a backend in this thread: what the backend is given and when it is
 * taken back, and that no request is served twice or lost unsaid when one of the three goes away.
 */
#include "unit/rigs/bridge-bench.h"

#include "backend/base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <xenvirtio/error.h>
#include <xenvirtio/server.h>

#include <cmocka.h>

#define CONFIG_WCE (UINT64_C(1) << 11)

/* --- what it is given --- */

static void a_backend_gets_what_the_driver_set_up(void **state)
{
	const struct peer_request *table;

	assert_false(bridge_is_served());
	bridge_load_driver(0);
	assert_true(bridge_is_served());
	table = peer_last(x.peer, VHOST_SET_MEM_TABLE);
	assert_non_null(table);
	/* all of the guest's RAM, which is in two ranges */
	assert_int_equal(table->nr_fds, 2);
	assert_int_equal(table->m.payload.table.nr, 2);
	assert_true(table->m.payload.table.region[0].gpa == UINT64_C(0x40000000));
	assert_true(table->m.payload.table.region[0].bytes == UINT64_C(0x1000000));
	for (unsigned int i = 0; i < QUEUES; i++)
		assert_int_equal(bridge_base_of(i), 0);
	assert_true(peer_last(x.peer, VHOST_SET_VRING_ADDR)->m.payload.addr.desc == x.rig.driver.queue[1].ring_gpa);
	assert_int_equal(peer_count(x.peer, VHOST_SET_VRING_KICK), QUEUES);
	assert_int_equal(peer_count(x.peer, VHOST_SET_VRING_CALL), QUEUES);
}

static void a_reset_waits_for_the_queues(void **state)
{
	bridge_load_driver(0);
	assert_int_equal(peer_count(x.peer, VHOST_GET_VRING_BASE), 0);
	assert_int_equal(driver_write(&x.rig.driver, REG_STATUS, 0), 0);
	assert_int_equal(peer_count(x.peer, VHOST_GET_VRING_BASE), QUEUES);
	assert_false(bridge_is_served());
	/* and again */
	bridge_load_driver(0);
	assert_true(bridge_is_served());
	assert_int_equal(bridge_base_of(0), 0);
}

static void a_backend_that_keeps_the_queues_is_given_up(void **state)
{
	bridge_load_driver(0);
	x.peer->ill = PEER_SILENT;
	/* the first GET_VRING_BASE: after an ENABLE for each queue, which has no answer */
	x.peer->ill_at = x.peer->nr_asked + QUEUES;
	assert_int_equal(driver_write(&x.rig.driver, REG_STATUS, 0), 0);
	assert_int_equal(driver_status(&x.rig.driver), 0);
	assert_false(bridge_is_served());
	assert_int_equal(x.lost, 1);
}

static void a_queue_alone_stops_and_the_other_goes_on(void **state)
{
	struct driver *d = &x.rig.driver;

	bridge_load_driver(0);
	bridge_answer(1, bridge_request(1));
	assert_int_equal(driver_write(d, REG_QUEUE_SEL, 0), 0);
	assert_int_equal(driver_write(d, REG_QUEUE_READY, 0), 0);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_true(bridge_is_served());
	/* the one that is left, from where it was */
	assert_int_equal(peer_count(x.peer, VHOST_SET_VRING_KICK), QUEUES + 1);
	assert_int_equal(bridge_base_of(1), 1);
}

/* --- configuration --- */

static void a_file_system_has_its_tag(void **state)
{
	uint32_t word[10];

	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG + 4 * i, &word[i]), 0);
	assert_string_equal((const char *)word, "files");
	for (unsigned int i = 2; i < 9; i++)
		assert_int_equal(word[i], 0);
	assert_int_equal(word[9], 1);
}

static void a_tag_must_fit(void **state)
{
	char tag[38];
	struct bridge_config cfg = {.kind = x.kind, .tag = tag};
	struct bridge *b;

	memset(tag, 'x', sizeof(tag));
	tag[37] = '\0';
	assert_int_equal(bridge_new(&b, &cfg), -EINVAL);
	tag[36] = '\0';
	assert_int_equal(bridge_new(&b, &cfg), 0);
	bridge_free(b);
	tag[0] = '\0';
	assert_int_equal(bridge_new(&b, &cfg), -EINVAL);
}

static void a_disk_is_as_the_backend_says_but_for_its_queues(void **state)
{
	uint32_t word;

	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG, &word), 0);
	assert_int_equal(word, 0x03020100);
	/* it says 0x2322, and has four */
	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG + 32, &word), 0);
	assert_int_equal(word, 0x00042120);
}

static int config_write(uint32_t offset, unsigned int bytes, uint32_t value)
{
	return x.rig.bus.bus.ops->write(&x.rig.bus.bus, REG_CONFIG + offset, bytes, value);
}

static void a_driver_writes_what_is_its_own(void **state)
{
	bridge_load_driver(CONFIG_WCE);
	assert_int_equal(config_write(0, 1, 0xff), 0);
	assert_int_equal(config_write(32, 4, 0), 0);
	assert_int_equal(peer_count(x.peer, VHOST_SET_CONFIG), 0);
	assert_int_equal(config_write(32, 1, 1), 0);
	assert_int_equal(peer_count(x.peer, VHOST_SET_CONFIG), 1);
	assert_int_equal(x.peer->config[0], 0);
	assert_int_equal(x.peer->config[32], 1);
	assert_int_equal(x.rig.errors[XENVIRTIO_GUEST_BAD_ACCESS], 2);
}

static void nor_that_without_the_feature(void **state)
{
	bridge_load_driver(0);
	assert_int_equal(config_write(32, 1, 1), 0);
	assert_int_equal(peer_count(x.peer, VHOST_SET_CONFIG), 0);
}

/* A backend's arrays may be as long as what it has. */
static void a_backend_that_does_not_say_has_one_queue(void **state)
{
	uint32_t word;

	assert_int_equal(xenvirtio_server_close(x.rig.server), 0);
	x.rig.id = XENVIRTIO_IOREQ_NEW;
	bridge_end_process();
	x.protocol = ~UINT64_C(1);
	assert_int_equal(bridge_open_process(), 0);
	bridge_serve();
	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG + 32, &word), 0);
	assert_int_equal(word >> 16, 1);
	assert_int_equal(driver_write(&x.rig.driver, REG_QUEUE_SEL, 1), 0);
	assert_int_equal(driver_read(&x.rig.driver, REG_QUEUE_NUM_MAX, &word), 0);
	assert_int_equal(word, 0);
}

static void a_changed_configuration_interrupts(void **state)
{
	struct vhost_message m = {.header = {.request = VHOST_BACKEND_CONFIG_CHANGE, .flags = VHOST_FLAG_VERSION}};
	uint32_t before, after, status;

	bridge_load_driver(0);
	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG_GENERATION, &before), 0);
	x.peer->config[0] = 9;
	peer_say(x.peer->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG_GENERATION, &after), 0);
	assert_int_not_equal(before, after);
	assert_int_equal(driver_read(&x.rig.driver, REG_INTERRUPT_STATUS, &status), 0);
	assert_true(status & 2);
	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG, &after), 0);
	assert_int_equal(after & 0xff, 9);
}

/* However often a backend says so, its guest is not interrupted without end; and what it said last is not lost, nor late. */
static void changes_without_end_interrupt_at_a_rate(void **state)
{
	const struct vhost_message m = {.header = {.request = VHOST_BACKEND_CONFIG_CHANGE, .flags = VHOST_FLAG_VERSION}};
	const unsigned int periods = 20;
	unsigned int interrupts = 0;
	uint32_t word;

	bridge_load_driver(0);
	for (unsigned int i = 0; i < periods * VHOST_CHANGE_MS / 2; i++) {
		x.peer->config[0] = (uint8_t)(i % 2);
		peer_say(x.peer->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
		assert_int_equal(bridge_turn(NULL), 0);
		peer_clock_pass(2);
		assert_int_equal(driver_read(&x.rig.driver, REG_INTERRUPT_STATUS, &word), 0);
		interrupts += word >> 1 & 1;
		assert_int_equal(driver_write(&x.rig.driver, REG_INTERRUPT_ACK, word), 0);
	}
	assert_in_range(interrupts, 1, periods + 1);
	x.peer->config[0] = 77;
	peer_say(x.peer->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
	assert_int_equal(bridge_turn(NULL), 0);
	while (bridge_deadline_ms(x.bridge)) {
		assert_true(bridge_deadline_ms(x.bridge) <= clock_now_ms() + VHOST_CONFIG_MS);
		peer_clock_pass(1);
		assert_int_equal(bridge_turn(NULL), 0);
	}
	assert_int_equal(driver_read(&x.rig.driver, REG_INTERRUPT_STATUS, &word), 0);
	assert_true(word & 2);
	assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG, &word), 0);
	assert_int_equal(word & 0xff, 77);
}

#define FS(test) cmocka_unit_test_setup_teardown(test, bridge_setup_fs, bridge_teardown)
#define BLK(test) cmocka_unit_test_setup_teardown(test, bridge_setup_blk, bridge_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS(a_backend_gets_what_the_driver_set_up),
		FS(a_reset_waits_for_the_queues),
		FS(a_backend_that_keeps_the_queues_is_given_up),
		FS(a_queue_alone_stops_and_the_other_goes_on),
		FS(a_file_system_has_its_tag),
		FS(a_tag_must_fit),
		BLK(a_disk_is_as_the_backend_says_but_for_its_queues),
		BLK(a_driver_writes_what_is_its_own),
		BLK(nor_that_without_the_feature),
		BLK(a_backend_that_does_not_say_has_one_queue),
		BLK(a_changed_configuration_interrupts),
		BLK(changes_without_end_interrupt_at_a_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
