// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The seam of a confined device: memory by the broker, the rest by the handle inside. An answer is the broker's, which is
 * trusted; that it fits the question is looked at all the same, since the two take turns by count only.
 */
#include "backend/broker/client.h"
#include "backend/base/fd-message.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
	struct xenvirtio_hv hv;
	struct xenvirtio_hv_ops ops;
	struct xenvirtio_hv *inner;
	broker_exchange *exchange;
	void *opaque;
	/* what came with the last answer, and whether nothing was asked since */
	bool pod_fresh;
	int pod_ret;
	struct xenvirtio_pod_info pod;
	/* one question at a time: no 4 KiB of stack for each */
	struct broker_request req;
	struct broker_answer answer;
};

static struct client *to_client(struct xenvirtio_hv *hv)
{
	return (struct client *)hv;
}

int broker_exchange_socket(void *opaque, const struct broker_request *req, size_t len, struct broker_answer *answer,
			   int *fd)
{
	int sock = *(const int *)opaque;
	ssize_t sent;

	*fd = -1;
	do
		/* not sendmsg(): confine-calls.c has no call that carries a descriptor */
		sent = send(sock, req, len, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent != (ssize_t)len)
		return sent < 0 ? -errno : -EIO;
	return fd_message_await(sock, answer, sizeof(*answer), fd);
}

void broker_device_end(void)
{
	raise(SIGKILL);
	/* the first process of a pid namespace, which cannot do that */
	_exit(128 + SIGKILL);
}

int broker_exchange_or_die(void *opaque, const struct broker_request *req, size_t len, struct broker_answer *answer,
			   int *fd)
{
	int ret = broker_exchange_socket(opaque, req, len, answer, fd);

	if (ret)
		broker_device_end();
	return ret;
}

/* The header of @c->req is filled in. Return: as the operation; -EPROTO; -errno the broker is not there */
static int ask_for(struct client *c, enum broker_op op, int *fd)
{
	int ret;

	c->pod_fresh = false;
	c->req.op = op;
	c->req.zero = 0;
	c->req.zero2 = 0;
	ret = c->exchange(c->opaque, &c->req, BROKER_HEADER_BYTES + c->req.nr * sizeof(c->req.frame[0]), &c->answer,
			  fd);
	if (ret)
		return ret;
	return c->answer.op == (uint32_t)op ? c->answer.ret : -EPROTO;
}

static int ask(struct client *c, enum broker_op op)
{
	int none;

	return ask_for(c, op, &none);
}

static int ask_simply(struct client *c, enum broker_op op, uint64_t value)
{
	c->req.nr = 0;
	c->req.order = 0;
	c->req.value = value;
	return ask(c, op);
}

static int ask_frames(struct client *c, enum broker_op op, const struct xenvirtio_gfn *gfn, size_t nr,
		      unsigned int order)
{
	if (nr < 1 || nr > XENVIRTIO_EXTENTS_MAX || order > XENVIRTIO_ORDER_MAX)
		return -EINVAL;
	for (size_t i = 0; i < nr; i++) {
		if (gfn[i].v & ((UINT64_C(1) << order) - 1))
			return -EINVAL;
		c->req.frame[i] = gfn[i].v;
	}
	c->req.nr = (uint32_t)nr;
	c->req.order = order;
	c->req.value = 0;
	return ask(c, op);
}

static int move(struct client *c, enum broker_op op, const struct xenvirtio_gfn *start, size_t nr,
		unsigned int order, size_t *done)
{
	int ret;

	*done = 0;
	c->answer.done = 0;
	ret = ask_frames(c, op, start, nr, order);
	if (c->answer.done > nr)
		return -EPROTO;
	*done = (size_t)c->answer.done;
	return ret;
}

static int client_release(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
			  unsigned int order, size_t *done)
{
	return move(to_client(hv), BROKER_RELEASE, start, nr, order, done);
}

static int client_populate(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr,
			   unsigned int order, size_t *done)
{
	return move(to_client(hv), BROKER_POPULATE, start, nr, order, done);
}

static struct xenvirtio_domain_info told_domain(const struct broker_domain *told)
{
	return (struct xenvirtio_domain_info){
		.tot_pages = told->tot_pages,
		.max_pages = told->max_pages,
		.nr_vcpus = told->nr_vcpus,
		.dying = told->flags & BROKER_DYING,
		.shutdown = told->flags & BROKER_SHUTDOWN,
		.paused = told->flags & BROKER_PAUSED,
		.shutdown_code = (uint8_t)told->shutdown_code,
	};
}

