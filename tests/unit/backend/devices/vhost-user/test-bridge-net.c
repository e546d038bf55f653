// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network device: its address is ours, whatever the backend is; and a backend that goes away takes packets with it, not the network.
 */
#include "unit/rigs/bridge-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <xenvirtio/server.h>

#include <cmocka.h>

#define BIT(n) (UINT64_C(1) << (n))
#define MTU VHOST_USER_NET_MTU
#define MAC VHOST_USER_NET_MAC

static uint64_t offered(void)
{
	uint32_t half[2];

	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(driver_write(&x.rig.driver, REG_DEVICE_FEATURES_SEL, i), 0);
		assert_int_equal(driver_read(&x.rig.driver, REG_DEVICE_FEATURES, &half[i]), 0);
	}
	return (uint64_t)half[1] << 32 | half[0];
}

static void its_configuration_is_ours(void **state)
{
	uint32_t word[3];

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(driver_read(&x.rig.driver, REG_CONFIG + 4 * i, &word[i]), 0);
	assert_int_equal(word[0], 0x05040302);
	assert_int_equal(word[1], 0x0706);
	assert_int_equal(word[2], 1400 << 16);
	assert_true(offered() & BIT(MAC));
	assert_true(offered() & BIT(MTU));
	/* nobody serves a control queue, nor more than two */
	assert_false(offered() & (BIT(17) | BIT(22)));
}

static void no_backend_is_asked_for_what_is_ours(void **state)
{
	x.protocol = WITHOUT_RECORD;
	bridge_new_peer(WITHOUT_RECORD);
	x.peer->features &= ~(BIT(MAC) | BIT(MTU));
	assert_int_equal(bridge_wait(x.bridge), VHOST_OK);
	bridge_load_driver(BIT(MAC) | BIT(MTU) | BIT(15));
	assert_true(bridge_is_served());
	for (size_t i = 0; i < x.peer->nr_asked; i++) {
		const struct vhost_message *m = &x.peer->asked[i].m;

		if (m->header.request == VHOST_SET_FEATURES)
			assert_int_equal(m->payload.u64 & (BIT(MAC) | BIT(MTU) | BIT(15)), BIT(15));
	}
	assert_int_equal(peer_count(x.peer, VHOST_SET_FEATURES), 1);
}

static void without_an_mtu_none_is_said(void **state)
{
	assert_int_equal(xenvirtio_server_close(x.rig.server), 0);
	bridge_end_process();
	memset(&x.memory, 0, sizeof(x.memory));
	memset(&x.rig.state, 0, sizeof(x.rig.state));
	x.rig.id = XENVIRTIO_IOREQ_NEW;
	x.mtu = 0;
	assert_int_equal(bridge_open_process(), 0);
	bridge_serve();
	assert_true(offered() & BIT(MAC));
	assert_false(offered() & BIT(MTU));
}

static void an_address_of_many_is_none(void **state)
{
	struct bridge_config cfg = {.kind = x.kind, .mac = {3}};
	struct bridge *b;

	assert_int_equal(bridge_new(&b, &cfg), -EINVAL);
}

/* Buffers to receive in wait at each moment; and no backend keeps a record, since it would say what nobody wants to know. */
static void a_backend_that_goes_away_is_followed(void **state)
{
	bridge_load_driver(BIT(MAC));
	bridge_answer(0, bridge_request(0));
	bridge_request(0);
	bridge_request(0);
	bridge_request(1);
	assert_int_equal(peer_count(x.peer, VHOST_GET_INFLIGHT_FD), 0);
	for (unsigned int i = 1; i < 4; i++) {
		peer_hang_up(x.peer);
		assert_int_equal(bridge_turn(NULL), 0);
		assert_int_equal(x.lost, i);
		assert_int_equal(driver_status(&x.rig.driver), 15);
		bridge_new_peer(i % 2 ? WITH_RECORD : WITHOUT_RECORD);
		assert_int_equal(bridge_turn(NULL), 0);
		assert_true(bridge_is_served());
		/* behind what was used */
		assert_int_equal(bridge_base_of(0), 1);
		assert_int_equal(bridge_base_of(1), 0);
	}
	assert_int_equal(x.memory.lost, 0);
	assert_int_equal(x.memory.doubt, 0);
}

static void and_so_is_a_process(void **state)
{
	bridge_load_driver(BIT(MAC));
	bridge_answer(1, bridge_request(1));
	bridge_request(0);
	bridge_request(1);
	bridge_end_process();
	assert_int_equal(bridge_open_process(), 0);
	bridge_serve();
	assert_int_equal(xenvirtio_server_resume(x.rig.server), 0);
	assert_int_equal(bridge_turn(NULL), 0);
	assert_true(bridge_is_served());
	assert_int_equal(bridge_base_of(0), 0);
	assert_int_equal(bridge_base_of(1), 1);
	assert_int_equal(driver_status(&x.rig.driver), 15);
	assert_int_equal(x.memory.lost, 0);
}

#define NET(test) cmocka_unit_test_setup_teardown(test, bridge_setup_net, bridge_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NET(its_configuration_is_ours),
		NET(no_backend_is_asked_for_what_is_ours),
		NET(without_an_mtu_none_is_said),
		NET(an_address_of_many_is_none),
		NET(a_backend_that_goes_away_is_followed),
		NET(and_so_is_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
