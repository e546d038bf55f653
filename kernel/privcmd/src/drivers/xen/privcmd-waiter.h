/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wait for a guest's next kick without giving up the CPU.
 *
 * A device model that goes to sleep after each request pays for waking up with
 * more instructions than the request took it. One that waits here stays on its
 * CPU, which is halted as an idle CPU is, and is given the kick by the handler
 * itself. It does so only while nothing else wants the CPU.
 *
 * One task waits on a waiter at a time. Knows nothing of ioreqs and eventfds.
 */
#ifndef _PRIVCMD_WAITER_H
#define _PRIVCMD_WAITER_H

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/types.h>

struct task_struct;

/* Longest time without any request that may be asked for. */
#define PRIVCMD_WAITER_IDLE_US_MAX	1000

/* The fields are private to privcmd-waiter.c. */
struct privcmd_waiter {
	atomic_t state;
	u64 key;
	struct task_struct *task;
	struct hrtimer idle;
	ktime_t period;
	unsigned int periods;
	unsigned int number;
	bool busy;
};

void privcmd_waiter_init(struct privcmd_waiter *waiter);

/**
 * privcmd_waiter_wait() - wait for privcmd_waiter_hand_over() of @key
 * @waiter: stays there while this runs
 * @key: what is waited for
 * @idle_us: give up when for so long there was no privcmd_waiter_note(), and
 *	after some times of it in any case
 *
 * Process context, interrupts on. Gives up also when something else is to run on
 * this CPU, for a signal, and after privcmd_waiter_end().
 *
 * Return: what was handed over + 1; 0 gave up; -EBUSY another task waits.
 */
long privcmd_waiter_wait(struct privcmd_waiter *waiter, u64 key, u32 idle_us);

/* The rest: any context, inside an RCU read-side section. */

/* Give @value, 16 bits, to who waits for @key. Return: was there one? */
bool privcmd_waiter_hand_over(struct privcmd_waiter *waiter, u64 key, u32 value);
/* Who waits has something to do elsewhere. */
void privcmd_waiter_end(struct privcmd_waiter *waiter);
/* There was a request: it is worth waiting on. */
static inline void privcmd_waiter_note(struct privcmd_waiter *waiter)
{
	if (!READ_ONCE(waiter->busy))
		WRITE_ONCE(waiter->busy, true);
}

#endif /* _PRIVCMD_WAITER_H */
