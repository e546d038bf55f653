// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device may have 64 queues: each is kicked, kept on and off, asked again and reset as the first one is. Its state takes no more
 * memory than its queues need, and that of a device with fewer is gone on from.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "device/device-internal.h"
#include "fake/hv-fake.h"

#define QUEUES XENVIRTIO_QUEUES_MAX
#define FEW XENVIRTIO_DEVICE_STATE_BYTES(1)

static struct fake *fake;
static struct xenvirtio_hv *hv;
static struct xenvirtio_gmem *gmem;
static struct xenvirtio_device *dev;
static struct xenvirtio_device_state state;
/* so often, of each queue */
static unsigned int kicks[QUEUES], enabled[QUEUES], disabled[QUEUES];

static int raise_line(struct notify *n, uint32_t bits)
{
	return 0;
}

static int ack(struct notify *n, uint32_t *status)
{
	return 0;
}

static int queue_enable(struct notify *n, unsigned int index, uint32_t *status)
{
	enabled[index]++;
	return 0;
}

static int queue_disable(struct notify *n, unsigned int index, uint32_t *status)
{
	disabled[index]++;
	return 0;
}

static int kick(void *opaque, unsigned int index)
{
	kicks[index]++;
	return 0;
}

static const struct notify_ops notify_ops = {
	.interrupt = raise_line,
	.ack = ack,
	.queue_enable = queue_enable,
	.queue_disable = queue_disable,
};
static const struct xenvirtio_device_ops device_ops = {.kick = kick};
static struct notify notify = {.ops = &notify_ops};

static int make(unsigned int nr_queues, struct xenvirtio_device_state *at)
{
	const struct xenvirtio_device_config config = {
		.device_id = 42,
		.nr_queues = nr_queues,
		.queue_size_max = 64,
		.ops = &device_ops,
	};

	return xenvirtio_device_new(&dev, &config, gmem, at);
}

/* The first @nr run, in a state with room for @room. */
static void set_running(struct xenvirtio_device_state *at, unsigned int nr, unsigned int room)
{
	memset(at, 0, XENVIRTIO_DEVICE_STATE_BYTES(room));
	at->version = XENVIRTIO_DEVICE_STATE_VERSION;
	at->bytes = (uint32_t)XENVIRTIO_DEVICE_STATE_BYTES(room);
	at->status = 15;
	at->driver_features = UINT64_C(1) << XENVIRTIO_F_VERSION_1;
	for (unsigned int i = 0; i < nr; i++)
		at->queue[i] = (struct xenvirtio_queue_state){
			.desc_gpa = 0x1000,
			.avail_gpa = 0x2000,
			.used_gpa = 0x3000,
			.size = 64,
			.ready = 1,
		};
}

static int setup(void **unused)
{
	const struct fake_config machine = {.ram = {{{0}, {0xff}}}, .nr_ram = 1};

	fake = fake_new(&machine);
	return !fake || fake_open(fake, &hv) || xenvirtio_gmem_new(&gmem, hv, 4) ? -1 : 0;
}

static int teardown(void **unused)
{
	xenvirtio_gmem_free(gmem);
	xenvirtio_hv_close(hv);
	fake_free(fake);
	return 0;
}

static int setup_running(void **unused)
{
	memset(kicks, 0, sizeof(kicks));
	memset(enabled, 0, sizeof(enabled));
	memset(disabled, 0, sizeof(disabled));
	set_running(&state, QUEUES, QUEUES);
	if (make(QUEUES, &state))
		return -1;
	return device_attach(dev, &notify);
}

static int teardown_running(void **unused)
{
	int ret = device_detach(dev);

	xenvirtio_device_free(dev);
	return ret;
}

/* @index was kicked @nr times, and no other queue */
static void assert_kicks(unsigned int index, unsigned int nr)
{
	for (unsigned int i = 0; i < QUEUES; i++)
		assert_int_equal(kicks[i], i == index ? nr : 0);
	kicks[index] = 0;
}

static void each_queue_has_its_own_kick(void **unused)
{
	for (unsigned int i = 0; i < QUEUES; i++) {
		device_mark_signal(dev, i);
		assert_true(device_kicked(dev) == queue_bit(i));
		assert_int_equal(device_run_kicks(dev), 0);
		assert_kicks(i, 1);
		device_mark_kick(dev, i);
		assert_int_equal(device_run_kicks(dev), 0);
		assert_kicks(i, 1);
	}
	device_mark_all(dev);
	assert_int_equal(device_run_kicks(dev), 0);
	for (unsigned int i = 0; i < QUEUES; i++)
		assert_int_equal(kicks[i], 1);
}

static void each_queue_can_be_asked_again(void **unused)
{
	for (unsigned int i = 0; i < QUEUES; i++) {
		assert_false(device_wants_again(dev));
		xenvirtio_device_kick_again(dev, i);
		assert_true(device_wants_again(dev));
		device_mark_again(dev);
		assert_int_equal(device_run_kicks(dev), 0);
		assert_kicks(i, 1);
	}
}

static void each_queue_can_be_prompt(void **unused)
{
	for (unsigned int i = 0; i < QUEUES; i++) {
		xenvirtio_device_set_prompt(dev, queue_bit(i));
		device_mark_all(dev);
		assert_int_equal(device_run_prompt(dev), 0);
		assert_kicks(i, 1);
		assert_true(device_kicked(dev) == (UINT64_MAX & ~queue_bit(i)));
		dev->kicked = 0;
	}
}

