// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a device may do in xenstore, question by question. Invariant: nothing is written but the device's own keys, and nothing is
 * read but its own domain's and what its type's reserve counts.
 */
#include "backend/broker/store-rules.h"
#include "backend/devices/balloon/balloon.h"
#include "backend/devices/balloon/figures/balloon-names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TREE "/local/domain/0/backend/virtio"
#define DOMAIN "/local/domain/7"
#define NODE TREE "/7/0"

static const struct store_rules balloon = {.program = &balloon_program, .domid = 7};
/* one that asks for nothing of others */
static const char *const given[] = {"given", NULL};
static const struct program plain_program = {.store_keys = given};
static const struct store_rules plain = {.program = &plain_program, .domid = 7};

static bool may(const struct store_rules *r, enum broker_store_op op, const char *path, const char *text)
{
	uint32_t devid = 0;

	/* as the broker does first */
	if (!store_path_is_plain(path) && path[0] != '@')
		return false;
	return store_rules_allow(r, op, path, text, &devid);
}

struct question {
	const char *path;
	const char *text;
};

#define ALL(r, op, questions, answer)                                                                                      \
	do {                                                                                                               \
		for (size_t i = 0; i < sizeof(questions) / sizeof((questions)[0]); i++) {                                  \
			print_message("# %s %s\n", (questions)[i].path, (questions)[i].text);                              \
			assert_int_equal(may(r, op, (questions)[i].path, (questions)[i].text), answer);                    \
		}                                                                                                          \
	} while (0)

static void its_domain_and_its_devices_are_read(void **state)
{
	static const struct question all[] = {
		{DOMAIN, ""},	    {DOMAIN "/vm", ""},	 {DOMAIN "/memory/target", ""}, {DOMAIN "/memory/static-max", ""},
		{NODE "/state", ""}, {NODE "/online", ""}, {TREE "/7", ""},
	};

	ALL(&balloon, BROKER_STORE_READ, all, true);
	ALL(&balloon, BROKER_STORE_LIST, all, true);
	ALL(&balloon, BROKER_STORE_WATCH, all, true);
	ALL(&plain, BROKER_STORE_GET_PERMS, all, true);
}

/* A driver domain has its devices below itself. */
static void it_need_not_be_dom0(void **state)
{
	const struct store_rules driver_domain = {.program = &plain_program, .domid = 7, .backend = 3};

	assert_true(may(&driver_domain, BROKER_STORE_READ, "domid", ""));
	assert_true(may(&driver_domain, BROKER_STORE_WATCH, "backend/virtio/7", ""));
	assert_false(may(&driver_domain, BROKER_STORE_WATCH, "backend/virtio/8", ""));
	assert_true(may(&driver_domain, BROKER_STORE_WRITE, "/local/domain/3/backend/virtio/7/0/given", "1"));
	assert_false(may(&driver_domain, BROKER_STORE_WRITE, NODE "/given", "1"));
}

static void others_are_not(void **state)
{
	static const struct question all[] = {
		{"/local/domain/70", ""},
		{"/local/domain/70/vm", ""},
		{"/local/domain/8/memory/target", ""},
		{"/local/domain/0/name", ""},
		{"/local/domain/0/backend/vbd/7/0/params", ""},
		{"/local/domain/0/backend/virtio/70/0/state", ""},
		{"/local/domain", ""},
		{"/vm/7-7-7/uuid", ""},
		{"/tool/xenstored", ""},
		{"/libxl/7/type", ""},
		{"/local/domain/7/../8/vm", ""},
		{"/local/domain/7//vm", ""},
		{"/local/domain/7/", ""},
		{"local/domain/7", ""},
		{"backend/virtio/8/0/state", ""},
		{"name", ""},
		{"/", ""},
		{"", ""},
	};

	ALL(&balloon, BROKER_STORE_READ, all, false);
	ALL(&balloon, BROKER_STORE_LIST, all, false);
	ALL(&balloon, BROKER_STORE_WATCH, all, false);
	ALL(&balloon, BROKER_STORE_GET_PERMS, all, false);
}

static void a_balloon_counts_the_reserve_and_no_more(void **state)
{
	static const struct question counted[] = {
		{TREE, ""},
		{TREE "/8", ""},
		{"backend/virtio", ""},
		{"backend/virtio/8/0/owed", ""},
		{TREE "/8/0/type", ""},
		{TREE "/8/0/owed", ""},
		{TREE "/8/0/ballooned", ""},
		{"/local/domain/8/memory/static-max", ""},
	};
	static const struct question beyond[] = {
		{TREE "/8/0/stats/free", ""},
		{TREE "/8/0/frontend", ""},
		{"/local/domain/8/device/memory/static-max", ""},
	};

	ALL(&balloon, BROKER_STORE_READ, counted, true);
	ALL(&balloon, BROKER_STORE_READ, beyond, false);
	/* events of others would tell when they move */
	ALL(&balloon, BROKER_STORE_WATCH, counted, false);
	ALL(&plain, BROKER_STORE_READ, counted, false);
}

