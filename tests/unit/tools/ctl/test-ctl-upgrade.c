// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vballoonctl upgrade against the doors at which it asks: who answers for which guests, what is said, and how it ends. The tool runs
 * in a child; the doors, and who begins upgrades, are here. Then strangers and the slow at a door.
 */
#include "backend/base/upgrade-words.h"
#include "backend/service/upgrade-door.h"
#include "fake/machine-fake.h"
#include "fake/store-fake.h"
#include "tools/ctl/ctl.h"
#include "unit/rigs/control-bench.h"
#include "unit/rigs/line-bench.h"
#include "unit/rigs/tool-bench.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct tool_said tool;

/* Who begins upgrades: answers at once, or when the test says so. */
struct upgrader {
	struct upgrade_door *door;
	struct upgrade_listener listener;
	struct upgrade_wish wish;
	unsigned int begun;
	int busy; /* so often */
	bool later;
	enum upgrade_result result;
	uint32_t domid;
};

struct bench {
	struct control_bench *b; /* of guest 7, device 0 */
	struct upgrader service, keeper;
	struct fake_store *store;
	const char *line;
};

static struct bench t;

static void answer(struct upgrader *u)
{
	u->listener.told(u->listener.opaque, u->domid, 0, u->result, u->result == UPGRADE_REFUSED ? "for a reason" : "");
	u->listener.over(u->listener.opaque);
}

static int begin(void *opaque, const struct upgrade_wish *wish, const struct upgrade_listener *listener)
{
	struct upgrader *u = opaque;

	if (u->busy-- > 0)
		return -EBUSY;
	u->begun++;
	u->wish = *wish;
	u->listener = *listener;
	if (u->later)
		return 0;
	if (!wish->domid || wish->domid == u->domid)
		answer(u);
	else
		u->listener.over(u->listener.opaque);
	return 0;
}

static void open_door(struct upgrader *u, const char *name)
{
	const struct upgrade_door_config cfg = {
		.base = t.b->base, .log = &t.b->capture.log, .dir = t.b->dir, .name = name, .group = "", .begin = begin, .opaque = u};

	assert_int_equal(upgrade_door_open(&u->door, &cfg), 0);
}

static int setup(void **state)
{
	t = (struct bench){.service.domid = 7, .keeper.domid = 9};
	assert_int_equal(control_bench_setup((void **)&t.b), 0);
	t.store = fake_store_new();
	return t.store ? 0 : -1;
}

static int teardown(void **state)
{
	upgrade_door_close(t.service.door);
	upgrade_door_close(t.keeper.door);
	if (t.store)
		fake_store_free(t.store);
	/* which finds its directory empty */
	return control_bench_teardown((void **)&t.b);
}

/* In the tool's process. */
static int open_store(void *opaque, struct xenvirtio_store **out)
{
	return t.store ? fake_store_open(t.store, out) : -ENOENT;
}

static int run_tool(void *opaque, FILE *out, FILE *err)
{
	struct line_words words;
	struct ctl_options opts;
	struct ctl ctl = {.opts = &opts, .out = out, .err = err, .open_store = open_store};
	char why[256];

	line_words_split(&words, "xen-vballoonctl", t.line);
	if (ctl_options_parse(&opts, words.argc, words.argv, why, sizeof(why)) != COMMAND_LINE_RUN)
		return CTL_EXIT_USAGE;
	opts.state_dir = t.b->dir;
	return ctl_run(&ctl);
}

static void serve(void *opaque, unsigned int ms)
{
	control_bench_run(t.b);
}

static int run(const char *line)
{
	const struct tool_run tool_run = {.child = run_tool, .meanwhile = serve};

	t.line = line;
	return tool_bench_run(&tool_run, &tool);
}

static void the_service_and_keepers_are_asked(void **state)
{
	open_door(&t.service, UPGRADE_SERVICE_NAME);
	open_door(&t.keeper, "9" UPGRADE_SUFFIX);
	t.service.result = UPGRADE_DONE;
	t.keeper.result = UPGRADE_SAME;
	assert_int_equal(run("upgrade"), CTL_EXIT_DONE);
	assert_string_equal(tool.out, "domain 9, device 0: same version already\ndomain 7, device 0: upgraded\n");
	assert_string_equal(tool.err, "");
	assert_int_equal(t.service.wish.domid, 0);
	assert_false(t.service.wish.force);
	/* of one guest those who may have it */
	assert_int_equal(run("upgrade 7 --force"), CTL_EXIT_DONE);
	assert_string_equal(tool.out, "domain 7, device 0: upgraded\n");
	assert_int_equal(t.service.wish.domid, 7);
	assert_true(t.service.wish.force);
	assert_int_equal(t.keeper.begun, 1);
	assert_int_equal(run("upgrade 9 --json"), CTL_EXIT_DONE);
	assert_string_equal(tool.out, "{\"domid\":9,\"devid\":0,\"result\":\"same\"}\n");
}

static void a_refusal_has_its_reason_and_exit_code(void **state)
{
	open_door(&t.service, UPGRADE_SERVICE_NAME);
	open_door(&t.keeper, "9-0" UPGRADE_SUFFIX);
	t.keeper.result = UPGRADE_REFUSED;
	/* whatever became of the others */
	assert_int_equal(run("upgrade"), CTL_EXIT_REFUSED);
	assert_string_equal(tool.out, "domain 9, device 0: not upgraded: for a reason\ndomain 7, device 0: upgraded\n");
	assert_int_equal(run("upgrade 9 --json"), CTL_EXIT_REFUSED);
	assert_string_equal(tool.out, "{\"domid\":9,\"devid\":0,\"result\":\"refused\",\"why\":\"for a reason\"}\n");
}

