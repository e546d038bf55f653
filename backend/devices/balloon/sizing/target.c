// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Targets. Our own writes to the node come back as watch events; they name the size in force and so
 * change nothing.
 */
#include "backend/devices/balloon/sizing/target.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/base/size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xenvirtio/types.h>

#define KEY "target"
#define KEY_PINNED "pinned"
#define KEY_REFUSED "refused"
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

void target_pin(struct target *t)
{
	t->pinned = true;
	publish_text(t->publish, KEY_PINNED, "1");
}

void target_unpin(struct target *t)
{
	t->pinned = false;
	publish_remove(t->publish, KEY_PINNED);
}

void target_read_pinned(struct target *t)
{
	char path[sizeof(t->path) + 8], value[XENVIRTIO_STORE_TEXT_MAX];

	if (!t->link)
		return;
	snprintf(path, sizeof(path), "%.*s" KEY_PINNED, (int)(strlen(t->path) - strlen(KEY)),
		 t->path);
	if (!store_link_read(t->link, path, value, sizeof(value)) && strcmp(value, "1") == 0)
		target_pin(t);
	else
		target_unpin(t);
}

/* Publication cuts a text that is too long; this one fits with any sizes that can be. */
static void refuse(struct target *t, uint64_t kib, const char *source)
{
	char asked[SIZE_TEXT_MAX], free_text[SIZE_TEXT_MAX], owed[SIZE_TEXT_MAX];
	char text[PUBLISH_VALUE_MAX + 32];

	log_limited(
		t->log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
		"%s asks for %s: refused: the host has %s free, and %s is in balloons that guests "
		"may take back (--overcommit takes it nevertheless)",
		source, size_format(kib, asked), size_format(t->reserve.free_kib, free_text),
		size_format(t->reserve.owed_kib, owed));
	t->refused = true;
	t->refused_kib = kib;
	t->refusals++;
	snprintf(text, sizeof(text), "%" PRIu64 " KiB: free %" PRIu64 " KiB, owed %" PRIu64 " KiB",
		 kib, t->reserve.free_kib, t->reserve.owed_kib);
	publish_text(t->publish, KEY_REFUSED, text);
	/* what asked may have written it there */
	publish_u64(t->publish, KEY, t->kib);
	publish_rewrite(t->publish, KEY);
}

/* Return: whether it is in force; @changed: out; whether it was not before. */
static bool take(struct target *t, uint64_t kib, const char *source, bool *changed)
{
	char asked[SIZE_TEXT_MAX], max[SIZE_TEXT_MAX];

	*changed = false;
	if (kib > t->static_max_kib) {
		log_limited(t->log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
			    "%s asks for %s, more than the guest's %s (memory/static-max): taken "
			    "as that",
			    source, size_format(kib, asked), size_format(t->static_max_kib, max));
		kib = t->static_max_kib;
	} else {
		kib -= kib % KIB_PER_PAGE;
	}
	if (kib < t->kib && t->admit && !t->admit(t->opaque, kib, &t->reserve)) {
		refuse(t, kib, source);
		return false;
	}
	if (kib != t->kib) {
		log_msg(t->log, LOG_LEVEL_INFO, 0, "target is %s now (%s)", size_format(kib, asked),
			source);
		*changed = true;
		t->refused = false;
		publish_remove(t->publish, KEY_REFUSED);
		t->kib = kib;
		t->changed(t->opaque, kib);
	}
	publish_u64(t->publish, KEY, kib);
	return true;
}

bool target_set(struct target *t, uint64_t kib, const char *source)
{
	bool changed, taken = take(t, kib, source, &changed);

	if (changed)
		target_pin(t);
	return taken;
}

bool target_set_auto(struct target *t, uint64_t kib)
{
	bool changed;

	return take(t, kib, "--auto", &changed);
}

void target_reset(struct target *t)
{
	bool changed;

	take(t, t->static_max_kib, "memory/static-max", &changed);
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
		log_limited(t->log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
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
