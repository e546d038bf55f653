// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connection to xenstore. A lost connection is closed at the call that noticed; the handle must not
 * be kept over calls, hence store_link_store() each time.
 */
#include "backend/xenstore/store-link.h"
#include "backend/base/timer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WATCHES_MAX 16
#define TOKEN_MAX 32
/** events handled before other descriptors get their turn */
#define EVENTS_PER_TURN 16
#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 10000u

struct watch {
	char path[256];
	char token[TOKEN_MAX];
};

struct store_link {
	struct store_link_config cfg;
	struct xenvirtio_store *store;
	struct event *readable;
	struct timer *reconnect;
	unsigned int backoff_ms;
	struct watch watch[WATCHES_MAX];
	unsigned int nr_watches;
};

static void schedule_reconnect(struct store_link *link)
{
	timer_set(link->reconnect, link->backoff_ms);
	link->backoff_ms *= 2;
	if (link->backoff_ms > BACKOFF_MAX_MS)
		link->backoff_ms = BACKOFF_MAX_MS;
}

static void drop_connection(struct store_link *link)
{
	if (link->readable)
		event_free(link->readable);
	link->readable = NULL;
	xenvirtio_store_close(link->store);
	link->store = NULL;
}

int store_link_failed(struct store_link *link, int rc)
{
	if (rc != -EPIPE || !link->store)
		return rc;
	log_msg(link->cfg.log, LOG_LEVEL_WARNING, 0,
		"xenstore is away: serving on, figures are published when it is back");
	drop_connection(link);
	link->backoff_ms = BACKOFF_MIN_MS;
	schedule_reconnect(link);
	return rc;
}

static void on_readable(evutil_socket_t fd, short what, void *opaque)
{
	struct store_link *link = opaque;

	for (int i = 0; i < EVENTS_PER_TURN && link->store; i++) {
		char path[XENVIRTIO_STORE_TEXT_MAX], token[TOKEN_MAX];
		int rc = link->store->ops->next_event(link->store, path, sizeof(path), token,
						      sizeof(token));

		if (rc == XENVIRTIO_E_EMPTY)
			return;
		if (rc) {
			/* an event that cannot be read would make the descriptor readable for ever
			 */
			store_link_failed(link, -EPIPE);
			return;
		}
		link->cfg.event(link->cfg.opaque, path, token);
	}
}

void store_link_poll(struct store_link *link)
{
	on_readable(-1, 0, link);
}

static int connect_store(struct store_link *link)
{
	int rc = link->cfg.open(link->cfg.open_opaque, &link->store);

	if (rc) {
		link->store = NULL;
		return rc;
	}
	link->readable = event_new(link->cfg.base, link->store->ops->fd(link->store),
				   EV_READ | EV_PERSIST, on_readable, link);
	if (!link->readable || event_add(link->readable, NULL)) {
		drop_connection(link);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < link->nr_watches; i++) {
		rc = link->store->ops->watch(link->store, link->watch[i].path,
					     link->watch[i].token);
		if (rc) {
			drop_connection(link);
			return rc;
		}
	}
	return 0;
}

static void on_reconnect(void *opaque)
{
	struct store_link *link = opaque;
	int rc = connect_store(link);

	if (rc) {
		log_msg(link->cfg.log, LOG_LEVEL_DEBUG, rc, "xenstore is still away");
		schedule_reconnect(link);
		return;
	}
	log_msg(link->cfg.log, LOG_LEVEL_NOTICE, 0, "xenstore is back");
	link->backoff_ms = BACKOFF_MIN_MS;
	link->cfg.connected(link->cfg.opaque);
}

int store_link_new(struct store_link **out, const struct store_link_config *cfg, bool must)
{
	struct store_link *link = calloc(1, sizeof(*link));
	int rc;

	if (!link)
		return -ENOMEM;
	link->cfg = *cfg;
	link->backoff_ms = BACKOFF_MIN_MS;
	link->reconnect = timer_new(cfg->base, on_reconnect, link);
	if (!link->reconnect) {
		rc = -ENOMEM;
		goto fail;
	}
	rc = connect_store(link);
	if (rc && must)
		goto fail;
	if (rc)
		schedule_reconnect(link);
	*out = link;
	return 0;
fail:
	store_link_free(link);
	return rc;
}

void store_link_free(struct store_link *link)
{
	if (!link)
		return;
	drop_connection(link);
	timer_free(link->reconnect);
	free(link);
}

struct xenvirtio_store *store_link_store(struct store_link *link)
{
	return link->store;
}

bool store_link_up(const struct store_link *link)
{
	return link->store;
}

int store_link_read(struct store_link *link, const char *path, char *value, size_t size)
{
	if (!link->store)
		return -EPIPE;
	return store_link_failed(link, link->store->ops->read(link->store, path, value, size));
}

int store_link_write(struct store_link *link, const char *path, const char *value)
{
	if (!link->store)
		return -EPIPE;
	return store_link_failed(link, link->store->ops->write(link->store, path, value));
}

int store_link_remove(struct store_link *link, const char *path)
{
	if (!link->store)
		return -EPIPE;
	return store_link_failed(link, link->store->ops->remove(link->store, path));
}

int store_link_list(struct store_link *link, const char *path, char *names, size_t size)
{
	if (!link->store)
		return -EPIPE;
	return store_link_failed(link, link->store->ops->list(link->store, path, names, size));
}

int store_link_get_perms(struct store_link *link, const char *path, char *perms, size_t size)
{
	if (!link->store)
		return -EPIPE;
	return store_link_failed(link, link->store->ops->get_perms(link->store, path, perms, size));
}

int store_link_set_perms(struct store_link *link, const char *path, const char *perms)
{
	if (!link->store)
		return -EPIPE;
	return store_link_failed(link, link->store->ops->set_perms(link->store, path, perms));
}

static struct watch *find_watch(struct store_link *link, const char *path, const char *token)
{
	for (unsigned int i = 0; i < link->nr_watches; i++) {
		if (strcmp(link->watch[i].path, path) == 0 &&
		    strcmp(link->watch[i].token, token) == 0)
			return &link->watch[i];
	}
	return NULL;
}

int store_link_watch(struct store_link *link, const char *path, const char *token)
{
	struct watch *watch;
	int rc;

	if (find_watch(link, path, token))
		return 0;
	if (link->nr_watches == WATCHES_MAX)
		return -ENOSPC;
	watch = &link->watch[link->nr_watches];
	if (strlen(path) >= sizeof(watch->path) || strlen(token) >= sizeof(watch->token))
		return -ENAMETOOLONG;
	strcpy(watch->path, path);
	strcpy(watch->token, token);
	if (link->store) {
		rc = store_link_failed(link, link->store->ops->watch(link->store, path, token));
		if (rc && rc != -EPIPE)
			return rc;
	}
	link->nr_watches++;
	return 0;
}

int store_link_unwatch(struct store_link *link, const char *path, const char *token)
{
	struct watch *watch = find_watch(link, path, token);
	int rc;

	if (!watch)
		return 0;
	*watch = link->watch[--link->nr_watches];
	if (!link->store)
		return 0;
	rc = store_link_failed(link, link->store->ops->unwatch(link->store, path, token));
	/* without a connection there is no watch either */
	return rc == -EPIPE ? 0 : rc;
}
