// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One client of the control socket. Its requests are answered in their order; one that has to wait
 * (for statistics, or for answers to be read) keeps those behind it in the socket.
 */
#include "backend/base/clock.h"
#include "backend/control/control-internal.h"
#include "backend/devices/balloon/figures/balloon-figures-json.h"
#include "config.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** requests of one client in one turn of the event loop */
#define REQUESTS_PER_TURN 8
/** unread answers from which on nothing more is read */
#define OUTPUT_HIGH (16u * 1024)

/* Answers were added, or have gone out: who reads some has all the time for the next. */
static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *opaque)
{
	struct control_client *cl = opaque;

	if (!evbuffer_get_length(output))
		timer_stop(cl->write);
	else if (info->n_deleted || !timer_is_set(cl->write))
		timer_set(cl->write, cl->control->cfg.write_ms);
}

static void on_write_late(void *opaque)
{
	control_client_free(opaque);
}

void control_client_free(struct control_client *cl)
{
	struct timer *timers[] = {cl->turn, cl->line, cl->stats, cl->write};

	control_unused_forget(cl);
	TAILQ_REMOVE(&cl->control->clients, cl, link);
	cl->control->nr_clients--;
	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		timer_free(timers[i]);
	if (cl->bev) {
		/* the bufferevent may outlive this call */
		evbuffer_remove_cb(bufferevent_get_output(cl->bev), on_output, cl);
		bufferevent_free(cl->bev);
	}
	json_object_put(cl->watch_id);
	json_object_put(cl->stats_id);
	json_object_put(cl->unused_id);
	free(cl);
}

static size_t unread_bytes(const struct control_client *cl)
{
	return evbuffer_get_length(bufferevent_get_output(cl->bev));
}

/* Nothing more is read; what was answered goes out, bounded by the write timeout. */
static enum going close_client(struct control_client *cl)
{
	if (!unread_bytes(cl)) {
		control_client_free(cl);
		return GOING_GONE;
	}
	cl->closing = true;
	bufferevent_disable(cl->bev, EV_READ);
	timer_stop(cl->turn);
	timer_stop(cl->line);
	timer_stop(cl->stats);
	return GOING_ON;
}

void control_client_send(struct control_client *cl, char *line)
{
	if (line)
		bufferevent_write(cl->bev, line, strlen(line));
	else
		log_limited(cl->control->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, -ENOMEM,
			    "no answer to a client");
	free(line);
}

static enum going end_with(struct control_client *cl, const char *code, const char *message)
{
	struct control_error error;

	control_error_set(&error, code, "%s", message);
	control_client_send(cl, control_answer_error(NULL, &error));
	return close_client(cl);
}

/* --- requests --- */

static void get_figures(const struct control_client *cl, struct figures *f)
{
	cl->control->cfg.ops->figures(cl->control->cfg.opaque, f);
}

static struct json_object *version_json(void)
{
	struct json_object *json = json_object_new_object();

	if (json) {
		json_object_object_add(json, "program", json_object_new_string("xen-vballoond"));
		json_object_object_add(json, "version", json_object_new_string(PACKAGE_VERSION));
		json_object_object_add(json, "protocol", json_object_new_int(CONTROL_PROTOCOL));
	}
	return json;
}

static void answer_status(struct control_client *cl, struct json_object *id)
{
	struct figures f;

	get_figures(cl, &f);
	control_client_send(cl, control_answer_result(id, figures_status_json(&f)));
}

static void answer_stats(struct control_client *cl, struct json_object *id)
{
	struct figures f;

	get_figures(cl, &f);
	control_client_send(cl, control_answer_result(id, figures_stats_json(&f)));
}

void control_client_operation(struct control_client *cl)
{
	cl->control->current = cl;
}

/* An operation may stop the control socket; this client, in use here, is left to be freed here. */
enum going control_client_operated(struct control_client *cl)
{
	cl->control->current = NULL;
	if (!cl->control->stopped)
		return GOING_ON;
	control_client_free(cl);
	return GOING_GONE;
}

static enum going request_set(struct control_client *cl, const struct control_request *r)
{
	const struct control_config *cfg = &cl->control->cfg;
	struct control_error error;
	bool taken;

	control_client_operation(cl);
	if (r->command == CONTROL_AUTO)
		taken = cfg->ops->set_auto(cfg->opaque, r->kib_given ? &r->kib : NULL, &error);
	else
		taken = cfg->ops->set_target(cfg->opaque, r->kib, &error);
	if (control_client_operated(cl) == GOING_GONE)
		return GOING_GONE;
	if (taken)
		answer_status(cl, r->id);
	else
		control_client_send(cl, control_answer_error(r->id, &error));
	return GOING_ON;
}

