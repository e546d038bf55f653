// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The eventfd counts each write, and wakes us for the first one only (EPOLLONESHOT), until we ask for the next: a driver that
 * writes all the time is heard of as often as we look.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "notify/notify-fields.h"

#define CONFIG_OFFSET 0x100u

void notify_fields_init(struct notify_fields *self, struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t features)
{
	bool has = features & XENVIRTIO_EVENTFD_FIELDS && XENVIRTIO_HV_HAS(hv, field_del);

	*self = (struct notify_fields){ .hv = has ? hv : NULL, .base = base, .fd = -1, .epoll_fd = -1 };
}

void notify_fields_close(struct notify_fields *self)
{
	if (self->fd >= 0)
		close(self->fd);
	self->fd = -1;
}

static int set_watch(struct notify_fields *self, int op)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.u32 = self->tag | NOTIFY_TAG_FIELD };

	if (self->epoll_fd < 0 || self->fd < 0)
		return 0;
	return epoll_ctl(self->epoll_fd, op, self->fd, &event) ? -errno : 0;
}

static struct xenvirtio_field_register as_register(const struct notify_fields *self, const struct xenvirtio_host_field *field)
{
	return (struct xenvirtio_field_register){
		.addr = { self->base.v + CONFIG_OFFSET + field->offset },
		.word = field->word,
		.written = field->written,
		.fd = self->fd,
	};
}

/* Without the eventfd nobody would hear of writes: then there are none. */
static bool open_fd(struct notify_fields *self)
{
	if (self->fd >= 0)
		return true;
	self->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (self->fd < 0)
		return false;
	if (!set_watch(self, EPOLL_CTL_ADD))
		return true;
	notify_fields_close(self);
	return false;
}

int notify_fields_arm(struct notify_fields *self, const struct xenvirtio_host_field *field, size_t nr)
{
	int why = 0;

	if (!self->hv || !nr || !open_fd(self))
		return 0;
	self->field = field;
	/* Of another driver it may have told, and not have been asked since. */
	if (notify_fields_watch(self))
		return 0;
	for (size_t i = 0; i < nr && i < XENVIRTIO_HOST_FIELDS_MAX; i++) {
		const struct xenvirtio_field_register reg = as_register(self, &field[i]);

		int ret = self->hv->ops->field_add(self->hv, &reg);

		if (!ret)
			self->added |= 1u << i;
		else if (ret < 0 && !why)
			why = ret;
	}
	if (self->refused)
		return 0;
	self->refused = why;
	return why;
}

void notify_fields_disarm(struct notify_fields *self)
{
	for (size_t i = 0; self->added >> i; i++) {
		const struct xenvirtio_field_register reg = as_register(self, &self->field[i]);

		/* a guest that is gone writes no more */
		if (self->added >> i & 1)
			self->hv->ops->field_del(self->hv, &reg);
	}
	self->added = 0;
}

void notify_fields_poll(struct notify_fields *self, int epoll_fd, uint32_t tag)
{
	self->epoll_fd = epoll_fd;
	self->tag = tag;
	if (set_watch(self, EPOLL_CTL_ADD))
		self->epoll_fd = -1;
}

int notify_fields_watch(struct notify_fields *self)
{
	uint64_t count;

	if (self->fd < 0)
		return 0;
	/* First: what is written after this is told of. */
	if (read(self->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	return set_watch(self, EPOLL_CTL_MOD);
}
