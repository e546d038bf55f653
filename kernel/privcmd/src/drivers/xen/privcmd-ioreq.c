// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups, and the handler that claims ioreqs: see privcmd-ioreq.h.
 *
 * The page is written by Xen, by us and by user space, so everything read from
 * it is read once. Xen crashes the guest on a state it does not expect; claiming
 * is therefore one compare-and-swap from READY to INPROCESS of the word that has
 * the state, made only when it is certain that we answer. User space answers in a
 * slot only while it has the slot's port, when we do not run: else the next request,
 * with the same word, could come between our look and our claim.
 *
 * Lists and hash tables change under ioreqs->lock; the handler reads the tables
 * under RCU and takes no lock at all.
 */
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/hashtable.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/rculist.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/sync_bitops.h>
#include <xen/events.h>
#include <xen/evtchn-hook.h>
#include <xen/interface/memory.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "privcmd-frames.h"
#include "privcmd-ioreq.h"
#include "privcmd-ioreq-server.h"
#include "privcmd-irqfd.h"
#include "privcmd-load.h"
#include "privcmd-waiter.h"

/* How long a dead guest is kept at most, and how often that costs a hypercall */
#define LOOK_INTERVAL	(2 * HZ)

/* Frame 0 of the resource is the buffered page, which works differently. */
#define IOREQ_SERVER_FRAME_IOREQ0	1

/*
 * struct ioreq of Xen's public/hvm/ioreq.h, whose last 32 bits are a 16 bit pad
 * and bit-fields: one word here, because one word is what is claimed.
 */
struct ioreq_slot {
	u64 addr;
	u64 data;
	u32 count;
	u32 size;
	u32 vp_eport;
	u32 word;
};

#define WORD_STATE		0x000f0000
#define WORD_STATE_READY	0x00010000
#define WORD_STATE_INPROCESS	0x00020000
#define WORD_STATE_RESP_READY	0x00030000
#define WORD_DATA_IS_PTR	0x00100000
#define WORD_READ		0x00200000
#define WORD_TYPE		0xff000000
#define WORD_TYPE_COPY		0x01000000

struct ioreq_port {
	struct xen_evtchn_hook hook;
	struct privcmd_ioreq_group *group;
	struct ioreq_slot *slot;
	evtchn_port_t port;
	/* Written by the port's handler only, which does not run twice at once. */
	u64 nr_matched;
	u64 nr_others;
};

struct privcmd_ioreq_group {
	struct list_head list;
	unsigned int refs;
	u64 ioreq;
	domid_t dom;
	bool gone; /* nothing is hooked, and there are no frames */
	struct privcmd_frames *frames;
	unsigned long offset; /* in frames, in Xen's pages */
	void *page; /* as privcmd_frames_reach() has it */
	struct ioreq_slot *slots;
	void (*hook_del)(struct xen_evtchn_hook *hook);
	struct privcmd_waiter waiter;
	struct privcmd_load __percpu *load;
	DECLARE_HASHTABLE(watches, 6);
	u32 vcpus;
	struct ioreq_port ports[];
};

static u64 watch_key(u64 addr, u32 match)
{
	return addr ^ ((u64)match << 32);
}

static struct privcmd_ioreq_watch *watch_find(struct privcmd_ioreq_group *group, u64 addr,
					      u32 size, bool read, u32 match)
{
	struct privcmd_ioreq_watch *watch;

	hash_for_each_possible_rcu(group->watches, watch, node, watch_key(addr, match))
		if (watch->addr == addr && watch->match == match && watch->size == size &&
		    watch->read == read)
			return watch;

	return NULL;
}

static bool ioreq_claim(struct ioreq_slot *slot, u32 word)
{
	u32 claimed = (word & ~WORD_STATE) | WORD_STATE_INPROCESS;

	return sync_cmpxchg(&slot->word, word, claimed) == word;
}

