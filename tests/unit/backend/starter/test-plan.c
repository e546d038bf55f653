// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How backends are started, as a file says it: what is written is what is run, word by word, and a slip is named with its line.
 */
#include "backend/starter/plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH "/etc/some.conf"
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static char why[PLAN_WHY_MAX];

static const struct plan_device device = {
	.domid = 32751,
	.devid = 7,
	.socket = "/run/a b/sock",
	.name = "db-1",
	.uuid = "0a1b2c3d-0000-1111-2222-333344445555",
};

static void parse(struct plan *plan, const char *text)
{
	int rc = plan_parse(plan, PATH, text, why);

	if (rc)
		print_message("%s\n", why);
	assert_int_equal(rc, 0);
}

/* What is put in makes no words, whatever is in it; quotes do. */
static void a_command_is_these_words(void **state)
{
	static const char *const words[] = {"/bin/x",	"--socket=/run/a b/sock", "a  b", "32751-7", "100%",
					    "db-1.img", "0a1b2c3d-0000-1111-2222-333344445555", "",	"$HOME;", "'q"};
	struct plan plan;
	char **argv;
	size_t nr = 0;

	parse(&plan, "# how\n\n  \ncommand =  /bin/x --socket=%s \"a  b\" %d-%i\n\t100%% %n.img \t %u\r\n  \"\" $HOME; 'q\n# end\nuser = u");
	assert_int_equal(plan_words(&plan, &device, &argv), 0);
	for (; argv[nr]; nr++)
		assert_string_equal(argv[nr], words[nr]);
	assert_int_equal(nr, ARRAY_SIZE(words));
	assert_true(plan.names_guest && plan.names_uuid);
	assert_string_equal(plan.user, "u");
	assert_null(plan.group);
	assert_null(plan.log);
	free(argv);
	plan_free(&plan);
}

static void a_comment_in_a_command_is_no_word(void **state)
{
	struct plan plan;

	parse(&plan, "command = /bin/x %s\n\t# --old \"quote\n  --new\r\n\t#\n\t--last\n\t# command = /bin/y");
	assert_string_equal(plan.word[1], "%s");
	assert_string_equal(plan.word[2], "--new");
	assert_string_equal(plan.word[3], "--last");
	assert_null(plan.word[4]);
	plan_free(&plan);
	/* one that stands behind other words is no comment: a word may be anything */
	parse(&plan, "command = /bin/x %s\n\t--a #b\n");
	assert_string_equal(plan.word[3], "#b");
	plan_free(&plan);
	/* lines are counted */
	assert_int_equal(plan_parse(&plan, PATH, "command = /bin/x %s\n\t# a\n\t--b\nusr = x\n", why), -EBADMSG);
	assert_non_null(strstr(why, PATH ":4: "));
}

static void each_key_reaches_its_field(void **state)
{
	struct plan plan;

	parse(&plan, "user=a\ngroup = b\nlog = /var/log/%n-%i.log\nlimit-files = 1024\nlimit-processes=64\nlimit-address-space = 8G\n"
		     "command = /bin/x %s");
	assert_string_equal(plan.user, "a");
	assert_string_equal(plan.group, "b");
	assert_string_equal(plan.log, "/var/log/%n-%i.log");
	/* which wants the name, too */
	assert_true(plan.names_guest);
	assert_false(plan.names_uuid);
	assert_int_equal(plan.limit[PLAN_LIMIT_FILES], 1024);
	assert_int_equal(plan.limit[PLAN_LIMIT_PROCESSES], 64);
	assert_int_equal(plan.limit[PLAN_LIMIT_ADDRESS_SPACE], 8 * 1024 * 1024);
	plan_free(&plan);
	parse(&plan, "log = service\ncommand = /bin/x %s\n");
	assert_null(plan.log);
	assert_false(plan.names_guest);
	plan_free(&plan);
}

static void a_slip_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text, *word;
	} bad[] = {
		{"", PATH ": no command"},
		{"user = x\n", PATH ": no command"},
		{"command\n", PATH ":1: not of the form"},
		{"# a\n\ncommand /bin/x %s\n", PATH ":3: not of the form"},
		{"command = \n", PATH ":1: nothing is after"},
		{"command = x %s\n", PATH ":1: give the program by its absolute path"},
		{"command = \"/bin/x\" %s\n", "absolute path"},
		{"command = /bin/%n %s\n", "the program's path"},
		{"command = /bin/x\n", "no word has %s"},
		{"command = /bin/x %%s\n", "no word has %s"},
		{"command = /bin/x %s \"a\n", "quotes"},
		{"command = /bin/x %s %x\n", "a % that stands for nothing"},
		{"command = /bin/x %s %\n", "a % that stands for nothing"},
		{"command = /bin/x %s\ncommand = /bin/y %s\n", PATH ":2: the key was there already"},
		{"command = /bin/x\n  %s\n  a\nusr = x\n", PATH ":4: no such key: there are command, user"},
		{"Command = /bin/x %s\n", "no such key"},
		{"= /bin/x %s\n", "no such key"},
		{"command = /bin/x %s\nuser = a b\n", ":2: not a name"},
		{"command = /bin/x %s\ngroup = %n\n", ":2: not a name"},
		{"command = /bin/x %s\nlog = x\n", ":2: give a file"},
		{"command = /bin/x %s\nlog = /%s\n", ":2: give a file"},
		{"command = /bin/x %s\nlog = /%z\n", ":2: a % that"},
		{"command = /bin/x %s\nlimit-files = 0\n", ":2: give a number"},
		{"command = /bin/x %s\nlimit-files = many\n", ":2: give a number"},
		{"command = /bin/x %s\nlimit-processes = -1\n", ":2: give a number"},
		{"command = /bin/x %s\nlimit-address-space = 0\n", ":2: give a size"},
		{"command = /bin/x %s\nlimit-address-space = 99999999999999999G\n", ":2: give a size"},
	};
	struct plan plan;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(plan_parse(&plan, PATH, bad[i].text, why), -EBADMSG);
		if (!strstr(why, bad[i].word))
			fail_msg("'%s': %s", bad[i].text, why);
		assert_null(plan.text);
	}
}

