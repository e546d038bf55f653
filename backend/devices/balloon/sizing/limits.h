/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least and the most memory of each guest, and its share, from a file that outlives domains and hosts:
 *
 *   # guest  least  most  share
 *   db       2G     -     300
 *   *        256M   4G
 *
 * Sizes are read as xl reads them, and a - says nothing. A share is a number, and may be left out. The line of a guest's own name counts, and where there is none that of *.
 * Written by an administrator: trusted to mean well, not to be well-formed. It knows neither xenstore nor the hypervisor.
 */
#ifndef BACKEND_LIMITS_H
#define BACKEND_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/** what a text for the log has room for */
#define LIMITS_WHY_MAX 320

/** 0: nobody said */
struct limits {
	uint64_t min_kib;
	uint64_t max_kib;
	unsigned int share; /* POLICY_SHARE_MAX at most */
};

/**
 * limits_read() - those of one guest
 * @fd:   the file, open, which is closed; -1: it is opened by @path
 * @name: as xl list has it
 * @l:    out; what the lines say that can be read
 * @why:  out, LIMITS_WHY_MAX bytes; with -EBADMSG the first line that cannot be read, and what is wrong with it
 *
 * Return: 0; -ENOENT there is no file; -EBADMSG; -errno
 */
int limits_read(const char *path, int fd, const char *name, struct limits *l, char *why);

#endif /* BACKEND_LIMITS_H */
