/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target that keeps a machine from one input to the next, for order.c, which proves that none
 * notices. It must not know what the target does with it.
 */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/** fuzz_machine_renew() - the next input finds a new machine; not @quick: as other tests have */
void fuzz_machine_renew(bool quick);
/** fuzz_machine_want_digest() - from now on an input's outcome is digested, which takes time */
void fuzz_machine_want_digest(void);
/** fuzz_machine_digest() - of all that the last input left */
uint64_t fuzz_machine_digest(void);

#endif /* FUZZ_MACHINE_H */
