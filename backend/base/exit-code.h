/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a daemon tells the shell or its supervisor when it ends. The numbers are a promise:
 * they are in the manual pages, and new reasons get new numbers.
 */
#ifndef BACKEND_EXIT_CODE_H
#define BACKEND_EXIT_CODE_H

#include "backend/base/no-xen.h"

enum exit_code {
	/** the domain or its device went away, or a signal asked us to end */
	EXIT_CODE_DONE = 0,
	/** the host failed: no memory, a hypercall refused, the state directory not writable */
	EXIT_CODE_HOST = 1,
	/** the command line is wrong */
	EXIT_CODE_USAGE = 2,
	/** no such domain, or it has no such device */
	EXIT_CODE_NO_DEVICE = 3,
	/** not on Xen, /dev/xen is absent, no xenstored, or no permission to use them */
	EXIT_CODE_NO_XEN = NO_XEN_EXIT_CODE,
	/** somebody serves this device or its addresses already */
	EXIT_CODE_BUSY = 5,
	/** the device is there and cannot be served as it is configured */
	EXIT_CODE_UNSUITABLE = 6,
	/** SIGUSR2: another was ready to go on with the device; if it does not after all, somebody has to */
	EXIT_CODE_HANDED_ON = 7,
};

#endif /* BACKEND_EXIT_CODE_H */
