// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Targets. Our own writes to the node come back as watch events; they name the size in force and so
 * change nothing.
 */
#include "backend/devices/balloon/sizing/target.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/base/clock.h"
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
/** less is a slip, most often: "8" was meant as GiB */
#define FLOOR_KIB (64u * 1024u)
#define FLOOR_PART 8
/** a write of ours comes back as an event; one of the same size that is later is somebody else's */
#define ECHO_MS 1000u

void target_init(struct target *t, struct log *log, struct publish *publish, const char *node,
		 uint64_t static_max_kib, void (*changed)(void *opaque, uint64_t kib), void *opaque)
{
	*t = (struct target){
		.log = log,
		.link = publish->link,
		.publish = publish,
		.static_max_kib = static_max_kib,
		.max_kib = static_max_kib,
		.kib = static_max_kib,
		.changed = changed,
		.opaque = opaque,
	};
	snprintf(t->path, sizeof(t->path), "%s/" KEY, node);
	t->words = &t->own_words;
}

static void note(struct target *t)
{
	words_note(t->words, t->kib, t->pinned);
}

void target_show(struct target *t)
{
	note(t);
	t->wrote_ms = clock_now_ms();
	publish_u64(t->publish, KEY, t->kib);
	/* what stands there from now on, if it does, is ours */
	if (publish_is_written(t->publish, KEY))
		words_see(t->words, WORDS_NODE, t->kib);
}

void target_expect_echo(struct target *t)
{
	t->wrote_ms = clock_now_ms();
}

/* Over what somebody else has written. */
static void show_again(struct target *t)
{
	publish_u64(t->publish, KEY, t->kib);
	publish_rewrite(t->publish, KEY);
	target_show(t);
}

void target_pin(struct target *t)
{
	t->pinned = true;
	note(t);
	publish_text(t->publish, KEY_PINNED, "1");
}

void target_begin(struct target *t, struct words *words)
{
	t->words = words;
	t->pinned = false;
	publish_remove(t->publish, KEY_PINNED);
}

void target_unpin(struct target *t)
{
	t->pinned = false;
	note(t);
	publish_remove(t->publish, KEY_PINNED);
}

void target_limit(struct target *t, uint64_t max_kib)
{
	t->max_kib = t->static_max_kib;
	if (max_kib && max_kib < t->static_max_kib)
		t->max_kib = max_kib - max_kib % KIB_PER_PAGE;
	if (t->kib > t->max_kib)
		t->kib = t->max_kib;
}

