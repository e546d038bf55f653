// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The balloon's figures to JSON and back.
 */
#include "backend/devices/balloon/figures/balloon-figures-json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static struct json_object *stall_json(const struct balloon_figures *f)
{
	struct json_maker m = json_maker_begin();

	json_maker_add_text(&m, "why", balloon_stall_name(f->stall));
	json_maker_add_u64(&m, "need_kib", f->stall_kib);
	return json_maker_end(&m);
}

static struct json_object *refused_json(const struct balloon_figures *f)
{
	struct json_maker m = json_maker_begin();

	json_maker_add_u64(&m, "target_kib", f->refused_kib);
	json_maker_add_u64(&m, "free_kib", f->refused_free_kib);
	json_maker_add_u64(&m, "owed_kib", f->refused_owed_kib);
	return json_maker_end(&m);
}

struct json_object *balloon_status_json(const struct balloon_figures *f)
{
	struct json_maker m = json_maker_begin();

	figures_add_status(&m, &f->common);
	json_maker_add_u64(&m, "static_max_kib", f->static_max_kib);
	if (f->dynamic_min_kib)
		json_maker_add_u64(&m, "dynamic_min_kib", f->dynamic_min_kib);
	if (f->limit_kib)
		json_maker_add_u64(&m, "limit_kib", f->limit_kib);
	if (f->share)
		json_maker_add_u64(&m, "share", f->share);
	json_maker_add_u64(&m, "target_kib", f->target_kib);
	json_maker_add_bool(&m, "pinned", f->pinned);
	if (f->refused)
		json_maker_add(&m, "refused", refused_json(f));
	json_maker_add_u64(&m, "refusals", f->refusals);
	json_maker_add_u64(&m, "actual_kib", f->actual_kib);
	json_maker_add_u64(&m, "ballooned_kib", f->ballooned_kib);
	if (f->due_kib)
		json_maker_add_u64(&m, "due_kib", f->due_kib);
	if (f->unowed_kib)
		json_maker_add_u64(&m, "unowed_kib", f->unowed_kib);
	json_maker_add_u64(&m, "domain_max_kib", f->domain_max_kib);
	if (balloon_stall_name(f->stall))
		json_maker_add(&m, "stalled", stall_json(f));
	json_maker_add_u64(&m, "stalls", f->stalls);
	if (f->paused)
		json_maker_add_bool(&m, "paused", true);
	if (f->holes_kib)
		json_maker_add_u64(&m, "holes_kib", f->holes_kib);
	json_maker_add_u64(&m, "inflated_bytes", f->inflated_bytes);
	json_maker_add_u64(&m, "deflated_bytes", f->deflated_bytes);
	json_maker_add_u64(&m, "inflate_ns", f->inflate_ns);
	json_maker_add_u64(&m, "deflate_ns", f->deflate_ns);
	json_maker_add_u64(&m, "inflate_messages", f->inflate_messages);
	json_maker_add_u64(&m, "deflate_messages", f->deflate_messages);
	json_maker_add_u64(&m, "inflate_decode_ns", f->inflate_decode_ns);
	json_maker_add_u64(&m, "deflate_decode_ns", f->deflate_decode_ns);
	json_maker_add_u64(&m, "inflate_hypercall_ns", f->inflate_hypercall_ns);
	json_maker_add_u64(&m, "deflate_hypercall_ns", f->deflate_hypercall_ns);
	figures_add_guest_errors(&m, &f->common);
	return json_maker_end(&m);
}

static struct json_object *stats_values_json(const struct balloon_figures *f)
{
	struct json_maker m = json_maker_begin();

	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++) {
		if (f->stats_valid & UINT32_C(1) << tag)
			json_maker_add_u64(&m, balloon_stat_name(tag), f->stats[tag]);
	}
	return json_maker_end(&m);
}

struct json_object *balloon_stats_json(const struct balloon_figures *f)
{
	struct json_maker m = json_maker_begin();

	figures_add_device(&m, &f->common);
	json_maker_add_u64(&m, "sequence", f->stats_sequence);
	if (f->stats_sequence) {
		json_maker_add_u64(&m, "age_ms", f->stats_age_ms);
		json_maker_add_u64(&m, "ballooned_kib", f->stats_ballooned_kib);
	}
	json_maker_add(&m, "stats", stats_values_json(f));
	return json_maker_end(&m);
}

struct json_object *balloon_unused_json(const struct balloon_figures *f)
{
	struct json_maker m = json_maker_begin();

	figures_add_device(&m, &f->common);
	json_maker_add_text(&m, "via", balloon_via_name(f->unused_via));
	json_maker_add_u64(&m, "ram_kib", f->ram_kib);
	json_maker_add_u64(&m, "ballooned_kib", f->ballooned_kib);
	json_maker_add_u64(&m, "unused_kib", f->unused_kib);
	json_maker_add_u64(&m, "took_ns", f->unused_ns);
	return json_maker_end(&m);
}

/* --- and back --- */