static void its_own_keys_are_written(void **state)
{
	static const struct question all[] = {
		{NODE "/state", "4"},	 {NODE "/path", "eventfd"}, {NODE "/guest-errors/bad-ring", "1"}, {NODE "/target", "1024"},
		{NODE "/stats/free-memory", "1"}, {NODE "/ballooned", "0"},
	};

	ALL(&balloon, BROKER_STORE_WRITE, all, true);
	assert_true(may(&plain, BROKER_STORE_WRITE, NODE "/given", "1"));
	assert_false(may(&plain, BROKER_STORE_WRITE, NODE "/target", "1"));
	assert_true(may(&balloon, BROKER_STORE_REMOVE, NODE "/stats/free-memory", ""));
}

/* A name a time would fill xenstored, where dom0 has no quota. */
static void names_are_as_many_as_there_are(void **state)
{
	char path[128];

	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++) {
		snprintf(path, sizeof(path), NODE "/stats/%s", balloon_stat_name(tag));
		assert_true(may(&balloon, BROKER_STORE_WRITE, path, "1"));
	}
	for (unsigned int kind = 0; kind < XENVIRTIO_GUEST_ERRORS; kind++) {
		snprintf(path, sizeof(path), NODE "/guest-errors/%s", xenvirtio_guest_error_name(kind));
		assert_true(may(&plain, BROKER_STORE_WRITE, path, "1"));
	}
	assert_false(may(&balloon, BROKER_STORE_WRITE, NODE "/stats/x1", "1"));
	assert_false(may(&balloon, BROKER_STORE_WRITE, NODE "/guest-errors/x1", "1"));
}

static void nothing_that_the_toolstack_acts_on_is(void **state)
{
	static const struct question all[] = {
		{NODE, "x"},
		{NODE "/frontend", "/local/domain/8/device/vbd/0"},
		{NODE "/frontend-id", "8"},
		{NODE "/online", "0"},
		{NODE "/type", "virtio,device5"},
		{NODE "/base", "0"},
		{NODE "/script", "/tmp/x"},
		{NODE "/hotplug-status", "connected"},
		{NODE "/state", "7"},
		{NODE "/state", "66"},
		{NODE "/state", ""},
		{NODE "/stats", "x"},
		{NODE "/stats/", "x"},
		{NODE "/stats/a/b", "x"},
		{NODE "/target/x", "x"},
		{TREE "/7/00/target", "1"},
		{TREE "/7/-1/target", "1"},
		{TREE "/7/4294967296/target", "1"},
		{TREE "/7/99999999999999999999/target", "1"},
		{TREE "/7/target", "1"},
		{TREE "/8/0/target", "1"},
		{TREE "/70/0/target", "1"},
		{DOMAIN "/memory/target", "1"},
		{DOMAIN "/memory/static-max", "1"},
		{DOMAIN "/device-model/pid", "1"},
		{"/local/domain/0/device-model/7/state", "running"},
		{"/libxl/7/device/virtio/0/backend", "x"},
		{"backend/virtio/8/0/target", "1"},
		{"backend/virtio/7/0/online", "0"},
	};

	ALL(&balloon, BROKER_STORE_WRITE, all, false);
	ALL(&balloon, BROKER_STORE_REMOVE, all, false);
	assert_false(may(&balloon, BROKER_STORE_REMOVE, NODE "/state", ""));
}

static void a_guest_gets_no_right_to_write(void **state)
{
	static const struct question good[] = {{DOMAIN "/memory/target", "n0"}, {DOMAIN "/memory/target", "n0,r7"}};
	static const struct question bad[] = {
		{DOMAIN "/memory/target", "n7"},      {DOMAIN "/memory/target", "n0,b7"}, {DOMAIN "/memory/target", "n0,w7"},
		{DOMAIN "/memory/target", "b0,r7"},   {DOMAIN "/memory/target", "n0,r8"}, {DOMAIN "/memory/target", ""},
		{DOMAIN "/memory/static-max", "n0"},  {NODE, "n0"},			  {"/local/domain/8/memory/target", "n0"},
	};

	ALL(&balloon, BROKER_STORE_SET_PERMS, good, true);
	ALL(&balloon, BROKER_STORE_SET_PERMS, bad, false);
	ALL(&plain, BROKER_STORE_SET_PERMS, good, false);
}

static void one_event_is_of_no_domain(void **state)
{
	assert_true(may(&balloon, BROKER_STORE_WATCH, "@releaseDomain", "t"));
	assert_false(may(&balloon, BROKER_STORE_WATCH, "@introduceDomain", "t"));
	assert_false(may(&balloon, BROKER_STORE_READ, "@releaseDomain", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_domain_and_its_devices_are_read),
		cmocka_unit_test(it_need_not_be_dom0),
		cmocka_unit_test(others_are_not),
		cmocka_unit_test(a_balloon_counts_the_reserve_and_no_more),
		cmocka_unit_test(its_own_keys_are_written),
		cmocka_unit_test(names_are_as_many_as_there_are),
		cmocka_unit_test(nothing_that_the_toolstack_acts_on_is),
		cmocka_unit_test(a_guest_gets_no_right_to_write),
		cmocka_unit_test(one_event_is_of_no_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
