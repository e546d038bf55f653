// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Targets. Our own writes to the node come back as watch events; they name the size in force and so
 * change nothing.
 */
#include "backend/target.h"
#include "backend/size.h"

#include <errno.h>
#include <stdio.h>
#include <xenvirtio/types.h>

#define KEY "target"
#define KIB_PER_PAGE (XENVIRTIO_PAGE_SIZE / 1024)

void target_init(struct target *t, struct log *log, struct publish *publish, const char *node,
		 uint64_t static_max_kib, void (*changed)(void *opaque, uint64_t kib), void *opaque)
{
	*t = (struct target){
		.log = log,
		.link = publish->link,
		.publish = publish,
		.static_max_kib = static_max_kib,
		.kib = static_max_kib,
		.changed = changed,
		.opaque = opaque,
	};
	snprintf(t->path, sizeof(t->path), "%s/" KEY, node);
}

void target_set(struct target *t, uint64_t kib, const char *source)
{
	char asked[SIZE_TEXT_MAX], max[SIZE_TEXT_MAX];

	if (kib > t->static_max_kib) {
		log_limited(t->log, LOG_KIND_TARGET, LOG_LEVEL_WARNING, 0,
			    "%s asks for %s, more than the guest's %s (memory/static-max): taken "
			    "as that",
			    source, size_format(kib, asked), size_format(t->static_max_kib, max));
		kib = t->static_max_kib;
	} else {
		kib -= kib % KIB_PER_PAGE;
	}
	if (kib != t->kib) {
		log_msg(t->log, LOG_LEVEL_INFO, 0, "target is %s now (%s)", size_format(kib, asked),
			source);
		t->kib = kib;
		t->changed(t->opaque, kib);
	}
	publish_u64(t->publish, KEY, kib);
}

bool target_read_node(struct target *t)
{
	char value[XENVIRTIO_STORE_TEXT_MAX];
	uint64_t kib;
	int rc;

	if (!t->link)
		return false;
	rc = store_link_read(t->link, t->path, value, sizeof(value));
	if (rc == -EPIPE)
		return false;
	if (rc) {
		/* removed, or not there yet: it shows what is in force */
		publish_rewrite(t->publish, KEY);
		return false;
	}
	rc = size_parse_kib(value, &kib);
	if (rc) {
		log_limited(t->log, LOG_KIND_TARGET, LOG_LEVEL_WARNING, 0,
			    "%s: '%.64s' is not a number of KiB: ignored", t->path, value);
		publish_u64(t->publish, KEY, t->kib);
		publish_rewrite(t->publish, KEY);
		return false;
	}
	target_set(t, kib, "key target");
	if (kib != t->kib)
		publish_rewrite(t->publish, KEY);
	return true;
}

uint32_t target_balloon_pages(const struct target *t)
{
	uint64_t pages = (t->static_max_kib - t->kib) / KIB_PER_PAGE;

	return pages > UINT32_MAX ? UINT32_MAX : (uint32_t)pages;
}
