// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The entropy device's figures: as JSON, and as metrics.
 */
#include "backend/devices/rng/daemon/rng-daemon.h"
#include "backend/figures/figures-json.h"

#include <errno.h>
#include <string.h>

static const struct rng_figures *own(const struct figures *f)
{
	return (const struct rng_figures *)f;
}

static struct json_object *status_json(const struct figures *common)
{
	const struct rng_figures *f = own(common);
	struct json_maker m = json_maker_begin();

	figures_add_status(&m, common);
	json_maker_add_u64(&m, "requests", f->requests);
	json_maker_add_u64(&m, "given_bytes", f->given_bytes);
	json_maker_add_u64(&m, "waits", f->waits);
	figures_add_guest_errors(&m, common);
	return json_maker_end(&m);
}

static int take_answer(struct figures *common, unsigned int i, struct json_object *result)
{
	struct rng_figures *f = (struct rng_figures *)common;

	memset(f, 0, sizeof(*f));
	return figures_get_status(common, result) &&
			       json_get_u64(result, "requests", &f->requests) &&
			       json_get_u64(result, "given_bytes", &f->given_bytes) &&
			       json_get_u64(result, "waits", &f->waits)
		       ? 0
		       : -EPROTO;
}

static uint64_t requests(const struct figures *f)
{
	return own(f)->requests;
}

static uint64_t given(const struct figures *f)
{
	return own(f)->given_bytes;
}

static uint64_t waits(const struct figures *f)
{
	return own(f)->waits;
}

static const struct figures_family families[] = {
	{"requests_total", "counter", "Buffers of the guest that were filled.", FIGURES_NUMBER,
	 requests},
	{"given_bytes_total", "counter", "Random bytes given to the guest.", FIGURES_NUMBER, given},
	{"waits_total", "counter", "How often what a period gives was used up.",
	 FIGURES_NUMBER, waits},
};

const struct figures_type rng_figures_type = {
	.bytes = sizeof(struct rng_figures),
	.requests = {"status"},
	.nr_requests = 1,
	.take = take_answer,
	.status_json = status_json,
	.metrics_prefix = "xen_vrng_",
	.families = families,
	.nr_families = sizeof(families) / sizeof(families[0]),
};
