// SPDX-License-Identifier: GPL-2.0-or-later
/* See step-record.h. */
#include "config.h"

#include "unit/rigs/step-record.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What does not come to its end. */
#define STEPS_MAX 2000000ul

static size_t count_bytes(const struct step_record *r)
{
	size_t bytes = 0;

	for (size_t i = 0; i < r->nr_regions; i++)
		bytes += r->region[i].bytes;
	return bytes;
}

static void look(struct step_record *r, pid_t child, char *now)
{
	struct iovec theirs[STEP_REGIONS_MAX], ours = { now, count_bytes(r) };

	for (size_t i = 0; i < r->nr_regions; i++)
		theirs[i] = (struct iovec){ r->region[i].at, r->region[i].bytes };
	assert_int_equal(process_vm_readv(child, &ours, 1, theirs, r->nr_regions, 0), (ssize_t)ours.iov_len);
	if (r->nr && !memcmp(r->kept[r->nr - 1], now, ours.iov_len))
		return;
	assert_in_range(r->nr, 0, STEP_RECORDS_MAX - 1);
	r->kept[r->nr] = malloc(ours.iov_len);
	assert_non_null(r->kept[r->nr]);
	memcpy(r->kept[r->nr++], now, ours.iov_len);
}

static void be_traced(void (*work)(void *opaque), void *opaque)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(1);
	raise(SIGSTOP);
	work(opaque);
	_exit(0);
}

void step_record(struct step_record *r, const struct step_region *regions, size_t nr, void (*work)(void *opaque), void *opaque)
{
	int status;
	pid_t child;
	char *now;

	if (getenv("UNDER_VALGRIND")) {
		print_message("# not under valgrind, which runs programs itself\n");
		skip();
	}
	*r = (struct step_record){ .region = regions, .nr_regions = nr };
	now = malloc(count_bytes(r));
	assert_non_null(now);
	child = fork();
	if (!child)
		be_traced(work, opaque);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSTOPPED(status)) {
		print_message("# this host does not let a process trace its child\n");
		free(now);
		skip();
	}
	while (WIFSTOPPED(status) && (r->steps == 0 || WSTOPSIG(status) == SIGTRAP)) {
		look(r, child, now);
		assert_in_range(++r->steps, 1, STEPS_MAX);
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	free(now);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void step_record_put(const struct step_record *r, size_t i)
{
	const char *from = r->kept[i];

	for (size_t k = 0; k < r->nr_regions; from += r->region[k++].bytes)
		memcpy(r->region[k].at, from, r->region[k].bytes);
}

void step_record_free(struct step_record *r)
{
	while (r->nr)
		free(r->kept[--r->nr]);
}