static enum going request_stats(struct control_client *cl, const struct control_request *r)
{
	const struct control_config *cfg = &cl->control->cfg;
	struct figures f;
	bool asked;

	if (!r->refresh) {
		answer_stats(cl, r->id);
		return GOING_ON;
	}
	get_figures(cl, &f);
	control_client_operation(cl);
	asked = cfg->ops->refresh_stats(cfg->opaque);
	if (control_client_operated(cl) == GOING_GONE)
		return GOING_GONE;
	if (!asked) {
		answer_stats(cl, r->id);
		return GOING_ON;
	}
	cl->stats_awaited = true;
	cl->stats_id = json_object_get(r->id);
	cl->stats_sequence = f.stats_sequence;
	timer_set(cl->stats, cfg->stats_ms);
	return GOING_ON;
}

/* A second watch takes the place of the first. */
static void request_watch(struct control_client *cl, const struct control_request *r)
{
	json_object_put(cl->watch_id);
	cl->watch_id = json_object_get(r->id);
	cl->watching = true;
	answer_status(cl, r->id);
}

static enum going do_request(struct control_client *cl, const struct control_request *r)
{
	switch (r->command) {
	case CONTROL_SET:
	case CONTROL_AUTO:
		return request_set(cl, r);
	case CONTROL_STATS:
		return request_stats(cl, r);
	case CONTROL_WATCH:
		request_watch(cl, r);
		return GOING_ON;
	case CONTROL_STATUS:
		answer_status(cl, r->id);
		return GOING_ON;
	case CONTROL_UNUSED:
		return control_unused_request(cl, r->id);
	case CONTROL_FRAMES:
		control_frames_request(cl, r);
		return GOING_ON;
	case CONTROL_RELEASE:
		control_release_request(cl, r->id);
		return GOING_ON;
	case CONTROL_VERSION:
		control_client_send(cl, control_answer_result(r->id, version_json()));
		return GOING_ON;
	default: /* CONTROL_PING */
		control_client_send(cl, control_answer_result(r->id, json_object_new_object()));
		return GOING_ON;
	}
}

static enum going take_line(struct control_client *cl, const char *line, size_t len)
{
	struct control_request r = {0};
	struct control_error error;
	enum going going = GOING_ON;

	cl->active_ms = clock_now_ms();
	if (cl->control->asker == cl)
		cl->control->cfg.ops->hold_unused(cl->control->cfg.opaque);
	TAILQ_REMOVE(&cl->control->clients, cl, link);
	TAILQ_INSERT_TAIL(&cl->control->clients, cl, link);
	if (control_request_parse(line, len, &r, &error)) {
		cl->bad = 0;
		going = do_request(cl, &r);
	} else {
		control_client_send(cl, control_answer_error(r.id, &error));
		if (++cl->bad >= CONTROL_BAD_MAX)
			going = end_with(cl, CONTROL_BAD_REQUEST,
					 "too many lines that are no requests");
	}
	control_request_fini(&r);
	return going;
}

/* --- lines --- */

static bool is_held(const struct control_client *cl)
{
	return cl->closing || cl->stats_awaited || cl->unused_awaited ||
	       unread_bytes(cl) > OUTPUT_HIGH;
}

/* No whole line is there, or it is too long. */
static enum going wait_for_line(struct control_client *cl, size_t begun)
{
	if (cl->eof)
		return close_client(cl);
	if (begun > CONTROL_LINE_MAX)
		return end_with(cl, CONTROL_TOO_LONG, "a request has at most 4096 bytes");
	if (!begun)
		timer_stop(cl->line);
	else if (!timer_is_set(cl->line))
		timer_set(cl->line, cl->control->cfg.line_ms);
	return GOING_ON;
}

/*
 * While requests wait and no more of them fit, libevent is not to read: it does not, but it would call
 * back in each turn of the loop, and there would be no end of turns.
 */
static void read_or_not(struct control_client *cl)
{
	bool full = evbuffer_get_length(bufferevent_get_input(cl->bev)) > CONTROL_LINE_MAX;
	bool deaf = is_held(cl) && full;

	if (deaf == cl->deaf || cl->eof || cl->closing)
		return;
	cl->deaf = deaf;
	if (deaf)
		bufferevent_disable(cl->bev, EV_READ);
	else
		bufferevent_enable(cl->bev, EV_READ);
}

