// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A virtio device in xenstore: what libxl writes is read; what it would never write is refused with
 * a line that names the key; nothing that is half there is taken for whole.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake/store-fake.h"

#define NODE "/local/domain/0/backend/virtio/5/0"
#define TYPE "virtio,device5"

static const struct {
	const char *key;
	const char *value;
} keys[] = {
	{ "frontend", "/local/domain/5/device/virtio/0" },
	{ "frontend-id", "5" },
	{ "online", "1" },
	{ "state", "1" },
	{ "irq", "33" },
	{ "base", "0x2000000" },
	{ "type", TYPE },
	{ "transport", "mmio" },
	{ "grant_usage", "0" },
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

struct fixture {
	struct fake_store *s;
	struct xenvirtio_store *store;
	struct xenvirtio_xenbus bus;
	char why[256];
};

static void put_key(struct fake_store *s, const char *node, const char *key, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", node, key);
	fake_store_put(s, path, value);
}

static void put_device(struct fake_store *s, const char *node)
{
	for (size_t i = 0; i < NR_KEYS; i++)
		put_key(s, node, keys[i].key, keys[i].value);
}

static void open_fixture(struct fixture *x)
{
	memset(x, 0, sizeof(*x));
	x->s = fake_store_new();
	assert_non_null(x->s);
	assert_int_equal(fake_store_open(x->s, &x->store), 0);
}

static void close_fixture(struct fixture *x)
{
	xenvirtio_store_close(x->store);
	assert_int_equal(fake_store_handles(x->s), 0);
	fake_store_free(x->s);
}

static int read_device(struct fixture *x)
{
	x->why[0] = '\0';
	return xenvirtio_xenbus_read(x->store, 5, 0, TYPE, &x->bus, x->why, sizeof(x->why));
}

/* What libxl writes on Arm is read, every field of it. */
static void reads_what_libxl_writes(void **state)
{
	struct fixture x;

	open_fixture(&x);
	put_device(x.s, NODE);
	assert_int_equal(read_device(&x), 0);
	assert_int_equal(x.bus.domid, 5);
	assert_int_equal(x.bus.devid, 0);
	assert_string_equal(x.bus.backend, NODE);
	assert_true(x.bus.base.v == 0x2000000);
	assert_int_equal(x.bus.irq, 33);
	assert_int_equal(x.bus.state, 1);
	assert_true(x.bus.online);
	assert_false(x.bus.grant_usage);
	close_fixture(&x);
}

/* On x86 libxl chooses neither base nor irq; a device model domain has its own part of the tree. */
static void reads_x86_and_other_backends(void **state)
{
	struct fixture x;

	open_fixture(&x);
	fake_store_put(x.s, "/local/domain/0/domid", "3");
	put_device(x.s, "/local/domain/3/backend/virtio/5/0");
	put_key(x.s, "/local/domain/3/backend/virtio/5/0", "base", "0");
	put_key(x.s, "/local/domain/3/backend/virtio/5/0", "irq", "0");
	put_key(x.s, "/local/domain/3/backend/virtio/5/0", "grant_usage", "1");
	put_key(x.s, "/local/domain/3/backend/virtio/5/0", "online", "0");
	assert_int_equal(read_device(&x), 0);
	assert_string_equal(x.bus.backend, "/local/domain/3/backend/virtio/5/0");
	assert_true(x.bus.base.v == 0 && x.bus.irq == 0);
	/* reported, not judged: some devices can */
	assert_true(x.bus.grant_usage);
	assert_false(x.bus.online);
	close_fixture(&x);
}

/* No node is not an error of the host; the line says what to write where. */
static void missing_node(void **state)
{
	struct fixture x;

	open_fixture(&x);
	assert_int_equal(read_device(&x), XENVIRTIO_E_EMPTY);
	assert_non_null(strstr(x.why, "xl.cfg"));
	assert_null(strchr(x.why, '\n'));
	close_fixture(&x);
}

/* With any key missing the node is half written, and the line names the key. */
static void half_written_node(void **state)
{
	struct fixture x;

	open_fixture(&x);
	for (size_t i = 0; i < NR_KEYS; i++) {
		bool optional = strcmp(keys[i].key, "frontend") == 0 ||
				strcmp(keys[i].key, "grant_usage") == 0;
		char path[256];

		put_device(x.s, NODE);
		snprintf(path, sizeof(path), NODE "/%s", keys[i].key);
		fake_store_del(x.s, path);
		assert_int_equal(read_device(&x), optional ? 0 : XENVIRTIO_E_AGAIN);
		if (!optional)
			assert_non_null(strstr(x.why, path));
	}
	close_fixture(&x);
}

/* Values that cannot be are refused one by one; the line names the key and is one line. */
static void impossible_values(void **state)
{
	static const struct {
		const char *key;
		const char *value;
	} bad[] = {
		{ "frontend-id", "6" },
		{ "frontend-id", "" },
		{ "frontend-id", "5x" },
		{ "frontend-id", "65536" },
		{ "online", "2" },
		{ "online", "yes" },
		{ "state", "9" },
		{ "state", "-1" },
		{ "state", "0x1" },
		{ "irq", "" },
		{ "irq", " 33" },
		{ "irq", "33 " },
		{ "irq", "+33" },
		{ "irq", "-33" },
		{ "irq", "0x21" },
		{ "irq", "1020" },
		{ "irq", "4294967329" },
		{ "irq", "99999999999999999999999999" },
		{ "irq", "0" },
		{ "base", "" },
		{ "base", "0x" },
		{ "base", "0x2000000 " },
		{ "base", "0x2000000g" },
		{ "base", "0x-2000000" },
		{ "base", "0x 2000000" },
		{ "base", "33554432" },
		{ "base", "2000000" },
		{ "base", "0x2000001" },
		{ "base", "0x2000002" },
		{ "base", "0xfffffffffffffe04" },
		{ "base", "0xfffffffffffffffc" },
		{ "base", "0x10000000000000000" },
		{ "base", "0x100000000000000000000002000000" },
		{ "base", "0" },
		{ "type", "virtio,device" },
		{ "type", "virtio,device05" },
		{ "type", "virtio,devicezz" },
		{ "type", "virtio,device5 " },
		{ "type", "virtio,device1A" },
		{ "type", "virtio,device0" },
		{ "type", "virtio,device10000" },
		{ "type", "virtio,device-5" },
		{ "transport", "pci" },
		{ "transport", "" },
		{ "transport", "mmio2" },
		{ "grant_usage", "2" },
		{ "grant_usage", "true" },
		{ "base", "0x2\n000000" },
		{ "irq", "\x1b[31m33" },
	};
	struct fixture x;

	open_fixture(&x);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct xenvirtio_xenbus untouched = { .domid = 77 };

		put_device(x.s, NODE);
		put_key(x.s, NODE, bad[i].key, bad[i].value);
		x.bus = untouched;
		if (read_device(&x) != -EPROTO)
			fail_msg("%s = \"%s\" was not refused: %s", bad[i].key, bad[i].value, x.why);
		assert_int_equal(x.bus.domid, 77);
		/* base and irq that do not go together are told of the base */
		if (strcmp(bad[i].value, "0") != 0)
			assert_non_null(strstr(x.why, bad[i].key));
		for (const char *p = x.why; *p; p++)
			assert_true(*p >= ' ' && *p <= '~');
	}
	close_fixture(&x);
}

