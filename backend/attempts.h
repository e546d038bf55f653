/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device process must not be able to do, as attempts that harm nobody where they succeed: each is made by a process
 * that is confined, on itself, and says how it went.
 *
 * The list is for --self-test-sandbox, on the host as it is, and for the drill (tests/drill), which has worse ones beside it.
 * Knows no guest, no domain and no protocol.
 */
#ifndef BACKEND_ATTEMPTS_H
#define BACKEND_ATTEMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** what attempts are aimed at, outside of the process that makes them */
struct attempt_target {
	pid_t process;	      /* one that lives, by its number there */
	uint16_t port;	      /* where somebody listens, on 127.0.0.1 */
	const char *abstract; /* likewise: the name of a socket, without its NUL in front */
};

/**
 * struct attempt - constant
 * @name:  a word
 * @what:  in words
 * @by:    who refuses it where system calls are not filtered; NULL: nobody, and it is harmless but for the kernel's own faults
 * @run:   Return: 0: it went through, and is undone; -errno: it was refused. Or it does not come back
 */
struct attempt {
	const char *name, *what, *by;
	int (*run)(const struct attempt_target *target);
};

/** attempts_list() - Return: the first of @nr */
const struct attempt *attempts_list(size_t *nr);

/**
 * attempts_xen_list() - likewise, on the descriptors of Xen that the process has
 *
 * Where it has none: -ENODEV, and nothing was tried.
 */
const struct attempt *attempts_xen_list(size_t *nr);

#endif /* BACKEND_ATTEMPTS_H */
