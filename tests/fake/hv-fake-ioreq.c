// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fake's ioreq servers and the vcpus in front of them.
 *
 * Both sides of a slot are here: Xen's, which puts a request in and takes the answer out, checking
 * that the state went the legal way and that the answer was announced; and the sibling's, through
 * ioreq-page.c. Event channels are one pending and one masked bit a vcpu: a port is masked when its
 * event is taken, and unmasked only when the request is answered.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hv/hv-check.h"
#include "hv-fake-internal.h"

/* More calls of the callback than any bounded server should need for one request. */
#define SERVE_CALLS_MAX 64

/* Level-triggered: readable exactly while an unmasked port is pending. */
static void update_fd(struct fake_handle *h)
{
	const struct fake_server *s;
	bool ready = false;
	uint64_t count = 1;
	ssize_t n = 0;

	if (h->fd < 0)
		return;
	s = &h->f->server[h->server];
	for (uint32_t i = 0; i < h->f->config.nr_vcpus; i++)
		ready |= s->port[i].pending && !s->port[i].masked;
	if (ready && !h->fd_set)
		n = write(h->fd, &count, sizeof(count));
	else if (!ready && h->fd_set)
		n = read(h->fd, &count, sizeof(count));
	if (n < 0)
		abort(); /* an eventfd of ours with a counter of 0 or 1 cannot fail */
	h->fd_set = ready;
}

static void send_event(struct fake *f, struct fake_server *s, uint32_t vcpu)
{
	s->port[vcpu].pending = true;
	if (s->owner)
		update_fd(s->owner);
}

static bool ranges_overlap(const struct xenvirtio_gpa_range *a,
			   const struct xenvirtio_gpa_range *b)
{
	return a->start.v <= b->end_incl.v && b->start.v <= a->end_incl.v;
}

static bool server_claims(const struct fake_server *s, const struct xenvirtio_gpa_range *range)
{
	for (size_t i = 0; i < s->nr; i++) {
		if (ranges_overlap(&s->range[i], range))
			return true;
	}
	return false;
}

static bool anyone_claims(const struct fake *f, const struct xenvirtio_gpa_range *range)
{
	for (size_t id = 0; id < FAKE_SERVERS_MAX; id++) {
		if (f->server[id].used && server_claims(&f->server[id], range))
			return true;
	}
	return false;
}

static int make_server(struct fake *f, const struct xenvirtio_gpa_range *range, size_t nr,
		       int *index)
{
	struct fake_server *s = NULL;

	for (size_t i = 0; i < nr; i++) {
		if (anyone_claims(f, &range[i]))
			return -EEXIST;
		for (size_t k = 0; k < i; k++) {
			if (ranges_overlap(&range[i], &range[k]))
				return -EEXIST;
		}
	}
	for (*index = 0; *index < (int)FAKE_SERVERS_MAX; ++*index) {
		if (!f->server[*index].used) {
			s = &f->server[*index];
			break;
		}
	}
	if (!s)
		return -ENOSPC;
	*s = (struct fake_server){ .used = true, .nr = nr };
	for (size_t i = 0; i < nr; i++)
		s->range[i] = range[i];
	s->page = aligned_alloc(XENVIRTIO_PAGE_SIZE, sizeof(*s->page));
	if (!s->page) {
		s->used = false;
		return -ENOMEM;
	}
	*s->page = (struct ioreq_page){ 0 };
	for (uint32_t i = 0; i < f->config.nr_vcpus; i++)
		s->page->slot[i].event_port = 100 + i;
	return 0;
}

static int find_leftover(const struct fake *f, uint16_t id,
			 const struct xenvirtio_gpa_range *range, size_t nr)
{
	const struct fake_server *s;

	if (id >= FAKE_SERVERS_MAX || !f->server[id].used)
		return -ENOENT;
	s = &f->server[id];
	for (size_t i = 0; i < nr; i++) {
		if (!server_claims(s, &range[i]))
			return -ENOENT;
	}
	return s->foreign || s->owner ? -EBUSY : 0;
}

