// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The starter of a service, on the real machine.
 */
#include "config.h"

#include "backend/with-backends.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Now and then: by a connection of its own each time, since the service's may be away. */
static int read_key(const char *path, char value[XENVIRTIO_STORE_TEXT_MAX])
{
	struct xenvirtio_store *store;
	int rc = xenvirtio_store_open_xen(&store);

	if (rc)
		return rc < 0 && rc != -ENOENT ? rc : -EPIPE;
	rc = store->ops->read(store, path, value, XENVIRTIO_STORE_TEXT_MAX);
	store->ops->close(store);
	return rc;
}

static int read_domain(void *opaque, uint32_t domid, const char *key, char value[XENVIRTIO_STORE_TEXT_MAX])
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/%s", domid, key);
	return read_key(path, value);
}

static int find_device(void *opaque, uint32_t domid, uint32_t devid)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];

	snprintf(path, sizeof(path), "backend/virtio/%" PRIu32 "/%" PRIu32 "/frontend-id", domid, devid);
	return read_key(path, value);
}

/* What was named must be there; the usual file need not. */
static const char *choose_file(const struct options *opts)
{
	const char *file = opts->backend_file ? opts->backend_file : opts->program->backend_file;

	if (!file || strcmp(file, "none") == 0)
		return NULL;
	return opts->backend_file || !access(file, F_OK) ? file : NULL;
}

static bool read_plan(struct with_backends *w, const char *file, const struct options *opts, struct log *log)
{
	char why[PLAN_WHY_MAX];
	int rc = plan_read(&w->plan, file, why);

	if (rc) {
		log_msg(log, LOG_LEVEL_ERROR, why[0] ? 0 : rc, "%s", why[0] ? why : file);
		return false;
	}
	rc = backend_exec_user(&w->exec.user, &w->plan, opts->program->group, why);
	if (rc)
		log_msg(log, LOG_LEVEL_ERROR, 0, "%s: %s", file, why);
	else if (!w->exec.user.uid)
		log_msg(log, LOG_LEVEL_WARNING, 0, "%s: backends are root: a fault in one of them is one in dom0", file);
	return !rc;
}

enum exit_code with_backends_open(struct with_backends *w, struct event_base *base, const struct options *opts, struct log *log)
{
	const char *file = choose_file(opts);
	struct starter_config cfg = {
		.base = base,
		.log = log,
		.plan = &w->plan,
		.runner = &w->runner,
		.socket = opts->backend_socket_given ? opts->backend_socket : opts->program->backend_socket,
		.read_domain = read_domain,
		.find_device = find_device,
	};

	if (!file)
		return EXIT_CODE_DONE;
	w->exec = (struct backend_exec){.plan = &w->plan, .state_dir = opts->state_dir, .own_dirs = backend_exec_own_dirs(cfg.socket), .log = log};
	if (!read_plan(w, file, opts, log))
		return EXIT_CODE_USAGE;
	backend_exec_init(&w->runner, &w->exec);
	if (starter_new(&w->starter, &cfg)) {
		log_msg(log, LOG_LEVEL_ERROR, -ENOMEM, "cannot start");
		return EXIT_CODE_HOST;
	}
	snprintf(w->socket_word, sizeof(w->socket_word), "--socket=%s", cfg.socket);
	w->word[0] = w->socket_word;
	/* the last word counts */
	w->word[1] = "--backend=none";
	w->words = w->word;
	w->companion = starter_companion(w->starter);
	return EXIT_CODE_DONE;
}

void with_backends_asker_died(struct with_backends *w)
{
	if (w->starter)
		starter_asker_died(w->starter);
}

void with_backends_close(struct with_backends *w)
{
	starter_free(w->starter);
	plan_free(&w->plan);
}
