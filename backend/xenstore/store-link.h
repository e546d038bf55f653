/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's connection to xenstore, kept up over restarts of xenstored.
 *
 *   [connected] --any call: -EPIPE--> [away] --timer, open, watch again--> [connected]
 *
 * While it is away every call answers -EPIPE at once and nobody waits: the guest is served on.
 * Watches are remembered; the hook `connected` runs after they were set again, so that its owner
 * writes again what it wants to stand there.
 *
 * Belongs to the thread of its event base. Knows nothing of balloons.
 */
#ifndef BACKEND_STORE_LINK_H
#define BACKEND_STORE_LINK_H

#include "backend/base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <xenvirtio/store.h>

struct event_base;
struct store_link;

struct store_link_config {
	struct event_base *base; /* borrowed */
	struct log *log;	 /* borrowed */
	/** open - xenvirtio_store_open_xen(), or a fake's */
	int (*open)(void *opaque, struct xenvirtio_store **store);
	void *open_opaque;
	/** event - a watch fired; may close nothing, may call any store_link function but free */
	void (*event)(void *opaque, const char *path, const char *token);
	/** connected - after a reconnection */
	void (*connected)(void *opaque);
	void *opaque;
};

/**
 * store_link_new() - connect
 * @must: a first connection that fails is an error; else it is tried again and again
 *
 * Return: 0; -ENOMEM; as xenvirtio_store_open_xen()
 */
int store_link_new(struct store_link **link, const struct store_link_config *cfg, bool must);
/** store_link_free() - NULL is fine */
void store_link_free(struct store_link *link);

/** store_link_store() - for calls of the library; NULL while away. Tell store_link_failed() after
 */
struct xenvirtio_store *store_link_store(struct store_link *link);
/** store_link_failed() - what such a call returned; -EPIPE means the connection is lost. Returns
 * @rc */
int store_link_failed(struct store_link *link, int rc);
/**
 * store_link_poll() - look for events, and notice a lost connection; call now and then
 *
 * libxenstore does not make its descriptor readable when xenstored goes away.
 */
void store_link_poll(struct store_link *link);
/** store_link_up() - connected at this moment */
bool store_link_up(const struct store_link *link);

/* As the operations in xenvirtio/store.h, and -EPIPE while away. */
int store_link_read(struct store_link *link, const char *path, char *value, size_t size);
int store_link_write(struct store_link *link, const char *path, const char *value);
int store_link_remove(struct store_link *link, const char *path);
int store_link_list(struct store_link *link, const char *path, char *names, size_t size);
int store_link_get_perms(struct store_link *link, const char *path, char *perms, size_t size);
int store_link_set_perms(struct store_link *link, const char *path, const char *perms);

/**
 * store_link_watch() - watch @path now and after every reconnection
 *
 * Return: 0, also while away; -ENOSPC too many watches; -ENAMETOOLONG; -errno
 */
int store_link_watch(struct store_link *link, const char *path, const char *token);
/** store_link_unwatch() - a watch never set is success */
int store_link_unwatch(struct store_link *link, const char *path, const char *token);

#endif /* BACKEND_STORE_LINK_H */