/* The last base that leaves room for the window is taken, the one after it is not. */
static void highest_base(void **state)
{
	struct fixture x;

	open_fixture(&x);
	put_device(x.s, NODE);
	put_key(x.s, NODE, "base", "0xfffffffffffffe00");
	assert_int_equal(read_device(&x), 0);
	assert_true(x.bus.base.v == UINT64_MAX - 0x1ff);
	close_fixture(&x);
}

/* Another type is another device: the line says which it is. */
static void another_type(void **state)
{
	struct fixture x;

	open_fixture(&x);
	put_device(x.s, NODE);
	put_key(x.s, NODE, "type", "virtio,device1a");
	assert_int_equal(read_device(&x), -ENODEV);
	assert_non_null(strstr(x.why, "virtio,device1a"));
	put_key(x.s, NODE, "type", "virtio,disk");
	assert_int_equal(read_device(&x), -ENODEV);
	close_fixture(&x);
}

/* A value as long as xenstore takes does no harm, and a reason that does not fit is cut. */
static void long_values(void **state)
{
	char value[XENVIRTIO_STORE_TEXT_MAX + 100];
	char tiny[8];
	struct fixture x;

	open_fixture(&x);
	put_device(x.s, NODE);
	memset(value, '1', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	put_key(x.s, NODE, "irq", value);
	assert_int_equal(read_device(&x), -EPROTO);
	value[XENVIRTIO_STORE_TEXT_MAX - 1] = '\0';
	put_key(x.s, NODE, "irq", value);
	assert_int_equal(read_device(&x), -EPROTO);
	assert_int_equal(xenvirtio_xenbus_read(x.store, 5, 0, TYPE, &x.bus, tiny, sizeof(tiny)),
			 -EPROTO);
	assert_int_equal(strlen(tiny), sizeof(tiny) - 1);
	assert_int_equal(xenvirtio_xenbus_read(x.store, 5, 0, TYPE, &x.bus, tiny, 0), -EPROTO);
	close_fixture(&x);
}

/* Finding goes by number, not by name, and looks past devices of other types and names of none. */
static void find_takes_the_first(void **state)
{
	struct fixture x;

	open_fixture(&x);
	put_device(x.s, "/local/domain/0/backend/virtio/5/10");
	put_device(x.s, "/local/domain/0/backend/virtio/5/9");
	put_device(x.s, "/local/domain/0/backend/virtio/5/2");
	put_key(x.s, "/local/domain/0/backend/virtio/5/2", "type", "virtio,device1a");
	put_device(x.s, "/local/domain/0/backend/virtio/5/01");
	put_device(x.s, "/local/domain/0/backend/virtio/5/1x");
	put_device(x.s, "/local/domain/0/backend/virtio/5/99999999999");
	assert_int_equal(xenvirtio_xenbus_find(x.store, 5, TYPE, &x.bus, x.why, sizeof(x.why)),
			 0);
	assert_int_equal(x.bus.devid, 9);
	close_fixture(&x);
}

/* A device that is wrong does not hide a right one, but is told of when there is no other. */
static void find_tells_what_is_wrong(void **state)
{
	struct fixture x;

	open_fixture(&x);
	assert_int_equal(xenvirtio_xenbus_find(x.store, 5, TYPE, &x.bus, x.why, sizeof(x.why)),
			 XENVIRTIO_E_EMPTY);
	assert_non_null(strstr(x.why, "xl.cfg"));
	put_device(x.s, NODE);
	put_key(x.s, NODE, "base", "nonsense");
	assert_int_equal(xenvirtio_xenbus_find(x.store, 5, TYPE, &x.bus, x.why, sizeof(x.why)),
			 -EPROTO);
	assert_non_null(strstr(x.why, "base"));
	put_device(x.s, "/local/domain/0/backend/virtio/5/1");
	assert_int_equal(xenvirtio_xenbus_find(x.store, 5, TYPE, &x.bus, x.why, sizeof(x.why)),
			 0);
	assert_int_equal(x.bus.devid, 1);
	close_fixture(&x);
}

/* Whichever call fails, the failure comes through unchanged with a reason, and never as success. */
static void every_call_may_fail(void **state)
{
	struct fixture x;
	uint64_t calls;

	open_fixture(&x);
	put_device(x.s, NODE);
	fake_store_fail(x.s, 0, 0);
	assert_int_equal(xenvirtio_xenbus_find(x.store, 5, TYPE, &x.bus, x.why, sizeof(x.why)),
			 0);
	calls = fake_store_calls(x.s);
	assert_true(calls > NR_KEYS);
	for (uint64_t n = 1; n <= calls; n++) {
		static const int result[] = { -EPIPE, -EIO, -EACCES };

		for (size_t i = 0; i < sizeof(result) / sizeof(result[0]); i++) {
			fake_store_fail(x.s, n, result[i]);
			x.why[0] = '\0';
			assert_int_equal(xenvirtio_xenbus_find(x.store, 5, TYPE, &x.bus, x.why,
							       sizeof(x.why)),
					 result[i]);
			assert_true(x.why[0] != '\0');
		}
	}
	close_fixture(&x);
}

/* The state is written as a number below the node that was read. */
static void sets_the_state(void **state)
{
	struct fixture x;

	open_fixture(&x);
	put_device(x.s, NODE);
	assert_int_equal(read_device(&x), 0);
	assert_int_equal(xenvirtio_xenbus_set_state(x.store, &x.bus, XENVIRTIO_XENBUS_CONNECTED), 0);
	assert_string_equal(fake_store_get(x.s, NODE "/state"), "4");
	fake_store_stop(x.s);
	assert_int_equal(xenvirtio_xenbus_set_state(x.store, &x.bus, XENVIRTIO_XENBUS_CLOSED),
			 -EPIPE);
	close_fixture(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_libxl_writes),
		cmocka_unit_test(reads_x86_and_other_backends),
		cmocka_unit_test(missing_node),
		cmocka_unit_test(half_written_node),
		cmocka_unit_test(impossible_values),
		cmocka_unit_test(highest_base),
		cmocka_unit_test(another_type),
		cmocka_unit_test(long_values),
		cmocka_unit_test(find_takes_the_first),
		cmocka_unit_test(find_tells_what_is_wrong),
		cmocka_unit_test(every_call_may_fail),
		cmocka_unit_test(sets_the_state),
	};

	return cmocka_run_group_tests_name("xenbus", tests, NULL, NULL);
}
