// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions on eventfds: see privcmd-signal.h for what they promise.
 *
 * A signal is active while it is on signals. Whoever takes it off, under
 * signals_lock, queues its shutdown; nobody else does, so that it is queued
 * once. Shutdown follows KVM's order: wait until an attach in progress is
 * through, leave the wait queue (which waits for a running fn()), put the
 * eventfd, free. Lock order: an eventfd's wqh.lock, then signals_lock.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>

#include "privcmd-signal.h"

static struct workqueue_struct *shutdown_wq;
static DEFINE_SPINLOCK(signals_lock);
static LIST_HEAD(signals);
DEFINE_STATIC_SRCU(attach_srcu);

static void signal_deactivate(struct privcmd_signal *sig)
{
	lockdep_assert_held(&signals_lock);

	list_del_init(&sig->list);
	queue_work(shutdown_wq, &sig->shutdown);
}

static void signal_shutdown(struct work_struct *work)
{
	struct privcmd_signal *sig = container_of(work, struct privcmd_signal, shutdown);
	struct eventfd_ctx *eventfd = sig->eventfd;
	u64 count;

	/* The attach that made it active is still using it. */
	synchronize_srcu_expedited(&attach_srcu);

	eventfd_ctx_remove_wait_queue(eventfd, &sig->wait, &count);
	sig->free(sig);
	eventfd_ctx_put(eventfd);
}

/* sig->wqh->lock is held, which eventfd_ctx_do_read() wants. */
static void signal_consume(struct privcmd_signal *sig)
{
	u64 count;

	eventfd_ctx_do_read(sig->eventfd, &count);
	if (count)
		sig->fn(sig);
}

static int signal_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct privcmd_signal *sig = container_of(wait, struct privcmd_signal, wait);
	__poll_t events = key_to_poll(key);
	int consumed = 0;

	if (events & EPOLLIN) {
		signal_consume(sig);
		consumed = 1;
	}

	if (events & EPOLLHUP) {
		unsigned long flags;

		/* A detach may have been first; it cannot free before we return. */
		spin_lock_irqsave(&signals_lock, flags);
		if (!list_empty(&sig->list))
			signal_deactivate(sig);
		spin_unlock_irqrestore(&signals_lock, flags);
	}

	return consumed;
}

static void signal_queue(struct file *file, wait_queue_head_t *wqh, poll_table *pt)
{
	struct privcmd_signal *sig = container_of(pt, struct privcmd_signal, pt);

	sig->wqh = wqh;
	add_wait_queue_priority(wqh, &sig->wait);
}

static bool eventfd_is_taken(const struct eventfd_ctx *eventfd)
{
	const struct privcmd_signal *sig;

	lockdep_assert_held(&signals_lock);

	list_for_each_entry(sig, &signals, list)
		if (sig->eventfd == eventfd)
			return true;

	return false;
}

int privcmd_signal_attach(struct privcmd_signal *sig, unsigned int fd)
{
	struct file *file;
	int rc = 0, idx;

	/* Held to the end: an EPOLLHUP cannot come while attaching. */
	file = fget(fd);
	if (!file)
		return -EBADF;

	sig->eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(sig->eventfd)) {
		rc = PTR_ERR(sig->eventfd);
		goto out;
	}

	INIT_WORK(&sig->shutdown, signal_shutdown);
	init_waitqueue_func_entry(&sig->wait, signal_wakeup);
	init_poll_funcptr(&sig->pt, signal_queue);

	idx = srcu_read_lock(&attach_srcu);

	spin_lock_irq(&signals_lock);
	if (eventfd_is_taken(sig->eventfd))
		rc = -EBUSY;
	else
		list_add_tail(&sig->list, &signals);
	spin_unlock_irq(&signals_lock);

	if (rc) {
		eventfd_ctx_put(sig->eventfd);
	} else if (vfs_poll(file, &sig->pt) & EPOLLIN) {
		/* Written to before: nobody woke us for that. */
		spin_lock_irq(&sig->wqh->lock);
		signal_consume(sig);
		spin_unlock_irq(&sig->wqh->lock);
	}

	srcu_read_unlock(&attach_srcu, idx);
out:
	fput(file);

	return rc;
}

unsigned int privcmd_signal_detach(bool (*match)(const struct privcmd_signal *sig,
						 const void *arg),
				   const void *arg)
{
	struct privcmd_signal *sig, *next;
	unsigned int nr = 0;

	spin_lock_irq(&signals_lock);
	list_for_each_entry_safe(sig, next, &signals, list) {
		if (match(sig, arg)) {
			signal_deactivate(sig);
			nr++;
		}
	}
	spin_unlock_irq(&signals_lock);

	/* Also for none: one that hung up a moment ago may be shutting down. */
	flush_workqueue(shutdown_wq);

	return nr;
}

int privcmd_signal_init(void)
{
	shutdown_wq = alloc_workqueue("privcmd-eventfd", 0, 0);

	return shutdown_wq ? 0 : -ENOMEM;
}

/* Every file is closed by now, so no signal is active; some may be shutting down. */
void privcmd_signal_exit(void)
{
	destroy_workqueue(shutdown_wq);
}
