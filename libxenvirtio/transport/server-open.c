// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An ioreq server's beginning and end: addresses claimed, descriptors to wait for, devices attached; and all of that undone.
 *
 * A vcpu that waits is answered by the hypervisor when its server is destroyed, or by a successor that adopts it.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "transport/server-state.h"

_Static_assert(XENVIRTIO_QUEUES_MAX - 1 < NOTIFY_TAG_FIELD, "a queue's number is in the tag, or this");

void server_stop_polling(struct xenvirtio_server *server)
{
	for (size_t i = 0; i < server->nr_devices; i++) {
		struct notify *notify = server->device[i].notify;

		if (notify->ops->poll)
			notify->ops->poll(notify, -1, 0);
		device_poll(server->device[i].dev, -1, 0);
	}
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	server->epoll_fd = -1;
}

static int poll_ioreq(struct xenvirtio_server *server)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = TAG_IOREQ };
	int fd = server->hv->ops->ioreq_fd(server->hv);

	return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* An epoll instance only if there is more than one descriptor to wait for. */
static int start_polling(struct xenvirtio_server *server)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < server->nr_devices; i++) {
		struct xenvirtio_device *dev = server->device[i].dev;
		struct notify *notify = server->device[i].notify;
		uint32_t tag = (uint32_t)i << TAG_SHIFT;

		if (!notify->ops->poll && !dev->cfg.foreign_queues)
			continue;
		if (server->epoll_fd < 0)
			server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		if (server->epoll_fd < 0)
			return -errno;
		device_poll(dev, server->epoll_fd, tag);
		if (notify->ops->poll)
			ret = notify->ops->poll(notify, server->epoll_fd, tag);
	}
	if (!ret && server->epoll_fd >= 0)
		ret = poll_ioreq(server);
	return ret;
}

static int disarm_devices(struct xenvirtio_server *server)
{
	int ret, first = 0;

	for (size_t i = 0; i < server->nr_devices; i++) {
		ret = device_notify_off(server->device[i].dev, UINT64_MAX);
		if (ret && !first)
			first = ret;
	}
	return first;
}

static void detach_devices(struct xenvirtio_server *server)
{
	for (size_t i = 0; i < server->nr_devices; i++)
		device_detach(server->device[i].dev);
}

/* A device that ran under a process before us has its shortcuts again from here on. */
static int attach_devices(struct xenvirtio_server *server)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < server->nr_devices; i++)
		ret = device_attach(server->device[i].dev, server->device[i].notify);
	return ret;
}

static struct xenvirtio_gpa_range window(struct xenvirtio_gpa base)
{
	return (struct xenvirtio_gpa_range){ base, { base.v + XENVIRTIO_MMIO_BYTES - 1 } };
}

int xenvirtio_server_claim(struct xenvirtio_server *server, struct xenvirtio_gpa base, uint16_t *id)
{
	struct xenvirtio_gpa_range range = window(base);
	uint16_t opened = XENVIRTIO_IOREQ_NEW;
	int ret;

	if (server->open || server->claimed)
		return -EBUSY;
	ret = server->hv->ops->ioreq_open(server->hv, &range, 1, &opened);
	if (ret)
		return ret;
	server->claimed = true;
	server->claim = base;
	*id = server->id = opened;
	return 0;
}

/* Return: 0; -EINVAL another window is claimed; as hv.ioreq_open */
static int open_ioreq(struct xenvirtio_server *server, uint16_t *id)
{
	struct xenvirtio_gpa_range range[XENVIRTIO_RANGES_MAX];

	if (server->claimed) {
		if (server->nr_devices != 1 || server->device[0].base.v != server->claim.v)
			return -EINVAL;
		*id = server->id;
		return 0;
	}
	for (size_t i = 0; i < server->nr_devices; i++)
		range[i] = window(server->device[i].base);
	return server->hv->ops->ioreq_open(server->hv, range, server->nr_devices, id);
}

int xenvirtio_server_open(struct xenvirtio_server *server, uint16_t *id)
{
	uint16_t opened = *id;
	int ret;

	if (server->open || !server->nr_devices)
		return server->open ? -EBUSY : -EINVAL;
	ret = open_ioreq(server, &opened);
	if (ret)
		return ret;
	ret = start_polling(server);
	if (!ret)
		ret = attach_devices(server);
	if (ret) {
		detach_devices(server);
		server_stop_polling(server);
		server->claimed = false;
		server->hv->ops->ioreq_close(server->hv);
		return ret;
	}
	server->claimed = false;
	server->open = true;
	*id = opened;
	return 0;
}

/* Nobody will be left to take an acknowledgement: a held line would interrupt for ever. */
static int lower_lines(struct xenvirtio_server *server)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < server->nr_devices; i++)
		ret = device_lower(server->device[i].dev);
	return ret == XENVIRTIO_E_GONE ? 0 : ret;
}

int xenvirtio_server_close(struct xenvirtio_server *server)
{
	int ret, off, told;

	if (server->claimed) {
		server->claimed = false;
		ret = server->hv->ops->ioreq_close(server->hv);
		return ret == XENVIRTIO_E_GONE ? 0 : ret;
	}
	if (!server->open)
		return 0;
	/* who waits would wait for ever; and so would the vcpus if we stopped here */
	told = server_tell_held(server);
	off = disarm_devices(server);
	if (told && told != XENVIRTIO_E_GONE)
		off = told;
	ret = lower_lines(server);
	if (ret)
		return ret;
	ret = server->hv->ops->ioreq_close(server->hv);
	/* A domain that is gone took its servers along. */
	if (ret && ret != XENVIRTIO_E_GONE)
		return ret;
	detach_devices(server);
	server_stop_polling(server);
	server->open = false;
	return ret ? ret : off;
}
