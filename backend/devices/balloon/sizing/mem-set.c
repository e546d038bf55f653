// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Following `xl mem-set`. xl sets max_mem before it commits memory/target, so by the time the watch
 * fires max_mem is as low as it gets.
 */
#include "backend/devices/balloon/sizing/mem-set.h"
#include "backend/devices/balloon/figures/balloon-names.h"
#include "backend/base/size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenvirtio/types.h>

/**
 * LIBXL_MAXMEM_CONSTANT, what libxl grants a domain beyond its memory, in KiB, and a page that shows
 * whether it was libxl that set it
 */
#define MAX_MEM_SLACK_KIB (1024u + 4u)

int mem_set_strip_perms(const char *perms, uint32_t domid, char *out)
{
	bool first = true, stripped = false;
	size_t used = 0;

	if (strlen(perms) >= MEM_SET_PERMS_MAX)
		return -EMSGSIZE;
	for (const char *at = perms;; first = false) {
		size_t len = strcspn(at, ",");
		unsigned long id;
		char *end;

		if (len < 2 || !strchr("nrwb", at[0]) || at[1] < '0' || at[1] > '9')
			return -EINVAL;
		id = strtoul(at + 1, &end, 10);
		if (end != at + len)
			return -EINVAL;
		if (id == domid && first)
			return -EINVAL;
		if (id == domid) {
			stripped = true;
		} else {
			if (!first)
				out[used++] = ',';
			memcpy(out + used, at, len);
			used += len;
		}
		if (!at[len])
			break;
		at += len + 1;
	}
	out[used] = '\0';
	return stripped ? 0 : XENVIRTIO_E_EMPTY;
}

void mem_set_init(struct mem_set *m, struct log *log, struct store_link *link,
		  struct xenvirtio_hv *hv, struct target *target, uint32_t domid, char *saved_perms)
{
	*m = (struct mem_set){
		.log = log,
		.link = link,
		.hv = hv,
		.target = target,
		.domid = domid,
		.saved_perms = saved_perms,
	};
	snprintf(m->path, sizeof(m->path), "/local/domain/%" PRIu32 "/memory/target", domid);
}

/* Written once, before the domain runs; -1 where nobody has set it. */
static void read_videoram(struct mem_set *m)
{
	char path[sizeof(m->path)], value[XENVIRTIO_STORE_TEXT_MAX];
	uint64_t kib;

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/memory/videoram", m->domid);
	if (!store_link_read(m->link, path, value, sizeof(value)) && !size_parse_kib(value, &kib) &&
	    kib < m->target->static_max_kib)
		m->videoram_kib = kib;
}

/* Return: 0; as store_link_read(); -EINVAL: said */
static int read_key(struct mem_set *m, uint64_t *kib)
{
	char value[XENVIRTIO_STORE_TEXT_MAX];
	int rc = store_link_read(m->link, m->path, value, sizeof(value));

	if (rc)
		return rc;
	read_videoram(m);
	rc = size_parse_kib(value, kib);
	if (!rc && !__builtin_add_overflow(*kib, m->videoram_kib, kib))
		return 0;
	log_limited(m->log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
		    "%s: '%.64s' is not a number of KiB: ignored", m->path, value);
	return -EINVAL;
}

static void take_permission(struct mem_set *m)
{
	char perms[MEM_SET_PERMS_MAX], less[MEM_SET_PERMS_MAX];
	int rc;

	rc = store_link_get_perms(m->link, m->path, perms, sizeof(perms));
	/* away, or not written yet: the watch tells */
	if (rc == -EPIPE || rc == -ENOENT)
		return;
	if (!rc)
		rc = mem_set_strip_perms(perms, m->domid, less);
	if (rc == XENVIRTIO_E_EMPTY)
		return;
	if (!rc) {
		/* kept before it is taken: a death in between gives back what was never taken */
		if (!m->saved_perms[0])
			strcpy(m->saved_perms, perms);
		rc = store_link_set_perms(m->link, m->path, less);
		if (rc == -EPIPE)
			return;
	}
	if (rc)
		log_msg(m->log, LOG_LEVEL_WARNING, rc,
			"%s: cannot take the guest's permission to read it: a Xen balloon driver "
			"in the guest will act on it too",
			m->path);
}

int mem_set_start(struct mem_set *m)
{
	int rc;

	m->following = true;
	take_permission(m);
	rc = store_link_watch(m->link, m->path, MEM_SET_TOKEN);
	if (rc)
		return rc;
	mem_set_hold_max_mem(m);
	return 0;
}

void mem_set_stop(struct mem_set *m)
{
	int rc;

	if (m->following)
		store_link_unwatch(m->link, m->path, MEM_SET_TOKEN);
	m->following = false;
	if (!m->saved_perms[0])
		return;
	rc = store_link_set_perms(m->link, m->path, m->saved_perms);
	if (rc && rc != -ENOENT) {
		log_msg(m->log, LOG_LEVEL_WARNING, rc,
			"%s: cannot give the guest its permission back: xenstore-chmod %s %s",
			m->path, m->path, m->saved_perms);
		/* the next process tries again */
		return;
	}
	m->saved_perms[0] = '\0';
}

void mem_set_again(struct mem_set *m)
{
	if (m->following)
		take_permission(m);
	else if (m->saved_perms[0])
		mem_set_stop(m);
}

bool mem_set_read(struct mem_set *m)
{
	bool again;
	uint64_t kib;

	if (!m->following || read_key(m, &kib))
		return false;
	/* a node that was made anew can be read by the guest again */
	take_permission(m);
	mem_set_hold_max_mem(m);
	again = m->lowered;
	m->lowered = false;
	/* the watch fires when it is set, and for permissions */
	if (!again && !words_news(m->target->words, WORDS_MEM_SET, kib))
		return false;
	target_set(m->target, kib, "memory/target");
	words_see(m->target->words, WORDS_MEM_SET, kib);
	return true;
}

void mem_set_pass(struct mem_set *m)
{
	uint64_t kib;

	m->lowered = false;
	if (m->following && !read_key(m, &kib))
		words_see(m->target->words, WORDS_MEM_SET, kib);
}

uint64_t mem_set_key_kib(struct mem_set *m)
{
	uint64_t kib;

	return read_key(m, &kib) ? 0 : kib;
}

void mem_set_hold_max_mem(struct mem_set *m)
{
	uint64_t wanted_kib = m->target->static_max_kib + MAX_MEM_SLACK_KIB;
	struct xenvirtio_domain_info info;
	int rc;

	if (!m->following)
		return;
	rc = m->hv->ops->domain_info(m->hv, &info);
	if (rc)
		return;
	if (info.max_pages >= wanted_kib >> (XENVIRTIO_PAGE_SHIFT - 10))
		return;
	m->lowered = true;
	rc = m->hv->ops->set_max_mem(m->hv, wanted_kib);
	if (rc < 0 && !m->max_mem_told)
		log_msg(m->log, LOG_LEVEL_WARNING, rc,
			"cannot hold the domain's max_mem at static-max: memory may not come back");
	m->max_mem_told = rc < 0;
}
