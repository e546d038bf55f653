// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks on the ports of /dev/xen/evtchn: who may hook what, and until when.
 *
 * Invariants: a point has at most one hook; hook->point is NULL unless the
 * point's port is bound and the hook is on it; both pointers change together
 * under hook_lock. A port that is not in the table (in-kernel event channels,
 * ports of another driver, ports never bound) cannot be hooked.
 *
 * What a hook does with an event is none of this file's business.
 */
#include <linux/export.h>
#include <linux/fdtable.h>
#include <linux/hashtable.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include <asm/xen/hypercall.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/xen.h>

#include "evtchn-hook.h"

static DEFINE_MUTEX(hook_lock);
static DEFINE_HASHTABLE(points, 8);

void evtchn_hook_point_add(struct evtchn_hook_point *point, evtchn_port_t port,
			   const struct file *file)
{
	point->port = port;
	point->file = file;

	mutex_lock(&hook_lock);
	hash_add(points, &point->node, port);
	mutex_unlock(&hook_lock);
}

void evtchn_hook_point_del(struct evtchn_hook_point *point)
{
	struct xen_evtchn_hook *hook;

	mutex_lock(&hook_lock);
	hook = rcu_dereference_protected(point->hook, lockdep_is_held(&hook_lock));
	if (hook) {
		RCU_INIT_POINTER(point->hook, NULL);
		WRITE_ONCE(hook->point, NULL);
	}
	hash_del(&point->node);
	mutex_unlock(&hook_lock);
}

static struct evtchn_hook_point *find_point(evtchn_port_t port)
{
	struct evtchn_hook_point *point;

	lockdep_assert_held(&hook_lock);

	hash_for_each_possible(points, point, node, port)
		if (point->port == port)
			return point;

	return NULL;
}

static int match_file(const void *wanted, struct file *file, unsigned int fd)
{
	return file == wanted;
}

/* Having the file open is what entitles a process to a port's events. */
static bool current_has_file(const struct file *file)
{
	return iterate_fd(current->files, 0, match_file, file);
}

static int check_peer(evtchn_port_t port, domid_t dom, evtchn_port_t remote_port)
{
	struct evtchn_status status = { .dom = DOMID_SELF, .port = port };
	int rc;

	rc = HYPERVISOR_event_channel_op(EVTCHNOP_status, &status);
	if (rc)
		return rc;
	if (status.status != EVTCHNSTAT_interdomain)
		return -ENOTCONN;
	if (status.u.interdomain.dom != dom)
		return -EPERM;
	if (status.u.interdomain.port != remote_port)
		return -EINVAL;

	return 0;
}

int xen_evtchn_hook_add(struct xen_evtchn_hook *hook, evtchn_port_t port,
			domid_t dom, evtchn_port_t remote_port)
{
	struct evtchn_hook_point *point;
	int rc;

	mutex_lock(&hook_lock);

	rc = -ENOTCONN;
	point = find_point(port);
	if (!point || !current_has_file(point->file))
		goto out;

	/* The port stays bound, so its peer the same, while hook_lock is held. */
	rc = check_peer(port, dom, remote_port);
	if (rc)
		goto out;

	rc = -EBUSY;
	if (rcu_access_pointer(point->hook))
		goto out;

	hook->point = point;
	rcu_assign_pointer(point->hook, hook);
	rc = 0;
out:
	mutex_unlock(&hook_lock);

	return rc;
}
EXPORT_SYMBOL_GPL(xen_evtchn_hook_add);

void xen_evtchn_hook_del(struct xen_evtchn_hook *hook)
{
	mutex_lock(&hook_lock);
	if (hook->point) {
		RCU_INIT_POINTER(hook->point->hook, NULL);
		WRITE_ONCE(hook->point, NULL);
	}
	mutex_unlock(&hook_lock);
}
EXPORT_SYMBOL_GPL(xen_evtchn_hook_del);
