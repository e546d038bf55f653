// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Publication: a cache of what stands in xenstore, compared before each write.
 */
#include "backend/xenstore/publish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void publish_init(struct publish *p, struct store_link *link, struct log *log, const char *node)
{
	*p = (struct publish){.link = link, .log = log};
	snprintf(p->node, sizeof(p->node), "%s", node);
}

void publish_stop(struct publish *p)
{
	p->link = NULL;
}

static struct publish_entry *find_entry(struct publish *p, const char *key)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		if (strcmp(p->entry[i].key, key) == 0)
			return &p->entry[i];
	}
	return NULL;
}

static struct publish_entry *make_entry(struct publish *p, const char *key)
{
	struct publish_entry *e = find_entry(p, key);

	if (e)
		return e;
	if (p->nr == PUBLISH_ENTRIES_MAX || strlen(key) >= PUBLISH_KEY_MAX) {
		log_limited(p->log, LOG_KIND_STORE, LOG_LEVEL_ERROR, -ENOSPC, "cannot publish %s",
			    key);
		return NULL;
	}
	e = &p->entry[p->nr++];
	strcpy(e->key, key);
	return e;
}

static void write_entry(struct publish *p, struct publish_entry *e)
{
	char path[sizeof(p->node) + 1 + PUBLISH_KEY_MAX];
	int rc;

	if (!p->link)
		return;
	e->written = false;
	if (p->held || p->noting)
		return;
	snprintf(path, sizeof(path), "%s/%s", p->node, e->key);
	if (e->present)
		rc = store_link_write(p->link, path, e->value);
	else
		rc = store_link_remove(p->link, path);
	e->written = rc == 0;
	/* that xenstore is away has been said once */
	if (rc && rc != -EPIPE)
		log_limited(p->log, LOG_KIND_STORE, LOG_LEVEL_WARNING, rc, "cannot write %s", path);
}

void publish_text(struct publish *p, const char *key, const char *value)
{
	struct publish_entry *e = make_entry(p, key);
	char text[PUBLISH_VALUE_MAX];

	if (!e)
		return;
	snprintf(text, sizeof(text), "%s", value);
	if (e->present && e->written && strcmp(e->value, text) == 0)
		return;
	strcpy(e->value, text);
	e->present = true;
	write_entry(p, e);
}

void publish_u64(struct publish *p, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	publish_text(p, key, text);
}

void publish_remove(struct publish *p, const char *key)
{
	struct publish_entry *e = make_entry(p, key);

	if (!e || (!e->present && e->written))
		return;
	e->present = false;
	write_entry(p, e);
}

void publish_rewrite(struct publish *p, const char *key)
{
	struct publish_entry *e = find_entry(p, key);

	if (e)
		write_entry(p, e);
}

bool publish_is_written(struct publish *p, const char *key)
{
	struct publish_entry *e = find_entry(p, key);

	return e && e->written;
}

void publish_flush(struct publish *p)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		if (!p->entry[i].written)
			write_entry(p, &p->entry[i]);
	}
}

void publish_note(struct publish *p, bool on)
{
	p->noting = on;
}

bool publish_some(struct publish *p, unsigned int nr)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		struct publish_entry *e = &p->entry[i];

		if (e->written)
			continue;
		if (!p->link || p->held || !nr)
			return p->link && !p->held;
		write_entry(p, e);
		/* the next publish_flush() tries again */
		if (!e->written)
			return false;
		nr--;
	}
	return false;
}

void publish_hold(struct publish *p)
{
	p->held = true;
}

void publish_again(struct publish *p)
{
	p->held = false;
	for (unsigned int i = 0; i < p->nr; i++)
		p->entry[i].written = false;
	publish_flush(p);
}