static void each_queue_is_known_to_be_behind(void **unused)
{
	assert_true(device_is_served(dev, UINT64_MAX));
	for (unsigned int i = 0; i < QUEUES; i++) {
		state.queue[i].last_avail_idx = 1;
		assert_false(device_is_served(dev, UINT64_MAX));
		assert_false(device_is_served(dev, queue_bit(i)));
		assert_true(device_is_served(dev, UINT64_MAX & ~queue_bit(i)));
		state.queue[i].last_avail_idx = 0;
	}
}

static void a_reset_stops_them_all(void **unused)
{
	for (unsigned int i = 0; i < QUEUES; i++)
		assert_int_equal(enabled[i], 1);
	assert_int_equal(device_write_status(dev, 0), 0);
	for (unsigned int i = 0; i < QUEUES; i++) {
		assert_int_equal(disabled[i], 1);
		assert_int_equal(state.queue[i].ready, 0);
	}
}

static void one_is_stopped_alone(void **unused)
{
	state.queue_sel = QUEUES - 1;
	assert_int_equal(device_write_queue_ready(dev, 0), 0);
	for (unsigned int i = 0; i < QUEUES; i++)
		assert_int_equal(disabled[i], i == QUEUES - 1);
	device_mark_all(dev);
	assert_true(device_kicked(dev) == (UINT64_MAX & ~queue_bit(QUEUES - 1)));
}

/* --- the state --- */

static struct {
	struct xenvirtio_device_state state;
	unsigned char behind[64];
} memory;

static void assert_untouched(size_t from)
{
	for (size_t i = from; i < sizeof(memory); i++)
		assert_int_equal(((unsigned char *)&memory)[i], 0xa5);
}

static void nothing_is_touched_behind_the_state_of_few_queues(void **unused)
{
	memset(&memory, 0xa5, sizeof(memory));
	memset(&memory, 0, FEW);
	assert_int_equal(make(1, &memory.state), 0);
	assert_int_equal(memory.state.bytes, FEW);
	assert_int_equal(device_write_status(dev, 0), 0);
	xenvirtio_device_free(dev);
	assert_untouched(FEW);
	assert_int_equal(make(1, &memory.state), 0);
	xenvirtio_device_free(dev);
	assert_untouched(FEW);
}

static void what_a_device_with_fewer_queues_left_is_gone_on_from(void **unused)
{
	memset(&memory, 0xa5, sizeof(memory));
	set_running(&memory.state, 16, 16);
	assert_int_equal(make(QUEUES, &memory.state), 0);
	assert_int_equal(memory.state.bytes, XENVIRTIO_DEVICE_STATE_BYTES(QUEUES));
	for (unsigned int i = 0; i < QUEUES; i++)
		assert_int_equal(xenvirtio_queue_enabled(xenvirtio_device_queue(dev, i)), i < 16);
	xenvirtio_device_free(dev);
	assert_untouched(XENVIRTIO_DEVICE_STATE_BYTES(QUEUES));
	/* and not back */
	assert_int_equal(make(16, &memory.state), -EBADMSG);
	assert_int_equal(memory.state.bytes, XENVIRTIO_DEVICE_STATE_BYTES(QUEUES));
}

/* However large it says that it is: what is behind the room for this device's queues is somebody else's. */
static void a_state_is_not_believed_to_have_more_room(void **unused)
{
	memset(&memory, 0xa5, sizeof(memory));
	set_running(&memory.state, 16, 16);
	assert_int_equal(make(15, &memory.state), -EBADMSG);
	for (unsigned int status = 0; status < 16; status += 15) {
		memory.state.status = status;
		memory.state.bytes = sizeof(memory.state);
		assert_int_equal(make(16, &memory.state), status ? -EBADMSG : 0);
		if (!status) {
			/* a driver that has not begun counts on none of them */
			assert_int_equal(memory.state.bytes, FEW);
			xenvirtio_device_free(dev);
		}
		assert_untouched(FEW);
	}
}

static void a_size_that_there_is_not_is_refused_and_left(void **unused)
{
	static const size_t bytes[] = {0, 1, FEW - 1, FEW + 1, FEW - sizeof(struct xenvirtio_queue_state),
				       sizeof(state) - 1, sizeof(state) + sizeof(struct xenvirtio_queue_state), UINT32_MAX};
	struct xenvirtio_device_state before;

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		set_running(&state, 1, QUEUES);
		state.bytes = (uint32_t)bytes[i];
		before = state;
		assert_int_equal(make(QUEUES, &state), -ENOTSUP);
		assert_memory_equal(&state, &before, sizeof(state));
	}
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, setup_running, teardown_running)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(each_queue_has_its_own_kick),
		RUNNING(each_queue_can_be_asked_again),
		RUNNING(each_queue_can_be_prompt),
		RUNNING(each_queue_is_known_to_be_behind),
		RUNNING(a_reset_stops_them_all),
		RUNNING(one_is_stopped_alone),
		cmocka_unit_test(nothing_is_touched_behind_the_state_of_few_queues),
		cmocka_unit_test(what_a_device_with_fewer_queues_left_is_gone_on_from),
		cmocka_unit_test(a_state_is_not_believed_to_have_more_room),
		cmocka_unit_test(a_size_that_there_is_not_is_refused_and_left),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
