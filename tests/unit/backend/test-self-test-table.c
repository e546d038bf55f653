// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of --self-test-sandbox, with a world and attempts of the test's own: that all is refused is said where that was seen, and
 * on a host that restricts nothing of Xen it was not.
 */
#include "backend/attempts.h"
#include "backend/confined.h"
#include "backend/self-test.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int xen; /* what a trial is told */
static int dies_of; /* the attempt does not come back; 0: it is refused */
static bool made_of_xen; /* some attempt on Xen */

/* In a process of the table's, as the real one. */
enum exit_code confined_try(const struct options *opts, struct log *log, bool seal, confined_trial *trial, void *opaque, int *signal)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(trial(opaque, xen, ""));
	waitpid(pid, &status, 0);
	*signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return EXIT_CODE_DONE;
}

static int attempt_something(const struct attempt_target *t)
{
	if (dies_of) {
		signal(dies_of, SIG_DFL);
		raise(dies_of);
	}
	return -EPERM;
}

const struct attempt *attempts_list(size_t *nr)
{
	static const struct attempt list[] = {{"some", "do something", "somebody", attempt_something}};

	*nr = 1;
	return list;
}

const struct attempt *attempts_xen_list(size_t *nr)
{
	static const struct attempt list[] = {{"xen", "do something of Xen's", "somebody", attempt_something}};

	made_of_xen = true;
	*nr = 1;
	return list;
}

/* Return: how it ended; @text: all that it printed, to be freed */
static enum exit_code run(char **text)
{
	static const struct program program = {.name = "test"};
	struct options opts = {.program = &program};
	char dir[] = "/tmp/self-test-XXXXXX";
	struct log_capture capture;
	enum exit_code code;
	size_t size;
	FILE *out = open_memstream(text, &size);

	assert_non_null(out);
	assert_non_null(mkdtemp(dir));
	opts.state_dir = dir;
	log_capture_open(&capture, LOG_LEVEL_INFO);
	made_of_xen = false;
	code = self_test(&opts, &capture.log, out);
	fclose(out);
	rmdir(dir);
	return code;
}

static int fresh(void **state)
{
	xen = dies_of = 0;
	return 0;
}

static void all_refused_is_said_with_and_without_xen(void **state)
{
	char *text;

	assert_int_equal(run(&text), EXIT_CODE_DONE);
	assert_non_null(strstr(text, "do something of Xen's "));
	assert_non_null(strstr(text, "all refused"));
	free(text);
	xen = -ENOENT;
	assert_int_equal(run(&text), EXIT_CODE_DONE);
	assert_false(made_of_xen);
	assert_non_null(strstr(text, "not on Xen"));
	free(text);
}

/* There a device process has what its program has: whoever asks by the exit code is not told that all is well. */
static void a_host_that_does_not_restrict_xen_refuses_nothing_of_it(void **state)
{
	char *text;

	xen = -ENOSYS;
	assert_int_equal(run(&text), EXIT_CODE_HOST);
	assert_null(strstr(text, "not on Xen"));
	assert_null(strstr(text, "all refused"));
	assert_non_null(strstr(text, "1 of 2 are possible"));
	free(text);
}

/* A kernel without system calls of 32 bits ends who makes one so; an end by another is no refusal. */
static void no_such_interrupt_is_a_refusal(void **state)
{
	char *text;

	dies_of = SIGSEGV;
	assert_int_equal(run(&text), EXIT_CODE_DONE);
	free(text);
	dies_of = SIGKILL;
	assert_int_equal(run(&text), EXIT_CODE_HOST);
	assert_non_null(strstr(text, "POSSIBLE"));
	free(text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
	const struct CMUnitTest tests[] = {
		TEST(all_refused_is_said_with_and_without_xen),
		TEST(a_host_that_does_not_restrict_xen_refuses_nothing_of_it),
		TEST(no_such_interrupt_is_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
