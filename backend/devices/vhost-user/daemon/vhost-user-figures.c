// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Figures of a device that a backend serves: as JSON, and as metrics. What passes through its queues nobody here sees.
 */
#include "backend/devices/vhost-user/daemon/vhost-user-daemon.h"
#include "backend/figures/figures-json.h"

#include <errno.h>
#include <string.h>

static const struct vhost_user_figures *own(const struct figures *f)
{
	return (const struct vhost_user_figures *)f;
}

static struct json_object *status_json(const struct figures *common)
{
	const struct vhost_user_figures *f = own(common);
	struct json_maker m = json_maker_begin();

	figures_add_status(&m, common);
	json_maker_add_u64(&m, "backend_connected", f->connected);
	json_maker_add_u64(&m, "backend_connections", f->connections);
	json_maker_add_u64(&m, "backend_lost", f->lost);
	figures_add_guest_errors(&m, common);
	return json_maker_end(&m);
}

static int take_answer(struct figures *common, unsigned int i, struct json_object *result)
{
	struct vhost_user_figures *f = (struct vhost_user_figures *)common;
	uint64_t connected = 0;

	memset(f, 0, sizeof(*f));
	if (!figures_get_status(common, result) || !json_get_u64(result, "backend_connected", &connected) ||
	    !json_get_u64(result, "backend_connections", &f->connections) || !json_get_u64(result, "backend_lost", &f->lost) ||
	    connected > 1)
		return -EPROTO;
	f->connected = connected;
	return 0;
}

static uint64_t connected(const struct figures *f)
{
	return own(f)->connected;
}

static uint64_t connections(const struct figures *f)
{
	return own(f)->connections;
}

static uint64_t lost(const struct figures *f)
{
	return own(f)->lost;
}

static const struct figures_family families[] = {
	{"backend_connected", "gauge", "1 while there is a backend.", FIGURES_NUMBER, connected},
	{"backend_connections_total", "counter", "Backends that were connected to.", FIGURES_NUMBER, connections},
	{"backend_lost_total", "counter", "Backends that went away with requests, so that the device needs a reset.",
	 FIGURES_NUMBER, lost},
};

const struct figures_type vhost_user_figures_type = {
	.bytes = sizeof(struct vhost_user_figures),
	.requests = {"status"},
	.nr_requests = 1,
	.take = take_answer,
	.status_json = status_json,
	.metrics_prefix = "xen_vhost_user_",
	.families = families,
	.nr_families = sizeof(families) / sizeof(families[0]),
};
