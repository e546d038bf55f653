/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The system calls that are left to a device process once it serves: a list, each with its reason; all else is its death.
 * Knows no file, no descriptor and no guest: what a call is applied to is bounded elsewhere (confine-files.c, restricted handles).
 */
#ifndef CONFINE_CALLS_H
#define CONFINE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct confine_check - an argument, of which @mask is @value; all of one call are alternatives, the last has no mask */
struct confine_check {
	unsigned int arg;
	uint64_t mask, value;
};

/**
 * struct confine_call - one that is allowed, or refused without harm
 * @name:  the kernel's
 * @other: its name where an architecture does not have that one; NULL: all have it
 * @check: NULL: whatever its arguments are
 * @err:   0: allowed; else it is this errno, and nothing is done
 * @args:  @check in words; ""
 * @why:   who calls it
 */
struct confine_call {
	const char *name, *other;
	const struct confine_check *check;
	int err;
	const char *args, *why;
};

/** confine_calls_list() - what SECURITY.md shows. Return: the first of @nr */
const struct confine_call *confine_calls_list(size_t *nr);
/** confine_calls_lending() - what devices with a backend have beside it, likewise */
const struct confine_call *confine_calls_lending(size_t *nr);

/** confine_calls_can() - whether this build can be confined: one with sanitizers makes calls of its own */
bool confine_calls_can(void);

#endif /* CONFINE_CALLS_H */