/* Its control socket is there, and nobody who would start another. */
static void who_has_no_keeper_is_told_what_to_do(void **state)
{
	control_bench_open(t.b);
	assert_int_equal(run("upgrade"), CTL_EXIT_REFUSED);
	assert_non_null(strstr(tool.out, "domain 7, device 0: not upgraded: nobody answers for it: it was started by hand with --no-restart"));
	open_door(&t.service, UPGRADE_SERVICE_NAME);
	assert_int_equal(run("upgrade"), CTL_EXIT_DONE);
	assert_string_equal(tool.out, "domain 7, device 0: upgraded\n");
}

static void where_nobody_is_served_there_is_nothing_to_do(void **state)
{
	assert_int_equal(run("upgrade"), CTL_EXIT_DONE);
	assert_string_equal(tool.out, "");
	assert_int_equal(run("upgrade 7"), CTL_EXIT_NO_DAEMON);
	tool_bench_expect(&tool, "domain 7: nobody serves it here");
	open_door(&t.service, UPGRADE_SERVICE_NAME);
	assert_int_equal(run("upgrade 8"), CTL_EXIT_NO_DAEMON);
	assert_int_equal(run("upgrade no-such-guest"), CTL_EXIT_NO_DAEMON);
	fake_store_free(t.store);
	t.store = NULL;
	upgrade_door_close(t.service.door);
	t.service.door = NULL;
	assert_int_equal(run("upgrade"), NO_XEN_EXIT_CODE);
}

/* Another asks just now: that has an end. */
static void who_is_busy_is_asked_again(void **state)
{
	open_door(&t.service, UPGRADE_SERVICE_NAME);
	t.service.busy = 3;
	assert_int_equal(run("upgrade"), CTL_EXIT_DONE);
	assert_string_equal(tool.out, "domain 7, device 0: upgraded\n");
	t.service.busy = 1000;
	assert_int_equal(run("upgrade"), CTL_EXIT_FAILED);
	tool_bench_expect(&tool, "others are being upgraded");
}

/* --- at the door --- */

static int knock(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/" UPGRADE_SERVICE_NAME, t.b->dir);
	fd = client_connect(path);
	assert_true(fd >= 0);
	control_bench_run(t.b);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	control_bench_run(t.b);
}

/* All that was said, and that it was the last. */
static void expect_end(int fd, const char *text)
{
	char got[256];
	ssize_t len, used = 0;

	control_bench_run(t.b);
	while ((len = recv(fd, got + used, sizeof(got) - 1 - (size_t)used, MSG_DONTWAIT)) > 0)
		used += len;
	assert_int_equal(len, 0);
	got[used] = '\0';
	assert_string_equal(got, text);
	close(fd);
}

static void what_is_no_question_is_wrong(void **state)
{
	static const char *const wrong[] = {"\n", "upgrade\n", "upgrade \n", "upgrade -1\n", "upgrade 70000\n", "upgrade 1 \n", "forced 1\n",
					    "upgrade 000000000000000000000001"};
	int fd;

	open_door(&t.service, UPGRADE_SERVICE_NAME);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fd = knock();
		say(fd, wrong[i]);
		expect_end(fd, "wrong\n");
	}
	assert_int_equal(t.service.begun, 0);
	fd = knock();
	say(fd, "force");
	say(fd, " 7\n");
	expect_end(fd, "7 0 upgraded\ndone\n");
	assert_true(t.service.wish.force);
}

static void one_asks_at_a_time_and_soon(void **state)
{
	int first, second;

	open_door(&t.service, UPGRADE_SERVICE_NAME);
	first = knock();
	second = knock();
	expect_end(second, "busy\n");
	/* who says nothing makes room */
	machine_fake_pass(UPGRADE_DOOR_MS);
	expect_end(first, "");
	t.service.later = true;
	first = knock();
	say(first, "upgrade 0\n");
	assert_int_equal(t.service.begun, 1);
	/* who has asked may take his time */
	machine_fake_pass(10 * UPGRADE_DOOR_MS);
	expect_end(knock(), "busy\n");
	answer(&t.service);
	expect_end(first, "7 0 upgraded\ndone\n");
}

/* Nobody is left half way because nobody listens. */
static void who_goes_away_has_asked_all_the_same(void **state)
{
	int fd;

	open_door(&t.service, UPGRADE_SERVICE_NAME);
	t.service.later = true;
	fd = knock();
	say(fd, "upgrade 7\n");
	close(fd);
	control_bench_run(t.b);
	expect_end(knock(), "busy\n");
	answer(&t.service);
	t.service.later = false;
	fd = knock();
	say(fd, "upgrade 7\n");
	expect_end(fd, "7 0 upgraded\ndone\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_service_and_keepers_are_asked),
		TEST(a_refusal_has_its_reason_and_exit_code),
		TEST(who_has_no_keeper_is_told_what_to_do),
		TEST(where_nobody_is_served_there_is_nothing_to_do),
		TEST(who_is_busy_is_asked_again),
		TEST(what_is_no_question_is_wrong),
		TEST(one_asks_at_a_time_and_soon),
		TEST(who_goes_away_has_asked_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
