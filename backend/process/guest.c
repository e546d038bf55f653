// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bringing one guest's device up, and down again in reverse.
 */
#include "backend/process/guest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xenvirtio/server.h>

/** pages mapped at one time: rings of a few queues and some buffers */
#define GMEM_PAGES 64
#define RAM_RANGES_MAX 16
/** ids that Xen gives: MAX_NR_IOREQ_SERVERS */
#define SERVER_IDS 8

static int fail_host(struct guest *g, int rc, enum exit_code *code, const char *what)
{
	if (rc == XENVIRTIO_E_GONE)
		return rc;
	*code = EXIT_CODE_HOST;
	log_msg(g->log, LOG_LEVEL_ERROR, rc < 0 ? rc : -EPROTO, "%s", what);
	return -ECANCELED;
}

static int open_state(struct guest *g, const struct guest_config *cfg, size_t memory_bytes,
		      enum exit_code *code)
{
	struct state_file_key key = {
		.program = cfg->program,
		.domid = cfg->domid,
		.devid = cfg->devid,
		.base = cfg->base,
		.irq = cfg->irq,
		.memory_bytes = memory_bytes,
		.owner = cfg->owner,
		.doors = cfg->doors,
	};
	pid_t owner;
	int rc;

	snprintf(key.identity, sizeof(key.identity), "%s", cfg->identity);
	rc = state_file_open(&g->state, cfg->state_dir, &key, g->log, &owner);
	if (!rc)
		return 0;
	g->state = NULL;
	if (rc == -EBUSY) {
		*code = EXIT_CODE_BUSY;
		log_msg(g->log, LOG_LEVEL_ERROR, 0,
			"device %" PRIu32 " of domain %" PRIu32
			" is served already, by process %d: end that one first",
			cfg->devid, cfg->domid, (int)owner);
		return -ECANCELED;
	}
	if (rc == -EBADMSG) {
		*code = EXIT_CODE_UNSUITABLE;
		return -ECANCELED;
	}
	if (rc == -ESTALE) {
		*code = EXIT_CODE_NO_DEVICE;
		log_msg(g->log, LOG_LEVEL_NOTICE, 0, "device %" PRIu32 " of domain %" PRIu32 " has ended: there is nothing to take over",
			cfg->devid, cfg->domid);
		return -ECANCELED;
	}
	*code = EXIT_CODE_HOST;
	log_msg(g->log, LOG_LEVEL_ERROR, rc,
		"cannot keep state in %s: make the directory writable, or give --state-dir",
		cfg->state_dir);
	return -ECANCELED;
}

static int open_device(struct guest *g, const struct guest_config *cfg, enum exit_code *code)
{
	const struct device_memory memory = {
		.at = state_file_memory(g->state),
		.bytes = state_file_memory_bytes(g->state),
		.state = state_file_device(g->state),
		.queues = state_file_queues(g->state),
		.note = state_file_note(g->state),
		.keep = state_file_keep(g->state),
		.adopted = state_file_adopted(g->state),
	};
	int rc = cfg->type->open(cfg->device, g->gmem, &memory);

	if (!rc)
		return 0;
	if (rc != -EBADMSG) {
		int ended = fail_host(g, rc, code, "cannot make the device");

		/* another attempt would find the same host */
		if (rc == -ENOSYS)
			*code = EXIT_CODE_UNSUITABLE;
		return ended;
	}
	*code = EXIT_CODE_UNSUITABLE;
	log_msg(g->log, LOG_LEVEL_ERROR, 0,
		"%s cannot be used: it is damaged. It says %s: destroy the guest, then remove the "
		"file",
		state_file_path(g->state), cfg->program->state_says);
	return -ECANCELED;
}

