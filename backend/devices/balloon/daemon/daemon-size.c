// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the memory the guest shall have to the size of the balloon that its driver is asked for:
 * less what others keep from the guest (withheld.h), and with time for one that was out of memory
 * (comeback.h). Looked at with each report, so at least as often as the balloon moves.
 */
#include "backend/base/clock.h"
#include "backend/base/size.h"
#include "backend/devices/balloon/daemon/balloon-daemon.h"

#include <errno.h>
#include <inttypes.h>

static uint64_t max_pages(const struct balloon_daemon *d)
{
	return d->target.static_max_kib / KIB_PER_PAGE;
}

/* What cannot be asked stays as it was known last. */
void balloon_daemon_count_room(struct balloon_daemon *d)
{
	struct balloon_status status;
	struct xenvirtio_domain_info info;
	struct xenvirtio_pod_info pod = {0};
	struct withheld_count c;

	balloon_get_status(d->balloon, &status);
	if (d->host.hv->ops->domain_info(d->host.hv, &info) ||
	    (XENVIRTIO_HV_HAS(d->host.hv, pod_info) &&
	     d->host.hv->ops->pod_info(d->host.hv, &pod)))
		return;
	c = (struct withheld_count){
		.static_max = max_pages(d),
		.tot = info.tot_pages,
		.pod = pod.entries,
		.pod_cache = pod.cache_pages,
		.ballooned = status.ballooned_pages,
	};
	if (withheld_pages(&c))
		c.by_key = mem_set_key_kib(&d->mem_set) / KIB_PER_PAGE;
	d->held_pages = withheld_pages(&c);
}

uint64_t balloon_daemon_max_kib(const struct balloon_daemon *d)
{
	uint64_t held_kib = d->held_pages * KIB_PER_PAGE;

	return held_kib < d->target.static_max_kib ? d->target.static_max_kib - held_kib : 0;
}

uint64_t balloon_daemon_wanted_kib(const struct balloon_daemon *d, uint64_t kib)
{
	return withheld_balloon(max_pages(d), d->held_pages, kib / KIB_PER_PAGE) * KIB_PER_PAGE;
}

/* What the guest could give, as it says; @stats_ms: when it did, or 0. */
static uint64_t available_pages(const struct balloon_status *status, uint64_t *stats_ms)
{
	struct balloon_figures f = {0};
	struct policy_guest g;

	balloon_figures_take(&f, status);
	g = auto_guest(&f);
	*stats_ms = g.has_stats ? status->stats_ns / 1000000 + 1 : 0;
	return g.available_kib / KIB_PER_PAGE;
}

static void tell_guest(struct balloon_daemon *d, const struct balloon_status *status)
{
	uint32_t pages = d->comeback.told > UINT32_MAX ? UINT32_MAX : (uint32_t)d->comeback.told;
	bool again = d->ordered && pages == status->target_pages &&
		     status->ballooned_pages < pages && status->driver_ok;
	int rc = again ? xenvirtio_device_config_changed(balloon_device(d->balloon))
		       : balloon_set_target(d->balloon, pages);

	d->ordered = false;
	if (rc == -EINVAL)
		log_limited(d->host.log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
			    "a balloon of %" PRIu32
			    " pages is larger than the guest's RAM: ignored",
			    pages);
	else
		balloon_daemon_end_on(d, rc, "cannot tell the guest its target");
}

static void say_out_of_memory(struct balloon_daemon *d, const struct comeback_look *look)
{
	char size[SIZE_TEXT_MAX];

	log_limited(d->host.log, BALLOON_LOG_TARGET, LOG_LEVEL_NOTICE, 0,
		    "the guest is out of memory and takes some back: it is asked for the %s that "
		    "are missing when it can spare them, not before %u s are over",
		    size_format((look->want - look->ballooned) * KIB_PER_PAGE, size),
		    d->comeback.pause_ms / 1000);
}

void balloon_daemon_size(struct balloon_daemon *d)
{
	struct balloon_status status;
	struct comeback_look look;
	unsigned int wait_ms;

	if (!d->balloon || !d->sizing)
		return;
	balloon_get_status(d->balloon, &status);
	look = (struct comeback_look){
		.want = balloon_daemon_wanted_kib(d, d->target.kib) / KIB_PER_PAGE,
		.ballooned = status.ballooned_pages + status.due_pages,
		.now_ms = clock_now_ms(),
		.driver_ok = status.driver_ok,
	};
	look.has = balloon_daemon_max_kib(d) / KIB_PER_PAGE;
	look.has = look.has > look.ballooned ? look.has - look.ballooned : 0;
	look.available = available_pages(&status, &look.stats_ms);
	if (comeback_look(&d->comeback, &look))
		say_out_of_memory(d, &look);
	wait_ms = comeback_wait_ms(&d->comeback, look.now_ms);
	if (wait_ms)
		timer_set(d->comeback_over, wait_ms);
	else
		timer_stop(d->comeback_over);
	tell_guest(d, &status);
}

void balloon_daemon_resize(struct balloon_daemon *d)
{
	if (!d->balloon || !d->sizing)
		return;
	balloon_daemon_count_room(d);
	balloon_daemon_size(d);
}

void balloon_daemon_on_comeback(void *opaque)
{
	balloon_daemon_size(opaque);
}

void balloon_daemon_named(void *opaque)
{
	struct balloon_daemon *d = opaque;

	comeback_order(&d->comeback);
	d->ordered = true;
	balloon_daemon_size(d);
}

void balloon_daemon_start_size(struct balloon_daemon *d, uint64_t kept_kib)
{
	struct balloon_status status;

	if (!d->balloon)
		return;
	balloon_get_status(d->balloon, &status);
	/* one that is asked for less than shall be was left alone, and still is */
	if (d->adopted && d->target.kib == kept_kib)
		comeback_resume(&d->comeback, status.target_pages, clock_now_ms());
	d->sizing = true;
	balloon_daemon_size(d);
}

uint64_t balloon_daemon_made_with_kib(struct balloon_daemon *d)
{
	struct xenvirtio_pod_info pod = {0};
	uint64_t kib;

	if (!d->opts->mem_set_follow &&
	    (!XENVIRTIO_HV_HAS(d->host.hv, pod_info) ||
	     d->host.hv->ops->pod_info(d->host.hv, &pod) || !pod.entries))
		return d->target.static_max_kib;
	kib = mem_set_key_kib(&d->mem_set);
	return kib && kib < d->target.static_max_kib ? kib : d->target.static_max_kib;
}
