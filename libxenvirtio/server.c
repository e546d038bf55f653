// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ioreq server: requests to devices, answers to vcpus, kicks after that.
 *
 * A request that was claimed is completed, whatever happens in between, for its vcpu stands still
 * until then and so does a domain that is to be suspended. Errors of devices come out only after
 * it. If completing itself fails there is nothing more to try here: ioreq_close answers who waits,
 * and so does a successor that adopts the server.
 *
 * Nothing outside a device's window is the guest's fault: Xen only sends what was claimed.
 * Lock: none. Knows device windows and request types; registers are mmio.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "mmio.h"
#include "server-internal.h"

/* One request of each vcpu there can be; then kicks get their turn. */
#define REQUESTS_PER_CALL XENVIRTIO_VCPUS_MAX

struct server_device {
	struct xenvirtio_device *dev;
	struct xenvirtio_gpa base;
	struct notify *notify;
};

/**
 * struct xenvirtio_server
 * @epoll_fd: over the ioreq server's and the notifies' descriptors; -1 when the first is all
 */
struct xenvirtio_server {
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct server_device device[XENVIRTIO_RANGES_MAX];
	size_t nr_devices;
	bool open;
	int epoll_fd;
};

int xenvirtio_server_new(struct xenvirtio_server **out, struct xenvirtio_hv *hv,
			 struct xenvirtio_gmem *gmem)
{
	struct xenvirtio_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->hv = hv;
	server->gmem = gmem;
	server->epoll_fd = -1;
	*out = server;
	return 0;
}

static void stop_polling(struct xenvirtio_server *server)
{
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	server->epoll_fd = -1;
}

void xenvirtio_server_free(struct xenvirtio_server *server)
{
	if (!server)
		return;
	stop_polling(server);
	for (size_t i = 0; i < server->nr_devices; i++) {
		device_detach(server->device[i].dev);
		notify_close(server->device[i].notify);
	}
	free(server);
}

int server_add_notify(struct xenvirtio_server *server, struct xenvirtio_device *dev,
		      struct xenvirtio_gpa base, struct notify *notify)
{
	struct server_device *added = &server->device[server->nr_devices];
	uint64_t end_incl;
	int ret;

	if (server->open)
		return -EBUSY;
	if (dev->notify || base.v & 3 ||
	    __builtin_add_overflow(base.v, XENVIRTIO_MMIO_BYTES - 1, &end_incl))
		return -EINVAL;
	if (server->nr_devices == XENVIRTIO_RANGES_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < server->nr_devices; i++) {
		uint64_t other = server->device[i].base.v;

		if (base.v <= other + XENVIRTIO_MMIO_BYTES - 1 && end_incl >= other)
			return -EEXIST;
	}
	ret = device_attach(dev, notify);
	if (ret)
		return ret;
	*added = (struct server_device){ .dev = dev, .base = base, .notify = notify };
	server->nr_devices++;
	return 0;
}

int xenvirtio_server_add(struct xenvirtio_server *server, struct xenvirtio_device *dev,
			 struct xenvirtio_gpa base, uint32_t irq)
{
	struct notify *notify;
	int ret;

	ret = notify_open_evtchn(&notify, server->hv, irq, NOTIFY_EDGE);
	if (ret)
		return ret;
	ret = server_add_notify(server, dev, base, notify);
	if (ret)
		notify_close(notify);
	return ret;
}

static int poll_fd(struct xenvirtio_server *server, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (server->epoll_fd < 0)
		server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll_fd < 0 || epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return 0;
}

/* An epoll instance only if there is more than one descriptor to wait for. */
static int start_polling(struct xenvirtio_server *server)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < server->nr_devices; i++) {
		struct notify *notify = server->device[i].notify;

		if (notify->ops->fd)
			ret = poll_fd(server, notify->ops->fd(notify));
	}
	if (!ret && server->epoll_fd >= 0)
		ret = poll_fd(server, server->hv->ops->ioreq_fd(server->hv));
	return ret;
}

int xenvirtio_server_open(struct xenvirtio_server *server, uint16_t *id)
{
	struct xenvirtio_gpa_range range[XENVIRTIO_RANGES_MAX];
	uint16_t opened = *id;
	int ret;

	if (server->open || !server->nr_devices)
		return server->open ? -EBUSY : -EINVAL;
	for (size_t i = 0; i < server->nr_devices; i++) {
		range[i].start = server->device[i].base;
		range[i].end_incl.v = server->device[i].base.v + XENVIRTIO_MMIO_BYTES - 1;
	}
	ret = server->hv->ops->ioreq_open(server->hv, range, server->nr_devices, &opened);
	if (ret)
		return ret;
	ret = start_polling(server);
	if (ret) {
		stop_polling(server);
		server->hv->ops->ioreq_close(server->hv);
		return ret;
	}
	server->open = true;
	*id = opened;
	return 0;
}