static int explain_no_server(struct guest *g, const struct guest_config *cfg, int rc,
			     enum exit_code *code)
{
	if (rc == -EEXIST) {
		*code = EXIT_CODE_BUSY;
		log_msg(g->log, LOG_LEVEL_ERROR, 0,
			"another ioreq server of domain %" PRIu32 " claims address %#" PRIx64
			" (another backend, or one that died and left no state in its "
			"--state-dir): end that backend, or restart the guest",
			cfg->domid, cfg->base.v);
		return -ECANCELED;
	}
	if (rc == -ENOSYS || rc == -EOPNOTSUPP) {
		*code = EXIT_CODE_NO_XEN;
		log_msg(g->log, LOG_LEVEL_ERROR, 0,
			"this Xen has no ioreq servers: on Arm it must be built with "
			"CONFIG_IOREQ_SERVER=y");
		return -ECANCELED;
	}
	return fail_host(g, rc, code, "cannot get an ioreq server from Xen");
}

/*
 * A predecessor died between the making of its server and the note of the id. Adopting fails for
 * every server but one that claims the device's addresses, so trying them all finds it. Return: 0;
 * -ENOENT there is none; as xenvirtio_server_open()
 */
static int adopt_unnoted(struct guest *g, uint16_t *id)
{
	int rc = -ENOENT;

	for (uint16_t i = 0; rc == -ENOENT && i < SERVER_IDS; i++) {
		*id = i;
		rc = xenvirtio_server_open(g->server, id);
	}
	g->adopted = !rc;
	/* Somebody serves by it. We hold the state file's lock, so it is no daemon of this device.
	 */
	return rc == -EBUSY ? -EEXIST : rc;
}

static int new_server(struct guest *g, const struct guest_config *cfg, enum exit_code *code)
{
	int rc = xenvirtio_server_new(&g->server, cfg->hv, g->gmem);

	if (!rc)
		return 0;
	g->server = NULL;
	return fail_host(g, rc, code, "cannot make the device's bus");
}

/* A server that is there, noted or not, has the address. */
static int claim_address(struct guest *g, const struct guest_config *cfg, enum exit_code *code)
{
	uint16_t id;
	int rc;

	if (state_file_server_unknown(g->state) || state_file_server(g->state) != XENVIRTIO_IOREQ_NEW)
		return 0;
	state_file_set_server(g->state, XENVIRTIO_IOREQ_NEW);
	rc = xenvirtio_server_claim(g->server, cfg->base, &id);
	if (rc == -EEXIST)
		state_file_set_no_server(g->state);
	if (rc)
		return explain_no_server(g, cfg, rc, code);
	state_file_set_server(g->state, id);
	g->claimed = true;
	return 0;
}

static int open_claimed(struct guest *g, const struct guest_config *cfg, enum exit_code *code)
{
	uint16_t id;
	int rc = xenvirtio_server_open(g->server, &id);

	return rc ? explain_no_server(g, cfg, rc, code) : 0;
}

static int open_server(struct guest *g, const struct guest_config *cfg, enum exit_code *code)
{
	uint16_t id = state_file_server(g->state);
	int rc;

	xenvirtio_server_set_notify(g->server, cfg->notify, cfg->path_changed, cfg->opaque);
	rc = xenvirtio_server_add(g->server, g->type->device(g->device), cfg->base, cfg->irq);
	if (rc == -ENOTSUP) {
		*code = EXIT_CODE_UNSUITABLE;
		log_msg(g->log, LOG_LEVEL_ERROR, 0,
			"--notify %s: this host's kernel does not do that: load the modules of "
			"kernel/, or give auto",
			xenvirtio_notify_path_name(cfg->notify));
		return -ECANCELED;
	}
	if (rc)
		return fail_host(g, rc, code, "cannot put the device at its address");
	if (g->claimed)
		return open_claimed(g, cfg, code);
	g->adopted = id != XENVIRTIO_IOREQ_NEW;
	if (state_file_server_unknown(g->state))
		rc = adopt_unnoted(g, &id);
	else
		rc = g->adopted ? xenvirtio_server_open(g->server, &id) : -ENOENT;
	if (g->adopted && rc == -ENOENT)
		log_msg(g->log, LOG_LEVEL_NOTICE, 0, "ioreq server %u is gone: making a new one",
			id);
	if (rc == -ENOENT) {
		g->adopted = false;
		id = XENVIRTIO_IOREQ_NEW;
		state_file_set_server(g->state, XENVIRTIO_IOREQ_NEW);
		rc = xenvirtio_server_open(g->server, &id);
	}
	if (rc == -EEXIST)
		state_file_set_no_server(g->state);
	if (rc)
		return explain_no_server(g, cfg, rc, code);
	state_file_set_server(g->state, id);
	if (g->adopted)
		log_msg(g->log, LOG_LEVEL_NOTICE, 0, "adopted ioreq server %u", id);
	return 0;
}