static bool ioreq_answer(struct ioreq_port *port)
{
	struct ioreq_slot *slot = port->slot;
	struct privcmd_ioreq_watch *watch = NULL;
	u32 word = READ_ONCE(slot->word);
	u64 addr, data;
	u32 size;
	bool read;

	if ((word & (WORD_STATE | WORD_DATA_IS_PTR | WORD_TYPE)) !=
	    (WORD_STATE_READY | WORD_TYPE_COPY))
		return false;

	/* Pairs with Xen's write barrier between the request and READY. */
	virt_rmb();

	addr = READ_ONCE(slot->addr);
	data = READ_ONCE(slot->data);
	size = READ_ONCE(slot->size);
	read = word & WORD_READ;
	if (READ_ONCE(slot->count) > 1)
		return false;

	if (!read)
		watch = watch_find(port->group, addr, size, false, data & 0xffff);
	if (!watch)
		watch = watch_find(port->group, addr, size, read, PRIVCMD_IOREQ_ANY);
	if (!watch)
		return false;

	/* Inside a signal of an eventfd already (PREEMPT_RT): not now. */
	if (!eventfd_signal_allowed())
		return false;

	/* Fully ordered: what was read above is the request that is claimed. */
	if (!ioreq_claim(slot, word))
		return false;

	data = watch->fn(watch, data);
	if (read)
		WRITE_ONCE(slot->data, data);
	if (watch->match == PRIVCMD_IOREQ_ANY)
		WRITE_ONCE(port->nr_others, port->nr_others + 1);
	else
		WRITE_ONCE(port->nr_matched, port->nr_matched + 1);

	/* Pairs with Xen's read barrier after it has seen the response. */
	virt_wmb();
	WRITE_ONCE(slot->word, (word & ~WORD_STATE) | WORD_STATE_RESP_READY);
	notify_remote_via_evtchn(port->port);

	return true;
}

/* The interrupt handler, under rcu_read_lock(). */
static bool ioreq_hook(struct xen_evtchn_hook *hook)
{
	struct ioreq_port *port = container_of(hook, struct ioreq_port, hook);
	struct privcmd_load __percpu *load = port->group->load;
	u64 start = local_clock();
	bool answered = false;

	if (privcmd_load_may(load, start)) {
		answered = ioreq_answer(port);
		/* To find that nobody watches a register may take as long. */
		privcmd_load_add(load, start, local_clock());
	}
	if (answered) {
		privcmd_waiter_note(&port->group->waiter);
		return true;
	}
	privcmd_waiter_end(&port->group->waiter);

	return false;
}

bool privcmd_ioreqs_supported(void)
{
	typeof(xen_evtchn_hook_add) *add;

	add = symbol_get(xen_evtchn_hook_add);
	if (!add)
		return false;
	symbol_put(xen_evtchn_hook_add);

	return true;
}

static void group_unhook(struct privcmd_ioreq_group *group)
{
	u32 i;

	for (i = 0; i < group->vcpus; i++)
		group->hook_del(&group->ports[i].hook);

	/*
	 * A guest's reset waits for this, with a vcpu that does not run meanwhile. It
	 * interrupts every busy CPU: the guest's pace is that of its device model.
	 */
	synchronize_rcu_expedited();
}

/*
 * By name and not by linking, so that this module works with any xen-evtchn:
 * without the hooks there are no ioeventfds, but everything else.
 */
static int group_hook(struct privcmd_ioreq_group *group, const u32 *ports)
{
	typeof(xen_evtchn_hook_add) *hook_add;
	int rc = 0;
	u32 i;

	group->hook_del = symbol_get(xen_evtchn_hook_del);
	if (!group->hook_del)
		return -EOPNOTSUPP;

	/* The same module, which the reference above keeps here. */
	hook_add = symbol_get(xen_evtchn_hook_add);
	if (!hook_add) {
		symbol_put(xen_evtchn_hook_del);
		return -EOPNOTSUPP;
	}

	for (i = 0; i < group->vcpus && !rc; i++) {
		struct ioreq_port *port = &group->ports[i];

		port->hook.fn = ioreq_hook;
		port->group = group;
		port->slot = &group->slots[i];
		port->port = ports[i];
		rc = hook_add(&port->hook, ports[i], group->dom,
			      READ_ONCE(port->slot->vp_eport));
	}
	symbol_put(xen_evtchn_hook_add);

	if (rc) {
		group_unhook(group);
		symbol_put(xen_evtchn_hook_del);
	}

	return rc;
}

static bool group_has_ports(const struct privcmd_ioreq_group *group, const u32 *ports, u32 vcpus)
{
	u32 i;

	if (group->vcpus != vcpus)
		return false;

	for (i = 0; i < vcpus; i++)
		if (group->ports[i].port != ports[i])
			return false;

	return true;
}

/* Ports that were unbound behind our back do not come back by themselves. */
static bool group_is_attached(const struct privcmd_ioreq_group *group)
{
	u32 i;

	for (i = 0; i < group->vcpus; i++)
		if (!xen_evtchn_hook_is_attached(&group->ports[i].hook))
			return false;

	return true;
}

/*
 * The frames at an address and, in Xen's pages, where in them it is, if that is an
 * ioreq page of @dom.
 */
static struct privcmd_frames *find_ioreq_page(u64 ioreq, domid_t dom, unsigned long *offset)
{
	struct privcmd_frames *frames;
	unsigned int page_idx;
	int rc;

