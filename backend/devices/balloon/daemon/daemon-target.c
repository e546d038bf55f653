// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much memory the guest shall have: who says so, whether the host could give it back, and what
 * the device hears.
 */
#include "backend/base/size.h"
#include "backend/devices/balloon/daemon/balloon-daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void balloon_daemon_target_changed(void *opaque, uint64_t kib)
{
	struct balloon_daemon *d = opaque;
	int rc;

	if (!d->balloon)
		return;
	rc = balloon_set_target(d->balloon, target_balloon_pages(&d->target));
	if (rc == -EINVAL)
		log_limited(d->host.log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0,
			    "a balloon of %" PRIu32
			    " pages is larger than the guest's RAM: ignored",
			    target_balloon_pages(&d->target));
	else
		balloon_daemon_end_on(d, rc, "cannot tell the guest its target");
}

/* Return: whether a lower target may be taken; else @r says why not. */
static bool admit_target(void *opaque, uint64_t kib, struct reserve *r)
{
	struct balloon_daemon *d = opaque;
	struct balloon_status status;
	uint64_t balloon_kib;
	int rc;

	if (d->opts->overcommit || !d->balloon)
		return true;
	balloon_get_status(d->balloon, &status);
	balloon_kib = status.ballooned_pages * KIB_PER_PAGE;
	rc = reserve_count(r, d->host.hv, d->host.bus->backend[0] ? d->host.link : NULL,
			   d->opts->common.domid, d->host.bus->devid,
			   status.owed_pages * KIB_PER_PAGE);
	if (!rc)
		return reserve_allows(r, balloon_kib, d->target.static_max_kib - kib);
	if (!d->uncounted_told)
		log_msg(d->host.log, LOG_LEVEL_WARNING, rc < 0 ? rc : -EIO,
			"the host's free memory cannot be told: targets are taken as with "
			"--overcommit");
	d->uncounted_told = true;
	return true;
}

/* Unlike a key in xenstore, a client hears of a size that cannot be: nothing is cut. */
static bool check_size(struct balloon_daemon *d, uint64_t kib, struct control_error *error)
{
	char asked[SIZE_TEXT_MAX], limit[SIZE_TEXT_MAX];
	uint64_t min_kib, max_kib = d->target.static_max_kib;
	struct balloon_status status;

	balloon_get_status(d->balloon, &status);
	/* the balloon cannot be larger than the RAM it is made of */
	min_kib = status.ram_pages * KIB_PER_PAGE;
	min_kib = max_kib > min_kib ? max_kib - min_kib : 0;
	if (min_kib < KIB_PER_PAGE)
		min_kib = KIB_PER_PAGE;
	if (kib > max_kib) {
		control_error_set(error, CONTROL_OUT_OF_RANGE,
				  "the guest cannot have %s: give at most %s (memory/static-max)",
				  size_format(kib, asked), size_format(max_kib, limit));
		return false;
	}
	if (kib < min_kib) {
		control_error_set(error, CONTROL_OUT_OF_RANGE,
				  "the guest cannot do with %s: give at least %s",
				  size_format(kib, asked), size_format(min_kib, limit));
		return false;
	}
	return true;
}

/* @taken: what target_set() or its sibling said. */
static bool tell_taken(const struct balloon_daemon *d, bool taken, struct control_error *error)
{
	char free_text[SIZE_TEXT_MAX], owed[SIZE_TEXT_MAX];

	if (!taken)
		control_error_set(error, CONTROL_RESERVE,
				  "the host has %s free, and %s is in balloons that guests may "
				  "take back: this guest is asked for no more until that fits "
				  "(xen-vballoond --overcommit asks nevertheless)",
				  size_format(d->target.reserve.free_kib, free_text),
				  size_format(d->target.reserve.owed_kib, owed));
	return taken;
}

bool balloon_daemon_set(void *opaque, uint64_t kib, struct control_error *error)
{
	struct balloon_daemon *d = opaque;

	if (!check_size(d, kib, error) ||
	    !tell_taken(d, target_set(&d->target, kib, "control socket"), error))
		return false;
	/* also when it is the size in force: somebody wants that one */
	target_pin(&d->target);
	d->host.changed(d->host.opaque);
	return true;
}

bool balloon_daemon_set_auto(void *opaque, const uint64_t *kib, struct control_error *error)
{
	struct balloon_daemon *d = opaque;

	if (!kib) {
		target_unpin(&d->target);
		d->host.changed(d->host.opaque);
		return true;
	}
	if (d->target.pinned) {
		control_error_set(error, CONTROL_PINNED,
				  "somebody has named a size: xen-vballoonctl auto gives the guest "
				  "back to --auto");
		return false;
	}
	return check_size(d, *kib, error) &&
	       tell_taken(d, target_set_auto(&d->target, *kib), error);
}

void balloon_daemon_order_self(void *opaque, const struct balloon_figures *ignored, uint64_t kib)
{
	struct balloon_daemon *d = opaque;

	if (d->target.pinned)
		return;
	d->ordering = true;
	target_set_auto(&d->target, kib);
	d->ordering = false;
	if (!d->host.ended(d->host.opaque))
		d->host.changed(d->host.opaque);
}

