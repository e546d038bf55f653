// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counting what is owed: the key `owed` of every balloon of a living domain in the backend's tree, and `ballooned` where that is
 * all owed. Nodes are written by the toolstack and by device processes, and trusted to mean well, not to be well-formed: another
 * device type's key of that name is no balloon, and a node may outlive its domain, whose memory Xen has back.
 */
#include "backend/devices/balloon/sizing/reserve.h"
#include "backend/base/size.h"
#include "backend/devices/balloon/figures/balloon-names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** relative: below our own domain, which is the backend's */
#define TREE "backend/virtio"
/** the names of all guests with virtio devices, or of all devices of one */
#define NAMES_BYTES 65536u
/** the longest name that can be a number of either */
#define NAME_MAX_CHARS 9u
#define KIB_PER_PAGE (XENVIRTIO_PAGE_SIZE / 1024)

bool reserve_allows(const struct reserve *r, uint64_t balloon_kib, uint64_t wanted_kib)
{
	return wanted_kib <= balloon_kib || r->free_kib >= r->owed_kib;
}

static bool is_number(const char *name)
{
	size_t len = strlen(name);

	return len && len <= NAME_MAX_CHARS && strspn(name, "0123456789") == len;
}

/* What every domain has from its creation to its end. One whose key may not be read lives, and may have @max_kib. */
static bool is_alive(struct store_link *link, const char *domain, uint64_t *max_kib)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];
	int rc;

	*max_kib = UINT64_MAX;
	snprintf(path, sizeof(path), "/local/domain/%.9s/memory/static-max", domain);
	rc = store_link_read(link, path, value, sizeof(value));
	if (!rc && size_parse_kib(value, max_kib))
		*max_kib = UINT64_MAX;
	return rc != -ENOENT;
}

static bool read_key(struct store_link *link, const char *domain, const char *device, const char *key,
		     char value[XENVIRTIO_STORE_TEXT_MAX])
{
	char path[sizeof(TREE) + 2 * NAME_MAX_CHARS + 16];

	snprintf(path, sizeof(path), TREE "/%.9s/%.9s/%s", domain, device, key);
	return !store_link_read(link, path, value, XENVIRTIO_STORE_TEXT_MAX);
}

static bool read_kib(struct store_link *link, const char *domain, const char *device, const char *key,
		     uint64_t *kib)
{
	char value[XENVIRTIO_STORE_TEXT_MAX];

	return read_key(link, domain, device, key, value) && !size_parse_kib(value, kib);
}

/* @max_kib: of the domain: no more is owed to it, whatever a process writes that a guest has taken over */
static void add_device(struct reserve *r, struct store_link *link, const char *domain, const char *device,
		       uint64_t max_kib)
{
	char type[XENVIRTIO_STORE_TEXT_MAX];
	uint64_t kib;

	if (!read_key(link, domain, device, "type", type) || strcmp(type, balloon_program.node_type) != 0)
		return;
	if (!read_kib(link, domain, device, "owed", &kib) &&
	    !read_kib(link, domain, device, "ballooned", &kib))
		return;
	if (kib > max_kib)
		kib = max_kib;
	if (__builtin_add_overflow(r->owed_kib, kib, &r->owed_kib))
		r->owed_kib = UINT64_MAX;
}

/* Another guest's devices, or our guest's others. */
static int add_domain(struct reserve *r, struct store_link *link, const char *domain,
		      const char *own_device)
{
	char path[sizeof(TREE) + NAME_MAX_CHARS + 4];
	char *names = malloc(NAMES_BYTES);
	uint64_t max_kib;
	int rc;

	if (!names)
		return -ENOMEM;
	if (!is_alive(link, domain, &max_kib)) {
		free(names);
		return 0;
	}
	snprintf(path, sizeof(path), TREE "/%.9s", domain);
	rc = store_link_list(link, path, names, NAMES_BYTES);
	for (const char *name = names; !rc && *name; name += strlen(name) + 1) {
		if (is_number(name) && (!own_device || strcmp(name, own_device) != 0))
			add_device(r, link, domain, name, max_kib);
	}
	free(names);
	/* gone meanwhile */
	return rc == -ENOENT ? 0 : rc;
}

static int add_others(struct reserve *r, struct store_link *link, uint32_t domid, uint32_t devid)
{
	char own_domain[16], own_device[16];
	char *names = malloc(NAMES_BYTES);
	int rc;

	if (!names)
		return -ENOMEM;
	snprintf(own_domain, sizeof(own_domain), "%" PRIu32, domid);
	snprintf(own_device, sizeof(own_device), "%" PRIu32, devid);
	rc = store_link_list(link, TREE, names, NAMES_BYTES);
	for (const char *name = names; !rc && *name; name += strlen(name) + 1) {
		if (is_number(name))
			rc = add_domain(r, link, name,
					strcmp(name, own_domain) == 0 ? own_device : NULL);
	}
	free(names);
	return rc == -ENOENT || rc == -EPIPE ? 0 : rc;
}

int reserve_count(struct reserve *r, struct xenvirtio_hv *hv, struct store_link *link,
		  uint32_t domid, uint32_t devid, uint64_t owed_kib)
{
	struct xenvirtio_host_info host;
	int rc;

	if (!XENVIRTIO_HV_HAS(hv, host_info))
		return -ENOSYS;
	rc = hv->ops->host_info(hv, &host);
	if (rc)
		return rc;
	*r = (struct reserve){
		.free_kib = host.free_pages * KIB_PER_PAGE,
		.owed_kib = owed_kib,
	};
	return link ? add_others(r, link, domid, devid) : 0;
}
