// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The balloon's figures: pages to KiB and bytes, a point in time to an age.
 */
#include "backend/devices/balloon/figures/balloon-figures.h"
#include "backend/base/clock.h"

#include <string.h>

#define KIB_PER_PAGE (XENVIRTIO_PAGE_SIZE / 1024)

void balloon_figures_take(struct balloon_figures *f, const struct balloon_status *status)
{
	f->common.driver_ok = status->driver_ok;
	f->actual_kib = status->actual_pages * (uint64_t)KIB_PER_PAGE;
	f->ballooned_kib = status->ballooned_pages * KIB_PER_PAGE;
	f->due_kib = status->due_pages * KIB_PER_PAGE;
	f->unowed_kib = status->owed_pages < status->ballooned_pages
				? (status->ballooned_pages - status->owed_pages) * KIB_PER_PAGE
				: 0;
	f->stall = status->stall;
	f->stall_kib = status->stall_pages * KIB_PER_PAGE;
	f->stalls = status->stalls;
	f->paused = status->guest_paused;
	f->holes_kib = status->on_holes ? status->stall_pages * KIB_PER_PAGE : 0;
	f->inflated_bytes = status->inflated_pages * XENVIRTIO_PAGE_SIZE;
	f->deflated_bytes = status->deflated_pages * XENVIRTIO_PAGE_SIZE;
	f->inflate_ns = status->inflate_ns;
	f->deflate_ns = status->deflate_ns;
	f->inflate_messages = status->inflate_messages;
	f->deflate_messages = status->deflate_messages;
	f->inflate_decode_ns = status->inflate_decode_ns;
	f->deflate_decode_ns = status->deflate_decode_ns;
	f->inflate_hypercall_ns = status->inflate_hypercall_ns;
	f->deflate_hypercall_ns = status->deflate_hypercall_ns;
	memcpy(f->common.guest_errors, status->guest_errors, sizeof(f->common.guest_errors));
	f->stats_sequence = status->stats_sequence;
	f->stats_age_ms = status->stats_sequence ? (clock_now_ns() - status->stats_ns) / 1000000 : 0;
	f->stats_ballooned_kib = status->stats_ballooned_pages * KIB_PER_PAGE;
	f->stats_valid = status->stats_valid;
	memcpy(f->stats, status->stats, sizeof(f->stats));
	f->unused = status->unused;
	f->unused_via = status->unused_via;
	f->unused_kib = status->unused_pages * KIB_PER_PAGE;
	f->ram_kib = status->ram_pages * KIB_PER_PAGE;
}

const char *balloon_stall_name(enum balloon_stall stall)
{
	switch (stall) {
	case BALLOON_STALL_MAX_MEM:
		return "max-mem";
	case BALLOON_STALL_HOST:
		return "host";
	default:
		return NULL;
	}
}

const char *balloon_via_name(enum balloon_unused_via via)
{
	return via == BALLOON_UNUSED_VIA_HINT ? "free-page-hint" : "host-request";
}

uint64_t balloon_gone_kib(const struct balloon_figures *f)
{
	uint64_t gone;

	return __builtin_add_overflow(f->ballooned_kib, f->due_kib, &gone) ? UINT64_MAX : gone;
}

uint64_t balloon_wanted_kib(const struct balloon_figures *f)
{
	return f->static_max_kib > f->target_kib ? f->static_max_kib - f->target_kib : 0;
}