void target_keep(struct target *t, struct words *words)
{
	t->words = words;
	words_check(words);
	if (!words_known(words))
		return;
	t->kib = words->kib < t->static_max_kib ? words->kib : t->static_max_kib;
	if (words->pinned)
		target_pin(t);
	else
		target_unpin(t);
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
static void refuse_below_floor(struct target *t, uint64_t kib, const char *source)
{
	char asked[SIZE_TEXT_MAX], floor[SIZE_TEXT_MAX], text[PUBLISH_VALUE_MAX];

	log_limited(t->log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
		    "%s asks for %s: refused: less than %s is most often a slip (--force takes it "
		    "nevertheless)",
		    source, size_format(kib, asked), size_format(t->floor_kib, floor));
	snprintf(text, sizeof(text), "%" PRIu64 " KiB: floor %" PRIu64 " KiB", kib, t->floor_kib);
	publish_text(t->publish, KEY_REFUSED, text);
	show_again(t);
}

/* It has lapsed with that: whoever wants it asks again. */
static void refuse(struct target *t, uint64_t kib, const char *source)
{
	char asked[SIZE_TEXT_MAX], free_text[SIZE_TEXT_MAX], owed[SIZE_TEXT_MAX];
	char text[PUBLISH_VALUE_MAX + 32];

	log_limited(
		t->log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
		"%s asks for %s: refused, and not tried again: the host has %s free, and %s is in "
		"balloons that guests may take back: name it again when that fits (--overcommit "
		"takes it nevertheless)",
		source, size_format(kib, asked), size_format(t->reserve.free_kib, free_text),
		size_format(t->reserve.owed_kib, owed));
	t->refused = true;
	t->refused_kib = kib;
	t->refusals++;
	snprintf(text, sizeof(text), "%" PRIu64 " KiB: free %" PRIu64 " KiB, owed %" PRIu64 " KiB",
		 kib, t->reserve.free_kib, t->reserve.owed_kib);
	publish_text(t->publish, KEY_REFUSED, text);
	/* what asked may have written it there */
	show_again(t);
}

/* @pin: somebody names it. Return: whether it is in force; @changed: out; whether it was not before. */
static bool take(struct target *t, uint64_t kib, const char *source, bool pin, bool *changed)
{
	char asked[SIZE_TEXT_MAX], max[SIZE_TEXT_MAX];

	*changed = false;
	if (kib > t->max_kib) {
		log_limited(t->log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
			    "%s asks for %s, more than the guest's %s (%s): taken "
			    "as that",
			    source, size_format(kib, asked), size_format(t->max_kib, max),
			    t->max_kib < t->static_max_kib ? "its limit" : "memory/static-max");
		kib = t->max_kib;
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
		t->pinned = t->pinned || pin;
		note(t);
		t->changed(t->opaque, kib);
	}
	target_show(t);
	return true;
}

bool target_set_forced(struct target *t, uint64_t kib, const char *source)
{
	bool changed, taken = take(t, kib, source, true, &changed);

	if (changed)
		target_pin(t);
	if (taken && t->named)
		t->named(t->opaque);
	return taken;
}

/* What gives the guest some back is no slip, however little it leaves. */
bool target_set(struct target *t, uint64_t kib, const char *source)
{
	if (kib < t->floor_kib && kib < t->kib) {
		refuse_below_floor(t, kib, source);
		return false;
	}
	return target_set_forced(t, kib, source);
}

bool target_set_auto(struct target *t, uint64_t kib)
{
	bool changed;

	/* what it goes by is other processes' word */
	if (kib < t->floor_kib && kib < t->kib)
		return false;
	return take(t, kib, "--auto", false, &changed);
}

/* @kib: stands in the key. Return: whether that is a word */
static bool is_word(const struct target *t, uint64_t kib)
{
	if (kib != t->kib)
		return words_news(t->words, WORDS_NODE, kib);
	/* our own, or the same once more */
	return clock_now_ms() - t->wrote_ms > ECHO_MS;
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
		/* removed, or not there yet: it shows what is in force, and what follows is its echo */
		t->wrote_ms = clock_now_ms();
		publish_rewrite(t->publish, KEY);
		return false;
	}
	rc = size_parse_kib(value, &kib);
	if (rc) {
		log_limited(t->log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
			    "%s: '%.64s' is not a number of KiB: ignored", t->path, value);
		show_again(t);
		return false;
	}
	if (is_word(t, kib))
		target_set(t, kib, "key target");
	if (kib != t->kib)
		show_again(t);
	else
		words_see(t->words, WORDS_NODE, kib);
	return true;
}

uint64_t target_floor_kib(uint64_t static_max_kib, uint64_t dynamic_min_kib)
{
	uint64_t floor_kib = static_max_kib / FLOOR_PART;

	if (dynamic_min_kib)
		return dynamic_min_kib < static_max_kib ? dynamic_min_kib : static_max_kib;
	if (floor_kib < FLOOR_KIB)
		floor_kib = FLOOR_KIB;
	return floor_kib < static_max_kib / 2 ? floor_kib : static_max_kib / 2;
}

uint32_t target_balloon_pages(const struct target *t)
{
	uint64_t pages = (t->static_max_kib - t->kib) / KIB_PER_PAGE;

	return pages > UINT32_MAX ? UINT32_MAX : (uint32_t)pages;
}
