// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The register table against virtio 1.2, 4.2.2, entry by entry, and the bounds of the configuration
 * space: whatever offset and size come, the hooks see accesses in bounds only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/mmio.h"
#include "unit/rigs/rig.h"

static struct rig rig;
static uint8_t *space; /* on the heap, so that AddressSanitizer sees the byte after it */
static unsigned int writes;

static void config_read(void *opaque, uint32_t offset, void *buf, uint32_t len)
{
	assert_true(offset < RIG_CONFIG_BYTES && len <= RIG_CONFIG_BYTES - offset);
	memcpy(buf, space + offset, len);
}

static void config_write(void *opaque, uint32_t offset, const void *buf, uint32_t len)
{
	assert_true(offset < RIG_CONFIG_BYTES && len <= RIG_CONFIG_BYTES - offset);
	memcpy(space + offset, buf, len);
	writes++;
}

static int setup(void **state)
{
	space = malloc(RIG_CONFIG_BYTES);
	assert_non_null(space);
	for (unsigned int i = 0; i < RIG_CONFIG_BYTES; i++)
		space[i] = (uint8_t)(0x10 + i);
	writes = 0;
	assert_int_equal(rig_init(&rig, NULL), 0);
	rig.ops.config_read = config_read;
	rig.ops.config_write = config_write;
	return rig_start(&rig);
}

static int teardown(void **state)
{
	rig_fini(&rig);
	free(space);
	return 0;
}

static uint64_t read_at(uint64_t offset, uint32_t size)
{
	uint64_t data = 0x1122334455667788;

	assert_int_equal(mmio_access(rig.dev, offset, size, true, &data), 0);
	return data;
}

static void write_at(uint64_t offset, uint32_t size, uint64_t data)
{
	assert_int_equal(mmio_access(rig.dev, offset, size, false, &data), 0);
}

enum { R = 1, W = 2, RW = 3 };

/* virtio 1.2, table 4.1, less QueueReset */
static const struct {
	uint16_t offset;
	uint8_t access;
} table[] = {
	{ 0x000, R },  { 0x004, R },  { 0x008, R },  { 0x00c, R },  { 0x010, R },  { 0x014, W },
	{ 0x020, W },  { 0x024, W },  { 0x030, W },  { 0x034, R },  { 0x038, W },  { 0x044, RW },
	{ 0x050, W },  { 0x060, R },  { 0x064, W },  { 0x070, RW }, { 0x080, W },  { 0x084, W },
	{ 0x090, W },  { 0x094, W },  { 0x0a0, W },  { 0x0a4, W },  { 0x0ac, W },  { 0x0b0, R },
	{ 0x0b4, R },  { 0x0b8, R },  { 0x0bc, R },  { 0x0fc, R },
};

static unsigned int find_access(uint64_t offset, uint32_t size)
{
	for (size_t i = 0; size == 4 && i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].offset == offset)
			return table[i].access;
	if (offset >= 0x100 && offset + size <= 0x100 + RIG_CONFIG_BYTES && !(offset % size) &&
	    !(size & (size - 1)))
		return RW;
	return 0;
}

/* What is not in the table reads as all-ones of its size, and is counted; odd sizes, too. */
static void exactly_the_table_answers(void **state)
{
	for (uint64_t offset = 0; offset < 0x210; offset++) {
		for (uint32_t size = 1; size <= 16; size++) {
			unsigned int access = find_access(offset, size);
			uint64_t before = rig.errors[XENVIRTIO_GUEST_BAD_ACCESS];
			uint64_t val = read_at(offset, size);
			uint64_t counted = rig.errors[XENVIRTIO_GUEST_BAD_ACCESS] - before;

			assert_int_equal(counted, !(access & R));
			if (!(access & R))
				assert_int_equal(val, size < 8 ? (1ull << 8 * size) - 1
							       : UINT64_MAX);
			before = rig.errors[XENVIRTIO_GUEST_BAD_ACCESS];
			write_at(offset, size, 0);
			counted = rig.errors[XENVIRTIO_GUEST_BAD_ACCESS] - before;
			assert_int_equal(counted, !(access & W));
		}
	}
	assert_int_equal(read_at(UINT64_MAX, 4), UINT32_MAX);
	assert_int_equal(read_at(0x100000100, 4), UINT32_MAX);
	assert_int_equal(read_at(0, 0), 0);
}

