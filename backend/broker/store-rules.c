// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules for paths. A path is compared part by part and never taken apart by whoever serves it: what is allowed here is handed
 * on as it is.
 */
#include "backend/broker/store-rules.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELEASE_DOMAIN "@releaseDomain"

/* Keys of every device: XenbusState, the notification path. No stars: as many names as there are is all that can be made. */
static const char *const common_keys[] = {"state", "path", NULL};

/* What the guest did wrong, kind by kind. */
static bool is_guest_error(const char *key)
{
	static const char dir[] = "guest-errors/";

	if (strncmp(key, dir, sizeof(dir) - 1) != 0)
		return false;
	for (unsigned int kind = 0; kind < XENVIRTIO_GUEST_ERRORS; kind++) {
		if (strcmp(key + sizeof(dir) - 1, xenvirtio_guest_error_name((enum xenvirtio_guest_error)kind)) == 0)
			return true;
	}
	return false;
}

bool store_path_is_plain(const char *path)
{
	size_t len = strlen(path);

	if (len < 2 || path[0] == '@' || path[len - 1] == '/' || strstr(path, "//"))
		return false;
	return strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_@") == len;
}

void store_rules_devices(const struct store_rules *r, char path[STORE_DEVICES_MAX])
{
	snprintf(path, STORE_DEVICES_MAX, "/local/domain/%" PRIu32 "/backend/virtio/%" PRIu32, r->backend, r->domid);
}

/* What comes below @prefix in @path: "" for itself; NULL: it is not there. */
static const char *below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(path, prefix, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] ? path + len + 1 : "";
}

/* A star is within one part of the path. */
static bool one_of(const char *const *patterns, const char *path)
{
	for (; patterns && *patterns; patterns++) {
		if (fnmatch(*patterns, path, FNM_PATHNAME | FNM_NOESCAPE) == 0)
			return true;
	}
	return false;
}

static bool is_own(const struct store_rules *r, const char *path)
{
	char domain[64], devices[STORE_DEVICES_MAX];

	snprintf(domain, sizeof(domain), "/local/domain/%" PRIu32, r->domid);
	store_rules_devices(r, devices);
	return below(path, domain) || below(path, devices);
}

/* The only XenbusState words there are. */
static bool is_state(const char *text)
{
	return text[0] >= '1' && text[0] <= '6' && !text[1];
}

static bool may_write(const struct store_rules *r, enum broker_store_op op, const char *path, const char *text,
		      uint32_t *devid)
{
	char devices[STORE_DEVICES_MAX], again[16];
	const char *key;
	char *end;
	unsigned long id;

	store_rules_devices(r, devices);
	key = below(path, devices);
	if (!key || *key < '0' || *key > '9')
		return false;
	id = strtoul(key, &end, 10);
	snprintf(again, sizeof(again), "%lu/", id);
	/* as a number is written, and no other way */
	if (id > UINT32_MAX || *end != '/' || strncmp(key, again, strlen(again)) != 0)
		return false;
	key = end + 1;
	*devid = (uint32_t)id;
	/* removed it would be made anew by whoever it belongs to */
	if (strcmp(key, "state") == 0)
		return op == BROKER_STORE_WRITE && is_state(text);
	return is_guest_error(key) || one_of(common_keys, key) || one_of(r->program->store_keys, key);
}

/* "n0", then who may read: as libxl has it, with the guest or without. */
static bool may_set_perms(const struct store_rules *r, const char *path, const char *text)
{
	char target[64], readable[32];

	snprintf(target, sizeof(target), "/local/domain/%" PRIu32 "/memory/target", r->domid);
	snprintf(readable, sizeof(readable), "n0,r%" PRIu32, r->domid);
	if (!r->program->store_target_perms || strcmp(path, target) != 0)
		return false;
	return strcmp(text, "n0") == 0 || strcmp(text, readable) == 0;
}

/* @path: from the root */
static bool allow(const struct store_rules *r, enum broker_store_op op, const char *path, const char *text, uint32_t *devid)
{
	char here[32];
	const char *local;

	snprintf(here, sizeof(here), "/local/domain/%" PRIu32, r->backend);
	local = below(path, here);
	switch (op) {
	case BROKER_STORE_READ:
	case BROKER_STORE_LIST:
		return is_own(r, path) || (local && strcmp(local, "domid") == 0) || one_of(r->program->store_reads, path) ||
		       (local && one_of(r->program->store_reads, local));
	case BROKER_STORE_GET_PERMS:
		return is_own(r, path);
	case BROKER_STORE_WATCH:
	case BROKER_STORE_UNWATCH:
		return is_own(r, path) || strcmp(path, RELEASE_DOMAIN) == 0;
	case BROKER_STORE_WRITE:
	case BROKER_STORE_REMOVE:
		return may_write(r, op, path, text, devid);
	case BROKER_STORE_SET_PERMS:
		return may_set_perms(r, path, text);
	case BROKER_STORE_OPEN:
	case BROKER_STORE_OPS:
		break;
	}
	return false;
}

bool store_rules_allow(const struct store_rules *r, enum broker_store_op op, const char *path, const char *text,
		       uint32_t *devid)
{
	char full[BROKER_STORE_PATH_MAX + 32];

	if (path[0] == '/' || path[0] == '@')
		return allow(r, op, path, text, devid);
	/* as xenstored takes it */
	snprintf(full, sizeof(full), "/local/domain/%" PRIu32 "/%s", r->backend, path);
	return allow(r, op, full, text, devid);
}