static int client_move_extents(struct xenvirtio_hv *hv, bool release, uint64_t tot_pages, const struct xenvirtio_extent *extent,
			       size_t nr, struct xenvirtio_domain_info *info, size_t *done)
{
	struct client *c = to_client(hv);
	int ret;

	*done = 0;
	if (nr < 1 || nr > XENVIRTIO_EXTENTS_MAX || (release && tot_pages))
		return -EINVAL;
	for (size_t i = 0; i < nr; i++) {
		unsigned int order = extent[i].order;

		if (order > (i ? extent[i - 1].order : XENVIRTIO_ORDER_MAX) ||
		    extent[i].start.v & (((UINT64_C(1) << order) - 1) | ~BROKER_EXTENT_FRAME))
			return -EINVAL;
		c->req.frame[i] = extent[i].start.v | (uint64_t)order << BROKER_ORDER_SHIFT;
	}
	c->req.nr = (uint32_t)nr;
	c->req.order = 0;
	c->req.value = tot_pages;
	memset(&c->answer.moved, 0, sizeof(c->answer.moved));
	ret = ask(c, release ? BROKER_RELEASE_EXTENTS : BROKER_POPULATE_EXTENTS);
	if (c->answer.moved.done > nr)
		return -EPROTO;
	*done = (size_t)c->answer.moved.done;
	*info = told_domain(&c->answer.moved.info);
	return ret;
}

static int client_present(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present)
{
	struct client *c = to_client(hv);
	int ret = ask_frames(c, BROKER_PRESENT, gfn, nr, 0);

	for (size_t i = 0; !ret && i < nr; i++)
		present[i] = c->answer.present[i / 64] >> (i % 64) & 1;
	return ret;
}

static int client_domain_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	struct client *c = to_client(hv);
	int ret = ask_simply(c, BROKER_DOMAIN_INFO, 0);

	if (ret)
		return ret;
	*info = told_domain(&c->answer.domain.info);
	c->pod_fresh = true;
	c->pod_ret = (int)c->answer.domain.pod_ret;
	c->pod = (struct xenvirtio_pod_info){
		.entries = c->answer.domain.pod_entries,
		.cache_pages = c->answer.domain.pod_cache_pages,
	};
	return 0;
}

static int client_ram_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max, size_t *nr)
{
	struct client *c = to_client(hv);
	int ret = ask_simply(c, BROKER_RAM_RANGES, 0);

	*nr = 0;
	if (ret)
		return ret;
	if (c->answer.ranges.nr > BROKER_RANGES_MAX)
		return -EPROTO;
	if (c->answer.ranges.nr > max)
		return -ENOSPC;
	for (; *nr < c->answer.ranges.nr; ++*nr) {
		range[*nr] = (struct xenvirtio_gfn_range){
			.start = xenvirtio_gfn(c->answer.ranges.start[*nr]),
			.end_incl = xenvirtio_gfn(c->answer.ranges.end_incl[*nr]),
		};
	}
	return 0;
}

/*
 * Who looks at the domain's counts looks at these in the same breath: then they are here already, and no second question costs the
 * guest its time. Once: who asks again wants to know what is true by then.
 */
static int client_pod_info(struct xenvirtio_hv *hv, struct xenvirtio_pod_info *info)
{
	struct client *c = to_client(hv);
	struct xenvirtio_domain_info domain;
	int ret = c->pod_fresh ? 0 : client_domain_info(hv, &domain);

	*info = (struct xenvirtio_pod_info){0};
	if (ret)
		return ret;
	c->pod_fresh = false;
	if (!c->pod_ret)
		*info = c->pod;
	return c->pod_ret;
}

static int client_host_info(struct xenvirtio_hv *hv, struct xenvirtio_host_info *info)
{
	struct client *c = to_client(hv);
	int ret = ask_simply(c, BROKER_HOST_INFO, 0);

	if (!ret) {
		info->total_pages = c->answer.host.total_pages;
		info->free_pages = c->answer.host.free_pages;
	}
	return ret;
}

static int client_set_max_mem(struct xenvirtio_hv *hv, uint64_t max_kib)
{
	return ask_simply(to_client(hv), BROKER_SET_MAX_MEM, max_kib);
}

static int client_pause(struct xenvirtio_hv *hv)
{
	return ask_simply(to_client(hv), BROKER_PAUSE, 0);
}

static int client_unpause(struct xenvirtio_hv *hv)
{
	return ask_simply(to_client(hv), BROKER_UNPAUSE, 0);
}

/* The range is one of RAM, as the broker gave them, of which it knows the end. */
static int client_memory_file(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, int *fd, uint64_t *offset)
{
	struct client *c = to_client(hv);
	int ret;

	*fd = -1;
	c->req.nr = 0;
	c->req.order = 0;
	c->req.value = range->start.v;
	ret = ask_for(c, BROKER_MEMORY_FILE, fd);
	if (!ret && *fd < 0)
		ret = -EMFILE;
	if (ret && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	*offset = ret ? 0 : c->answer.offset;
	return ret;
}

/* What the broker releases it forgets itself; for the rest there is none to ask. */
static int client_memory_forget(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, size_t nr)
{
	return -EOPNOTSUPP;
}

/* --- what the handle inside does --- */

static void client_close(struct xenvirtio_hv *hv)
{
	struct client *c = to_client(hv);

	xenvirtio_hv_close(c->inner);
	free(c);
}

static int client_map(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr,
		      bool writable, void **va)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->map(inner, gfn, nr, writable, va);
}

static int client_unmap(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->unmap(inner, va, nr);
}

