/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balloon's commands on its control socket: who may ask for a size, statistics, unused pages.
 * What they do is the device process's; this is the conversation.
 *
 *   commands.c         set, force, auto, stats
 *   commands-unused.c  unused, frames, release: one client at a time asks, and holds the answer
 */
#ifndef BACKEND_BALLOON_COMMANDS_H
#define BACKEND_BALLOON_COMMANDS_H

#include "backend/control/control-command.h"
#include "backend/control/control.h"
#include "backend/devices/balloon/figures/balloon-figures-json.h"
#include "backend/devices/balloon/figures/balloon-names.h"

/** runs of frames in one answer */
#define CONTROL_RUNS_MAX 512u

/** what clients want, done by the device process; any of them may call control_stop() */
struct balloon_command_ops {
	/** figures - how it is at this moment */
	void (*figures)(void *opaque, struct balloon_figures *f);
	/**
	 * set_target - @force: also below the floor
	 *
	 * Return: whether it is the target now; else @error says why not
	 */
	bool (*set_target)(void *opaque, uint64_t kib, bool force, struct control_error *error);
	/** set_auto - on behalf of --auto; @kib NULL: it may from now on. Return: as set_target */
	bool (*set_auto)(void *opaque, const uint64_t *kib, struct control_error *error);
	/** refresh_stats - ask the guest. Return: whether it may answer */
	bool (*refresh_stats)(void *opaque);
	/**
	 * ask_unused - ask the guest which of its pages are unused; lets go of an answer held
	 *
	 * Return: whether balloon_commands_unused() will be called, later; else @error says why not
	 */
	bool (*ask_unused)(void *opaque, struct control_error *error);
	/** hold_unused - the client is still there: the answer is held on for hold_ms */
	void (*hold_unused)(void *opaque);
	/** release_unused - soon; never calls anything of this file */
	void (*release_unused)(void *opaque);
	/** next_frame - as balloon_next_frame() */
	enum balloon_frame (*next_frame)(void *opaque, struct xenvirtio_run *run,
					 struct xenvirtio_run *piece);
};

/** zeroed but for the first three; it is control_config.commands_opaque */
struct balloon_commands {
	const struct balloon_command_ops *ops;
	void *opaque;
	unsigned int stats_ms;	      /* wait so long for fresh statistics; 0: 2 s */
	struct control_client *asker; /* has asked for unused pages, or holds the answer */
};

/** balloon_command_table - for control_config, with the two hooks below */
extern const struct control_command balloon_command_table[];
/** balloon_commands_heard(), balloon_commands_gone() - for control_config */
void balloon_commands_heard(void *opaque, struct control_client *cl);
void balloon_commands_gone(void *opaque, struct control_client *cl);

/**
 * balloon_commands_unused() - the guest has answered, or there is no answer
 * @error: why not; NULL: it has, and the answer is held
 *
 * From the event loop, not from inside an operation.
 */
void balloon_commands_unused(struct balloon_commands *c, const struct control_error *error);

/* commands-unused.c, for the table. */
enum control_going balloon_run_unused(void *opaque, struct control_client *cl,
				      const struct control_request *r);
enum control_going balloon_run_frames(void *opaque, struct control_client *cl,
				      const struct control_request *r);
enum control_going balloon_run_release(void *opaque, struct control_client *cl,
				       const struct control_request *r);

#endif /* BACKEND_BALLOON_COMMANDS_H */
