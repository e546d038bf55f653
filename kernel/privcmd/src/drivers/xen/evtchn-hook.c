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
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
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

/*
 * Having the file open is what entitles a process to a port's events. It is looked
 * for one descriptor at a time: a process may have a million, and neither their
 * table nor hook_lock is anybody's to hold for so long. Return: with a reference.
 */
static struct file *current_get_file(const struct file *wanted)
{
	unsigned int fd, nr_fds;

	rcu_read_lock();
	nr_fds = files_fdtable(current->files)->max_fds;
	rcu_read_unlock();

	for (fd = 0; fd < nr_fds; fd++) {
		struct file *file = fget(fd);

		if (file == wanted)
			return file;
		if (file)
			fput(file);
		cond_resched();
	}

	return NULL;
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

static int hook_add_locked(struct xen_evtchn_hook *hook, evtchn_port_t port,
			   domid_t dom, evtchn_port_t remote_port, const struct file *file)
{
	struct evtchn_hook_point *point = find_point(port);
	int rc;

	/* It may have been bound again meanwhile. */
	if (!point || point->file != file)
		return -ENOTCONN;

	/* The port stays bound, so its peer the same, while hook_lock is held. */
	rc = check_peer(port, dom, remote_port);
	if (rc)
		return rc;

	if (rcu_access_pointer(point->hook))
		return -EBUSY;

	hook->point = point;
	rcu_assign_pointer(point->hook, hook);

	return 0;
}

int xen_evtchn_hook_add(struct xen_evtchn_hook *hook, evtchn_port_t port,
			domid_t dom, evtchn_port_t remote_port)
{
	const struct evtchn_hook_point *point;
	const struct file *wanted;
	struct file *file;
	int rc;

	mutex_lock(&hook_lock);
	point = find_point(port);
	wanted = point ? point->file : NULL;
	mutex_unlock(&hook_lock);

	/* Only an address so far: the file may be gone. With a reference it is not. */
	file = wanted ? current_get_file(wanted) : NULL;
	if (!file)
		return -ENOTCONN;

	mutex_lock(&hook_lock);
	rc = hook_add_locked(hook, port, dom, remote_port, file);
	mutex_unlock(&hook_lock);
	fput(file);

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
