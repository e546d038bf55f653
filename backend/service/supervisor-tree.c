// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From watch events to devices. There is one watch, on the whole tree, so that nothing is missed
 * between listing and watching; device processes publish their figures in it as well, and most
 * events are theirs: they are told by the key alone, without a call.
 */
#include "backend/service/supervisor-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** the names of all guests with virtio devices, or of all devices of one */
#define NAMES_BYTES 65536u
/** DOMID_FIRST_RESERVED - 1, xen/xen.h */
#define DOMID_MAX 0x7fefu
#define DEVID_MAX UINT16_MAX

/* Those keys of a node that the toolstack writes and a decision depends on. */
static bool decides(const char *key)
{
	static const char *const keys[] = {"state",	  "online", "type", "transport",
					   "frontend-id", "irq",    "base", "grant_usage"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

/* A component of a path that is a number as xenstore's users write it; @rest: what follows. */
static bool take_number(const char *text, uint32_t max, uint32_t *number, const char **rest)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long v;

	if (!digits || digits > 9 || (text[0] == '0' && digits > 1))
		return false;
	if (text[digits] && text[digits] != '/')
		return false;
	v = strtoul(text, NULL, 10);
	if (v > max)
		return false;
	*number = (uint32_t)v;
	*rest = text + digits;
	return true;
}

/* NULL: xenstore is away, or there is nothing. To be freed. */
static char *list_names(struct supervisor *sup, const char *path)
{
	struct xenvirtio_store *store = store_link_store(sup->link);
	char *names = store ? malloc(NAMES_BYTES) : NULL;
	int rc;

	if (!store)
		return NULL;
	if (!names) {
		log_msg(sup->log, LOG_LEVEL_ERROR, -ENOMEM, "cannot list %s", path);
		return NULL;
	}
	rc = store_link_failed(sup->link, store->ops->list(store, path, names, NAMES_BYTES));
	if (!rc)
		return names;
	if (rc != -ENOENT && rc != -EPIPE)
		log_msg(sup->log, LOG_LEVEL_ERROR, rc, "cannot list %s", path);
	free(names);
	return NULL;
}

static void scan_domain(struct supervisor *sup, uint32_t domid)
{
	char path[sizeof(SUPERVISOR_TREE) + 16];
	uint32_t devid;
	char *names;

	snprintf(path, sizeof(path), SUPERVISOR_TREE "/%" PRIu32, domid);
	names = list_names(sup, path);
	for (const char *name = names; name && *name; name += strlen(name) + 1) {
		const char *rest;

		if (take_number(name, DEVID_MAX, &devid, &rest) && !*rest)
			device_look(sup, domid, devid);
	}
	free(names);
}

/* Those we know and that may be there no more; UINT32_MAX: of all domains. */
static void look_again(struct supervisor *sup, uint32_t domid)
{
	struct device *dev = TAILQ_FIRST(&sup->devices);

	while (dev) {
		/* looking may free it, but no other */
		struct device *next = TAILQ_NEXT(dev, link);

		if (domid == UINT32_MAX || dev->domid == domid)
			device_look(sup, dev->domid, dev->devid);
		dev = next;
	}
}

void tree_scan(struct supervisor *sup)
{
	char *names = list_names(sup, SUPERVISOR_TREE);

	look_again(sup, UINT32_MAX);
	for (const char *name = names; name && *name; name += strlen(name) + 1) {
		uint32_t domid;
		const char *rest;

		if (take_number(name, DOMID_MAX, &domid, &rest) && !*rest)
			scan_domain(sup, domid);
	}
	free(names);
}

void tree_event(struct supervisor *sup, const char *path)
{
	uint32_t domid, devid;
	const char *rest;

	/* the watch was set, or all of it was removed or made */
	if (strncmp(path, SUPERVISOR_TREE "/", sizeof(SUPERVISOR_TREE)) != 0) {
		tree_scan(sup);
		return;
	}
	if (!take_number(path + sizeof(SUPERVISOR_TREE), DOMID_MAX, &domid, &rest))
		return;
	if (!*rest) {
		look_again(sup, domid);
		scan_domain(sup, domid);
		return;
	}
	if (!take_number(rest + 1, DEVID_MAX, &devid, &rest))
		return;
	if (strcmp(rest, "/path") == 0)
		device_look_path(sup, domid, devid);
	else if (!*rest || decides(rest + 1))
		device_look(sup, domid, devid);
}
