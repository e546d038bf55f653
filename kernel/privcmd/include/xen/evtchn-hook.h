/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Let a driver look at an event of /dev/xen/evtchn before user space does.
 *
 * A hook sits on one port that a process bound through /dev/xen/evtchn. Its
 * function runs in the port's interrupt handler. When it claims the event, the
 * port is unmasked at once and user space does not notice; when it does not,
 * everything goes on as if there were no hook.
 *
 * A hook never keeps a port bound: user space may unbind the port or close the
 * file at any time, which leaves the hook without effect.
 */
#ifndef _XEN_EVTCHN_HOOK_H
#define _XEN_EVTCHN_HOOK_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/xen.h>

struct evtchn_hook_point;

/**
 * struct xen_evtchn_hook - embedded by the driver
 * @fn: called in hard interrupt context inside an RCU read-side section; true:
 *	the event is dealt with, false: it is user space's
 * @point: private to xen-evtchn
 */
struct xen_evtchn_hook {
	bool (*fn)(struct xen_evtchn_hook *hook);
	struct evtchn_hook_point *point;
};

/**
 * xen_evtchn_hook_add() - hook a port
 * @hook: with @hook->fn set
 * @port: local port, bound through a /dev/xen/evtchn file that current has open
 * @dom: the domain the port must lead to
 * @remote_port: the port there it must lead to
 *
 * Process context.
 *
 * Return: 0; -ENOTCONN current does not own such a port;
 * -EPERM it leads to another domain; -EINVAL to another port of @dom; -EBUSY
 * it has a hook.
 */
int xen_evtchn_hook_add(struct xen_evtchn_hook *hook, evtchn_port_t port,
			domid_t dom, evtchn_port_t remote_port);

/**
 * xen_evtchn_hook_del() - undo xen_evtchn_hook_add()
 * @hook: may have lost its port already
 *
 * Process context. @hook->fn may still run until an RCU grace period has
 * passed: the caller waits for one before it frees @hook.
 */
void xen_evtchn_hook_del(struct xen_evtchn_hook *hook);

/**
 * xen_evtchn_hook_is_attached() - does the port still exist?
 * @hook: added before
 *
 * Return: whether it does.
 */
static inline bool xen_evtchn_hook_is_attached(const struct xen_evtchn_hook *hook)
{
	return READ_ONCE(hook->point);
}

#endif /* _XEN_EVTCHN_HOOK_H */
