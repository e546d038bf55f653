// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fields of the configuration space that the host answers for: what the driver reads is what is in the word, what it writes gets
 * there, who hears of that and how often; and where the host does not, the device's hooks do the same.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/rig.h"

#define REGISTERS \
	(XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD | XENVIRTIO_EVENTFD_QUIET | XENVIRTIO_EVENTFD_REGISTERS)
#define ALL (REGISTERS | XENVIRTIO_EVENTFD_FIELDS)
#define READ_OFFSET 0u
#define WRITE_OFFSET 4u

static struct rig rig;
static uint32_t word[2];
static const struct xenvirtio_host_field fields[] = {
	{ .offset = READ_OFFSET, .word = &word[0] },
	{ .offset = WRITE_OFFSET, .word = &word[1], .written = true },
};
static unsigned int told, hooks, changes;
static int change_why;

static void field_written(void *opaque)
{
	assert_ptr_equal(opaque, &rig);
	told++;
}

/* As hooks of such a device are: of the same words. */
static void config_read(void *opaque, uint32_t offset, void *buf, uint32_t len)
{
	hooks++;
	if (offset < sizeof(word))
		memcpy(buf, (char *)word + offset, len);
}

static void config_write(void *opaque, uint32_t offset, const void *buf, uint32_t len)
{
	hooks++;
	if (offset < sizeof(word))
		memcpy((char *)word + offset, buf, len);
}

static void path_changed(void *opaque, int why)
{
	assert_ptr_equal(opaque, &rig);
	changes++;
	change_why = why;
}

