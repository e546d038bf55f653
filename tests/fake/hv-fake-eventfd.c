// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fake's ioeventfds, irqfds, and the interrupt registers and fields that the host answers.
 *
 * A vcpu's access that matches is answered here and becomes no request; its eventfd is really
 * signalled. What is written to an irqfd is taken when somebody looks at the interrupt lines or the
 * registers: every write is one interrupt, as if it had been taken at once.
 *
 * What belongs to a handle goes with it. What a caller forgets before it closes the server or the
 * eventfd is counted, see fake_faults.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "hv-fake-internal.h"

#define QUEUE_NOTIFY 0x50u
#define INTERRUPT_STATUS 0x60u
#define INTERRUPT_ACK 0x64u
#define REGISTER_BYTES 4u

/* As a kernel does: it does not wait, whatever the flags are that others share. */
static uint64_t take(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t count;

	if (poll(&pfd, 1, 0) != 1)
		return 0;
	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		abort(); /* a borrowed eventfd that was closed, or overflowed */
}

static void raise_line(struct fake *f, uint32_t irq, uint64_t times)
{
	if (!times || f->gone)
		return;
	f->irq_count[irq][1] += times;
	f->irq_level[irq] = true;
}

void fake_eventfd_settle(struct fake *f)
{
	if (!f->nr_eventfds)
		return;
	for (size_t i = 0; i < FAKE_EVENTFDS_MAX; i++) {
		struct fake_eventfd *e = &f->eventfd[i];

		switch (e->kind) {
		case FAKE_IRQFD:
			raise_line(f, e->irq, take(e->fd));
			break;
		case FAKE_REGISTERS: {
			uint64_t used = take(e->fd), config = take(e->config_fd);

			e->status |= (used ? 1 : 0) | (config ? 2 : 0);
			raise_line(f, e->irq, used + config);
			break;
		}
		default:
			break;
		}
	}
}

static struct fake_eventfd *find(struct fake_handle *h, enum fake_eventfd_kind kind, uint64_t key,
				 uint32_t queue)
{
	for (size_t i = 0; i < FAKE_EVENTFDS_MAX; i++) {
		struct fake_eventfd *e = &h->f->eventfd[i];

		if (e->kind == kind && e->owner == h && e->key == key && e->queue == queue)
			return e;
	}
	return NULL;
}

static int add(struct fake_handle *h, const struct fake_eventfd *what)
{
	if (find(h, what->kind, what->key, what->queue))
		return -EEXIST;
	for (size_t i = 0; i < FAKE_EVENTFDS_MAX; i++) {
		struct fake_eventfd *e = &h->f->eventfd[i];

		if (e->kind)
			continue;
		*e = *what;
		e->owner = h;
		h->f->nr_eventfds++;
		return 0;
	}
	return -ENOSPC;
}

static int del(struct fake_handle *h, enum fake_eventfd_kind kind, uint64_t key, uint32_t queue)
{
	struct fake_eventfd *e = find(h, kind, key, queue);

	if (!e)
		return -ENODEV;
	fake_eventfd_settle(h->f);
	*e = (struct fake_eventfd){ 0 };
	h->f->nr_eventfds--;
	return 0;
}

static bool has(const struct fake *f, uint32_t feature)
{
	return f->config.eventfd_features & feature;
}

int fake_op_eventfd_features(struct xenvirtio_hv *hv, uint32_t *features)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (!ret)
		*features = f->config.eventfd_features;
	return ret;
}

int fake_op_ioeventfd_add(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue,
			  int fd)
{
	const struct fake_eventfd e = {
		.kind = FAKE_IOEVENTFD, .key = base.v, .queue = queue, .fd = fd,
	};
	struct fake_handle *h = to_handle(hv);
	int ret = fake_count_call(h->f, false);

	if (ret)
		return ret;
	if (!has(h->f, XENVIRTIO_EVENTFD_IOEVENTFD) || h->f->refuse & XENVIRTIO_EVENTFD_IOEVENTFD)
		return -ENOSYS;
	if (h->server < 0 || queue > UINT16_MAX || fd < 0)
		return -EINVAL;
	return add(h, &e);
}

int fake_op_ioeventfd_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue,
			  int fd)
{
	struct fake_handle *h = to_handle(hv);
	int ret = fake_count_call(h->f, false);

	return ret ? ret : del(h, FAKE_IOEVENTFD, base.v, queue);
}

