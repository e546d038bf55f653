// SPDX-License-Identifier: GPL-2.0-or-later
/* See need-pidfd.h. */
#include "config.h"

#include "unit/rigs/need-pidfd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include <cmocka.h>

void need_pidfd(void)
{
	int fd = getenv("UNDER_VALGRIND") ? -1 : pidfd_open(getpid(), 0);

	if (fd < 0) {
		print_message("# %s\n", getenv("UNDER_VALGRIND") ? "not under valgrind" : "this kernel has no pidfd_open()");
		skip();
	}
	close(fd);
}