static uint64_t read_static_max(struct balloon_daemon *d, const struct xenvirtio_domain_info *info)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];
	uint64_t kib;

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/memory/static-max",
		 d->opts->common.domid);
	if (!store_link_read(d->host.link, path, value, sizeof(value)) &&
	    !size_parse_kib(value, &kib) && kib)
		return kib;
	return info->max_pages << (XENVIRTIO_PAGE_SHIFT - 10);
}

/* Once and early: a size that cannot be is a wrong command line, not something to cut. */
int balloon_daemon_prepare(void *self, const struct xenvirtio_domain_info *info,
			   enum exit_code *code)
{
	char asked[SIZE_TEXT_MAX], max[SIZE_TEXT_MAX];
	struct balloon_daemon *d = self;

	d->static_max_kib = read_static_max(d, info);
	if (!d->opts->target_given || d->opts->target_kib <= d->static_max_kib)
		return 0;
	log_msg(d->host.log, LOG_LEVEL_ERROR, 0,
		"--target: the guest cannot have %s: give at most %s (memory/static-max)",
		size_format(d->opts->target_kib, asked), size_format(d->static_max_kib, max));
	*code = EXIT_CODE_UNSUITABLE;
	return -ECANCELED;
}

static void first_target(struct balloon_daemon *d)
{
	if (d->opts->target_given) {
		/* what stands in memory/target is older than the command line */
		target_set(&d->target, d->opts->target_kib, "--target");
		return;
	}
	if (mem_set_read(&d->mem_set) || target_read_node(&d->target))
		return;
	target_reset(&d->target);
}

/* What was in force when the process before this one ended was admitted then. */
static void go_on_with_target(struct balloon_daemon *d)
{
	struct balloon_status status;
	uint64_t balloon_kib;

	balloon_get_status(d->balloon, &status);
	balloon_kib = (uint64_t)status.target_pages * KIB_PER_PAGE;
	if (balloon_kib <= d->target.static_max_kib)
		d->target.kib = d->target.static_max_kib - balloon_kib;
	if (d->adopted)
		target_read_pinned(&d->target);
	else
		target_unpin(&d->target);
	d->target.admit = admit_target;
}

/* --- who names it --- */

static void dynamic_min_path(const struct balloon_daemon *d, char *path, size_t size)
{
	snprintf(path, size, "/local/domain/%" PRIu32 "/memory/dynamic-min", d->opts->common.domid);
}

static void read_dynamic_min(struct balloon_daemon *d)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];
	int rc;

	dynamic_min_path(d, path, sizeof(path));
	rc = store_link_read(d->host.link, path, value, sizeof(value));
	if (rc == -EPIPE)
		return;
	if (rc || size_parse_kib(value, &d->dynamic_min_kib))
		d->dynamic_min_kib = 0;
	d->host.changed(d->host.opaque);
}

static int watch(struct balloon_daemon *d)
{
	char path[sizeof(d->host.bus->backend) + 16];
	int rc;

	dynamic_min_path(d, path, sizeof(path));
	rc = store_link_watch(d->host.link, path, TOKEN_DYNAMIC_MIN);
	if (rc || !d->host.bus->backend[0])
		return rc;
	snprintf(path, sizeof(path), "%s/target", d->host.bus->backend);
	return store_link_watch(d->host.link, path, TOKEN_TARGET);
}

int balloon_daemon_start_target(struct balloon_daemon *d)
{
	int rc = 0;

	/* one that was killed left it */
	publish_remove(d->host.publish, "refused");
	target_init(&d->target, d->host.log, d->host.publish, d->host.bus->backend,
		    d->static_max_kib, balloon_daemon_target_changed, d);
	mem_set_init(&d->mem_set, d->host.log, d->host.link, d->host.hv, &d->target,
		     d->opts->common.domid, d->saved_perms);
	if (d->opts->mem_set_follow)
		rc = mem_set_start(&d->mem_set);
	else
		mem_set_stop(&d->mem_set);
	if (!rc)
		rc = watch(d);
	if (rc)
		return rc;
	go_on_with_target(d);
	first_target(d);
	/* the target may be what it was by default: the device must hear it all the same */
	if (!d->host.ended(d->host.opaque))
		balloon_daemon_target_changed(d, d->target.kib);
	return 0;
}

void balloon_daemon_target_event(struct balloon_daemon *d, const char *token)
{
	if (strcmp(token, TOKEN_DYNAMIC_MIN) == 0)
		read_dynamic_min(d);
	else if (strcmp(token, MEM_SET_TOKEN) == 0)
		mem_set_read(&d->mem_set);
	/* the key goes with its node: a missing key is put back only into a node that stands */
	else if (strcmp(token, TOKEN_TARGET) == 0 && d->host.check_node(d->host.opaque))
		target_read_node(&d->target);
}