int fake_op_irqfd_add(struct xenvirtio_hv *hv, uint32_t irq, int fd)
{
	const struct fake_eventfd e = { .kind = FAKE_IRQFD, .key = (uint64_t)fd, .irq = irq,
					.fd = fd };
	struct fake_handle *h = to_handle(hv);
	int ret = fake_count_call(h->f, false);

	if (ret)
		return ret;
	if (!has(h->f, XENVIRTIO_EVENTFD_IRQFD) || h->f->refuse & XENVIRTIO_EVENTFD_IRQFD)
		return -ENOSYS;
	if (irq >= FAKE_IRQS_MAX || fd < 0)
		return -EINVAL;
	return add(h, &e);
}

int fake_op_irqfd_del(struct xenvirtio_hv *hv, uint32_t irq, int fd)
{
	struct fake_handle *h = to_handle(hv);
	int ret = fake_count_call(h->f, false);

	return ret ? ret : del(h, FAKE_IRQFD, (uint64_t)fd, 0);
}

int fake_op_registers_add(struct xenvirtio_hv *hv, const struct xenvirtio_irq_registers *regs)
{
	const struct fake_eventfd e = {
		.kind = FAKE_REGISTERS,
		.key = regs->base.v,
		.irq = regs->irq,
		.fd = regs->used_fd,
		.config_fd = regs->config_fd,
		.held = regs->held,
		.status = regs->status,
	};
	struct fake_handle *h = to_handle(hv);
	int ret = fake_count_call(h->f, false);
	bool kicks = false;

	if (ret)
		return ret;
	if (!has(h->f, XENVIRTIO_EVENTFD_REGISTERS) ||
	    h->f->refuse & XENVIRTIO_EVENTFD_REGISTERS)
		return -ENOSYS;
	if (regs->irq >= FAKE_IRQS_MAX || regs->used_fd < 0 || regs->config_fd < 0 ||
	    regs->used_fd == regs->config_fd || regs->status & ~3u)
		return -EINVAL;
	for (size_t i = 0; i < FAKE_EVENTFDS_MAX; i++)
		kicks |= h->f->eventfd[i].kind == FAKE_IOEVENTFD && h->f->eventfd[i].owner == h;
	return kicks ? add(h, &e) : -ENOENT;
}

int fake_op_registers_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t *status)
{
	struct fake_handle *h = to_handle(hv);
	int ret = fake_count_call(h->f, false);
	struct fake_eventfd *e;

	if (ret)
		return ret;
	fake_eventfd_settle(h->f);
	e = find(h, FAKE_REGISTERS, base.v, 0);
	if (e)
		*status = e->status;
	return del(h, FAKE_REGISTERS, base.v, 0);
}

int fake_op_field_add(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field)
{
	const struct fake_eventfd e = {
		.kind = FAKE_FIELD,
		.key = field->addr.v,
		.queue = field->written,
		.fd = field->written ? field->fd : -1,
		.word = field->word,
	};
	struct fake_handle *h = to_handle(hv);
	int ret = fake_count_call(h->f, false);
	bool kicks = false;

	if (ret)
		return ret;
	if (!has(h->f, XENVIRTIO_EVENTFD_FIELDS) || h->f->refuse & XENVIRTIO_EVENTFD_FIELDS)
		return -ENOSYS;
	if (field->addr.v % sizeof(uint32_t) || (uintptr_t)field->word % sizeof(uint32_t))
		return -EINVAL;
	for (size_t i = 0; i < FAKE_EVENTFDS_MAX; i++)
		kicks |= h->f->eventfd[i].kind == FAKE_IOEVENTFD && h->f->eventfd[i].owner == h;
	return kicks ? add(h, &e) : -ENOENT;
}

int fake_op_field_del(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field)
{
	struct fake_handle *h = to_handle(hv);
	int ret = fake_count_call(h->f, false);

	return ret ? ret : del(h, FAKE_FIELD, field->addr.v, field->written);
}