int fake_op_ioreq_open(struct xenvirtio_hv *hv, const struct xenvirtio_gpa_range *range,
		       size_t nr, uint16_t *id)
{
	struct fake_handle *h = to_handle(hv);
	struct fake *f = h->f;
	struct fake_server *s;
	int index = *id;
	int ret = fake_count_call(f, false);
	int fd = -1;

	if (!ret)
		ret = check_ranges(range, nr);
	if (ret)
		return ret;
	if (h->server >= 0)
		return -EBUSY;
	if (f->gone)
		return XENVIRTIO_E_GONE;
	if (f->config.no_ioreq)
		return -ENOSYS;
	if (!fake_quiet(f)) {
		fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (fd < 0)
			return -errno;
	}
	if (*id == XENVIRTIO_IOREQ_NEW)
		ret = make_server(f, range, nr, &index);
	else
		ret = find_leftover(f, *id, range, nr);
	if (ret) {
		if (fd >= 0)
			close(fd);
		return ret;
	}
	f->fds++;
	s = &f->server[index];
	s->owner = h;
	h->server = index;
	h->fd = fd;
	h->fd_set = false;
	h->held = -1;
	for (uint32_t i = 0; i < f->config.nr_vcpus; i++) {
		/* binding a port makes it pending: an event may have been lost before */
		s->port[i] = (struct fake_port){ .pending = true };
		/* the answer of the former owner that it did not live to announce */
		if (f->vcpu[i].busy && f->vcpu[i].server == index &&
		    ioreq_slot_state(&s->page->slot[i]) == IOREQ_STATE_RESP_READY)
			f->vcpu[i].notified = true;
	}
	update_fd(h);
	*id = (uint16_t)index;
	return 0;
}

static void disown_server(struct fake_handle *h)
{
	h->f->server[h->server].owner = NULL;
	h->server = -1;
	h->held = -1;
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	h->f->fds--;
}

/* A vcpu that waits for a server that is destroyed goes on only if it had its answer. */
static void destroy_server(struct fake *f, size_t id)
{
	struct fake_server *s = &f->server[id];

	for (uint32_t i = 0; i < f->config.nr_vcpus; i++) {
		struct fake_vcpu *v = &f->vcpu[i];

		if (!v->busy || v->server != id)
			continue;
		if (!v->notified && !f->gone)
			f->faults.stuck++;
		v->busy = v->notified;
		v->orphan = true;
		v->answer = s->page->slot[i].data;
	}
	free(s->page);
	*s = (struct fake_server){ 0 };
}

int fake_op_ioreq_close(struct xenvirtio_hv *hv)
{
	struct fake_handle *h = to_handle(hv);
	struct fake *f = h->f;
	struct fake_server *s;
	int id = h->server;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	if (id < 0)
		return -EINVAL;
	s = &f->server[id];
	if (!s->used) {
		disown_server(h);
		return XENVIRTIO_E_GONE;
	}
	/* as hv-xen-ioreq.c does: whoever waits is answered before the server is gone */
	for (uint32_t i = 0; i < f->config.nr_vcpus; i++) {
		struct xenvirtio_ioreq req;

		if (ioreq_slot_claim(&s->page->slot[i], i, &req))
			continue;
		req.data = UINT64_MAX;
		ioreq_slot_complete(&s->page->slot[i], &req);
		f->vcpu[i].notified = true;
	}
	fake_eventfd_drop(h, true);
	disown_server(h);
	destroy_server(f, (size_t)id);
	return 0;
}

int fake_op_ioreq_fd(struct xenvirtio_hv *hv)
{
	struct fake_handle *h = to_handle(hv);

	if (h->server < 0)
		return -EINVAL;
	return h->fd < 0 ? -ENOSYS : h->fd;
}

int fake_op_ioreq_next(struct xenvirtio_hv *hv, struct xenvirtio_ioreq *req)
{
	struct fake_handle *h = to_handle(hv);
	struct fake *f = h->f;
	struct fake_server *s;
	int ret = fake_count_call(f, false);

	if (ret)
		return ret;
	if (h->server < 0)
		return -EINVAL;
	if (h->held >= 0)
		return -EBUSY;
	s = &f->server[h->server];
	if (!s->used)
		return XENVIRTIO_E_EMPTY;
	for (uint32_t i = 0; i < f->config.nr_vcpus; i++) {
		struct fake_port *port = &s->port[i];

		if (!port->pending || port->masked)
			continue;
		port->pending = false;
		if (ioreq_slot_claim(&s->page->slot[i], i, req))
			continue;
		port->masked = true;
		h->held = (int)i;
		break;
	}
	update_fd(h);
	return h->held < 0 ? XENVIRTIO_E_EMPTY : 0;
}

