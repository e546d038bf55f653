/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill -9 at a hypercall: a seam in which the process that called is no more, before the hypervisor
 * has heard of a call or after it has done it. Who runs the process says setjmp(lethal_died) first;
 * what it had allocated is theirs to free. It must not know what the process is.
 */
#ifndef FAKE_LETHAL_H
#define FAKE_LETHAL_H

#include <setjmp.h>
#include <stdbool.h>
#include <xenvirtio/hv.h>

extern jmp_buf lethal_died;

/** lethal_wrap() - calls through @hv can be the last from now on; one seam at a time */
void lethal_wrap(struct xenvirtio_hv *hv);
/** lethal_arm() - the call that is, counted from now; 0: none */
void lethal_arm(unsigned int call, bool after);

#endif /* FAKE_LETHAL_H */