/* Adopted things stay for the next try; new ones go. */
static enum guest_end end_of_failure(const struct guest *g)
{
	return g->state && state_file_adopted(g->state) ? GUEST_LEAVE : GUEST_REMOVE;
}

/* Another attempt would find the same: the toolstack made the guest so. */
static int refuse_ram(struct guest *g, const struct xenvirtio_gfn_range *ram, size_t nr,
		      enum exit_code *code)
{
	const char *says = g->program->ram_says;

	*code = EXIT_CODE_UNSUITABLE;
	log_msg(g->log, LOG_LEVEL_ERROR, 0,
		"the guest's RAM, %zu ranges up to frame %#" PRIx64 ", cannot be served: %s", nr,
		nr ? ram[nr - 1].end_incl.v : 0, says ? says : "the device cannot be made for it");
	return -ECANCELED;
}

int guest_open(struct guest *g, const struct guest_config *cfg, enum exit_code *code)
{
	struct xenvirtio_gfn_range ram[RAM_RANGES_MAX];
	size_t nr, bytes;
	int rc;

	g->log = cfg->log;
	g->type = cfg->type;
	g->program = cfg->program;
	g->device = cfg->device;
	rc = cfg->hv->ops->ram_ranges(cfg->hv, ram, RAM_RANGES_MAX, &nr);
	if (rc) {
		rc = fail_host(g, rc, code, "cannot tell where the guest's RAM is");
		goto fail;
	}
	/* of a new file; what a predecessor saved is gone on with, wherever the guest has mapped
	 * things since */
	bytes = cfg->type->memory_bytes(ram, nr);
	rc = open_state(g, cfg, bytes, code);
	if (rc)
		goto fail;
	if (!bytes && !state_file_adopted(g->state)) {
		rc = refuse_ram(g, ram, nr, code);
		goto fail;
	}
	rc = xenvirtio_gmem_new(&g->gmem, cfg->hv, GMEM_PAGES);
	if (rc) {
		g->gmem = NULL;
		rc = fail_host(g, rc, code, "cannot map the guest's memory");
		goto fail;
	}
	rc = new_server(g, cfg, code);
	if (!rc && cfg->type->opens_late)
		rc = claim_address(g, cfg, code);
	if (!rc)
		rc = open_device(g, cfg, code);
	if (rc)
		goto fail;
	rc = open_server(g, cfg, code);
	if (rc)
		goto fail;
	return 0;
fail:
	/* of a state file that was adopted, too: what was claimed just now is nobody's to go on with */
	if (g->claimed && !xenvirtio_server_close(g->server))
		state_file_set_no_server(g->state);
	guest_close(g, rc == XENVIRTIO_E_GONE ? GUEST_REMOVE : end_of_failure(g));
	return rc;
}

void guest_close(struct guest *g, enum guest_end end)
{
	int rc;

	if (g->type && g->type->remove && end == GUEST_REMOVE) {
		rc = g->type->remove(g->device);
		if (rc < 0)
			log_msg(g->log, LOG_LEVEL_WARNING, rc, "cannot let go of the guest");
	}
	if (g->server && end == GUEST_REMOVE) {
		rc = xenvirtio_server_close(g->server);
		if (rc < 0)
			log_msg(g->log, LOG_LEVEL_WARNING, rc, "cannot destroy the ioreq server");
	}
	xenvirtio_server_free(g->server);
	if (g->type)
		g->type->close(g->device);
	xenvirtio_gmem_free(g->gmem);
	if (end == GUEST_REMOVE)
		state_file_remove(g->state);
	else
		state_file_close(g->state);
	*g = (struct guest){0};
}

bool guest_in_use(const struct guest *g)
{
	struct xenvirtio_device *dev = g->type ? g->type->device(g->device) : NULL;

	if (!dev)
		return false;
	return xenvirtio_device_status(dev) || (g->type->in_use && g->type->in_use(g->device));
}
