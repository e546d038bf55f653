// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting on the CPU: see privcmd-waiter.h.
 *
 * state says who may do what: FREE and TAKEN belong to tasks that come to wait,
 * WAITING to whoever ends the wait, by a compare-and-swap, which happens once.
 * WAITING carries a number, so that who has looked at key ends that wait and not
 * the next one. task is valid as long as the one who ended the wait is in its RCU
 * read-side section, even if the task is faster.
 *
 * The CPU halts with interrupts off, after the last look at state and at what
 * else there is to do: an interrupt that comes in between ends the halt at once.
 */
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>

#ifdef CONFIG_ARM64
#include <asm/barrier.h>
#include <asm/cpuidle.h>
#endif

#include "privcmd-compat.h"
#include "privcmd-waiter.h"

#define WAITER_FREE	0
#define WAITER_TAKEN	1
#define WAITER_ENDED	2
/* or the value handed over, and this bit */
#define WAITER_VALUE	0x10000
/* or the wait's number, and this bit */
#define WAITER_WAITING	0x40000000

/* A guest that only ever makes other requests is not waited for longer. */
#define WAITER_PERIODS_MAX	20

/* Interrupts are off before and after; one that is pending ends it. */
static void halt_cpu(void)
{
#ifdef CONFIG_ARM64
	struct arm_cpuidle_irq_context context;

	arm_cpuidle_save_irq_context(&context);
	dsb(sy);
	wfi();
	arm_cpuidle_restore_irq_context(&context);
#elif defined(CONFIG_X86)
	/* turns them on */
	safe_halt();
	local_irq_disable();
#else
	cpu_relax();
#endif
}

/* @seen: WAITING, as it was read */
static bool end_wait(struct privcmd_waiter *waiter, int seen, int state)
{
	if (atomic_cmpxchg(&waiter->state, seen, state) != seen)
		return false;

	/* Only if it is on another CPU; on this one we have interrupted its halt. */
	kick_process(READ_ONCE(waiter->task));

	return true;
}

bool privcmd_waiter_hand_over(struct privcmd_waiter *waiter, u64 key, u32 value)
{
	/* Pairs with the release of WAITING: key and task are at least that wait's. */
	int seen = atomic_read_acquire(&waiter->state);

	if (!(seen & WAITER_WAITING))
		return false;

	if (READ_ONCE(waiter->key) != key) {
		end_wait(waiter, seen, WAITER_ENDED);
		return false;
	}

	return end_wait(waiter, seen, value | WAITER_VALUE);
}

void privcmd_waiter_end(struct privcmd_waiter *waiter)
{
	int seen = atomic_read_acquire(&waiter->state);

	if (seen & WAITER_WAITING)
		end_wait(waiter, seen, WAITER_ENDED);
}

static enum hrtimer_restart idle_fn(struct hrtimer *timer)
{
	struct privcmd_waiter *waiter = container_of(timer, struct privcmd_waiter, idle);

	if (READ_ONCE(waiter->busy) && ++waiter->periods < WAITER_PERIODS_MAX) {
		WRITE_ONCE(waiter->busy, false);
		hrtimer_forward_now(timer, waiter->period);
		return HRTIMER_RESTART;
	}

	privcmd_waiter_end(waiter);

	return HRTIMER_NORESTART;
}

static bool may_wait(const struct privcmd_waiter *waiter)
{
	return atomic_read(&waiter->state) & WAITER_WAITING && !need_resched() &&
	       single_task_running() && !signal_pending(current);
}

long privcmd_waiter_wait(struct privcmd_waiter *waiter, u64 key, u32 idle_us)
{
	int state;

	if (atomic_cmpxchg(&waiter->state, WAITER_FREE, WAITER_TAKEN) != WAITER_FREE)
		return -EBUSY;

	WRITE_ONCE(waiter->key, key);
	WRITE_ONCE(waiter->task, current);
	WRITE_ONCE(waiter->busy, false);
	waiter->periods = 0;
	waiter->number = (waiter->number + 1) & (WAITER_WAITING - 1);
	waiter->period = ns_to_ktime((u64)idle_us * NSEC_PER_USEC);
	atomic_set_release(&waiter->state, waiter->number | WAITER_WAITING);
	hrtimer_start(&waiter->idle, waiter->period, HRTIMER_MODE_REL_PINNED_HARD);

	for (;;) {
		local_irq_disable();
		if (!may_wait(waiter))
			break;
		halt_cpu();
		local_irq_enable();
	}
	local_irq_enable();

	state = atomic_xchg(&waiter->state, WAITER_TAKEN);
	hrtimer_cancel(&waiter->idle);
	atomic_set_release(&waiter->state, WAITER_FREE);

	if (state & WAITER_WAITING || !(state & WAITER_VALUE))
		return 0;

	return (state & ~WAITER_VALUE) + 1;
}

void privcmd_waiter_init(struct privcmd_waiter *waiter)
{
	atomic_set(&waiter->state, WAITER_FREE);
	privcmd_hrtimer_setup(&waiter->idle, idle_fn, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL_PINNED_HARD);
}
