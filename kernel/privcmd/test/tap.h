/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test Anything Protocol, as much as these programs need: numbered results, a plan at the end, exit
 * status.
 */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern unsigned int tap_run, tap_failed;

static inline bool tap_result(bool good)
{
	tap_run++;
	tap_failed += !good;
	printf("%sok %u - ", good ? "" : "not ", tap_run);
	return good;
}

/* ok(GOOD, FORMAT, ...): one result, with its text. Its value is GOOD. */
#define ok(good, ...)                                                                              \
	({                                                                                         \
		const bool good_ = tap_result(good);                                               \
												   \
		printf(__VA_ARGS__);                                                               \
		printf("\n");                                                                      \
		fflush(stdout);                                                                    \
		good_;                                                                             \
	})

/* rc and errno of a system call against the errno it should set; 0: it should succeed. */
static inline void expect(int rc, int wanted, const char *what)
{
	int got = rc < 0 ? errno : 0;

	if (!ok(got == wanted, "%s: %s", what, wanted ? strerrorname_np(wanted) : "works"))
		printf("# got %s\n", got ? strerrorname_np(got) : "success");
}

static inline int tap_done(void)
{
	printf("1..%u\n", tap_run);
	if (tap_failed)
		printf("# %u of %u failed\n", tap_failed, tap_run);
	return tap_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* As kselftest has it */
#define TAP_EXIT_SKIP 4

/*
 * The exit status of a program that was not given what it takes: one without any argument was
 * started by kselftest, which has no guests.
 */
static inline int tap_usage(int argc, char *const *argv, const char *arguments)
{
	if (argc == 1) {
		printf("1..0 # SKIP wants guests in a dom0, as run.sh makes them: %s %s\n", argv[0],
		       arguments);
		return TAP_EXIT_SKIP;
	}
	fprintf(stderr, "usage: %s %s\n", argv[0], arguments);
	return 2;
}

/* A step without which nothing after it means anything. */
#define must(cond)                                                                     \
	do {                                                                           \
		if (!(cond)) {                                                         \
			printf("Bail out! %s:%d: %s: %s\n", __FILE__, __LINE__, #cond, \
			       strerror(errno));                                       \
			exit(EXIT_FAILURE);                                            \
		}                                                                      \
	} while (0)

#endif /* TAP_H */
