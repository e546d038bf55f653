// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --auto for all guests: the service asks device processes for their figures, and orders over their
 * control sockets.
 */
#include "backend/devices/balloon/daemon/balloon-daemon.h"
#include "backend/devices/balloon/daemon/service-commands.h"
#include "backend/devices/balloon/sizing/orders.h"

#include <errno.h>
#include <stdlib.h>

/* What the service does itself: the last word of a command line counts. */
const char *const balloon_service_words[] = {"--auto-elsewhere", NULL};

struct balloon_service {
	struct autopilot *autopilot;
	struct orders *orders;
	struct xenvirtio_hv *hv; /* of dom0, for the host's memory */
	struct service_commands commands;
};

static int read_host_free(void *opaque, uint64_t *kib)
{
	struct balloon_service *s = opaque;
	struct xenvirtio_host_info host;
	int rc = s->hv->ops->host_info(s->hv, &host);

	if (!rc)
		*kib = host.free_pages * KIB_PER_PAGE;
	return rc;
}

static uint64_t hold_room(void *opaque, uint64_t free_kib, const struct room_owed *owed)
{
	struct balloon_service *s = opaque;

	return service_commands_hold(&s->commands, free_kib, owed);
}

/* Whoever wants to create a guest waits: each interval counts. */
static void look_soon(void *opaque)
{
	struct balloon_service *s = opaque;

	auto_soon(s->autopilot);
}

static void send_order(void *opaque, const struct balloon_figures *f, uint64_t kib)
{
	struct balloon_service *s = opaque;

	orders_send(s->orders, f->common.domid, f->common.devid, kib);
}

static int open_auto(struct balloon_service *s, const struct device_service *service,
		     const struct balloon_options *opts)
{
	struct auto_config cfg = {
		.base = service->base,
		.log = service->log,
		.policy = auto_policy(opts->auto_low_percent, opts->auto_high_percent,
				      opts->auto_floor_kib, opts->overcommit,
				      opts->auto_interval_ms),
		.interval_ms = opts->auto_interval_ms,
		.collect = service->collect,
		.collect_opaque = service->collect_opaque,
		.host_free = read_host_free,
		.hold = hold_room,
		.order = send_order,
		.opaque = s,
	};
	int rc = service->open_hv(service->opaque, &s->hv, 0, service->log);

	if (rc) {
		s->hv = NULL;
		return rc;
	}
	s->commands.asked = look_soon;
	s->commands.asked_opaque = s;
	s->commands.doors = service->doors;
	rc = orders_new(&s->orders, service->base, service->log, opts->common.state_dir);
	if (!rc)
		rc = service_commands_open(&s->commands, service->base, service->log,
					   opts->common.state_dir);
	return rc ? rc : auto_new(&s->autopilot, &cfg);
}

int balloon_service_new(void **self, const struct device_service *service)
{
	const struct balloon_options *opts = (const struct balloon_options *)service->opts;
	struct balloon_service *s;
	int rc;

	*self = NULL;
	if (!opts->automatic)
		return 0;
	s = calloc(1, sizeof(*s));
	rc = s ? open_auto(s, service, opts) : -ENOMEM;
	if (rc) {
		log_msg(service->log, LOG_LEVEL_WARNING, rc, "targets are not chosen: --auto");
		balloon_service_free(s);
		return rc;
	}
	*self = s;
	return 0;
}

void balloon_service_free(void *self)
{
	struct balloon_service *s = self;

	if (!s)
		return;
	auto_free(s->autopilot);
	orders_free(s->orders);
	service_commands_close(&s->commands);
	xenvirtio_hv_close(s->hv);
	free(s);
}
