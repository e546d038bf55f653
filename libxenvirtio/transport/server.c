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

#include "base/clock.h"
#include "hv/hv-check.h"
#include "transport/mmio.h"
#include "transport/server-state.h"

#define EVENTS_PER_CALL 32

/* So long kicks may be waited for and served in one call; then the caller's others get their turn. */
#define WAITS_MS 10

/* One request of each vcpu there can be; then kicks get their turn. */
#define REQUESTS_PER_CALL XENVIRTIO_VCPUS_MAX

/* Who made a request most often makes the next one: so many calls in a row ask for that alone, and leave a system call out. */
#define LOOKS_SKIPPED 8

int xenvirtio_server_new(struct xenvirtio_server **out, struct xenvirtio_hv *hv,
			 struct xenvirtio_gmem *gmem)
{
	struct xenvirtio_server *server;

	if (check_seam(hv))
		return -EINVAL;
	server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->hv = hv;
	server->gmem = gmem;
	server->epoll_fd = -1;
	server->now_ms = clock_coarse_ms;
	*out = server;
	return 0;
}

void server_set_clock(struct xenvirtio_server *server, int64_t (*now_ms)(void))
{
	server->now_ms = now_ms;
}

void xenvirtio_server_free(struct xenvirtio_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < server->nr_devices; i++)
		device_detach(server->device[i].dev);
	server_stop_polling(server);
	for (size_t i = 0; i < server->nr_devices; i++)
		notify_close(server->device[i].notify);
	free(server);
}

int server_add_notify(struct xenvirtio_server *server, struct xenvirtio_device *dev,
		      struct xenvirtio_gpa base, struct notify *notify)
{
	struct server_device *added = &server->device[server->nr_devices];
	uint64_t end_incl;

	if (server->open)
		return -EBUSY;
	if (base.v & 3 ||
	    __builtin_add_overflow(base.v, XENVIRTIO_MMIO_BYTES - 1, &end_incl))
		return -EINVAL;
	if (server->nr_devices == XENVIRTIO_RANGES_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < server->nr_devices; i++) {
		uint64_t other = server->device[i].base.v;

		if (server->device[i].dev == dev)
			return -EINVAL;
		if (base.v <= other + XENVIRTIO_MMIO_BYTES - 1 && end_incl >= other)
			return -EEXIST;
	}
	*added = (struct server_device){ .dev = dev, .base = base, .notify = notify };
	server->nr_devices++;
	return 0;
}

void xenvirtio_server_set_notify(struct xenvirtio_server *server, enum xenvirtio_notify_path path,
				 void (*changed)(void *opaque, int why), void *opaque)
{
	server->path = path;
	server->path_changed = changed;
	server->opaque = opaque;
}

bool xenvirtio_server_holds(const struct xenvirtio_server *server)
{
	for (size_t i = 0; i < server->nr_devices; i++)
		if (server->device[i].dev->held)
			return true;
	return false;
}

int xenvirtio_server_add(struct xenvirtio_server *server, struct xenvirtio_device *dev,
			 struct xenvirtio_gpa base, uint32_t irq)
{
	bool held = XENVIRTIO_HV_HAS(server->hv, irq_held) && server->hv->ops->irq_held(server->hv);
	enum notify_line line = held ? NOTIFY_HOLD : NOTIFY_EDGE;
	struct notify_choice choice;
	struct notify *notify;
	int ret;

	ret = notify_choose(server->hv, server->path, &choice);
	if (ret)
		return ret;
	if (choice.path == XENVIRTIO_NOTIFY_EVENT_CHANNEL)
		ret = notify_open_evtchn(&notify, server->hv, irq, line);
	else
		ret = notify_open_eventfd(&notify, server->hv, base, irq, line, &choice);
	if (ret)
		return ret;
	notify->changed = server->path_changed;
	notify->opaque = server->opaque;
	ret = server_add_notify(server, dev, base, notify);
	if (ret)
		notify_close(notify);
	return ret;
}

int server_tell_held(struct xenvirtio_server *server)
{
	int ret = 0;

	for (size_t i = 0; i < server->nr_devices && !ret; i++)
		if (server->device[i].dev->held)
			ret = device_tell_held(server->device[i].dev);
	return ret;
}

/* Return: @ret; XENVIRTIO_E_AGAIN it is 0, and a kick has more to do */
static int tell_again(const struct xenvirtio_server *server, int ret)
{
	for (size_t i = 0; !ret && i < server->nr_devices; i++)
		if (device_wants_again(server->device[i].dev))
			ret = XENVIRTIO_E_AGAIN;
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
	return tell_again(server, first);
}

int xenvirtio_server_fd(const struct xenvirtio_server *server)
{
	if (!server->open)
		return -1;
	return server->epoll_fd >= 0 ? server->epoll_fd : server->hv->ops->ioreq_fd(server->hv);
}

