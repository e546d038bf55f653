/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Answering ioreqs in the event channel's interrupt handler.
 *
 * A group is one ioreq page, as current has mapped it, with the event channels
 * of its vcpus, hooked. A watch in a group is one register: an access that fits
 * is claimed, answered and completed in the handler; every other ioreq is left
 * to user space exactly as it was found.
 *
 * Groups belong to an open file of /dev/xen/privcmd. They are made by the first
 * privcmd_ioreq_get() of a page and live until the last put; what they hold of a
 * guest they let go a little after it is gone.
 */
#ifndef _PRIVCMD_IOREQ_H
#define _PRIVCMD_IOREQ_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <xen/interface/xen.h>

/* Slots of one ioreq page: 4096 bytes / 32. */
#define PRIVCMD_IOREQ_VCPUS_MAX	128

/* For privcmd_ioreq_watch::match: whatever is written. */
#define PRIVCMD_IOREQ_ANY	0x10000

struct privcmd_ioreq_group;
struct privcmd_irqfds;
struct privcmd_waiter;

/* All groups of one open file. */
struct privcmd_ioreqs {
	struct mutex lock; /* of everything but the handler */
	struct list_head groups;
	struct privcmd_irqfds *irqfds;
	struct delayed_work look; /* for guests that are gone, while there are groups */
};

/**
 * struct privcmd_ioreq_watch - one register, embedded by its user
 * @addr: guest-physical address
 * @size: bytes of an access
 * @match: low 16 bits that a write must have, or PRIVCMD_IOREQ_ANY
 * @read: the watch is for reads
 * @fn: in hard interrupt context, under RCU: act on @data, or return what is read
 * @node: private
 */
struct privcmd_ioreq_watch {
	u64 addr;
	u32 size;
	u32 match;
	bool read;
	u64 (*fn)(struct privcmd_ioreq_watch *watch, u64 data);
	struct hlist_node node;
};

void privcmd_ioreqs_init(struct privcmd_ioreqs *ioreqs, struct privcmd_irqfds *irqfds);
/* After the last put. Without the lock. */
void privcmd_ioreqs_fini(struct privcmd_ioreqs *ioreqs);

/* Everything below: process context, ioreqs->lock held. */

/**
 * privcmd_ioreq_get() - the group of a page, made if need be
 * @ioreqs: the file's
 * @ioreq: address of the ioreq page in current's memory
 * @dom: the guest
 * @uports: user address of @vcpus local ports, in the order of the vcpus
 * @vcpus: how many
 *
 * Return: with a reference; ERR_PTR: -EFAULT nothing mapped there; -EINVAL not
 * an ioreq page, unaligned, too many vcpus, a port that is not its vcpu's, or
 * not what the group has already; -EPERM the page or a port is of another
 * domain; -ENOTCONN a port that current does not own; -EBUSY a port that is
 * hooked; -EOPNOTSUPP xen-evtchn has no hooks; what privcmd_frames_reach() says.
 */
struct privcmd_ioreq_group *privcmd_ioreq_get(struct privcmd_ioreqs *ioreqs, u64 ioreq,
					      domid_t dom, u64 uports, u32 vcpus);
/* The group of a page, only if there is one: with a reference, or NULL. */
struct privcmd_ioreq_group *privcmd_ioreq_find(struct privcmd_ioreqs *ioreqs, u64 ioreq,
					       domid_t dom);
/* The last one unhooks and waits for handlers to finish. */
void privcmd_ioreq_put(struct privcmd_ioreq_group *group);

/*
 * Is its server gone, with its guest or by itself? It answers nothing then, and its
 * users keep it only until they are told to end; they are not to interrupt a
 * domain that has the number. Any context.
 */
bool privcmd_ioreq_is_gone(const struct privcmd_ioreq_group *group);
/* Is it the group of that mapping address and guest (for deassigning)? */
bool privcmd_ioreq_is(const struct privcmd_ioreq_group *group, u64 ioreq, domid_t dom);
u32 privcmd_ioreq_vcpus(const struct privcmd_ioreq_group *group);
/* Who waits for a kick; told of all requests of the group. */
struct privcmd_waiter *privcmd_ioreq_waiter(struct privcmd_ioreq_group *group);

/* Return: 0; -EEXIST another watch would get the same accesses. */
int privcmd_ioreq_watch_add(struct privcmd_ioreq_group *group,
			    struct privcmd_ioreq_watch *watch);
void privcmd_ioreq_watch_del(struct privcmd_ioreq_watch *watch);
/* On return no fn() of those deleted runs or will; expensive, so one for several. */
void privcmd_ioreq_watches_sync(void);

/* Add what the groups have claimed: kicks (writes that matched) and others. */
void privcmd_ioreqs_count(struct privcmd_ioreqs *ioreqs, u64 *matched, u64 *others);

/* Do ioreqs of guests reach this kernel so that they can be claimed? */
bool privcmd_ioreqs_supported(void);

#endif /* _PRIVCMD_IOREQ_H */
