// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the balloon's feature bits are called: as in the specification, and as --bulk has those that
 * are in none.
 */
#include "backend/devices/balloon/daemon/balloon-daemon.h"

#include <xenvirtio/balloon.h>

static const char *bulk_name(const struct balloon_bits *bits, unsigned int bit)
{
	if (bit == bits->page_bitmap)
		return "bitmap";
	if (bit == bits->page_chunks)
		return "chunks";
	return bit == bits->host_req_vq ? "host-request" : NULL;
}

const char *balloon_daemon_feature_name(const void *self, unsigned int bit)
{
	static const char *const names[] = {
		[XENVIRTIO_BALLOON_F_MUST_TELL_HOST] = "must-tell-host",
		[XENVIRTIO_BALLOON_F_STATS_VQ] = "stats-vq",
		[XENVIRTIO_BALLOON_F_DEFLATE_ON_OOM] = "deflate-on-oom",
		[XENVIRTIO_BALLOON_F_FREE_PAGE_HINT] = "free-page-hint",
		[XENVIRTIO_BALLOON_F_PAGE_POISON] = "page-poison",
	};
	const struct balloon_daemon *d = self;
	const struct balloon_bits usual = bulk_bits_default();
	const char *name;

	if (bit < sizeof(names) / sizeof(names[0]))
		return names[bit];
	name = bulk_name(&d->opts->bulk, bit);
	/* a driver may have it from a process before this one, which was told otherwise */
	return name ? name : bulk_name(&usual, bit);
}
