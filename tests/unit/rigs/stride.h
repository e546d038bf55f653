/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The step of loops that try every one of hundreds of places in turn.
 *
 * make check tries each. Under valgrind a life takes forty times as long, and what it looks for, a read of what was
 * never written, shows at a neighbour as well: every fifth is tried.
 */
#ifndef UNIT_RIGS_STRIDE_H
#define UNIT_RIGS_STRIDE_H

#include <stdlib.h>

static inline unsigned int stride(void)
{
	return getenv("UNDER_VALGRIND") ? 5 : 1;
}

#endif /* UNIT_RIGS_STRIDE_H */
