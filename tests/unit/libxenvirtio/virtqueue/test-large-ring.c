// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rings of up to 1024 and chains as long: popped whole and pushed in any order. What a chain says lasts as long as it is held, in
 * every copy of it, and who looks at one that is not held any more sees memory that is still its queue's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "device/device-internal.h"
#include "fake/hv-fake.h"

#define LARGE 1024u
#define SMALL 64u
#define DESC_GPA UINT64_C(0x10000)
#define AVAIL_GPA UINT64_C(0x20000)
#define USED_GPA UINT64_C(0x30000)
#define TABLE_GPA UINT64_C(0x40000)
/* buffer i of a chain: where it is tells which one it is */
#define BUFFER_GPA(i) (UINT64_C(0x80000) + 8 * (uint64_t)(i))

static struct fake *fake;
static struct xenvirtio_hv *hv;
static struct xenvirtio_gmem *gmem;
static struct xenvirtio_device *dev;
static struct xenvirtio_queue *q;
static struct xenvirtio_device_state state;
static unsigned int faults;
static uint16_t avail;

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	faults++;
}

static const struct xenvirtio_device_ops device_ops = {.guest_error = guest_error};

static void put(uint64_t gpa, const void *buf, size_t len)
{
	assert_int_equal(xenvirtio_gmem_write(gmem, xenvirtio_gpa(gpa), buf, len), 0);
}

static void put16(uint64_t gpa, uint16_t value)
{
	const struct xenvirtio_le16 le = xenvirtio_le16(value);

	put(gpa, &le, sizeof(le));
}

static void put_desc(uint64_t table, unsigned int i, uint64_t addr, uint32_t len, uint16_t flags)
{
	const struct {
		struct xenvirtio_le64 addr;
		struct xenvirtio_le32 len;
		struct xenvirtio_le16 flags;
		struct xenvirtio_le16 next;
	} desc = {xenvirtio_le64(addr), xenvirtio_le32(len), xenvirtio_le16(flags), xenvirtio_le16((uint16_t)(i + 1))};

	put(table + i * (uint64_t)DESC_BYTES, &desc, sizeof(desc));
}

/* Descriptors @first.. of @table, @nr of them, the last half of them writable; buffer @first is the first. */
static void put_chain(uint64_t table, unsigned int first, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		put_desc(table, first + i, BUFFER_GPA(first + i), 8,
			 (uint16_t)((i + 1 < nr ? DESC_F_NEXT : 0) | (i >= nr / 2 ? DESC_F_WRITE : 0)));
}

static void offer(uint16_t head)
{
	uint16_t size = state.queue[0].size;

	put16(AVAIL_GPA + 4 + 2 * (uint64_t)(avail % size), head);
	put16(AVAIL_GPA + 2, ++avail);
}

static void open_ring(uint16_t size)
{
	const struct xenvirtio_device_config config = {
		.device_id = 42,
		.nr_queues = 1,
		.queue_size_max = size,
		.ops = &device_ops,
	};

	memset(&state, 0, sizeof(state));
	state.version = XENVIRTIO_DEVICE_STATE_VERSION;
	state.bytes = (uint32_t)XENVIRTIO_DEVICE_STATE_BYTES(1);
	state.status = 15;
	state.driver_features = UINT64_C(1) << XENVIRTIO_F_VERSION_1 | UINT64_C(1) << XENVIRTIO_F_INDIRECT_DESC;
	state.queue[0] = (struct xenvirtio_queue_state){
		.desc_gpa = DESC_GPA, .avail_gpa = AVAIL_GPA, .used_gpa = USED_GPA, .size = size, .ready = 1};
	faults = 0;
	avail = 0;
	put16(AVAIL_GPA + 2, 0);
	put16(USED_GPA + 2, 0);
	assert_int_equal(xenvirtio_device_new(&dev, &config, gmem, &state), 0);
	q = xenvirtio_device_queue(dev, 0);
}

static void close_ring(void)
{
	xenvirtio_device_free(dev);
}

static int setup(void **unused)
{
	const struct fake_config machine = {.ram = {{{0}, {0xff}}}, .nr_ram = 1};

	fake = fake_new(&machine);
	return !fake || fake_open(fake, &hv) || xenvirtio_gmem_new(&gmem, hv, 64) ? -1 : 0;
}

static int teardown(void **unused)
{
	xenvirtio_gmem_free(gmem);
	xenvirtio_hv_close(hv);
	fake_free(fake);
	return 0;
}

static void assert_chain(const struct xenvirtio_chain *chain, unsigned int first, unsigned int nr)
{
	assert_int_equal(chain->nr_readable, nr / 2);
	assert_int_equal(chain->nr_writable, nr - nr / 2);
	assert_int_equal(chain->readable_bytes, 8 * (nr / 2));
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(chain->seg[i].gpa.v, BUFFER_GPA(first + i));
		assert_int_equal(chain->seg[i].len_bytes, 8);
	}
}

