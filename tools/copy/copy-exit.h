/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xenvirtio-copy tells the shell: a promise, in xenvirtio-copy(8). The first ones are
 * xen-vballoonctl's.
 */
#ifndef TOOLS_COPY_EXIT_H
#define TOOLS_COPY_EXIT_H

#include "backend/base/no-xen.h"

enum copy_exit {
	COPY_EXIT_DONE = 0,
	/** the file cannot be written or read, Xen fails */
	COPY_EXIT_FAILED = 1,
	COPY_EXIT_USAGE = 2,
	/** no such domain, or no daemon serves it */
	COPY_EXIT_NO_DOMAIN = 3,
	/** no Xen: not booted on it, or no xenstored */
	COPY_EXIT_NO_XEN = NO_XEN_EXIT_CODE,
	COPY_EXIT_NO_PERMISSION = NO_XEN_EXIT_CODE,
	/** the guest was destroyed meanwhile */
	COPY_EXIT_GONE = 5,
	/** --verify: the guest runs */
	COPY_EXIT_RUNNING = 6,
};

#endif /* TOOLS_COPY_EXIT_H */