int fake_op_kick_wait(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t idle_us, int fd,
		      uint32_t *queue)
{
	struct fake *f = to_handle(hv)->f;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	if (!has(f, XENVIRTIO_EVENTFD_WAIT))
		return -ENOSYS;
	if (idle_us < 1 || idle_us > 1000)
		return -EINVAL;
	if (fd >= 0)
		signal_fd(fd);
	f->waiting = true;
	f->handed_over = false;
	f->wait_base = base.v;
	f->waits++;
	if (f->on_wait)
		f->on_wait(f->on_wait_opaque);
	f->waiting = false;
	*queue = f->handed_queue;
	return f->handed_over ? 0 : XENVIRTIO_E_EMPTY;
}

void fake_on_wait(struct fake *f, void (*fn)(void *opaque), void *opaque)
{
	f->on_wait = fn;
	f->on_wait_opaque = opaque;
}

uint64_t fake_waits(const struct fake *f)
{
	return f->waits;
}

/* An access to an interrupt register. */
static bool answer_register(struct fake *f, struct fake_eventfd *e,
			    const struct xenvirtio_ioreq *req, uint64_t *data)
{
	if (req->read && req->addr == e->key + INTERRUPT_STATUS) {
		*data = e->status;
		f->answered++;
		return true;
	}
	if (!req->read && req->addr == e->key + INTERRUPT_ACK) {
		e->status &= ~(uint32_t)req->data;
		if (e->held && !e->status)
			f->irq_level[e->irq] = false;
		f->answered++;
		return true;
	}
	return false;
}

/* An access to a field: its word is shared with whoever gave it. */
static bool answer_field(struct fake *f, struct fake_eventfd *e, const struct xenvirtio_ioreq *req, uint64_t *data)
{
	if (req->addr != e->key || req->read == (bool)e->queue)
		return false;
	if (req->read)
		*data = __atomic_load_n(e->word, __ATOMIC_RELAXED);
	else
		__atomic_store_n(e->word, (uint32_t)req->data, __ATOMIC_RELAXED);
	if (e->fd >= 0)
		signal_fd(e->fd);
	f->answered++;
	return true;
}

/* To who waits for this device; more than one at a time is announced as ever. */
static bool hand_over(struct fake *f, const struct fake_eventfd *e)
{
	if (!f->waiting || f->handed_over || e->key != f->wait_base)
		return false;
	f->handed_over = true;
	f->handed_queue = e->queue;
	return true;
}

bool fake_eventfd_claim(struct fake *f, const struct fake_server *s,
			const struct xenvirtio_ioreq *req, uint64_t *data)
{
	if (!f->nr_eventfds || req->type != XENVIRTIO_IOREQ_COPY || req->data_is_ptr || req->count > 1 ||
	    req->size != REGISTER_BYTES)
		return false;
	fake_eventfd_settle(f);
	for (size_t i = 0; !f->leaves && i < FAKE_EVENTFDS_MAX; i++) {
		struct fake_eventfd *e = &f->eventfd[i];

		if (!e->kind || e->owner != s->owner)
			continue;
		if (e->kind == FAKE_REGISTERS && answer_register(f, e, req, data))
			return true;
		if (e->kind == FAKE_FIELD && answer_field(f, e, req, data))
			return true;
		if (e->kind == FAKE_IOEVENTFD && !req->read &&
		    req->addr == e->key + QUEUE_NOTIFY && (req->data & 0xffff) == e->queue) {
			if (!hand_over(f, e))
				signal_fd(e->fd);
			f->answered++;
			return true;
		}
	}
	return false;
}

void fake_eventfd_drop(struct fake_handle *h, bool counts)
{
	for (size_t i = 0; h->f->nr_eventfds && i < FAKE_EVENTFDS_MAX; i++) {
		struct fake_eventfd *e = &h->f->eventfd[i];

		if (!e->kind || e->owner != h)
			continue;
		h->f->faults.left_armed += counts;
		*e = (struct fake_eventfd){ 0 };
		h->f->nr_eventfds--;
	}
}

uint64_t fake_answered(const struct fake *f)
{
	return f->answered;
}

size_t fake_armed(const struct fake *f)
{
	return f->nr_eventfds;
}

void fake_offer_eventfds(struct fake *f, uint32_t features)
{
	f->config.eventfd_features = features;
}

void fake_refuse_eventfds(struct fake *f, uint32_t features)
{
	f->refuse = features;
}

void fake_leave_accesses(struct fake *f, bool leave)
{
	f->leaves = leave;
}
