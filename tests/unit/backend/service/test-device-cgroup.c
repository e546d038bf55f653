// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A launcher makes cgroups for its devices only in a part of the tree that it was given, and that it is not itself in. The rest is for real
 * cgroups: the nested case "cgroup".
 */
#include "backend/service/device-cgroup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/device-cgroup-XXXXXX";
static char own[64];

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	char path[128];

	assert_non_null(mkdtemp(dir));
	snprintf(own, sizeof(own), "%s/own", dir);
	snprintf(path, sizeof(path), "%s/unit", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("unit/cgroup.subtree_control", "");
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static int try(const char *text)
{
	struct device_cgroups c;
	int rc;

	write_file("own", text);
	rc = device_cgroups_open(&c, own, dir);
	assert_int_equal(c.dir, -1);
	/* and then it is as if there were no such thing */
	assert_int_equal(device_cgroups_add(&c, 7, 0, getpid()), 0);
	device_cgroups_sweep(&c);
	device_cgroups_close(&c);
	return rc;
}

static void what_is_no_subgroup_is_left_alone(void **state)
{
	assert_int_equal(try(""), -ENOENT);
	assert_int_equal(try("0::/\n"), -ENOENT);
	assert_int_equal(try("0::/launcher\n"), -ENOENT);
	assert_int_equal(try("0::/unit\n"), -ENOENT);
	assert_int_equal(try("0::/unit/other-launcher\n"), -ENOENT);
	assert_int_equal(try("0::/unit/launcher/more\n"), -ENOENT);
	assert_int_equal(try("4:pids:/unit/launcher\n"), -ENOENT);
	assert_int_equal(try("0::/nowhere/launcher\n"), -ENOENT);
}

static void nor_is_one_that_was_not_given(void **state)
{
	struct stat st;
	char path[128];

	assert_int_equal(try("4:pids:/x\n0::/unit/launcher\n"), -EPERM);
	snprintf(path, sizeof(path), "%s/unit/cgroup.subtree_control", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_subgroup_is_left_alone),
		cmocka_unit_test(nor_is_one_that_was_not_given),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
