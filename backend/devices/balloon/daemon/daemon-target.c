// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much memory the guest shall have: who says so, whether the host could give it back, and what
 * the device hears.
 */
#include "backend/base/doors.h"
#include "backend/base/size.h"
#include "backend/devices/balloon/daemon/balloon-daemon.h"
#include "backend/devices/balloon/daemon/kept-size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* what xl puts behind the name of a guest that migrates */
#define COMING "--incoming"
#define GONE "--migratedaway"

void balloon_daemon_target_changed(void *opaque, uint64_t kib)
{
	balloon_daemon_size(opaque);
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
		return reserve_allows(r, balloon_kib, balloon_daemon_wanted_kib(d, kib));
	if (!d->uncounted_told)
		log_msg(d->host.log, LOG_LEVEL_WARNING, rc < 0 ? rc : -EIO,
			"the host's free memory cannot be told: targets are taken as with "
			"--overcommit");
	d->uncounted_told = true;
	return true;
}

static void refuse_too_much(const struct balloon_daemon *d, uint64_t kib, uint64_t max_kib,
			    struct control_error *error)
{
	char asked[SIZE_TEXT_MAX], limit[SIZE_TEXT_MAX], held[SIZE_TEXT_MAX];

	if (kib > d->target.max_kib && d->target.max_kib < d->target.static_max_kib)
		control_error_set(error, CONTROL_OUT_OF_RANGE,
				  "the guest cannot have %s: give at most %s (%s)", size_format(kib, asked),
				  size_format(d->target.max_kib, limit), d->opts->common.reads);
	else if (kib > d->target.static_max_kib)
		control_error_set(error, CONTROL_OUT_OF_RANGE,
				  "the guest cannot have %s: give at most %s (memory/static-max), which it was "
				  "created with: xl mem-max adds none, memory= or maxmem= in xl.cfg does when "
				  "it is created again",
				  size_format(kib, asked),
				  size_format(d->target.static_max_kib, limit));
	else
		control_error_set(error, CONTROL_OUT_OF_RANGE,
				  "the guest cannot have %s: give at most %s: its own Xen balloon "
				  "driver or its memory= keeps %s from it, which xl mem-set gives "
				  "it",
				  size_format(kib, asked), size_format(max_kib, limit),
				  size_format(d->target.static_max_kib - max_kib, held));
}

