/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test Anything Protocol, as much as these programs need: numbered results, a plan at the end, exit status.
 */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern unsigned int tap_run, tap_failed;

__attribute__((format(printf, 2, 3))) static inline bool ok(bool good, const char *fmt, ...)
{
	va_list ap;

	tap_run++;
	tap_failed += !good;
	printf("%sok %u - ", good ? "" : "not ", tap_run);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return good;
}

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

/* A step without which nothing after it means anything. */
#define must(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("Bail out! %s:%d: %s: %s\n", __FILE__, __LINE__, #cond,             \
			       strerror(errno));                                                   \
			exit(EXIT_FAILURE);                                                        \
		}                                                                                  \
	} while (0)

#endif /* TAP_H */
