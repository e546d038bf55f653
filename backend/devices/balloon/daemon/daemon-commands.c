// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What clients of the control socket want, done with the balloon.
 */
#include "backend/devices/balloon/daemon/balloon-daemon.h"

static void unused_answered(void *opaque, const struct control_error *error)
{
	struct balloon_daemon *d = opaque;

	balloon_commands_unused(&d->commands, error);
}

static void unused_work(void *opaque)
{
	struct balloon_daemon *d = opaque;

	d->host.look_for_work(d->host.opaque);
}

static bool unused_failed(void *opaque, int rc)
{
	return balloon_daemon_end_on(opaque, rc, "cannot ask for unused pages");
}

int balloon_daemon_make_unused(struct balloon_daemon *d)
{
	const struct unused_config cfg = {
		.base = d->host.base,
		.balloon = d->balloon,
		.answer_ms = d->opts->unused_ms,
		.answered = unused_answered,
		.work = unused_work,
		.failed = unused_failed,
		.opaque = d,
	};

	return unused_init(&d->unused, &cfg);
}

static void get_figures(void *opaque, struct balloon_figures *f)
{
	struct balloon_daemon *d = opaque;

	d->host.figures(d->host.opaque, &f->common);
}

static bool ask_unused(void *opaque, struct control_error *error)
{
	struct balloon_daemon *d = opaque;

	return unused_ask(&d->unused, error);
}

static void hold_unused(void *opaque)
{
	struct balloon_daemon *d = opaque;

	unused_hold(&d->unused);
}

static void release_unused(void *opaque)
{
	struct balloon_daemon *d = opaque;

	unused_release(&d->unused);
}

static enum balloon_frame next_frame(void *opaque, struct xenvirtio_run *run,
				     struct xenvirtio_run *piece)
{
	const struct balloon_daemon *d = opaque;

	return balloon_next_frame(d->balloon, run, piece);
}

void balloon_daemon_control(void *self, struct control_config *cfg)
{
	static const struct balloon_command_ops ops = {
		.figures = get_figures,
		.set_target = balloon_daemon_set,
		.set_auto = balloon_daemon_set_auto,
		.refresh_stats = balloon_daemon_refresh_stats,
		.ask_unused = ask_unused,
		.hold_unused = hold_unused,
		.release_unused = release_unused,
		.next_frame = next_frame,
	};
	struct balloon_daemon *d = self;

	d->commands = (struct balloon_commands){.ops = &ops, .opaque = d};
	cfg->commands = balloon_command_table;
	cfg->commands_opaque = &d->commands;
	cfg->heard = balloon_commands_heard;
	cfg->gone = balloon_commands_gone;
}