static int client_revoke(struct xenvirtio_hv *hv, void *va, size_t nr)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->revoke(inner, va, nr);
}

static int client_ioreq_open(struct xenvirtio_hv *hv, const struct xenvirtio_gpa_range *range,
			     size_t nr, uint16_t *id)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->ioreq_open(inner, range, nr, id);
}

static int client_ioreq_close(struct xenvirtio_hv *hv)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->ioreq_close(inner);
}

static int client_ioreq_fd(struct xenvirtio_hv *hv)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->ioreq_fd(inner);
}

static int client_ioreq_next(struct xenvirtio_hv *hv, struct xenvirtio_ioreq *req)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->ioreq_next(inner, req);
}

static int client_ioreq_complete(struct xenvirtio_hv *hv, const struct xenvirtio_ioreq *req)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->ioreq_complete(inner, req);
}

static int client_set_irq(struct xenvirtio_hv *hv, uint32_t irq, bool level)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->set_irq(inner, irq, level);
}

static bool client_irq_held(struct xenvirtio_hv *hv)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->irq_held(inner);
}

static int client_eventfd_features(struct xenvirtio_hv *hv, uint32_t *features)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->eventfd_features(inner, features);
}

static int client_ioeventfd_add(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue,
				int fd)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->ioeventfd_add(inner, base, queue, fd);
}

static int client_ioeventfd_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t queue,
				int fd)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->ioeventfd_del(inner, base, queue, fd);
}

static int client_irqfd_add(struct xenvirtio_hv *hv, uint32_t irq, int fd)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->irqfd_add(inner, irq, fd);
}

static int client_irqfd_del(struct xenvirtio_hv *hv, uint32_t irq, int fd)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->irqfd_del(inner, irq, fd);
}

static int client_registers_add(struct xenvirtio_hv *hv, const struct xenvirtio_irq_registers *regs)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->registers_add(inner, regs);
}

static int client_registers_del(struct xenvirtio_hv *hv, struct xenvirtio_gpa base,
				uint32_t *status)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->registers_del(inner, base, status);
}

static int client_field_add(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->field_add(inner, field);
}

static int client_field_del(struct xenvirtio_hv *hv, const struct xenvirtio_field_register *field)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->field_del(inner, field);
}

static int client_kick_wait(struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t idle_us,
			    int fd, uint32_t *queue)
{
	struct xenvirtio_hv *inner = to_client(hv)->inner;

	return inner->ops->kick_wait(inner, base, idle_us, fd, queue);
}

static const struct xenvirtio_hv_ops plain_ops = {
	.version = XENVIRTIO_HV_VERSION,
	.size = sizeof(struct xenvirtio_hv_ops),
	.name = "broker",
	.close = client_close,
	.domain_info = client_domain_info,
	.ram_ranges = client_ram_ranges,
	.map = client_map,
	.unmap = client_unmap,
	.ioreq_open = client_ioreq_open,
	.ioreq_close = client_ioreq_close,
	.ioreq_fd = client_ioreq_fd,
	.ioreq_next = client_ioreq_next,
	.ioreq_complete = client_ioreq_complete,
	.set_irq = client_set_irq,
	.release_pages = client_release,
	.populate_pages = client_populate,
	.set_max_mem = client_set_max_mem,
	.host_info = client_host_info,
	.pause = client_pause,
	.unpause = client_unpause,
	.frames_present = client_present,
	.pod_info = client_pod_info,
	.move_extents = client_move_extents,
};

/* What is optional and done inside is there if it is there inside. */
static void choose_ops(struct client *c, bool lends)
{
	c->ops = plain_ops;
	if (lends) {
		c->ops.memory_file = client_memory_file;
		c->ops.memory_forget = client_memory_forget;
	}
	if (XENVIRTIO_HV_HAS(c->inner, irq_held))
		c->ops.irq_held = client_irq_held;
	if (XENVIRTIO_HV_HAS(c->inner, registers_del)) { /* the last of those that go together */
		c->ops.eventfd_features = client_eventfd_features;
		c->ops.ioeventfd_add = client_ioeventfd_add;
		c->ops.ioeventfd_del = client_ioeventfd_del;
		c->ops.irqfd_add = client_irqfd_add;
		c->ops.irqfd_del = client_irqfd_del;
		c->ops.registers_add = client_registers_add;
		c->ops.registers_del = client_registers_del;
	}
	if (XENVIRTIO_HV_HAS(c->inner, field_del)) {
		c->ops.field_add = client_field_add;
		c->ops.field_del = client_field_del;
	}
	if (XENVIRTIO_HV_HAS(c->inner, revoke))
		c->ops.revoke = client_revoke;
	if (XENVIRTIO_HV_HAS(c->inner, kick_wait))
		c->ops.kick_wait = client_kick_wait;
	c->hv.ops = &c->ops;
}

int broker_client_open(struct xenvirtio_hv **hv, struct xenvirtio_hv *inner, broker_exchange *exchange, void *opaque, bool lends)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->inner = inner;
	c->exchange = exchange;
	c->opaque = opaque;
	choose_ops(c, lends);
	*hv = &c->hv;
	return 0;
}
