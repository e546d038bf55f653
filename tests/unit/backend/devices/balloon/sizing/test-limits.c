// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of guests' limits: whose line counts, and that a wrong one is named and takes nothing from the others.
 */
#include "backend/devices/balloon/sizing/limits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB 1024u

static char path[64], why[LIMITS_WHY_MAX];

static int setup(void **state)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/xenvirtio-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	return close(fd);
}

static int teardown(void **state)
{
	return unlink(path);
}

static int read_text(const char *text, const char *name, struct limits *l)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return limits_read(path, -1, name, l, why);
}

static void a_guest_has_its_own_line(void **state)
{
	static const char text[] = "# guest least most\n\n"
				   "*\t256M 4G\n"
				   "db 2G -   # no most\n"
				   "web - 512\r\n"
				   "db 1G 1G\n"
				   "* 1M 1M";
	struct limits l;

	assert_int_equal(read_text(text, "db", &l), 0);
	assert_int_equal(l.min_kib, 2048 * MIB);
	assert_int_equal(l.max_kib, 0);
	assert_int_equal(read_text(text, "web", &l), 0);
	assert_int_equal(l.min_kib, 0);
	assert_int_equal(l.max_kib, 512 * MIB);
	/* of lines that say the same the last counts for others, and the first for one */
	assert_int_equal(read_text(text, "another", &l), 0);
	assert_int_equal(l.min_kib, MIB);
	assert_int_equal(read_text("db 1G 2G\n", "web", &l), 0);
	assert_int_equal(l.min_kib + l.max_kib, 0);
	assert_int_equal(read_text("", "web", &l), 0);
	assert_string_equal(why, "");
}

static void a_share_may_be_named(void **state)
{
	static const char text[] = "* - - 50\ndb 2G - 300 # much\nweb - 1G -\nold 1G 2G\nall - - 10000\n";
	static const struct {
		const char *name;
		unsigned int share;
	} cases[] = {{"db", 300}, {"web", 0}, {"old", 0}, {"all", 10000}, {"another", 50}};
	struct limits l;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(text, cases[i].name, &l), 0);
		assert_int_equal(l.share, cases[i].share);
	}
}

static void a_wrong_line_is_named(void **state)
{
	static const struct {
		const char *line, *says;
	} wrong[] = {
		{"web", "give a guest's name"},
		{"web 1G", "give a guest's name"},
		{"web 1G 2G 3 4", "give a guest's name"},
		{"web 1G 2G 3G", "not a share"},
		{"web 1G 2G 0", "not a share"},
		{"web 1G 2G 10001", "not a share"},
		{"web 1G 2G -1", "not a share"},
		{"web 1G 2G 99999999999999999999", "not a share"},
		{"web 1X 2G", "not a size"},
		{"web 0 2G", "not a size"},
		{"web 1G 0", "not a size"},
		{"web 2G 1G", "the least is more"},
		{"web 99999999999999999999 -", "not a size"},
	};
	struct limits l;
	char text[128], where[96];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "# a comment\n%s\nweb 3M 4M\n%s\n", wrong[i].line, "x");
		assert_int_equal(read_text(text, "web", &l), -EBADMSG);
		snprintf(where, sizeof(where), "%s:2: %s", path, wrong[i].says);
		assert_int_equal(strncmp(why, where, strlen(where)), 0);
		assert_int_equal(l.min_kib, 3 * MIB);
		assert_int_equal(l.max_kib, 4 * MIB);
	}
}

static void what_is_no_file_says_so(void **state)
{
	struct limits l = {1, 1, 1};

	assert_int_equal(limits_read("/nonexistent/guests", -1, "web", &l, why), -ENOENT);
	assert_int_equal(l.min_kib + l.max_kib + l.share, 0);
	assert_int_equal(limits_read("/tmp", -1, "web", &l, why), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_guest_has_its_own_line, setup, teardown),
		cmocka_unit_test_setup_teardown(a_share_may_be_named, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wrong_line_is_named, setup, teardown),
		cmocka_unit_test(what_is_no_file_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
