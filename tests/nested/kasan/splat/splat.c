// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod splat.ko what=KIND: one mistake of that kind, for a kernel that should notice it.
 *
 * So that a clean log means something: tests/nested/kasan/detectors.sh makes each mistake and looks for the complaint. The
 * module is never kept (init fails with EAGAIN) and each mistake is harmless but for the complaint: it reads what it should
 * not, or is put right by whoever notices it.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timer.h>

static char *what = "";
module_param(what, charp, 0);

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

struct with_timer {
	struct timer_list timer;
};

static noinline void splat_lockdep(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static noinline void splat_sleep(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

static noinline void splat_use_after_free(void)
{
	volatile char *p = kmalloc(64, GFP_KERNEL);

	kfree((void *)p);
	(void)p[8];
}

static noinline void splat_out_of_bounds(void)
{
	volatile char *p = kmalloc(60, GFP_KERNEL);

	(void)p[60];
	kfree((void *)p);
}

static noinline void splat_stack(volatile int idx)
{
	volatile char array[13];

	array[0] = 0;
	(void)array[idx];
}

static void no_timer(struct timer_list *timer)
{
}

static noinline void splat_object(void)
{
	struct with_timer *p = kmalloc(sizeof(*p), GFP_KERNEL);

	timer_setup(&p->timer, no_timer, 0);
	mod_timer(&p->timer, jiffies + 3600 * HZ);
	kfree(p);
}

static noinline void splat_refcount(void)
{
	refcount_t ref = REFCOUNT_INIT(0);

	(void)refcount_dec_and_test(&ref);
}

static noinline void splat_leak(void)
{
	kmalloc(1000, GFP_KERNEL);
}

static int __init splat_init(void)
{
	if (!strcmp(what, "lockdep"))
		splat_lockdep();
	else if (!strcmp(what, "sleep"))
		splat_sleep();
	else if (!strcmp(what, "use-after-free"))
		splat_use_after_free();
	else if (!strcmp(what, "out-of-bounds"))
		splat_out_of_bounds();
	else if (!strcmp(what, "stack"))
		splat_stack(13);
	else if (!strcmp(what, "object"))
		splat_object();
	else if (!strcmp(what, "refcount"))
		splat_refcount();
	else if (!strcmp(what, "leak"))
		splat_leak();
	else
		return -EINVAL;

	return -EAGAIN;
}
module_init(splat_init);

MODULE_DESCRIPTION("Mistakes, for a kernel that should notice them");
MODULE_LICENSE("GPL");
