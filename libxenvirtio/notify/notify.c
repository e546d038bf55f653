// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names of the ways of notification, and the choice between them.
 *
 * A host that cannot be asked has event channels; only a way that was asked for by name and is not
 * there is an error.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "notify/notify.h"

static const char *const names[] = {
	[XENVIRTIO_NOTIFY_AUTO] = "auto",
	[XENVIRTIO_NOTIFY_EVENTFD_REGS] = "eventfd-regs",
	[XENVIRTIO_NOTIFY_EVENTFD] = "eventfd",
	[XENVIRTIO_NOTIFY_UPSTREAM] = "upstream",
	[XENVIRTIO_NOTIFY_EVENT_CHANNEL] = "event-channel",
};

#define NR_PATHS (sizeof(names) / sizeof(names[0]))

/* What the host must have; _UPSTREAM is also what one gets who ignores the rest. */
static const uint32_t needs[NR_PATHS] = {
	[XENVIRTIO_NOTIFY_EVENTFD_REGS] = XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD |
					  XENVIRTIO_EVENTFD_QUIET | XENVIRTIO_EVENTFD_REGISTERS,
	[XENVIRTIO_NOTIFY_EVENTFD] = XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD |
				     XENVIRTIO_EVENTFD_QUIET,
	[XENVIRTIO_NOTIFY_UPSTREAM] = XENVIRTIO_EVENTFD_IOEVENTFD | XENVIRTIO_EVENTFD_IRQFD,
	[XENVIRTIO_NOTIFY_EVENT_CHANNEL] = 0,
};

/* for _AUTO, the best first; the last needs nothing */
static const enum xenvirtio_notify_path preferred[] = {
	XENVIRTIO_NOTIFY_EVENTFD_REGS,
	XENVIRTIO_NOTIFY_EVENTFD,
	XENVIRTIO_NOTIFY_EVENT_CHANNEL,
};

const char *xenvirtio_notify_path_name(enum xenvirtio_notify_path path)
{
	return (size_t)path < NR_PATHS ? names[path] : "unknown";
}

int xenvirtio_notify_path_parse(const char *name, enum xenvirtio_notify_path *path)
{
	for (size_t i = 0; i < NR_PATHS; i++) {
		if (strcmp(name, names[i]) == 0) {
			*path = (enum xenvirtio_notify_path)i;
			return 0;
		}
	}
	return -EINVAL;
}

int notify_choose(struct xenvirtio_hv *hv, enum xenvirtio_notify_path wanted,
		  struct notify_choice *choice)
{
	int ret;

	*choice = (struct notify_choice){ .path = wanted };
	if (wanted == XENVIRTIO_NOTIFY_EVENT_CHANNEL)
		return 0;
	/* All of these calls or none: the last one is asked for. */
	ret = XENVIRTIO_HV_HAS(hv, registers_del) ?
		      hv->ops->eventfd_features(hv, &choice->features) :
		      0;
	if (wanted != XENVIRTIO_NOTIFY_AUTO) {
		if (ret)
			return ret;
		return (choice->features & needs[wanted]) == needs[wanted] ? 0 : -ENOTSUP;
	}
	if (ret == XENVIRTIO_E_GONE)
		return ret;
	if (ret)
		choice->features = 0;
	/* Upstream's ioctls cost more than they save, and leave a guest that nobody can take over. */
	for (size_t i = 0; i < sizeof(preferred) / sizeof(preferred[0]); i++) {
		choice->path = preferred[i];
		if ((choice->features & needs[preferred[i]]) == needs[preferred[i]])
			break;
	}
	return 0;
}

void notify_close(struct notify *notify)
{
	if (notify)
		notify->ops->free(notify);
}