	if (!IS_ALIGNED(ioreq, XEN_PAGE_SIZE))
		return ERR_PTR(-EINVAL);
	if (ioreq != (unsigned long)ioreq)
		return ERR_PTR(-EFAULT);

	frames = privcmd_frames_find(ioreq, &page_idx);
	if (IS_ERR(frames))
		return frames;

	*offset = (unsigned long)page_idx * XEN_PFN_PER_PAGE +
		  offset_in_page(ioreq) / XEN_PAGE_SIZE;

	rc = -EINVAL;
	if (!frames->is_resource || frames->type != XENMEM_resource_ioreq_server ||
	    frames->idx + *offset != IOREQ_SERVER_FRAME_IOREQ0)
		goto err;

	rc = -EPERM;
	if (frames->dom != dom)
		goto err;

	return frames;
err:
	privcmd_frames_put(frames);

	return ERR_PTR(rc);
}

static int group_reach(struct privcmd_ioreq_group *group)
{
	group->page = privcmd_frames_reach(group->frames, group->ioreq,
					   group->offset / XEN_PFN_PER_PAGE);
	if (IS_ERR(group->page))
		return PTR_ERR(group->page);

	group->slots = group->page + offset_in_page(group->ioreq);

	return 0;
}

static struct privcmd_ioreq_group *group_new(u64 ioreq, domid_t dom,
					     struct privcmd_frames *frames,
					     unsigned long offset, const u32 *ports, u32 vcpus)
{
	struct privcmd_ioreq_group *group;
	int rc;

	group = kzalloc(struct_size(group, ports, vcpus), GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);

	group->refs = 1;
	group->ioreq = ioreq;
	group->dom = dom;
	group->frames = frames;
	group->offset = offset;
	group->vcpus = vcpus;
	hash_init(group->watches);
	privcmd_waiter_init(&group->waiter);

	rc = -ENOMEM;
	group->load = alloc_percpu_gfp(struct privcmd_load, GFP_KERNEL_ACCOUNT);
	if (!group->load)
		goto err_free;

	rc = group_reach(group);
	if (rc)
		goto err_free;

	rc = group_hook(group, ports);
	if (rc)
		goto err_leave;

	return group;

err_leave:
	privcmd_frames_leave(group->page);
err_free:
	free_percpu(group->load);
	kfree(group);

	return ERR_PTR(rc);
}

/* What the group has of the guest goes. */
static void group_end(struct privcmd_ioreq_group *group)
{
	group_unhook(group);
	symbol_put(xen_evtchn_hook_del);
	privcmd_frames_leave(group->page);
	privcmd_frames_put(group->frames);
	group->frames = NULL;
}

/*
 * A reference to its page keeps a dead guest, and with it its number. So who could
 * still interrupt a guest of that number learns it first.
 */
static void group_forget(struct privcmd_ioreqs *ioreqs, struct privcmd_ioreq_group *group)
{
	WRITE_ONCE(group->gone, true);
	privcmd_irqfds_guest_gone(ioreqs->irqfds, group->dom);
	/* Waits for all who have not seen either. */
	group_end(group);
}

/*
 * By looking: the one event that tells of the end of a domain is xenstored's, and
 * who has the file may not listen to it, or be stopped, or have got it by accident.
 */
static void look_for_gone(struct work_struct *work)
{
	struct privcmd_ioreqs *ioreqs = container_of(to_delayed_work(work),
						     struct privcmd_ioreqs, look);
	struct privcmd_ioreq_group *group;
	bool again = false;

	mutex_lock(&ioreqs->lock);
	list_for_each_entry(group, &ioreqs->groups, list) {
		if (group->gone)
			continue;
		if (privcmd_ioreq_server_is_gone(group->dom, group->frames->id))
			group_forget(ioreqs, group);
		else
			again = true;
	}
	if (again)
		schedule_delayed_work(&ioreqs->look, LOOK_INTERVAL);
	mutex_unlock(&ioreqs->lock);
}

static void group_start(struct privcmd_ioreqs *ioreqs, struct privcmd_ioreq_group *group)
{
	list_add(&group->list, &ioreqs->groups);
	schedule_delayed_work(&ioreqs->look, LOOK_INTERVAL);
}