/* Unlike a key in xenstore, a client hears of a size that cannot be: nothing is cut. */
static bool check_size(struct balloon_daemon *d, uint64_t kib, struct control_error *error)
{
	char asked[SIZE_TEXT_MAX], limit[SIZE_TEXT_MAX];
	uint64_t min_kib, max_kib = balloon_daemon_max_kib(d);
	struct balloon_status status;

	balloon_get_status(d->balloon, &status);
	/* the balloon cannot be larger than the RAM it is made of */
	min_kib = status.ram_pages * KIB_PER_PAGE;
	min_kib = max_kib > min_kib ? max_kib - min_kib : 0;
	if (min_kib < KIB_PER_PAGE)
		min_kib = KIB_PER_PAGE;
	/* xl makes a domain with a MiB less than it was told */
	if (kib > d->target.max_kib || kib > max_kib + WITHHELD_SLACK_PAGES * KIB_PER_PAGE) {
		refuse_too_much(d, kib, max_kib, error);
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

/* What a slip would leave it: a guest that has less gets the rest back from its own hands only. */
static bool check_floor(const struct balloon_daemon *d, uint64_t kib, struct control_error *error)
{
	char asked[SIZE_TEXT_MAX], floor[SIZE_TEXT_MAX];

	if (kib >= d->target.floor_kib || kib >= d->target.kib)
		return true;
	control_error_set(error, CONTROL_BELOW_FLOOR,
			  "%s would leave the guest less than %s (%s): a size in MiB or GiB? "
			  "--force sets it nevertheless",
			  size_format(kib, asked), size_format(d->target.floor_kib, floor),
			  d->dynamic_min_kib ? "memory/dynamic-min, or the file of --guests"
					     : "64 MiB, or an eighth of what it can have");
	return false;
}

/* @taken: what target_set() or its sibling said. */
static bool tell_taken(const struct balloon_daemon *d, bool taken, struct control_error *error)
{
	char free_text[SIZE_TEXT_MAX], owed[SIZE_TEXT_MAX];

	if (!taken)
		control_error_set(error, CONTROL_RESERVE,
				  "the host has %s free, and %s is in balloons that guests may "
				  "take back: this guest is asked for no more until that fits: "
				  "set it again then (xen-vballoond --overcommit asks nevertheless)",
				  size_format(d->target.reserve.free_kib, free_text),
				  size_format(d->target.reserve.owed_kib, owed));
	return taken;
}

bool balloon_daemon_set(void *opaque, uint64_t kib, bool force, struct control_error *error)
{
	struct balloon_daemon *d = opaque;

	if (!check_size(d, kib, error) || (!force && !check_floor(d, kib, error)) ||
	    !tell_taken(d, target_set_forced(&d->target, kib, "control socket"), error))
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

/*
 * A command line is a word when the process is first started with it. Whoever starts it again with
 * the same one, a shell or an init system, says nothing new.
 */
static bool hear_command_line(struct balloon_daemon *d)
{
	char line[SIZE_TEXT_MAX], kept[SIZE_TEXT_MAX];
	uint64_t kib = d->opts->target_kib;

	if (!d->opts->target_given) {
		words_forget(d->target.words, WORDS_LINE);
		return false;
	}
	if (!words_news(d->target.words, WORDS_LINE, kib)) {
		if (kib != d->target.kib)
			log_msg(d->host.log, LOG_LEVEL_NOTICE, 0,
				"--target %s was given before: %s, which was named since, stays in "
				"force",
				size_format(kib, line), size_format(d->target.kib, kept));
		return false;
	}
	if (d->opts->force)
		target_set_forced(&d->target, kib, "--target");
	else
		target_set(&d->target, kib, "--target");
	words_see(d->target.words, WORDS_LINE, kib);
	return true;
}

static bool read_of_domain(const struct balloon_daemon *d, const char *key, char value[XENVIRTIO_STORE_TEXT_MAX])
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/%s", d->opts->common.domid, key);
	return !store_link_read(d->host.link, path, value, XENVIRTIO_STORE_TEXT_MAX);
}

static void read_vm(struct balloon_daemon *d)
{
	char value[XENVIRTIO_STORE_TEXT_MAX];

	if (read_of_domain(d, "vm", value) && strlen(value) < sizeof(d->vm))
		strcpy(d->vm, value);
}

/* xl names a guest so while it comes from another host, and when it has gone to one; it has its own name in between. */
static bool is_named(const struct balloon_daemon *d, const char *end)
{
	char value[XENVIRTIO_STORE_TEXT_MAX];
	size_t len;

	if (!read_of_domain(d, "name", value))
		return false;
	len = strlen(value);
	return len > strlen(end) && strcmp(value + len - strlen(end), end) == 0;
}

/* Once: they are those of the next boot. Without a name, or while it comes from another host under a longer one: as it is called here. */
static void read_limits(struct balloon_daemon *d)
{
	char name[XENVIRTIO_STORE_TEXT_MAX] = "", why[LIMITS_WHY_MAX];
	const struct doors *doors = d->host.doors;
	int rc;

	if (!d->opts->common.reads)
		return;
	if (read_of_domain(d, "name", name) && is_named(d, COMING))
		name[strlen(name) - strlen(COMING)] = '\0';
	rc = doors && doors->reads < 0 ? doors->reads
				       : limits_read(d->opts->common.reads, doors ? doors->reads : -1, name, &d->limits, why);
	if (rc == -EBADMSG)
		log_msg(d->host.log, LOG_LEVEL_WARNING, 0, "%s: passed over", why);
	else if (rc && (rc != -ENOENT || strcmp(d->opts->common.reads, BALLOON_GUESTS_FILE) != 0))
		log_msg(d->host.log, LOG_LEVEL_WARNING, rc, "--guests %s", d->opts->common.reads);
}

/* Return: whether somebody had named a size for the guest before it was this domain: @kib */
static bool read_saved(struct balloon_daemon *d, uint64_t *kib)
{
	int rc = kept_size_read(d, kib);

	if (rc && rc != -ENOENT && rc != -EINVAL)
		log_msg(d->host.log, LOG_LEVEL_WARNING, rc,
			"the size that the guest had before cannot be told: %s/%s-%" PRIu32 ".size",
			d->opts->common.state_dir, strrchr(d->vm, '/') + 1, d->host.bus->devid);
	return !rc;
}

/* One that is switched off, or destroyed, comes again as what it is made with. */
static bool comes_again(struct balloon_daemon *d)
{
	struct xenvirtio_domain_info info;

	return !d->host.hv->ops->domain_info(d->host.hv, &info) && info.shutdown &&
	       info.shutdown_code != XENVIRTIO_SHUTDOWN_POWEROFF;
}

void balloon_daemon_keep_size(struct balloon_daemon *d)
{
	int rc;

	if (!d->vm[0])
		return;
	if (!d->target.pinned || !comes_again(d) || is_named(d, GONE)) {
		/* of a word that was overruled, or of a migration to this very host */
		kept_size_drop(d);
		return;
	}
	rc = kept_size_keep(d, d->target.kib);
	if (rc)
		log_msg(d->host.log, LOG_LEVEL_WARNING, rc,
			"the guest's size is lost when it comes again: cannot write to %s",
			d->opts->common.state_dir);
}

/* What it was made with is nobody's word, and no question to the host: Xen has no more for it. */
static void first_size_of_domain(struct balloon_daemon *d)
{
	uint64_t saved_kib;
	bool saved = read_saved(d, &saved_kib);

	mem_set_pass(&d->mem_set);
	d->target.kib = balloon_daemon_made_with_kib(d);
	target_limit(&d->target, d->limits.max_kib);
	if (!hear_command_line(d) && !target_read_node(&d->target) && saved && !is_named(d, COMING))
		target_set_forced(&d->target, saved_kib, "its size before");
	if (!d->target.pinned)
		target_unpin(&d->target);
	/* last: whoever is killed before is followed by one that finds it */
	if (saved)
		kept_size_drop(d);
}

/* While nobody followed memory/target, what was written there was said to the guest's own driver. */
static bool hear_mem_set(struct balloon_daemon *d)
{
	if (words_seen(d->target.words, WORDS_MEM_SET))
		return mem_set_read(&d->mem_set);
	mem_set_pass(&d->mem_set);
	return false;
}

/* What stands in a key was written before the command line, and before the process began. */
static void first_target(struct balloon_daemon *d)
{
	if (!d->opts->mem_set_follow)
		words_forget(d->target.words, WORDS_MEM_SET);
	if (d->first)
		first_size_of_domain(d);
	else if (hear_command_line(d))
		mem_set_pass(&d->mem_set);
	else if (!hear_mem_set(d))
		target_read_node(&d->target);
	target_show(&d->target);
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
	words_check(d->words);
	/* one that was killed before it had found the first size has noted none */
	d->first = !d->adopted ||
		   (!words_known(d->words) && !status.target_pages && !status.ballooned_pages);
	if (d->first) {
		target_begin(&d->target, d->words);
	} else if (words_known(d->words)) {
		target_keep(&d->target, d->words);
	} else {
		/* of a version that noted nothing: what stands in the domain's key is no news */
		d->target.words = d->words;
		mem_set_pass(&d->mem_set);
		target_read_pinned(&d->target);
	}
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
		d->dynamic_min_kib = d->limits.min_kib;
	d->target.floor_kib = target_floor_kib(d->target.static_max_kib, d->dynamic_min_kib);
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
	uint64_t kept_kib;
	int rc = 0;

	/* one that was killed left it */
	publish_remove(d->host.publish, "refused");
	target_init(&d->target, d->host.log, d->host.publish, d->host.bus->backend,
		    d->static_max_kib, balloon_daemon_target_changed, d);
	d->target.floor_kib = target_floor_kib(d->static_max_kib, 0);
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
	read_limits(d);
	read_dynamic_min(d);
	read_vm(d);
	go_on_with_target(d);
	kept_kib = d->target.kib;
	target_limit(&d->target, d->limits.max_kib);
	balloon_daemon_count_room(d);
	first_target(d);
	d->target.named = balloon_daemon_named;
	balloon_daemon_start_size(d, kept_kib);
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
