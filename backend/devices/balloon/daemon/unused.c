// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The states of a question. Everything that ends one does so from the timer: calls come from inside
 * the balloon's, and from clients being freed.
 */
#include "backend/devices/balloon/daemon/unused.h"
#include "backend/base/clock.h"
#include "backend/base/timer.h"
#include "backend/devices/balloon/daemon/commands.h"

#include <errno.h>
#include <string.h>

/* Less than a client waits for its answer: tools/ctl/ctl-client.h. */
#define ANSWER_MS 8000u
#define HOLD_MS 60000u

static enum balloon_unused_state balloon_state(const struct unused *u)
{
	struct balloon_status status;

	balloon_get_status(u->cfg.balloon, &status);
	return status.unused;
}

/* Return: whether the device goes on */
static bool let_go(struct unused *u)
{
	int rc = balloon_release_unused(u->cfg.balloon);

	u->state = UNUSED_IDLE;
	timer_stop(u->timer);
	if (rc && u->cfg.failed(u->cfg.opaque, rc))
		return false;
	u->cfg.work(u->cfg.opaque);
	return true;
}

static void end_without(struct unused *u, const char *code, const char *message)
{
	struct control_error error;

	if (!let_go(u))
		return;
	control_error_set(&error, code, "%s", message);
	u->cfg.answered(u->cfg.opaque, &error);
}

static void look_at_answer(struct unused *u)
{
	switch (balloon_state(u)) {
	case BALLOON_UNUSED_DONE:
		u->state = UNUSED_HELD;
		u->took_ns = clock_now_ns() - u->asked_ns;
		timer_set(u->timer, u->cfg.hold_ms);
		u->cfg.answered(u->cfg.opaque, NULL);
		break;
	case BALLOON_UNUSED_ASKED:
		end_without(u, CONTROL_NO_ANSWER, "the guest has not answered in time");
		break;
	default:
		end_without(u, CONTROL_BAD_ANSWER,
			    "the guest's answer was malformed, or its driver went");
		break;
	}
}

static void on_timer(void *opaque)
{
	struct unused *u = opaque;

	if (u->state == UNUSED_ASKED)
		look_at_answer(u);
	else if (u->state != UNUSED_IDLE)
		let_go(u);
}

int unused_init(struct unused *u, const struct unused_config *cfg)
{
	*u = (struct unused){.cfg = *cfg};
	if (!u->cfg.answer_ms)
		u->cfg.answer_ms = ANSWER_MS;
	if (!u->cfg.hold_ms)
		u->cfg.hold_ms = HOLD_MS;
	u->timer = timer_new(cfg->base, on_timer, u);
	return u->timer ? 0 : -ENOMEM;
}

void unused_fini(struct unused *u)
{
	timer_free(u->timer);
	u->timer = NULL;
	u->state = UNUSED_IDLE;
}

/* Return: whether the driver is answering */
static bool ask(struct unused *u, struct control_error *error)
{
	int rc = balloon_request_unused(u->cfg.balloon);

	if (!rc)
		return true;
	control_error_set(
		error, CONTROL_NO_DRIVER,
		"the guest cannot be asked now: its driver is not there, has no free page "
		"hints, or is busy with an earlier question");
	if (rc < 0 || rc == XENVIRTIO_E_GONE)
		u->cfg.failed(u->cfg.opaque, rc);
	return false;
}

bool unused_ask(struct unused *u, struct control_error *error)
{
	control_error_set(error, CONTROL_NO_DRIVER, "the guest is not served any more");
	if (!u->timer || (u->state != UNUSED_IDLE && !let_go(u)))
		return false;
	u->asked_ns = clock_now_ns();
	if (!ask(u, error))
		return false;
	u->state = UNUSED_ASKED;
	u->cfg.work(u->cfg.opaque);
	timer_set(u->timer, balloon_state(u) == BALLOON_UNUSED_ASKED ? u->cfg.answer_ms : 0);
	return true;
}

void unused_changed(struct unused *u)
{
	if (u->state == UNUSED_ASKED && balloon_state(u) != BALLOON_UNUSED_ASKED)
		timer_set(u->timer, 0);
}

void unused_hold(struct unused *u)
{
	if (u->state == UNUSED_HELD)
		timer_set(u->timer, u->cfg.hold_ms);
}

void unused_release(struct unused *u)
{
	if (!u->timer || u->state == UNUSED_IDLE)
		return;
	u->state = UNUSED_ENDING;
	timer_set(u->timer, 0);
}