int fake_op_ioreq_complete(struct xenvirtio_hv *hv, const struct xenvirtio_ioreq *req)
{
	struct fake_handle *h = to_handle(hv);
	struct fake *f = h->f;
	struct fake_server *s;
	uint32_t vcpu = req->vcpu;
	int ret = fake_count_call(f, false);

	if (h->server < 0)
		return -EINVAL;
	if (h->held < 0 || (uint32_t)h->held != vcpu)
		return -EINVAL;
	h->held = -1;
	if (ret)
		return ret;
	s = &f->server[h->server];
	if (!s->used)
		return 0;
	ret = ioreq_slot_complete(&s->page->slot[vcpu], req);
	if (ret)
		return ret;
	f->vcpu[vcpu].notified = true;
	s->port[vcpu].masked = false;
	update_fd(h);
	return 0;
}

void fake_ioreq_close_handle(struct fake_handle *h)
{
	if (h->server >= 0)
		disown_server(h);
}

void fake_ioreq_domain_gone(struct fake *f)
{
	for (size_t id = 0; id < FAKE_SERVERS_MAX; id++) {
		struct fake_handle *owner = f->server[id].owner;

		if (!f->server[id].used)
			continue;
		destroy_server(f, id);
		/* the process still holds its end: fd and page stay until it lets go */
		f->server[id].owner = owner;
	}
}

void fake_ioreq_fini(struct fake *f)
{
	for (size_t id = 0; id < FAKE_SERVERS_MAX; id++)
		free(f->server[id].page);
}

int fake_add_foreign(struct fake *f, const struct xenvirtio_gpa_range *range)
{
	int index = 0;
	int ret = make_server(f, range, 1, &index);

	if (ret)
		return ret;
	f->server[index].foreign = true;
	return index;
}

size_t fake_servers(const struct fake *f)
{
	size_t nr = 0;

	for (size_t id = 0; id < FAKE_SERVERS_MAX; id++)
		nr += f->server[id].used && !f->server[id].foreign;
	return nr;
}

struct ioreq_slot *fake_slot(struct fake *f, uint16_t id, uint32_t vcpu)
{
	if (id >= FAKE_SERVERS_MAX || !f->server[id].used || vcpu >= f->config.nr_vcpus)
		return NULL;
	return &f->server[id].page->slot[vcpu];
}

static void put_request(struct fake *f, uint32_t vcpu, const struct xenvirtio_ioreq *req)
{
	struct fake_vcpu *v = &f->vcpu[vcpu];
	struct fake_server *s = &f->server[v->server];
	struct ioreq_slot *slot = &s->page->slot[vcpu];

	slot->addr = req->addr;
	slot->data = req->data;
	slot->count = req->count;
	slot->size = req->size;
	slot->type = req->type;
	v->seen = IOREQ_STATE_READY;
	v->notified = false;
	__atomic_store_n(&slot->flags,
			 (uint8_t)(IOREQ_STATE_READY | (req->read ? IOREQ_FLAGS_READ : 0) |
				   (req->data_is_ptr ? IOREQ_FLAGS_DATA_IS_PTR : 0)),
			 __ATOMIC_RELEASE);
	send_event(f, s, vcpu);
}

/*
 * The vcpu's access reaches its server: as a request, unless the host answers. A host that is not
 * quiet announces it all the same.
 */
static void deliver(struct fake *f, uint32_t vcpu, const struct xenvirtio_ioreq *req)
{
	struct fake_vcpu *v = &f->vcpu[vcpu];
	struct fake_server *s = &f->server[v->server];

	if (!s->owner || !fake_eventfd_claim(f, s, req, &v->answer)) {
		put_request(f, vcpu, req);
		return;
	}
	v->orphan = true;
	if (!(f->config.eventfd_features & XENVIRTIO_EVENTFD_QUIET))
		send_event(f, s, vcpu);
}

static bool server_claims_all(const struct fake_server *s, uint64_t addr, uint32_t size)
{
	for (size_t i = 0; size && i < s->nr; i++) {
		if (addr >= s->range[i].start.v && size - 1 <= s->range[i].end_incl.v - addr &&
		    addr <= s->range[i].end_incl.v)
			return true;
	}
	/* or by more than one range */
	for (uint64_t i = 0; i < size; i++) {
		struct xenvirtio_gpa_range byte = { { addr + i }, { addr + i } };

		if (!server_claims(s, &byte))
			return false;
	}
	return true;
}

/* The highest id wins, and an access must be claimed whole, as in Xen. */
static int find_server(const struct fake *f, const struct xenvirtio_ioreq *req)
{
	for (int id = (int)FAKE_SERVERS_MAX - 1; id >= 0; id--) {
		const struct fake_server *s = &f->server[id];

		if (!s->used)
			continue;
		if (req->type == XENVIRTIO_IOREQ_COPY ?
			    server_claims_all(s, req->addr, req->size) : !s->foreign)
			return id;
	}
	return -1;
}