int xenvirtio_server_close(struct xenvirtio_server *server)
{
	int ret;

	if (!server->open)
		return 0;
	ret = server->hv->ops->ioreq_close(server->hv);
	/* A domain that is gone took its servers along. */
	if (ret && ret != XENVIRTIO_E_GONE)
		return ret;
	stop_polling(server);
	server->open = false;
	return ret;
}

int xenvirtio_server_resume(struct xenvirtio_server *server)
{
	int first = 0;

	for (size_t i = 0; i < server->nr_devices; i++) {
		int ret = device_resume(server->device[i].dev);

		if (ret && !first)
			first = ret;
	}
	return first;
}

int xenvirtio_server_fd(const struct xenvirtio_server *server)
{
	if (!server->open)
		return -1;
	return server->epoll_fd >= 0 ? server->epoll_fd : server->hv->ops->ioreq_fd(server->hv);
}

const char *xenvirtio_server_path(const struct xenvirtio_server *server)
{
	return server->nr_devices ? server->device[0].notify->ops->path : "none";
}

static struct server_device *find_device(struct xenvirtio_server *server, uint64_t addr)
{
	for (size_t i = 0; i < server->nr_devices; i++)
		if (addr - server->device[i].base.v < XENVIRTIO_MMIO_BYTES)
			return &server->device[i];
	return NULL;
}

/* What nobody answers. A pointer stays as it is: it is not data, and Xen does not look at it. */
static void answer_nothing(struct xenvirtio_ioreq *req)
{
	if (req->read && !req->data_is_ptr)
		req->data = mmio_all_ones(req->size);
}

static int serve_copy(struct xenvirtio_server *server, struct xenvirtio_ioreq *req)
{
	struct server_device *found = find_device(server, req->addr);
	uint64_t offset;

	if (!found) {
		answer_nothing(req);
		return 0;
	}
	offset = req->addr - found->base.v;
	/* A string instruction (x86). No driver uses one on registers, and following its pointer
	 * would be reading or writing guest memory at an address nobody checked. */
	if (req->count != 1 || req->data_is_ptr) {
		answer_nothing(req);
		xenvirtio_device_guest_error(found->dev, XENVIRTIO_GUEST_BAD_ACCESS,
					     "string access to registers");
		return 0;
	}
	return mmio_access(found->dev, offset, req->size, req->read, &req->data);
}

static int serve_request(struct xenvirtio_server *server, struct xenvirtio_ioreq *req)
{
	switch (req->type) {
	case XENVIRTIO_IOREQ_COPY:
		return serve_copy(server, req);
	case XENVIRTIO_IOREQ_INVALIDATE:
		return xenvirtio_gmem_flush(server->gmem);
	default:
		/* PIO, PCI_CONFIG, TIMEOFFSET and what may come: answered, and nothing done */
		answer_nothing(req);
		return 0;
	}
}

static int serve_pending(struct xenvirtio_server *server)
{
	struct xenvirtio_ioreq req;
	int ret, served;

	for (unsigned int i = 0; i < REQUESTS_PER_CALL; i++) {
		ret = server->hv->ops->ioreq_next(server->hv, &req);
		if (ret)
			return ret == XENVIRTIO_E_EMPTY ? 0 : ret;
		served = serve_request(server, &req);
		ret = server->hv->ops->ioreq_complete(server->hv, &req);
		if (served || ret)
			return served ? served : ret;
	}
	return 0;
}

static int collect_kicks(struct server_device *device)
{
	struct notify *notify = device->notify;
	uint32_t queues = 0;
	int ret;

	if (!notify->ops->collect)
		return 0;
	ret = notify->ops->collect(notify, &queues);
	for (unsigned int i = 0; i < XENVIRTIO_QUEUES_MAX; i++)
		if (queues >> i & 1)
			device_mark_kick(device->dev, i);
	return ret;
}

int xenvirtio_server_process(struct xenvirtio_server *server)
{
	int ret, first;

	if (!server->open)
		return -EBADF;
	first = serve_pending(server);
	for (size_t i = 0; i < server->nr_devices; i++) {
		ret = collect_kicks(&server->device[i]);
		if (ret && !first)
			first = ret;
		ret = device_run_kicks(server->device[i].dev);
		if (ret && !first)
			first = ret;
	}
	return first;
}
