/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill -9 at a hypercall, or at a call to xenstored: a seam in which the process that called is no more, before the other
 * side has heard of a call or after it has done it. Who runs the process says setjmp(lethal_died) first;
 * what it had allocated is theirs to free. It must not know what the process is.
 */
#ifndef FAKE_LETHAL_H
#define FAKE_LETHAL_H

#include <setjmp.h>
#include <stdbool.h>
#include <xenvirtio/hv.h>
#include <xenvirtio/store.h>

extern jmp_buf lethal_died;

/** lethal_wrap() - calls through @hv can be the last from now on; one seam at a time */
void lethal_wrap(struct xenvirtio_hv *hv);
/** lethal_wrap_store() - and those through @store; again when xenstored was opened again */
void lethal_wrap_store(struct xenvirtio_store *store);
/** lethal_arm() - the call that is, counted from now; 0: none */
void lethal_arm(unsigned int call, bool after);
/** lethal_left() - calls to the last one; 0: there is none */
unsigned int lethal_left(void);

#endif /* FAKE_LETHAL_H */