struct privcmd_ioreq_group *privcmd_ioreq_get(struct privcmd_ioreqs *ioreqs, u64 ioreq,
					      domid_t dom, u64 uports, u32 vcpus)
{
	struct privcmd_ioreq_group *group;
	struct privcmd_frames *frames;
	unsigned long offset;
	u32 *ports;

	BUILD_BUG_ON(sizeof(struct ioreq_slot) * PRIVCMD_IOREQ_VCPUS_MAX != XEN_PAGE_SIZE);
	lockdep_assert_held(&ioreqs->lock);

	if (!vcpus || vcpus > PRIVCMD_IOREQ_VCPUS_MAX)
		return ERR_PTR(-EINVAL);

	ports = memdup_user(u64_to_user_ptr(uports), array_size(vcpus, sizeof(*ports)));
	if (IS_ERR(ports))
		return ERR_CAST(ports);

	frames = find_ioreq_page(ioreq, dom, &offset);
	if (IS_ERR(frames)) {
		kfree(ports);
		return ERR_CAST(frames);
	}

	list_for_each_entry(group, &ioreqs->groups, list) {
		if (group->frames != frames || group->offset != offset)
			continue;

		/* The group keeps its own reference: the page cannot be another one. */
		privcmd_frames_put(frames);
		if (group->ioreq != ioreq || !group_has_ports(group, ports, vcpus))
			group = ERR_PTR(-EINVAL);
		else if (!group_is_attached(group))
			group = ERR_PTR(-ENOTCONN);
		else
			group->refs++;
		goto out;
	}

	group = group_new(ioreq, dom, frames, offset, ports, vcpus);
	if (IS_ERR(group))
		privcmd_frames_put(frames);
	else
		group_start(ioreqs, group);
out:
	kfree(ports);

	return group;
}

struct privcmd_ioreq_group *privcmd_ioreq_find(struct privcmd_ioreqs *ioreqs, u64 ioreq,
					       domid_t dom)
{
	struct privcmd_ioreq_group *group;

	lockdep_assert_held(&ioreqs->lock);

	/* The newest first: an older one's page may have been unmapped from there. */
	list_for_each_entry(group, &ioreqs->groups, list) {
		if (!group->gone && privcmd_ioreq_is(group, ioreq, dom)) {
			group->refs++;
			return group;
		}
	}

	return NULL;
}

void privcmd_ioreq_put(struct privcmd_ioreq_group *group)
{
	if (--group->refs)
		return;

	list_del(&group->list);
	if (!group->gone)
		group_end(group);
	free_percpu(group->load);
	kfree(group);
}

bool privcmd_ioreq_is_gone(const struct privcmd_ioreq_group *group)
{
	return READ_ONCE(group->gone);
}

bool privcmd_ioreq_is(const struct privcmd_ioreq_group *group, u64 ioreq, domid_t dom)
{
	return group->ioreq == ioreq && group->dom == dom;
}

u32 privcmd_ioreq_vcpus(const struct privcmd_ioreq_group *group)
{
	return group->vcpus;
}

struct privcmd_waiter *privcmd_ioreq_waiter(struct privcmd_ioreq_group *group)
{
	return &group->waiter;
}

int privcmd_ioreq_watch_add(struct privcmd_ioreq_group *group,
			    struct privcmd_ioreq_watch *watch)
{
	struct privcmd_ioreq_watch *other;

	hash_for_each_possible(group->watches, other, node, watch_key(watch->addr, watch->match))
		if (other->addr == watch->addr && other->match == watch->match &&
		    other->read == watch->read)
			return -EEXIST;

	hash_add_rcu(group->watches, &watch->node, watch_key(watch->addr, watch->match));

	return 0;
}

void privcmd_ioreq_watch_del(struct privcmd_ioreq_watch *watch)
{
	hash_del_rcu(&watch->node);
}

void privcmd_ioreq_watches_sync(void)
{
	synchronize_rcu_expedited();
}

void privcmd_ioreqs_count(struct privcmd_ioreqs *ioreqs, u64 *matched, u64 *others)
{
	struct privcmd_ioreq_group *group;
	u32 i;

	lockdep_assert_held(&ioreqs->lock);

	list_for_each_entry(group, &ioreqs->groups, list) {
		for (i = 0; i < group->vcpus; i++) {
			*matched += READ_ONCE(group->ports[i].nr_matched);
			*others += READ_ONCE(group->ports[i].nr_others);
		}
	}
}

void privcmd_ioreqs_init(struct privcmd_ioreqs *ioreqs, struct privcmd_irqfds *irqfds)
{
	mutex_init(&ioreqs->lock);
	INIT_LIST_HEAD(&ioreqs->groups);
	ioreqs->irqfds = irqfds;
	INIT_DELAYED_WORK(&ioreqs->look, look_for_gone);
}

void privcmd_ioreqs_fini(struct privcmd_ioreqs *ioreqs)
{
	cancel_delayed_work_sync(&ioreqs->look);
}