int fake_access_start(struct fake *f, const struct xenvirtio_ioreq *req)
{
	static const struct xenvirtio_ioreq invalidate = {
		.type = XENVIRTIO_IOREQ_INVALIDATE, .size = 4, .count = 1, .data = UINT64_MAX,
	};
	struct fake_vcpu *v;
	int id;

	if (req->vcpu >= f->config.nr_vcpus)
		return -EINVAL;
	v = &f->vcpu[req->vcpu];
	if (v->busy)
		return -EBUSY;
	id = find_server(f, req);
	if (id < 0 || f->server[id].foreign) {
		f->faults.unclaimed++;
		return XENVIRTIO_E_GUEST;
	}
	v->busy = true;
	v->orphan = false;
	v->server = (uint16_t)id;
	v->access = *req;
	v->invalidating = f->invalidate_pending;
	f->invalidate_pending = false;
	if (v->invalidating)
		put_request(f, req->vcpu, &invalidate);
	else
		deliver(f, req->vcpu, req);
	return 0;
}

static int crash_domain(struct fake *f, struct fake_vcpu *v)
{
	f->faults.bad_state++;
	f->shutdown = true;
	v->busy = false;
	return -EFAULT;
}

static uint64_t cut_data(uint64_t data, uint32_t size)
{
	return size >= 8 ? data : data & ((UINT64_C(1) << (8 * size)) - 1);
}

int fake_access_finish(struct fake *f, uint32_t vcpu, uint64_t *data)
{
	struct fake_vcpu *v;
	struct ioreq_slot *slot;
	enum ioreq_state state;

	if (vcpu >= f->config.nr_vcpus || !f->vcpu[vcpu].busy)
		return -EINVAL;
	v = &f->vcpu[vcpu];
	if (v->orphan) {
		v->busy = false;
		if (data && v->access.read)
			*data = cut_data(v->answer, v->access.size);
		return 0;
	}
	slot = &f->server[v->server].page->slot[vcpu];
	state = ioreq_slot_state(slot);
	if (state < v->seen || state > IOREQ_STATE_RESP_READY)
		return crash_domain(f, v);
	v->seen = state;
	if (state != IOREQ_STATE_RESP_READY || !v->notified)
		return XENVIRTIO_E_EMPTY;
	if (data && v->access.read)
		*data = cut_data(slot->data, v->access.size);
	__atomic_store_n(&slot->flags, IOREQ_STATE_NONE, __ATOMIC_RELEASE);
	if (v->invalidating) {
		v->invalidating = false;
		deliver(f, vcpu, &v->access);
		return XENVIRTIO_E_AGAIN;
	}
	v->busy = false;
	return 0;
}

int fake_mmio_start(struct fake *f, uint32_t vcpu, uint64_t addr, uint32_t size, bool read,
		    uint64_t data)
{
	struct xenvirtio_ioreq req = {
		.addr = addr,
		.data = data,
		.count = 1,
		.size = size,
		.vcpu = vcpu,
		.type = XENVIRTIO_IOREQ_COPY,
		.read = read,
	};

	return fake_access_start(f, &req);
}

int fake_mmio_finish(struct fake *f, uint32_t vcpu, uint64_t *data)
{
	return fake_access_finish(f, vcpu, data);
}

void fake_set_serve(struct fake *f, int (*serve)(void *ctx), void *ctx)
{
	f->serve = serve;
	f->serve_ctx = ctx;
}

static int run_access(struct fake *f, uint32_t vcpu, uint64_t *data)
{
	for (int i = 0; i < SERVE_CALLS_MAX; i++) {
		int ret = f->serve ? f->serve(f->serve_ctx) : 0;

		if (ret)
			return ret;
		ret = fake_access_finish(f, vcpu, data);
		if (ret != XENVIRTIO_E_EMPTY && ret != XENVIRTIO_E_AGAIN)
			return ret;
	}
	f->faults.stuck++;
	return XENVIRTIO_E_EMPTY;
}

int fake_mmio_read(struct fake *f, uint32_t vcpu, uint64_t addr, uint32_t size, uint64_t *data)
{
	int ret = fake_mmio_start(f, vcpu, addr, size, true, 0);

	return ret ? ret : run_access(f, vcpu, data);
}

int fake_mmio_write(struct fake *f, uint32_t vcpu, uint64_t addr, uint32_t size, uint64_t data)
{
	int ret = fake_mmio_start(f, vcpu, addr, size, false, data);

	return ret ? ret : run_access(f, vcpu, NULL);
}
