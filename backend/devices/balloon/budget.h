/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one turn of the event loop may cost. A guest says in sixteen bytes what takes a hypervisor seconds, so neither messages
 * nor bytes are counted here: frames, hypercalls, and looks at the bitmap are, at a price.
 *
 * A unit is 50 ns, and prices are those of a slow host. A turn and its overrun are half of the 10 ms that other work may have to
 * wait: a call of the event loop may serve more than one queue. What a driver sends at a time for 32 MiB in whole blocks, on a
 * hypervisor that moves a frame in 0.35 us, is one turn: each further one maps the rings once more.
 */
#ifndef BACKEND_BUDGET_H
#define BACKEND_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_TURN INT64_C(74000)
/** within an access, which a vcpu waits for */
#define BUDGET_ACCESS INT64_C(30000)
/** what was collected before the budget ended is finished within this, or waits for the next turn */
#define BUDGET_OVERRUN INT64_C(26000)
#define BUDGET_UNBOUNDED INT64_C(1000000000000)
#define BUDGET_UNIT_NS 50

#define BUDGET_LOOK 1	   /* a piece of the bitmap: each 1,024 frames, at least one a piece */
#define BUDGET_LOOK_FRAMES 1024
#define BUDGET_ERROR 4	   /* an error of the guest is counted, and may be logged */
#define BUDGET_FRAME 24	   /* released, populated, or asked for */
#define BUDGET_CALL 160	   /* a hypercall, whatever it does; a page that is mapped or unmapped */

struct budget {
	int64_t left;
};

static inline void budget_begin(struct budget *b, int64_t units)
{
	b->left = units;
}

static inline void budget_charge(struct budget *b, uint64_t nr, int64_t each)
{
	b->left -= (int64_t)nr * each;
}

/** budget_spent() - begin nothing more in this turn */
static inline bool budget_spent(const struct budget *b)
{
	return b->left <= 0;
}

/** budget_overrun() - finish nothing more either */
static inline bool budget_overrun(const struct budget *b)
{
	return b->left <= -BUDGET_OVERRUN;
}

/** budget_charge_look() - @nr frames of one state were found in the bitmap */
static inline void budget_charge_look(struct budget *b, uint64_t nr)
{
	budget_charge(b, 1 + nr / BUDGET_LOOK_FRAMES, BUDGET_LOOK);
}

#endif /* BACKEND_BUDGET_H */
