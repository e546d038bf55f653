// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fields of a configuration space, answered in the handler (privcmd-ioreq.c).
 *
 * The word is in user space's memory, whose page is pinned for as long: in a file
 * that is mapped, it has what the guest wrote last also when the process was
 * killed. What a process does to its own word is between it and its guest.
 *
 * The page counts as locked memory of the process that has it pinned, once for each
 * field, until the field is gone, whoever ends it and though that process has ended.
 *
 * A write that is kept wakes nobody who waits for the guest's next kick; who wants
 * to hear of it gives an eventfd.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <xen/privcmd.h>
#include <xen/privcmd-eventfd.h>

#include "privcmd-compat.h"
#include "privcmd-ioreq.h"
#include "privcmd-virtio-field.h"

#define FIELD_BYTES	4

struct virtio_field {
	struct list_head list;
	struct privcmd_ioreq_group *group;
	struct privcmd_ioreq_watch watch;
	struct page *page; /* pinned */
	struct mm_struct *mm; /* whose locked memory it counts as */
	u32 *word;
	struct eventfd_ctx *eventfd; /* or NULL */
};

static u64 field_read(struct privcmd_ioreq_watch *watch, u64 data)
{
	return READ_ONCE(*container_of(watch, struct virtio_field, watch)->word);
}

static u64 field_written(struct privcmd_ioreq_watch *watch, u64 data)
{
	struct virtio_field *field = container_of(watch, struct virtio_field, watch);

	WRITE_ONCE(*field->word, (u32)data);
	if (field->eventfd)
		privcmd_eventfd_signal(field->eventfd);

	return 0;
}

static int watch_init(struct privcmd_ioreq_watch *watch, const struct privcmd_virtio_field *args)
{
	u64 end;

	if (!IS_ALIGNED(args->addr, FIELD_BYTES) ||
	    check_add_overflow(args->addr, (u64)FIELD_BYTES, &end))
		return -EINVAL;

	watch->addr = args->addr;
	watch->size = FIELD_BYTES;
	watch->match = PRIVCMD_IOREQ_ANY;
	watch->read = !(args->flags & PRIVCMD_VIRTIO_FIELD_FLAG_WRITE);
	watch->fn = watch->read ? field_read : field_written;

	return 0;
}

/* RLIMIT_MEMLOCK of the caller's, or CAP_IPC_LOCK: -ENOMEM. */
static int word_account(struct virtio_field *field)
{
	int rc;

	rc = account_locked_vm(current->mm, 1, true);
	if (rc)
		return rc;

	/* The structure alone: nothing of the process is kept. */
	mmgrab(current->mm);
	field->mm = current->mm;

	return 0;
}

static void word_unaccount(struct virtio_field *field)
{
	account_locked_vm(field->mm, 1, false);
	mmdrop(field->mm);
}

/* The handler cannot tell a file system of each write, as one with a disk behind it wants. */
static bool is_memory(struct folio *folio)
{
	return folio_test_anon(folio) || folio_test_swapbacked(folio) || folio_test_hugetlb(folio);
}

/* Writable memory, also of a field that is read: the page must be the caller's own. */
static int word_pin(struct virtio_field *field, u64 word)
{
	unsigned long start = word & PAGE_MASK;
	int rc, nr;

	if (!IS_ALIGNED(word, sizeof(*field->word)))
		return -EINVAL;
	if (word != (unsigned long)word || !access_ok(u64_to_user_ptr(word), sizeof(*field->word)))
		return -EFAULT;

	rc = word_account(field);
	if (rc)
		return rc;

	nr = pin_user_pages_fast(start, 1, FOLL_WRITE | FOLL_LONGTERM, &field->page);
	if (nr != 1) {
		rc = nr < 0 ? nr : -EFAULT;
		goto err_account;
	}
	if (PageHighMem(field->page) || !is_memory(page_folio(field->page))) {
		rc = -EOPNOTSUPP;
		goto err_unpin;
	}
	field->word = page_address(field->page) + offset_in_page(word);

	return 0;

err_unpin:
	unpin_user_page(field->page);
err_account:
	word_unaccount(field);

	return rc;
}

static void word_unpin(struct virtio_field *field)
{
	unpin_user_pages_dirty_lock(&field->page, 1, true);
	word_unaccount(field);
}