static bool get_stall(struct json_object *json, struct balloon_figures *f)
{
	struct json_object *v;
	char why[16];

	if (!json_object_object_get_ex(json, "stalled", &v))
		return true;
	if (!json_object_is_type(v, json_type_object) || !json_get_text(v, "why", why, sizeof(why)) ||
	    !json_get_u64(v, "need_kib", &f->stall_kib))
		return false;
	/* a reason of a later version is still a stall */
	f->stall = strcmp(why, "max-mem") == 0 ? BALLOON_STALL_MAX_MEM : BALLOON_STALL_HOST;
	return true;
}

/* Half a refusal is none. */
static void get_refused(struct json_object *json, struct balloon_figures *f)
{
	struct json_object *v;

	f->refused = json_object_object_get_ex(json, "refused", &v) &&
		     json_object_is_type(v, json_type_object) &&
		     json_get_u64(v, "target_kib", &f->refused_kib) &&
		     json_get_u64(v, "free_kib", &f->refused_free_kib) &&
		     json_get_u64(v, "owed_kib", &f->refused_owed_kib);
}

int balloon_from_status(struct balloon_figures *f, struct json_object *json)
{
	*f = (struct balloon_figures){0};
	if (!figures_get_status(&f->common, json) ||
	    !json_get_u64(json, "static_max_kib", &f->static_max_kib) ||
	    !json_get_u64(json, "target_kib", &f->target_kib) ||
	    !json_get_u64(json, "actual_kib", &f->actual_kib) ||
	    !json_get_u64(json, "ballooned_kib", &f->ballooned_kib) || !get_stall(json, f))
		return -EPROTO;
	json_get_u64(json, "due_kib", &f->due_kib);
	json_get_u64(json, "unowed_kib", &f->unowed_kib);
	json_get_u64(json, "domain_max_kib", &f->domain_max_kib);
	json_get_u64(json, "dynamic_min_kib", &f->dynamic_min_kib);
	json_get_u64(json, "limit_kib", &f->limit_kib);
	json_get_u64(json, "share", &f->share);
	json_get_bool(json, "pinned", &f->pinned);
	get_refused(json, f);
	json_get_u64(json, "refusals", &f->refusals);
	json_get_u64(json, "stalls", &f->stalls);
	json_get_bool(json, "paused", &f->paused);
	json_get_u64(json, "holes_kib", &f->holes_kib);
	json_get_u64(json, "inflated_bytes", &f->inflated_bytes);
	json_get_u64(json, "deflated_bytes", &f->deflated_bytes);
	json_get_u64(json, "inflate_ns", &f->inflate_ns);
	json_get_u64(json, "deflate_ns", &f->deflate_ns);
	json_get_u64(json, "inflate_messages", &f->inflate_messages);
	json_get_u64(json, "deflate_messages", &f->deflate_messages);
	json_get_u64(json, "inflate_decode_ns", &f->inflate_decode_ns);
	json_get_u64(json, "deflate_decode_ns", &f->deflate_decode_ns);
	json_get_u64(json, "inflate_hypercall_ns", &f->inflate_hypercall_ns);
	json_get_u64(json, "deflate_hypercall_ns", &f->deflate_hypercall_ns);
	return 0;
}

int balloon_from_stats(struct balloon_figures *f, struct json_object *json)
{
	struct json_object *v;

	if (!figures_get_device(&f->common, json) ||
	    !json_get_u64(json, "sequence", &f->stats_sequence) ||
	    !json_object_object_get_ex(json, "stats", &v) ||
	    !json_object_is_type(v, json_type_object))
		return -EPROTO;
	f->stats_age_ms = 0;
	json_get_u64(json, "age_ms", &f->stats_age_ms);
	/* a daemon that does not say is taken to have been idle */
	f->stats_ballooned_kib = f->ballooned_kib;
	json_get_u64(json, "ballooned_kib", &f->stats_ballooned_kib);
	f->stats_valid = 0;
	for (unsigned int tag = 0; tag < BALLOON_STATS; tag++) {
		if (json_get_u64(v, balloon_stat_name(tag), &f->stats[tag]))
			f->stats_valid |= UINT32_C(1) << tag;
	}
	return 0;
}

int balloon_from_unused(struct balloon_figures *f, struct json_object *json)
{
	char via[32];

	*f = (struct balloon_figures){0};
	if (!figures_get_device(&f->common, json) || !json_get_text(json, "via", via, sizeof(via)) ||
	    !json_get_u64(json, "ram_kib", &f->ram_kib) ||
	    !json_get_u64(json, "ballooned_kib", &f->ballooned_kib) ||
	    !json_get_u64(json, "unused_kib", &f->unused_kib) ||
	    !json_get_u64(json, "took_ns", &f->unused_ns))
		return -EPROTO;
	f->unused_via = strcmp(via, balloon_via_name(BALLOON_UNUSED_VIA_HINT)) == 0
				? BALLOON_UNUSED_VIA_HINT
				: BALLOON_UNUSED_VIA_HOST_REQ;
	return 0;
}
