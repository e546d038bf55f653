// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions on eventfds: see privcmd-signal.h for what they promise.
 *
 * A signal is active while it is on its user's list. Whoever takes it off, under
 * the list's lock, queues its shutdown; nobody else does, so that it is queued
 * once. Shutdown follows KVM's order: wait until an attach in progress is
 * through, leave the wait queue (which waits for a running fn()), put the
 * eventfd, free. Lock order: an eventfd's wqh.lock, a user's lock, taken_lock.
 *
 * What users share is the table of eventfds that carry a function, and a lock
 * held for one look into it.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>

#include "privcmd-signal.h"

static struct workqueue_struct *shutdown_wq;
static DEFINE_SPINLOCK(taken_lock);
static DEFINE_HASHTABLE(taken, 8);

static void signal_deactivate(struct privcmd_signal *sig)
{
	lockdep_assert_held(&sig->signals->lock);

	list_del_init(&sig->list);
	sig->signals->nr_ending++;

	spin_lock(&taken_lock);
	hash_del(&sig->taken);
	spin_unlock(&taken_lock);

	queue_work(shutdown_wq, &sig->shutdown);
}

static void signal_shutdown(struct work_struct *work)
{
	struct privcmd_signal *sig = container_of(work, struct privcmd_signal, shutdown);
	struct privcmd_signals *signals = sig->signals;
	struct eventfd_ctx *eventfd = sig->eventfd;
	u64 count;

	/* The attach that made it active is still using it. */
	wait_for_completion(&sig->attached);

	eventfd_ctx_remove_wait_queue(eventfd, &sig->wait, &count);
	sig->free(sig);
	eventfd_ctx_put(eventfd);

	/* Who waits takes the lock as well, so it finds nobody in here. */
	spin_lock_irq(&signals->lock);
	signals->nr--;
	if (!--signals->nr_ending)
		wake_up_all(&signals->ended);
	spin_unlock_irq(&signals->lock);
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
		spin_lock_irqsave(&sig->signals->lock, flags);
		if (!list_empty(&sig->list))
			signal_deactivate(sig);
		spin_unlock_irqrestore(&sig->signals->lock, flags);
	}

	return consumed;
}

static void signal_queue(struct file *file, wait_queue_head_t *wqh, poll_table *pt)
{
	struct privcmd_signal *sig = container_of(pt, struct privcmd_signal, pt);

	sig->wqh = wqh;
	/* A write that is consumed wakes nobody else. Linux 6.17 and later do not add it. */
	sig->wait.flags |= WQ_FLAG_EXCLUSIVE;
	add_wait_queue_priority(wqh, &sig->wait);
}

static bool eventfd_is_taken(const struct eventfd_ctx *eventfd)
{
	const struct privcmd_signal *sig;

	lockdep_assert_held(&taken_lock);

	hash_for_each_possible(taken, sig, taken, (unsigned long)eventfd)
		if (sig->eventfd == eventfd)
			return true;

	return false;
}

static int signal_activate(struct privcmd_signals *signals, struct privcmd_signal *sig)
{
	int rc = 0;

	spin_lock_irq(&signals->lock);
	spin_lock(&taken_lock);
	if (eventfd_is_taken(sig->eventfd)) {
		rc = -EBUSY;
	} else if (signals->nr >= signals->nr_max) {
		rc = -ENOSPC;
	} else {
		hash_add(taken, &sig->taken, (unsigned long)sig->eventfd);
		list_add_tail(&sig->list, &signals->active);
		signals->nr++;
	}
	spin_unlock(&taken_lock);
	spin_unlock_irq(&signals->lock);

	return rc;
}

int privcmd_signal_attach(struct privcmd_signals *signals, struct privcmd_signal *sig,
			  unsigned int fd)
{
	struct file *file;
	int rc;

	/* Held to the end: an EPOLLHUP cannot come while attaching. */
	file = fget(fd);
	if (!file)
		return -EBADF;

	sig->eventfd = eventfd_ctx_fileget(file);
	if (IS_ERR(sig->eventfd)) {
		rc = PTR_ERR(sig->eventfd);
		goto out;
	}

	sig->signals = signals;
	init_completion(&sig->attached);
	INIT_WORK(&sig->shutdown, signal_shutdown);
	init_waitqueue_func_entry(&sig->wait, signal_wakeup);
	init_poll_funcptr(&sig->pt, signal_queue);

	rc = signal_activate(signals, sig);
	if (rc) {
		eventfd_ctx_put(sig->eventfd);
		goto out;
	}

	/* Written to before: nobody woke us for that. */
	if (vfs_poll(file, &sig->pt) & EPOLLIN) {
		spin_lock_irq(&sig->wqh->lock);
		signal_consume(sig);
		spin_unlock_irq(&sig->wqh->lock);
	}

	/* From here on it may be gone. */
	complete(&sig->attached);
out:
	fput(file);

	return rc;
}

unsigned int privcmd_signal_detach(struct privcmd_signals *signals,
				   bool (*match)(const struct privcmd_signal *sig,
						 const void *arg),
				   const void *arg)
{
	struct privcmd_signal *sig, *next;
	unsigned int nr = 0;

	spin_lock_irq(&signals->lock);
	list_for_each_entry_safe(sig, next, &signals->active, list) {
		if (match(sig, arg)) {
			signal_deactivate(sig);
			nr++;
		}
	}
	/* Also for none: one that hung up a moment ago may be shutting down. */
	wait_event_lock_irq(signals->ended, !signals->nr_ending, signals->lock);
	spin_unlock_irq(&signals->lock);

	return nr;
}

static bool match_any(const struct privcmd_signal *sig, const void *arg)
{
	return true;
}

void privcmd_signals_end(struct privcmd_signals *signals)
{
	privcmd_signal_detach(signals, match_any, NULL);
}

void privcmd_signals_for_each(struct privcmd_signals *signals,
			      void (*fn)(struct privcmd_signal *sig, const void *arg),
			      const void *arg)
{
	struct privcmd_signal *sig;

	spin_lock_irq(&signals->lock);
	list_for_each_entry(sig, &signals->active, list)
		fn(sig, arg);
	spin_unlock_irq(&signals->lock);
}

void privcmd_signals_init(struct privcmd_signals *signals, unsigned int nr_max)
{
	spin_lock_init(&signals->lock);
	INIT_LIST_HEAD(&signals->active);
	signals->nr_max = nr_max;
	signals->nr = 0;
	signals->nr_ending = 0;
	init_waitqueue_head(&signals->ended);
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