static int eventfd_get(struct virtio_field *field, const struct privcmd_virtio_field *args)
{
	struct eventfd_ctx *eventfd;

	if (args->event_fd == -1)
		return 0;
	if (field->watch.read)
		return -EINVAL;

	eventfd = eventfd_ctx_fdget(args->event_fd);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	field->eventfd = eventfd;

	return 0;
}

static void eventfd_put(struct virtio_field *field)
{
	if (field->eventfd)
		eventfd_ctx_put(field->eventfd);
}

static int virtio_field_assign(struct privcmd_virtio_fields *fields,
			       struct privcmd_ioreqs *ioreqs,
			       const struct privcmd_virtio_field *args)
{
	struct virtio_field *field;
	int rc;

	if (fields->nr == PRIVCMD_VIRTIO_FIELDS_MAX)
		return -ENOSPC;

	field = kzalloc(sizeof(*field), GFP_KERNEL_ACCOUNT);
	if (!field)
		return -ENOMEM;

	rc = watch_init(&field->watch, args);
	if (!rc)
		rc = eventfd_get(field, args);
	if (rc)
		goto err_free;

	rc = word_pin(field, args->word);
	if (rc)
		goto err_put;

	rc = -ENOENT;
	field->group = privcmd_ioreq_find(ioreqs, args->ioreq, args->dom);
	if (!field->group)
		goto err_unpin;

	rc = privcmd_ioreq_watch_add(field->group, &field->watch);
	if (rc)
		goto err_group;

	list_add_tail(&field->list, &fields->list);
	fields->nr++;

	return 0;

err_group:
	privcmd_ioreq_put(field->group);
err_unpin:
	word_unpin(field);
err_put:
	eventfd_put(field);
err_free:
	kfree(field);

	return rc;
}

/* The caller has synchronized since the watch was deleted. */
static void virtio_field_free(struct virtio_field *field)
{
	privcmd_ioreq_put(field->group);
	word_unpin(field);
	eventfd_put(field);
	kfree(field);
}

static int virtio_field_deassign(struct privcmd_virtio_fields *fields,
				 const struct privcmd_virtio_field *args)
{
	bool read = !(args->flags & PRIVCMD_VIRTIO_FIELD_FLAG_WRITE);
	struct virtio_field *field;

	list_for_each_entry(field, &fields->list, list) {
		if (field->watch.addr != args->addr || field->watch.read != read ||
		    !privcmd_ioreq_is(field->group, args->ioreq, args->dom))
			continue;

		list_del(&field->list);
		fields->nr--;
		privcmd_ioreq_watch_del(&field->watch);
		privcmd_ioreq_watches_sync();
		virtio_field_free(field);

		return 0;
	}

	return -ENODEV;
}

long privcmd_virtio_field_ioctl(struct privcmd_virtio_fields *fields,
				struct privcmd_ioreqs *ioreqs,
				const struct privcmd_virtio_field *args)
{
	long rc;

	if (args->flags & ~(PRIVCMD_VIRTIO_FIELD_FLAG_DEASSIGN | PRIVCMD_VIRTIO_FIELD_FLAG_WRITE) ||
	    memchr_inv(args->pad, 0, sizeof(args->pad)))
		return -EINVAL;

	mutex_lock(&ioreqs->lock);
	if (args->flags & PRIVCMD_VIRTIO_FIELD_FLAG_DEASSIGN)
		rc = virtio_field_deassign(fields, args);
	else
		rc = virtio_field_assign(fields, ioreqs, args);
	mutex_unlock(&ioreqs->lock);

	return rc;
}

void privcmd_virtio_fields_init(struct privcmd_virtio_fields *fields)
{
	INIT_LIST_HEAD(&fields->list);
	fields->nr = 0;
}

void privcmd_virtio_fields_release(struct privcmd_virtio_fields *fields,
				   struct privcmd_ioreqs *ioreqs)
{
	struct virtio_field *field, *next;

	mutex_lock(&ioreqs->lock);
	list_for_each_entry(field, &fields->list, list)
		privcmd_ioreq_watch_del(&field->watch);
	if (fields->nr)
		privcmd_ioreq_watches_sync();
	list_for_each_entry_safe(field, next, &fields->list, list)
		virtio_field_free(field);
	INIT_LIST_HEAD(&fields->list);
	fields->nr = 0;
	mutex_unlock(&ioreqs->lock);
}