static void identity_and_features(void **state)
{
	assert_int_equal(read_at(0x000, 4), 0x74726976);
	assert_int_equal(read_at(0x004, 4), 2);
	assert_int_equal(read_at(0x008, 4), RIG_DEVICE_ID);
	assert_int_equal(read_at(0x00c, 4), 1);
	write_at(0x014, 4, 0);
	assert_int_equal(read_at(0x010, 4), 1u | 1u << 28 | 1u << 29);
	write_at(0x014, 4, 1);
	assert_int_equal(read_at(0x010, 4), 1);
	for (uint64_t sel = 2; sel < 0x100000000; sel = sel * 3 + 1) {
		write_at(0x014, 4, sel);
		assert_int_equal(read_at(0x010, 4), 0);
	}
}

static void queue_registers_belong_to_the_selected_queue(void **state)
{
	for (uint32_t sel = 0; sel < RIG_QUEUES; sel++) {
		write_at(0x030, 4, sel);
		assert_int_equal(read_at(0x034, 4), RIG_QUEUE_SIZE);
		write_at(0x038, 4, 16u << sel);
		write_at(0x080, 4, 0x1000 + sel);
		write_at(0x084, 4, 0x2000 + sel);
		write_at(0x090, 4, 0x3000 + sel);
		write_at(0x094, 4, 0x4000 + sel);
		write_at(0x0a0, 4, 0x5000 + sel);
		write_at(0x0a4, 4, 0x6000 + sel);
	}
	for (uint32_t sel = 0; sel < RIG_QUEUES; sel++) {
		const struct xenvirtio_queue_state *queue = &rig.state.queue[sel];

		assert_int_equal(queue->size, 16u << sel);
		assert_int_equal(queue->desc_gpa, 0x0000200000001000 + 0x100000001 * sel);
		assert_int_equal(queue->avail_gpa, 0x0000400000003000 + 0x100000001 * sel);
		assert_int_equal(queue->used_gpa, 0x0000600000005000 + 0x100000001 * sel);
	}
}

static void the_configuration_space_is_little_endian_bytes(void **state)
{
	assert_int_equal(read_at(0x100, 1), 0x10);
	assert_int_equal(read_at(0x10b, 1), 0x1b);
	assert_int_equal(read_at(0x102, 2), 0x1312);
	assert_int_equal(read_at(0x104, 4), 0x17161514);
	assert_int_equal(read_at(0x100, 8), 0x1716151413121110);
	write_at(0x108, 4, 0xdeadbeefcafef00d);
	assert_int_equal(read_at(0x108, 4), 0xcafef00d);
	assert_int_equal(space[8], 0x0d);
	assert_int_equal(writes, 1);
	/* the last 8 would run over the end */
	write_at(0x108, 8, 0);
	assert_int_equal(writes, 1);
	assert_int_equal(rig.errors[XENVIRTIO_GUEST_BAD_ACCESS], 1);
}

/* A device without these hooks has a space of zeros, and loses what is written. */
static void hooks_may_be_missing(void **state)
{
	uint64_t data;

	rig_stop(&rig);
	rig.ops = (struct xenvirtio_device_ops){ 0 };
	assert_int_equal(rig_start(&rig), 0);
	assert_int_equal(read_at(0x104, 4), 0);
	write_at(0x104, 4, 1);
	assert_int_equal(read_at(0x100, 4), 0);
	data = UINT32_MAX;
	assert_int_equal(mmio_access(rig.dev, 0x1fc, 4, false, &data), 0);
	assert_int_equal(driver_init(&rig.driver, RIG_DEVICE_ID, 0, RIG_QUEUES), 0);
	assert_int_equal(driver_write(&rig.driver, REG_QUEUE_NOTIFY, 0), 0);
	assert_int_equal(driver_reset(&rig.driver), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(exactly_the_table_answers),
		TEST(identity_and_features),
		TEST(queue_registers_belong_to_the_selected_queue),
		TEST(the_configuration_space_is_little_endian_bytes),
		TEST(hooks_may_be_missing),
	};

	return cmocka_run_group_tests_name("mmio", tests, NULL, NULL);
}
