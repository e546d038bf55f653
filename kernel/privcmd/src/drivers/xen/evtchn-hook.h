/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a hook is attached: the part of evtchn-hook.c that evtchn.c sees.
 *
 * Each bound port of /dev/xen/evtchn embeds one point. The point is found by
 * its port, changed under a mutex of evtchn-hook.c, and read in the interrupt
 * handler under RCU.
 */
#ifndef _EVTCHN_HOOK_H
#define _EVTCHN_HOOK_H

#include <linux/rcupdate.h>
#include <linux/types.h>
#include <xen/evtchn-hook.h>

struct file;

struct evtchn_hook_point {
	struct hlist_node node;
	struct xen_evtchn_hook __rcu *hook;
	const struct file *file;
	evtchn_port_t port;
};

/* The port is bound: it can be hooked from now on by those who have @file. */
void evtchn_hook_point_add(struct evtchn_hook_point *point, evtchn_port_t port,
			   const struct file *file);

/* The port is about to be unbound: detach what is hooked. */
void evtchn_hook_point_del(struct evtchn_hook_point *point);

/* In the interrupt handler: did a hook take the event? */
static inline bool evtchn_hook_claims(struct evtchn_hook_point *point)
{
	struct xen_evtchn_hook *hook;
	bool claimed;

	rcu_read_lock();
	hook = rcu_dereference(point->hook);
	claimed = hook && hook->fn(hook);
	rcu_read_unlock();

	return claimed;
}

#endif /* _EVTCHN_HOOK_H */