const char *xenvirtio_server_path(const struct xenvirtio_server *server)
{
	const struct notify *notify = server->nr_devices ? server->device[0].notify : NULL;

	return notify ? notify->ops->path(notify) : "none";
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

/* The kick that this access was, if it was one, and of a queue that is to be prompt. @kicked: out; it was */
static int serve_at_once(struct xenvirtio_server *server, uint64_t addr, bool *kicked)
{
	struct server_device *found = find_device(server, addr);

	*kicked = found && device_kicked(found->dev) & found->dev->prompt;
	return *kicked ? device_run_prompt(found->dev) : 0;
}

/* Also says whether there were any: asking. */
static int serve_pending(struct xenvirtio_server *server)
{
	struct xenvirtio_ioreq req;
	bool kicked = false;
	int ret, served;

	server->asking = false;
	/* Who kicks without end, and has all of it served here, is not to keep us from the rest. */
	for (unsigned int i = 0; i < REQUESTS_PER_CALL && !kicked; i++) {
		ret = server->hv->ops->ioreq_next(server->hv, &req);
		if (ret)
			return ret == XENVIRTIO_E_EMPTY ? 0 : ret;
		server->asking = true;
		served = serve_request(server, &req);
		if (!served)
			served = serve_at_once(server, req.addr, &kicked);
		ret = server->hv->ops->ioreq_complete(server->hv, &req);
		if (served || ret)
			return served ? served : ret;
	}
	return 0;
}

static bool may_skip_look(struct xenvirtio_server *server)
{
	if (server->epoll_fd < 0 || !server->asking || server->skipped >= LOOKS_SKIPPED) {
		server->skipped = 0;
		return false;
	}
	server->skipped++;
	return true;
}

static void mark_event(struct xenvirtio_device *dev, uint32_t queue)
{
	if (queue == NOTIFY_TAG_CALL)
		device_mark_call(dev);
	else if (queue == NOTIFY_TAG_FIELD)
		device_field_written(dev);
	else
		device_mark_signal(dev, queue);
}

/* What is pending: kicks are marked, for requests it is only said whether there are any. */
static int look_around(struct xenvirtio_server *server, bool *requests)
{
	struct epoll_event event[EVENTS_PER_CALL];
	int nr;

	*requests = true;
	if (server->epoll_fd < 0)
		return 0;
	nr = epoll_wait(server->epoll_fd, event, EVENTS_PER_CALL, 0);
	if (nr < 0)
		return errno == EINTR ? 0 : -errno;
	*requests = false;
	for (int i = 0; i < nr; i++) {
		uint32_t tag = event[i].data.u32;

		if (tag == TAG_IOREQ)
			*requests = true;
		else
			mark_event(server->device[tag >> TAG_SHIFT].dev, tag & NOTIFY_TAG_QUEUE);
	}
	return 0;
}

static int run_kicks(struct server_device *device)
{
	if (device->notify->ops->hold)
		device->notify->ops->hold(device->notify);
	return device_run_kicks(device->dev);
}

static int release_interrupt(struct server_device *device)
{
	return device->notify->ops->release ? device->notify->ops->release(device->notify) : 0;
}

/* Return: 0 also when the wait was given up */
static int wait_for_kick(struct server_device *device, uint64_t *queues)
{
	struct notify *notify = device->notify;
	uint32_t index;
	int ret;

	*queues = 0;
	if (!notify->ops->wait)
		return 0;
	ret = notify->ops->wait(notify, &index);
	if (ret)
		return ret == XENVIRTIO_E_EMPTY ? 0 : ret;
	device_mark_signal(device->dev, index);
	*queues = device_kicked(device->dev);
	return run_kicks(device);
}

/*
 * A driver whose requests are answered at once is likely to have the next one soon. Where something
 * is under way instead, what ends it comes by another descriptor, which nobody would look at.
 */
static int serve_further_kicks(struct xenvirtio_server *server, struct server_device *device,
			       uint64_t queues)
{
	int64_t end = server->now_ms() + WAITS_MS;
	int ret = 0;

	while (!tell_again(server, ret) && queues && device_is_served(device->dev, queues) && server->now_ms() < end)
		ret = wait_for_kick(device, &queues);
	return ret;
}

/* The kicks that are marked, and those of the last device that has any, as they come. */
static int serve_kicks(struct xenvirtio_server *server)
{
	struct server_device *last = NULL;
	uint64_t queues = 0;
	int ret = 0, first = 0, released;

	for (size_t i = 0; i < server->nr_devices; i++) {
		struct server_device *device = &server->device[i];

		if (!device_kicked(device->dev))
			continue;
		ret = last ? release_interrupt(last) : 0;
		first = first ? first : ret;
		last = device;
		queues = device_kicked(device->dev);
		ret = run_kicks(device);
		first = first ? first : ret;
	}
	if (!last)
		return 0;
	ret = first ? first : serve_further_kicks(server, last, queues);
	released = release_interrupt(last);
	return ret ? ret : released;
}

/* Of those who serve foreign queues. */
static int serve_calls(struct xenvirtio_server *server)
{
	int ret, first = 0;

	for (size_t i = 0; i < server->nr_devices; i++) {
		ret = device_run_call(server->device[i].dev);
		first = first ? first : ret;
	}
	return first;
}

int xenvirtio_server_process(struct xenvirtio_server *server)
{
	bool requests = false;
	int ret, first;

	if (!server->open)
		return -EBADF;
	first = server_tell_held(server);
	for (size_t i = 0; i < server->nr_devices; i++)
		device_mark_again(server->device[i].dev);
	if (may_skip_look(server)) {
		ret = serve_pending(server);
		first = first ? first : ret;
	} else {
		server->asking = false;
	}
	if (!server->asking) {
		ret = look_around(server, &requests);
		first = first ? first : ret;
	}
	if (requests) {
		ret = serve_pending(server);
		first = first ? first : ret;
	}
	ret = serve_calls(server);
	first = first ? first : ret;
	ret = serve_kicks(server);
	return tell_again(server, first ? first : ret);
}
