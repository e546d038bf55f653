// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file is whole or as it was, and what is no regular file is not touched: whatever is at the path,
 * wherever writing fails.
 */
#include "tools/acpi/write-file.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static char path[96];

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/table", dir);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(dir);
}

static unsigned int count_entries(void)
{
	DIR *d = opendir(dir);
	unsigned int nr = 0;

	assert_non_null(d);
	while (readdir(d))
		nr++;
	closedir(d);
	return nr - 2;
}

static void assert_has(const char *text)
{
	char found[4096];
	FILE *file = fopen(path, "re");
	size_t len;

	assert_non_null(file);
	len = fread(found, 1, sizeof(found) - 1, file);
	fclose(file);
	found[len] = '\0';
	assert_string_equal(found, text);
	assert_int_equal(count_entries(), 1);
}

static void a_file_is_made_and_replaced(void **state)
{
	mode_t mask = umask(027);
	struct stat st;

	assert_int_equal(write_file(path, "first", 5), 0);
	assert_has("first");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(write_file(path, "2nd", 3), 0);
	assert_has("2nd");
	umask(mask);
}

static void what_is_no_regular_file_stays(void **state)
{
	struct stat st;

	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(write_file(path, "x", 1), -EEXIST);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	unlink(path);
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_int_equal(write_file(path, "x", 1), -EEXIST);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(write_file(path, "x", 1), -EEXIST);
	assert_int_equal(count_entries(), 1);
	assert_int_equal(rmdir(path), 0);
}

/* As a file system that is full: the file may not grow beyond this. */
static void a_failure_leaves_what_was_there(void **state)
{
	struct rlimit old, small;
	char large[4096];
	int rc;

	memset(large, 'x', sizeof(large));
	assert_int_equal(write_file(path, "before", 6), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 1024;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = write_file(path, large, sizeof(large));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, -EFBIG);
	assert_has("before");
}

static void no_directory_is_told(void **state)
{
	char nowhere[128];

	snprintf(nowhere, sizeof(nowhere), "%s/no/table", dir);
	assert_int_equal(write_file(nowhere, "x", 1), -ENOENT);
	assert_int_equal(count_entries(), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_made_and_replaced),
		TEST(what_is_no_regular_file_stays),
		TEST(a_failure_leaves_what_was_there),
		TEST(no_directory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