/* As many words as there is room for, and no more. */
static void a_command_has_its_bounds(void **state)
{
	char text[8 * PLAN_WORDS_MAX] = "command = /bin/x %s", *long_name;
	struct plan_device wide = device;
	struct plan plan;
	char **argv;

	for (unsigned int i = 2; i < PLAN_WORDS_MAX; i++)
		strcat(text, " %n");
	parse(&plan, text);
	assert_int_equal(plan_words(&plan, &device, &argv), 0);
	assert_string_equal(argv[PLAN_WORDS_MAX - 1], "db-1");
	assert_null(argv[PLAN_WORDS_MAX]);
	free(argv);
	long_name = malloc(1000);
	assert_non_null(long_name);
	memset(long_name, 'a', 999);
	long_name[999] = '\0';
	wide.name = long_name;
	assert_int_equal(plan_words(&plan, &wide, &argv), -E2BIG);
	free(long_name);
	plan_free(&plan);
	strcat(text, " %n");
	assert_int_equal(plan_parse(&plan, PATH, text, why), -EBADMSG);
	assert_non_null(strstr(why, "128 words"));
}

/* Programs read their words: a path has no more parts, an option of qemu's no more fields, than the administrator wrote. */
static void a_name_that_could_mean_more_is_none(void **state)
{
	static const char *const good[] = {"a", "db-1", "Web.Server_2", "_x", "0", "a+b"};
	static const char *const bad[] = {"", ".", "..", ".a", "-a", "+a", "a/b", "../b", "a,b", "a=b", "a b", "a%s", "a\n", "a\"", "a:b", "a;b", "\xc3\xa4"};
	char name[PLAN_NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(plan_name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(plan_name_valid(bad[i]));
	memset(name, 'a', sizeof(name));
	name[PLAN_NAME_MAX] = '\0';
	assert_true(plan_name_valid(name));
	name[PLAN_NAME_MAX] = 'a';
	name[PLAN_NAME_MAX + 1] = '\0';
	assert_false(plan_name_valid(name));
	assert_true(plan_uuid_valid(device.uuid));
	assert_false(plan_uuid_valid("0a1b2c3d-0000-1111-2222-33334444555"));
	assert_false(plan_uuid_valid("0a1b2c3d-0000-1111-2222-3333444455556"));
	assert_false(plan_uuid_valid("0a1b2c3d/0000-1111-2222-333344445555"));
	assert_false(plan_uuid_valid(""));
}

/* Who writes the file starts programs. */
static void a_file_of_others_is_refused(void **state)
{
	char path[] = "/tmp/xenvirtio-test-XXXXXX";
	static const char text[] = "command = /bin/x %s\n";
	int fd = mkstemp(path);
	struct plan plan;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(plan_read(&plan, path, why), 0);
	plan_free(&plan);
	for (int bit = 0; bit < 2; bit++) {
		assert_int_equal(fchmod(fd, bit ? 0602 : 0620), 0);
		assert_int_equal(plan_read(&plan, path, why), -EPERM);
		assert_non_null(strstr(why, "chmod go-w"));
	}
	assert_int_equal(fchmod(fd, 0600), 0);
	/* nor is what is no text */
	assert_int_equal(write(fd, "\0", 1), 1);
	assert_int_equal(plan_read(&plan, path, why), -EBADMSG);
	assert_int_equal(ftruncate(fd, PLAN_FILE_MAX + 1), 0);
	assert_int_equal(plan_read(&plan, path, why), -EBADMSG);
	close(fd);
	unlink(path);
	assert_int_equal(plan_read(&plan, path, why), -ENOENT);
	assert_int_equal(plan_read(&plan, "/tmp", why), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_is_these_words),
		cmocka_unit_test(a_comment_in_a_command_is_no_word),
		cmocka_unit_test(each_key_reaches_its_field),
		cmocka_unit_test(a_slip_is_named_with_its_line),
		cmocka_unit_test(a_command_has_its_bounds),
		cmocka_unit_test(a_name_that_could_mean_more_is_none),
		cmocka_unit_test(a_file_of_others_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
