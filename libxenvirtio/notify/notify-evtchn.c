// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Notification with nothing but the ioreq server and hv.set_irq: the way that is always there.
 *
 * Kicks come as writes of QueueNotify over the ioreq server's event channels, so there is nothing
 * to enable. An edge line is pulsed for each interrupt; a held line goes down only when the driver
 * has acknowledged everything, else an interrupt raised between its read and its write would be
 * lost.
 */
#include <errno.h>
#include <stdlib.h>

#include "notify/notify.h"

struct notify_evtchn {
	struct notify notify;
	struct xenvirtio_hv *hv;
	uint32_t irq;
	enum notify_line line;
};

static void evtchn_free(struct notify *notify)
{
	free(notify);
}

static const char *evtchn_path(const struct notify *notify)
{
	return xenvirtio_notify_path_name(XENVIRTIO_NOTIFY_EVENT_CHANNEL);
}

static int evtchn_interrupt(struct notify *notify, uint32_t bits)
{
	struct notify_evtchn *self = (struct notify_evtchn *)notify;

	return self->hv->ops->set_irq(self->hv, self->irq, true);
}

static int evtchn_ack(struct notify *notify, uint32_t *status)
{
	struct notify_evtchn *self = (struct notify_evtchn *)notify;

	if (self->line != NOTIFY_HOLD || *status)
		return 0;
	return self->hv->ops->set_irq(self->hv, self->irq, false);
}

static const struct notify_ops evtchn_ops = {
	.path = evtchn_path,
	.free = evtchn_free,
	.interrupt = evtchn_interrupt,
	.ack = evtchn_ack,
};

int notify_open_evtchn(struct notify **notify, struct xenvirtio_hv *hv, uint32_t irq,
		       enum notify_line line)
{
	struct notify_evtchn *self = calloc(1, sizeof(*self));

	if (!self)
		return -ENOMEM;
	self->notify.ops = &evtchn_ops;
	self->hv = hv;
	self->irq = irq;
	self->line = line;
	*notify = &self->notify;
	return 0;
}
