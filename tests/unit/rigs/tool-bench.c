// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tool beside its daemon, see tool-bench.h.
 */
#include "config.h"

#include "tests/unit/rigs/tool-bench.h"

#include "backend/base/clock.h"
#include "fake/machine-fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* of the tests' clock: longer than a tool waits for anything */
#define PATIENCE_MS 120000

static void read_back(int fd, char *text, size_t size)
{
	ssize_t got = pread(fd, text, size - 1, 0);

	assert_true(got >= 0 && got < (ssize_t)size - 1);
	text[got] = '\0';
	close(fd);
}

static int run_child(const struct tool_run *run, int out_fd, int err_fd)
{
	FILE *out = fdopen(out_fd, "w"), *err = fdopen(err_fd, "w");
	int code;

	code = run->child(run->opaque, out, err);
	fclose(out);
	fclose(err);
	return code;
}

int tool_bench_run(const struct tool_run *run, struct tool_said *said)
{
	int out_fd = memfd_create("out", MFD_CLOEXEC), err_fd = memfd_create("err", MFD_CLOEXEC);
	int ask[2], answer[2], status = 0;
	pid_t pid;
	char byte;

	assert_true(out_fd >= 0 && err_fd >= 0);
	assert_int_equal(pipe(ask), 0);
	assert_int_equal(pipe(answer), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(ask[0]);
		close(answer[1]);
		machine_fake_be_a_child(ask[1], answer[0]);
		_exit(run_child(run, out_fd, err_fd));
	}
	close(ask[1]);
	close(answer[0]);
	/* it does nothing between its question and the answer; its end is the end of the questions */
	for (unsigned int ms = 0; ms < PATIENCE_MS && read(ask[0], &byte, 1) == 1; ms++) {
		uint64_t now_ns;

		run->meanwhile(run->opaque, ms);
		machine_fake_pass(1);
		now_ns = clock_now_ns();
		assert_int_equal(write(answer[1], &now_ns, sizeof(now_ns)), sizeof(now_ns));
	}
	close(ask[0]);
	close(answer[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	read_back(out_fd, said->out, sizeof(said->out));
	read_back(err_fd, said->err, sizeof(said->err));
	return WEXITSTATUS(status);
}

void tool_bench_expect(const struct tool_said *said, const char *text)
{
	const char *end = strchr(said->err, '\n');

	assert_non_null(end);
	assert_int_equal(end[1], '\0');
	assert_non_null(strstr(said->err, text));
}
