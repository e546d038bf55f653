/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Call a function whenever somebody writes to an eventfd.
 *
 * The function runs in the writer's context with the eventfd's lock held and
 * interrupts off, and consumes the write: pollers of the eventfd see nothing.
 * An eventfd carries at most one function at a time.
 *
 * It ends by a detach or when the last user of the eventfd closes it, whichever
 * is first; in both cases free() follows, once, in process context, after the
 * last call of fn().
 */
#ifndef _PRIVCMD_SIGNAL_H
#define _PRIVCMD_SIGNAL_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct eventfd_ctx;

/**
 * struct privcmd_signals - those of one user, who ends them all before it goes
 * @nr_max: so many there may be; each costs memory, an eventfd and work to end it
 *
 * The rest is private. Nobody waits for what another user's signals do.
 */
struct privcmd_signals {
	unsigned int nr_max;
	/* private: */
	spinlock_t lock;
	struct list_head active;
	unsigned int nr; /* active ones and those that are ending */
	unsigned int nr_ending;
	wait_queue_head_t ended;
};

/**
 * struct privcmd_signal - embedded by the user
 * @fn: see above
 * @free: see above
 * @eventfd: only to be compared
 *
 * The rest is private to privcmd-signal.c.
 */
struct privcmd_signal {
	void (*fn)(struct privcmd_signal *sig);
	void (*free)(struct privcmd_signal *sig);
	struct eventfd_ctx *eventfd;
	/* private: */
	struct privcmd_signals *signals;
	struct list_head list;
	struct hlist_node taken;
	struct completion attached;
	struct work_struct shutdown;
	wait_queue_entry_t wait;
	wait_queue_head_t *wqh;
	poll_table pt;
};

void privcmd_signals_init(struct privcmd_signals *signals, unsigned int nr_max);

/**
 * privcmd_signal_attach() - start
 * @signals: whose it is to be
 * @sig: @sig->fn and @sig->free set, the rest zero
 * @fd: the eventfd
 *
 * A write that was not read yet calls fn() at once. When this returns 0, @sig is
 * no longer the caller's: it may have been freed already.
 *
 * Return: 0; -EBADF; -EINVAL not an eventfd; -EBUSY it carries a function; -ENOSPC
 * there are @nr_max.
 */
int privcmd_signal_attach(struct privcmd_signals *signals, struct privcmd_signal *sig,
			  unsigned int fd);

/**
 * privcmd_signal_detach() - end all that match
 * @signals: of these
 * @match: called under a spinlock
 * @arg: for @match
 *
 * On return no fn() of them runs or will, and their free() has been called; so it
 * has for those of @signals whose eventfd was closed before.
 * Return: how many there were.
 */
unsigned int privcmd_signal_detach(struct privcmd_signals *signals,
				   bool (*match)(const struct privcmd_signal *sig,
						 const void *arg),
				   const void *arg);
/* The same for all. */
void privcmd_signals_end(struct privcmd_signals *signals);
/* Call @fn for each active one, under a spinlock. */
void privcmd_signals_for_each(struct privcmd_signals *signals,
			      void (*fn)(struct privcmd_signal *sig, const void *arg),
			      const void *arg);

int privcmd_signal_init(void);
void privcmd_signal_exit(void);

#endif /* _PRIVCMD_SIGNAL_H */
