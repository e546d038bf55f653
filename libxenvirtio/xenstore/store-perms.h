/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Permissions of a xenstore node as text, the form xenstore-chmod takes: "n0,r3".
 *
 * Each entry is how and for whom: n none, r read, w write, b both, then a domain number. The first
 * names the owner and what all others may. Pure functions: libxenstore has this for one direction
 * only, and the fake xenstore needs the same rules.
 */
#ifndef STORE_PERMS_H
#define STORE_PERMS_H

#include <stddef.h>
#include <stdint.h>

#define STORE_PERMS_MAX 32u

struct store_perm {
	uint32_t domid;
	char how; /* 'n', 'r', 'w' or 'b' */
};

/**
 * store_perms_parse() - text to entries
 * @perm: out; room for STORE_PERMS_MAX
 *
 * Return: 0; -EINVAL
 */
int store_perms_parse(const char *text, struct store_perm *perm, size_t *nr);
/** store_perms_format() - entries to text. Return: 0; -EMSGSIZE does not fit in @size */
int store_perms_format(const struct store_perm *perm, size_t nr, char *text, size_t size);

#endif /* STORE_PERMS_H */
