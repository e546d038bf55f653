/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels this code is built for, in one place.
 *
 * Linux 6.8 dropped eventfd_signal()'s count. Choosing by the function's type
 * and not by a version number holds for backports as well; the branch that is
 * not taken is never compiled into a call. A function that is not there has no
 * type: hrtimer_setup() came with Linux 6.13, for hrtimer_init() and an assignment,
 * vm_flags_set() with Linux 6.3, for an assignment.
 */
#ifndef _PRIVCMD_COMPAT_H
#define _PRIVCMD_COMPAT_H

#include <linux/compiler.h>
#include <linux/eventfd.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/version.h>

static inline void eventfd_signal_counted(struct eventfd_ctx *ctx)
{
	__u64 (*signal)(struct eventfd_ctx *ctx, __u64 n) = (void *)eventfd_signal;

	signal(ctx, 1);
}

static inline void eventfd_signal_uncounted(struct eventfd_ctx *ctx)
{
	void (*signal)(struct eventfd_ctx *ctx) = (void *)eventfd_signal;

	signal(ctx);
}

/* Add one to the eventfd and wake who waits for it. */
#define privcmd_eventfd_signal(ctx)						\
	__builtin_choose_expr(__same_type(eventfd_signal, void (struct eventfd_ctx *)),	\
			      eventfd_signal_uncounted, eventfd_signal_counted)(ctx)

static inline void privcmd_hrtimer_setup(struct hrtimer *timer,
					 enum hrtimer_restart (*fn)(struct hrtimer *timer),
					 clockid_t clock, enum hrtimer_mode mode)
{
#if KERNEL_VERSION(6, 13, 0) <= LINUX_VERSION_CODE
	hrtimer_setup(timer, fn, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
#endif
}

static inline void privcmd_vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
#if KERNEL_VERSION(6, 3, 0) <= LINUX_VERSION_CODE
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

#endif /* _PRIVCMD_COMPAT_H */
