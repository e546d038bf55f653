/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xen-vballoonctl tells the shell. The numbers are a promise: they are in xen-vballoonctl(8),
 * and new reasons get new numbers.
 */
#ifndef TOOLS_CTL_EXIT_H
#define TOOLS_CTL_EXIT_H

#include "backend/base/no-xen.h"

enum ctl_exit {
	/** done, and with --wait: reached */
	CTL_EXIT_DONE = 0,
	/** something failed that none of the others names */
	CTL_EXIT_FAILED = 1,
	/** the command line is wrong */
	CTL_EXIT_USAGE = 2,
	/** no such domain, or no daemon serves it */
	CTL_EXIT_NO_DAEMON = 3,
	/** no Xen: not booted on it, or no xenstored */
	CTL_EXIT_NO_XEN = NO_XEN_EXIT_CODE,
	/** neither root nor in the group */
	CTL_EXIT_NO_PERMISSION = NO_XEN_EXIT_CODE,
	/** the daemon refused what was asked */
	CTL_EXIT_REFUSED = 5,
	/** nothing moves any more */
	CTL_EXIT_STALLED = 6,
	/** --timeout is over, or the guest has not answered in time */
	CTL_EXIT_TIMEOUT = 7,
	/** somebody else set another target meanwhile */
	CTL_EXIT_SUPERSEDED = 8,
};

#endif /* TOOLS_CTL_EXIT_H */