static enum going take_lines(struct control_client *cl)
{
	struct evbuffer *input = bufferevent_get_input(cl->bev);

	read_or_not(cl);
	for (int i = 0; !is_held(cl); i++) {
		struct evbuffer_ptr end = evbuffer_search_eol(input, NULL, NULL, EVBUFFER_EOL_LF);
		enum going going;
		size_t len;
		char *line;

		if (end.pos < 0 || (size_t)end.pos > CONTROL_LINE_MAX)
			return wait_for_line(cl, evbuffer_get_length(input));
		timer_stop(cl->line);
		if (i == REQUESTS_PER_TURN) {
			timer_set(cl->turn, 0);
			return GOING_ON;
		}
		line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF);
		if (!line)
			return end_with(cl, CONTROL_BUSY, "out of memory");
		going = take_line(cl, line, len);
		free(line);
		if (going == GOING_GONE)
			return going;
	}
	read_or_not(cl);
	return GOING_ON;
}

static void on_readable(struct bufferevent *bev, void *opaque)
{
	take_lines(opaque);
}

/* All answers were read. */
static void on_written(struct bufferevent *bev, void *opaque)
{
	struct control_client *cl = opaque;

	if (cl->closing)
		control_client_free(cl);
	else
		take_lines(cl);
}

static void on_turn(void *opaque)
{
	take_lines(opaque);
}

static void on_line_late(void *opaque)
{
	end_with(opaque, CONTROL_TIMEOUT, "a line was begun and not ended");
}

void control_client_go_on(struct control_client *cl)
{
	/* from the event loop: whoever called may hold pointers to clients */
	timer_set(cl->turn, 0);
}

static void end_stats(struct control_client *cl)
{
	timer_stop(cl->stats);
	cl->stats_awaited = false;
	answer_stats(cl, cl->stats_id);
	json_object_put(cl->stats_id);
	cl->stats_id = NULL;
	control_client_go_on(cl);
}

static void on_stats_late(void *opaque)
{
	end_stats(opaque);
}

/*
 * One that ends its side after its requests (printf | socat) gets its answers; an error, or answers
 * nobody reads in time, ends it at once.
 */
static void on_ended(struct bufferevent *bev, short what, void *opaque)
{
	struct control_client *cl = opaque;

	if (!(what & BEV_EVENT_EOF) || cl->closing) {
		control_client_free(cl);
		return;
	}
	cl->eof = true;
	take_lines(cl);
}

/* --- from the socket --- */

static int make_timers(struct control_client *cl)
{
	struct event_base *base = cl->control->cfg.base;

	cl->turn = timer_new(base, on_turn, cl);
	cl->line = timer_new(base, on_line_late, cl);
	cl->stats = timer_new(base, on_stats_late, cl);
	cl->write = timer_new(base, on_write_late, cl);
	return cl->turn && cl->line && cl->stats && cl->write ? 0 : -ENOMEM;
}

int control_client_new(struct control *c, int fd)
{
	struct control_client *cl = calloc(1, sizeof(*cl));

	if (!cl) {
		close(fd);
		return -ENOMEM;
	}
	cl->control = c;
	cl->active_ms = clock_now_ms();
	TAILQ_INSERT_TAIL(&c->clients, cl, link);
	c->nr_clients++;
	cl->bev = bufferevent_socket_new(c->cfg.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!cl->bev)
		close(fd);
	if (!cl->bev || make_timers(cl) ||
	    !evbuffer_add_cb(bufferevent_get_output(cl->bev), on_output, cl)) {
		control_client_free(cl);
		return -ENOMEM;
	}
	bufferevent_setcb(cl->bev, on_readable, on_written, on_ended, cl);
	/* a whole line fits, and what comes after it stays in the kernel */
	bufferevent_setwatermark(cl->bev, EV_READ, 0, CONTROL_LINE_MAX + 1);
	bufferevent_enable(cl->bev, EV_READ | EV_WRITE);
	return 0;
}

void control_client_event(struct control_client *cl, const struct figures *f)
{
	if (!cl->watching || cl->closing)
		return;
	if (unread_bytes(cl) > CONTROL_OUTPUT_MAX) {
		log_limited(cl->control->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_NOTICE, 0,
			    "a client that watches and does not read was dropped");
		control_client_free(cl);
		return;
	}
	control_client_send(cl, control_answer_event(cl->watch_id, "status", figures_status_json(f)));
}

void control_client_stats(struct control_client *cl, const struct figures *f)
{
	if (cl->stats_awaited && f->stats_sequence != cl->stats_sequence)
		end_stats(cl);
}