static int start(uint32_t features)
{
	const struct fake_config config = { .eventfd_features = features };

	assert_int_equal(rig_init(&rig, &config), 0);
	rig.host_field = fields;
	rig.nr_host_fields = 2;
	rig.ops.field_written = field_written;
	rig.ops.config_read = config_read;
	rig.ops.config_write = config_write;
	memset(word, 0, sizeof(word));
	rig.path_changed = path_changed;
	told = 0;
	hooks = 0;
	changes = 0;
	return rig_start(&rig);
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

static uint32_t read_field(uint32_t offset)
{
	uint32_t val = 0;

	assert_int_equal(driver_read(&rig.driver, REG_CONFIG + offset, &val), 0);
	return val;
}

static void write_field(uint32_t val)
{
	assert_int_equal(driver_write(&rig.driver, REG_CONFIG + WRITE_OFFSET, val), 0);
}

/* The same, while nobody here looks for requests. */
static void write_alone(uint32_t val)
{
	assert_int_equal(fake_mmio_start(rig.fake, 0, RIG_BASE + REG_CONFIG + WRITE_OFFSET, 4, false, val), 0);
	assert_int_equal(fake_mmio_finish(rig.fake, 0, NULL), 0);
}

static bool readable(void)
{
	struct pollfd pfd = { .fd = xenvirtio_server_fd(rig.server), .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* What the host has to say by itself is heard. */
static void serve(void)
{
	assert_int_equal(rig_serve(&rig), 0);
}

static void the_host_answers(void **state)
{
	uint64_t before;

	assert_int_equal(start(ALL), 0);
	word[0] = 5;
	assert_int_equal(read_field(READ_OFFSET), 5);
	assert_int_equal(hooks, 1); /* nobody's driver is there yet */
	rig_driver(&rig, 0);
	hooks = 0;
	before = fake_answered(rig.fake);
	word[0] = 0x12345678;
	assert_int_equal(read_field(READ_OFFSET), 0x12345678);
	write_field(77);
	assert_int_equal(word[1], 77);
	assert_int_equal(hooks, 0);
	assert_int_equal(fake_answered(rig.fake), before + 2);
	/* of the other direction it is the device's */
	assert_int_equal(read_field(WRITE_OFFSET), 77);
	assert_int_equal(hooks, 1);
}

/* A driver that writes without end is heard of as often as somebody asks. */
static void writes_are_told_once(void **state)
{
	assert_int_equal(start(ALL), 0);
	rig_driver(&rig, 0);
	serve();
	assert_false(readable());
	write_alone(1);
	assert_true(readable());
	serve();
	assert_int_equal(told, 1);
	for (uint32_t i = 2; i < 100; i++) {
		write_alone(i);
		assert_false(readable());
		serve();
	}
	assert_int_equal(told, 1);
	/* what was written before is there to look at, and no news */
	assert_int_equal(xenvirtio_device_watch_fields(rig.dev), 0);
	assert_false(readable());
	assert_int_equal(word[1], 99);
	write_alone(100);
	assert_true(readable());
	serve();
	assert_int_equal(told, 2);
	assert_false(readable());
}

/* Also between looking and asking: whoever asks first and looks then misses nothing. */
static void no_write_is_missed(void **state)
{
	assert_int_equal(start(ALL), 0);
	rig_driver(&rig, 0);
	write_alone(1);
	serve();
	assert_int_equal(xenvirtio_device_watch_fields(rig.dev), 0);
	write_alone(2);
	assert_int_equal(xenvirtio_device_watch_fields(rig.dev), 0);
	assert_int_equal(word[1], 2);
	write_alone(3);
	assert_true(readable());
}

static void a_refusal_costs_speed_only(void **state)
{
	static const uint32_t features[] = { REGISTERS, ALL & ~XENVIRTIO_EVENTFD_REGISTERS, 0 };

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		assert_int_equal(start(features[i]), 0);
		rig_driver(&rig, 0);
		hooks = 0;
		word[0] = 6;
		assert_int_equal(read_field(READ_OFFSET), 6);
		write_field(7);
		assert_int_equal(word[1], 7);
		assert_int_equal(hooks, 2);
		assert_int_equal(told, 0);
		assert_int_equal(xenvirtio_device_watch_fields(rig.dev), 0);
		rig_fini(&rig);
	}
	assert_int_equal(start(ALL), 0);
	fake_refuse_eventfds(rig.fake, XENVIRTIO_EVENTFD_FIELDS);
	rig_driver(&rig, 0);
	hooks = 0;
	write_field(8);
	assert_int_equal(word[1], 8);
	assert_int_equal(hooks, 1);
	assert_string_equal(xenvirtio_server_path(rig.server), "eventfd-regs");
	/* Which is told, and however often the guest has them armed, once. */
	assert_int_equal(changes, 1);
	assert_int_equal(change_why, -ENOSYS);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(driver_reset(&rig.driver), 0);
		rig_driver(&rig, 0);
	}
	assert_int_equal(changes, 1);
}

/* Assigned exactly while queues have their shortcuts. */
static void they_follow_the_queues(void **state)
{
	assert_int_equal(start(ALL), 0);
	assert_int_equal(fake_armed(rig.fake), 0);
	rig_driver(&rig, 0);
	assert_int_equal(fake_armed(rig.fake), RIG_QUEUES + 1 + 2);
	assert_int_equal(driver_reset(&rig.driver), 0);
	assert_int_equal(fake_armed(rig.fake), 0);
	hooks = 0;
	word[0] = 9;
	assert_int_equal(read_field(READ_OFFSET), 9);
	assert_int_equal(hooks, 1);
	rig_driver(&rig, 0);
	assert_int_equal(fake_armed(rig.fake), RIG_QUEUES + 1 + 2);
	assert_int_equal(xenvirtio_device_needs_reset(rig.dev), 0);
	assert_int_equal(fake_armed(rig.fake), 0);
	/* what was told before the reset is of no driver any more, and does no harm */
	rig_driver(&rig, 0);
	write_alone(3);
	assert_int_equal(driver_reset(&rig.driver), 0);
	serve();
}

/* Nobody has asked to be told again since the driver before it wrote. */
static void the_next_drivers_first_write_is_told(void **state)
{
	assert_int_equal(start(ALL), 0);
	rig_driver(&rig, 0);
	write_alone(1);
	serve();
	assert_int_equal(told, 1);
	write_alone(2);
	serve();
	assert_int_equal(told, 1);
	assert_int_equal(driver_reset(&rig.driver), 0);
	rig_driver(&rig, 0);
	serve();
	/* what that one wrote is no news of this one's */
	assert_int_equal(told, 1);
	write_alone(3);
	serve();
	assert_int_equal(told, 2);
}

/* The words are the author's memory: where that survives, so does what was written last. */
static void a_death_loses_no_write(void **state)
{
	assert_int_equal(start(ALL), 0);
	rig_driver(&rig, 0);
	write_alone(41);
	serve();
	write_alone(42);
	rig_kill(&rig);
	assert_int_equal(word[1], 42);
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(fake_armed(rig.fake), RIG_QUEUES + 1 + 2);
	told = 0;
	write_alone(43);
	assert_int_equal(word[1], 43);
	serve();
	assert_int_equal(told, 1);
}

static void fields_that_cannot_be_are_refused(void **state)
{
	static uint32_t memory[2];
	const struct xenvirtio_host_field bad[] = {
		{ .offset = 2, .word = memory },
		{ .offset = RIG_CONFIG_BYTES, .word = memory },
		{ .offset = UINT32_MAX - 3, .word = memory },
		{ .offset = 0, .word = (uint32_t *)((char *)memory + 2) },
	};
	struct xenvirtio_device_config config = {
		.nr_queues = 1, .queue_size_max = 8, .config_bytes = RIG_CONFIG_BYTES, .ops = &rig.ops, .nr_host_fields = 1,
	};
	struct xenvirtio_device *dev;

	assert_int_equal(start(ALL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		config.host_fields = &bad[i];
		assert_int_equal(xenvirtio_device_new(&dev, &config, rig.gmem, NULL), -EINVAL);
	}
	config.host_fields = fields;
	config.nr_host_fields = XENVIRTIO_HOST_FIELDS_MAX + 1;
	assert_int_equal(xenvirtio_device_new(&dev, &config, rig.gmem, NULL), -EINVAL);
	/* a device whose configuration ends within a field */
	config.nr_host_fields = 2;
	config.config_bytes = 7;
	assert_int_equal(xenvirtio_device_new(&dev, &config, rig.gmem, NULL), -EINVAL);
	config.config_bytes = 8;
	assert_int_equal(xenvirtio_device_new(&dev, &config, rig.gmem, NULL), 0);
	xenvirtio_device_free(dev);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_host_answers),
		TEST(writes_are_told_once),
		TEST(no_write_is_missed),
		TEST(a_refusal_costs_speed_only),
		TEST(they_follow_the_queues),
		TEST(the_next_drivers_first_write_is_told),
		TEST(a_death_loses_no_write),
		TEST(fields_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
