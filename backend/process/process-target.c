// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much memory the guest shall have: who says so, whether the host could give it back, and what
 * the device hears.
 */
#include "backend/base/size.h"
#include "backend/process/process-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

void process_target_changed(void *opaque, uint64_t kib)
{
	struct device_process *dp = opaque;
	int rc;

	if (!dp->guest.balloon)
		return;
	rc = balloon_set_target(dp->guest.balloon, target_balloon_pages(&dp->target));
	if (rc == -EINVAL)
		log_limited(dp->log, LOG_KIND_TARGET, LOG_LEVEL_WARNING, 0,
			    "a balloon of %" PRIu32
			    " pages is larger than the guest's RAM: ignored",
			    target_balloon_pages(&dp->target));
	else
		process_end_on(dp, rc, "cannot tell the guest its target");
}

/* Return: whether a lower target may be taken; else @r says why not. */
static bool admit_target(void *opaque, uint64_t kib, struct reserve *r)
{
	struct device_process *dp = opaque;
	struct balloon_status status;
	uint64_t balloon_kib;
	int rc;

	if (dp->opts->overcommit || !dp->guest.balloon)
		return true;
	balloon_get_status(dp->guest.balloon, &status);
	balloon_kib = status.ballooned_pages * KIB_PER_PAGE;
	rc = reserve_count(r, dp->hv, dp->bus.backend[0] ? dp->link : NULL, dp->opts->domid,
			   dp->bus.devid, status.owed_pages * KIB_PER_PAGE);
	if (!rc)
		return reserve_allows(r, balloon_kib, dp->target.static_max_kib - kib);
	if (!dp->uncounted_told)
		log_msg(dp->log, LOG_LEVEL_WARNING, rc < 0 ? rc : -EIO,
			"the host's free memory cannot be told: targets are taken as with "
			"--overcommit");
	dp->uncounted_told = true;
	return true;
}

/* Unlike a key in xenstore, a client hears of a size that cannot be: nothing is cut. */
static bool check_size(struct device_process *dp, uint64_t kib, struct control_error *error)
{
	char asked[SIZE_TEXT_MAX], limit[SIZE_TEXT_MAX];
	uint64_t min_kib, max_kib = dp->target.static_max_kib;
	struct balloon_status status;

	balloon_get_status(dp->guest.balloon, &status);
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
static bool tell_taken(const struct device_process *dp, bool taken, struct control_error *error)
{
	char free_text[SIZE_TEXT_MAX], owed[SIZE_TEXT_MAX];

	if (!taken)
		control_error_set(error, CONTROL_RESERVE,
				  "the host has %s free, and %s is in balloons that guests may "
				  "take back: this guest is asked for no more until that fits "
				  "(xen-vballoond --overcommit asks nevertheless)",
				  size_format(dp->target.reserve.free_kib, free_text),
				  size_format(dp->target.reserve.owed_kib, owed));
	return taken;
}

bool process_set_by_client(void *opaque, uint64_t kib, struct control_error *error)
{
	struct device_process *dp = opaque;

	if (!check_size(dp, kib, error) ||
	    !tell_taken(dp, target_set(&dp->target, kib, "control socket"), error))
		return false;
	/* also when it is the size in force: somebody wants that one */
	target_pin(&dp->target);
	process_note_change(dp);
	return true;
}

bool process_set_auto(void *opaque, const uint64_t *kib, struct control_error *error)
{
	struct device_process *dp = opaque;

	if (!kib) {
		target_unpin(&dp->target);
		process_note_change(dp);
		return true;
	}
	if (dp->target.pinned) {
		control_error_set(error, CONTROL_PINNED,
				  "somebody has named a size: xen-vballoonctl auto gives the guest "
				  "back to --auto");
		return false;
	}
	return check_size(dp, *kib, error) &&
	       tell_taken(dp, target_set_auto(&dp->target, *kib), error);
}

void process_order_self(void *opaque, const struct figures *ignored, uint64_t kib)
{
	struct device_process *dp = opaque;

	if (dp->target.pinned)
		return;
	dp->ordering = true;
	target_set_auto(&dp->target, kib);
	dp->ordering = false;
	if (!dp->ended)
		process_note_change(dp);
}

uint64_t process_read_static_max(struct device_process *dp,
				 const struct xenvirtio_domain_info *info)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];
	uint64_t kib;

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/memory/static-max",
		 dp->opts->domid);
	if (!store_link_read(dp->link, path, value, sizeof(value)) &&
	    !size_parse_kib(value, &kib) && kib)
		return kib;
	return info->max_pages << (XENVIRTIO_PAGE_SHIFT - 10);
}

/* Once and early: a size that cannot be is a wrong command line, not something to cut. */
bool process_refuse_target(struct device_process *dp, uint64_t static_max_kib)
{
	char asked[SIZE_TEXT_MAX], max[SIZE_TEXT_MAX];

	if (!dp->opts->target_given || dp->opts->target_kib <= static_max_kib)
		return false;
	log_msg(dp->log, LOG_LEVEL_ERROR, 0,
		"--target: the guest cannot have %s: give at most %s (memory/static-max)",
		size_format(dp->opts->target_kib, asked), size_format(static_max_kib, max));
	process_refuse(dp, EXIT_CODE_UNSUITABLE);
	return true;
}

void process_first_target(struct device_process *dp)
{
	if (dp->opts->target_given) {
		/* what stands in memory/target is older than the command line */
		target_set(&dp->target, dp->opts->target_kib, "--target");
		return;
	}
	if (mem_set_read(&dp->mem_set) || target_read_node(&dp->target))
		return;
	target_reset(&dp->target);
}

/* What was in force when the process before this one ended was admitted then. */
void process_go_on_with_target(struct device_process *dp)
{
	struct balloon_status status;
	uint64_t balloon_kib;

	balloon_get_status(dp->guest.balloon, &status);
	balloon_kib = (uint64_t)status.target_pages * KIB_PER_PAGE;
	if (balloon_kib <= dp->target.static_max_kib)
		dp->target.kib = dp->target.static_max_kib - balloon_kib;
	if (state_file_adopted(dp->guest.state))
		target_read_pinned(&dp->target);
	else
		target_unpin(&dp->target);
	dp->target.admit = admit_target;
}