static void a_chain_may_be_as_long_as_the_ring(void **unused)
{
	struct xenvirtio_chain chain;
	uint64_t first = 0x1122334455667788, last = 0;

	open_ring(LARGE);
	put_chain(DESC_GPA, 0, LARGE);
	offer(0);
	assert_int_equal(xenvirtio_queue_pop(q, &chain), 0);
	assert_chain(&chain, 0, LARGE);
	put(BUFFER_GPA(LARGE / 2 - 1), &first, 8);
	assert_int_equal(xenvirtio_chain_read(q, &chain, 8 * (LARGE / 2 - 1), &last, 8), 0);
	assert_true(last == first);
	assert_int_equal(xenvirtio_queue_push(q, &chain, 8 * LARGE / 2), 0);
	assert_int_equal(faults, 0);
	close_ring();
}

static void an_indirect_one_as_well_and_no_longer(void **unused)
{
	static const struct {
		uint16_t ring;
		unsigned int longest;
	} row[] = {{SMALL, XENVIRTIO_CHAIN_SEGS_MIN}, {LARGE, LARGE}};
	struct xenvirtio_chain chain;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		open_ring(row[i].ring);
		put_chain(TABLE_GPA, 0, row[i].longest);
		put_desc(DESC_GPA, 0, TABLE_GPA, row[i].longest * DESC_BYTES, DESC_F_INDIRECT);
		offer(0);
		assert_int_equal(xenvirtio_queue_pop(q, &chain), 0);
		assert_chain(&chain, 0, row[i].longest);
		put_chain(TABLE_GPA, 0, row[i].longest + 1);
		put_desc(DESC_GPA, 1, TABLE_GPA, (row[i].longest + 1) * DESC_BYTES, DESC_F_INDIRECT);
		offer(1);
		assert_int_equal(xenvirtio_queue_pop(q, &chain), XENVIRTIO_E_GUEST);
		assert_int_equal(faults, 1);
		close_ring();
	}
}

static void all_of_a_ring_may_be_held_at_once(void **unused)
{
	static struct xenvirtio_chain chain[LARGE];

	open_ring(LARGE);
	for (unsigned int i = 0; i < LARGE; i++) {
		put_chain(DESC_GPA, i, 1);
		offer((uint16_t)i);
	}
	for (unsigned int i = 0; i < LARGE; i++)
		assert_int_equal(xenvirtio_queue_pop(q, &chain[i]), 0);
	assert_int_equal(xenvirtio_queue_pop(q, &chain[0]), XENVIRTIO_E_EMPTY);
	for (unsigned int i = LARGE; i--;) {
		struct xenvirtio_chain copy = chain[i];

		assert_chain(&copy, i, 1);
		assert_true(xenvirtio_chain_held(q, &copy));
		assert_int_equal(xenvirtio_queue_push(q, &copy, 8), 0);
		assert_false(xenvirtio_chain_held(q, &chain[i]));
	}
	assert_int_equal(state.queue[0].used_idx, LARGE);
	close_ring();
}

/* One head, longer each time: each old chain's memory is the queue's still. With the sanitizers this is a test of that. */
static void what_was_pushed_may_be_looked_at(void **unused)
{
	static const unsigned int nr[] = {1, 8, 9, 100, 3, 256, 1024, 2};
	struct xenvirtio_chain chain[sizeof(nr) / sizeof(nr[0])];
	unsigned char byte;

	open_ring(LARGE);
	for (size_t i = 0; i < sizeof(nr) / sizeof(nr[0]); i++) {
		put_chain(DESC_GPA, 0, nr[i]);
		offer(0);
		assert_int_equal(xenvirtio_queue_pop(q, &chain[i]), 0);
		assert_chain(&chain[i], 0, nr[i]);
		assert_int_equal(xenvirtio_queue_push(q, &chain[i], 0), 0);
		for (size_t old = 0; old <= i; old++) {
			assert_int_equal(chain[old].seg[nr[old] - 1].len_bytes, 8);
			assert_int_equal(xenvirtio_chain_read(q, &chain[old], 0, &byte, 1), XENVIRTIO_E_GUEST);
		}
	}
	close_ring();
}

static void a_chain_of_nothing_has_no_segment(void **unused)
{
	struct xenvirtio_chain chain;

	open_ring(SMALL);
	put_desc(DESC_GPA, 0, BUFFER_GPA(0), 0, DESC_F_WRITE);
	offer(0);
	assert_int_equal(xenvirtio_queue_pop(q, &chain), 0);
	assert_int_equal(chain.nr_readable + chain.nr_writable, 0);
	assert_non_null(chain.seg);
	assert_int_equal(xenvirtio_chain_write(q, &chain, 0, "", 0), 0);
	assert_int_equal(xenvirtio_queue_push(q, &chain, 0), 0);
	close_ring();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_may_be_as_long_as_the_ring),
		cmocka_unit_test(an_indirect_one_as_well_and_no_longer),
		cmocka_unit_test(all_of_a_ring_may_be_held_at_once),
		cmocka_unit_test(what_was_pushed_may_be_looked_at),
		cmocka_unit_test(a_chain_of_nothing_has_no_segment),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
