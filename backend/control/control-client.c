// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One client of the control socket. Its requests are answered in their order; one that has to wait
 * (for statistics, or for answers to be read) keeps those behind it in the socket.
 */
#include "backend/base/clock.h"
#include "backend/control/control-internal.h"
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
	struct timer *timers[] = {cl->turn, cl->line, cl->late, cl->write};

	if (cl->control->cfg.gone)
		cl->control->cfg.gone(cl->control->cfg.commands_opaque, cl);
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
	json_object_put(cl->wait_id);
	free(cl);
}

static size_t unread_bytes(const struct control_client *cl)
{
	return evbuffer_get_length(bufferevent_get_output(cl->bev));
}

/* Nothing more is read; what was answered goes out, bounded by the write timeout. */
static enum control_going close_client(struct control_client *cl)
{
	if (!unread_bytes(cl)) {
		control_client_free(cl);
		return CONTROL_GONE;
	}
	cl->closing = true;
	bufferevent_disable(cl->bev, EV_READ);
	timer_stop(cl->turn);
	timer_stop(cl->line);
	timer_stop(cl->late);
	return CONTROL_GOING_ON;
}

/* @line is freed; NULL: there was no memory for it */
static void send_line(struct control_client *cl, char *line)
{
	if (line)
		bufferevent_write(cl->bev, line, strlen(line));
	else
		log_limited(cl->control->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, -ENOMEM,
			    "no answer to a client");
	free(line);
}

static enum control_going end_with(struct control_client *cl, const char *code, const char *message)
{
	struct control_error error;

	control_error_set(&error, code, "%s", message);
	send_line(cl, control_answer_error(NULL, &error));
	return close_client(cl);
}

/* --- answers --- */

void control_client_result(struct control_client *cl, struct json_object *id,
			   struct json_object *result)
{
	send_line(cl, control_answer_result(id, result));
}

void control_client_error(struct control_client *cl, struct json_object *id,
			  const struct control_error *error)
{
	send_line(cl, control_answer_error(id, error));
}

void control_client_status(struct control_client *cl, struct json_object *id)
{
	const struct control_config *cfg = &cl->control->cfg;

	control_client_result(cl, id, cfg->status(cfg->opaque));
}

void control_client_operation(struct control_client *cl)
{
	cl->control->current = cl;
}

/* An operation may stop the control socket; this client, in use here, is left to be freed here. */
enum control_going control_client_operated(struct control_client *cl)
{
	cl->control->current = NULL;
	if (!cl->control->stopped)
		return CONTROL_GOING_ON;
	control_client_free(cl);
	return CONTROL_GONE;
}

void control_client_wait(struct control_client *cl, struct json_object *id,
			 const struct control_wait *wait, uint64_t mark, unsigned int ms)
{
	cl->waiting = true;
	cl->wait_id = json_object_get(id);
	cl->wait = wait;
	cl->wait_mark = mark;
	if (ms)
		timer_set(cl->late, ms);
}

void control_client_end_wait(struct control_client *cl, struct json_object *result,
			     const struct control_error *error)
{
	if (!cl->waiting) {
		json_object_put(result);
		return;
	}
	timer_stop(cl->late);
	cl->waiting = false;
	if (error)
		control_client_error(cl, cl->wait_id, error);
	else
		control_client_result(cl, cl->wait_id, result);
	json_object_put(cl->wait_id);
	cl->wait_id = NULL;
	/* from the event loop: whoever called may hold pointers to clients */
	timer_set(cl->turn, 0);
}

bool control_client_waits(const struct control_client *cl)
{
	return cl->waiting;
}

void control_client_keep(struct control_client *cl, bool keep)
{
	cl->kept = keep;
}

static void answer_wait(struct control_client *cl)
{
	control_client_end_wait(cl, cl->wait->answer(cl->control->cfg.commands_opaque), NULL);
}

static void on_wait_late(void *opaque)
{
	answer_wait(opaque);
}

void control_client_look(struct control_client *cl)
{
	if (cl->waiting && cl->wait && cl->wait->ready &&
	    cl->wait->ready(cl->control->cfg.commands_opaque, cl->wait_mark))
		answer_wait(cl);
}

/* --- the commands every device has; @opaque is the device's, and none of their business --- */

static enum control_going run_ping(void *opaque, struct control_client *cl,
				   const struct control_request *r)
{
	control_client_result(cl, r->id, json_object_new_object());
	return CONTROL_GOING_ON;
}

static enum control_going run_version(void *opaque, struct control_client *cl,
				      const struct control_request *r)
{
	struct json_object *json = json_object_new_object();

	if (json) {
		json_object_object_add(json, "program",
				       json_object_new_string(cl->control->cfg.program->name));
		json_object_object_add(json, "version", json_object_new_string(PACKAGE_VERSION));
		json_object_object_add(json, "protocol", json_object_new_int(CONTROL_PROTOCOL));
	}
	control_client_result(cl, r->id, json);
	return CONTROL_GOING_ON;
}

static enum control_going run_status(void *opaque, struct control_client *cl,
				     const struct control_request *r)
{
	control_client_status(cl, r->id);
	return CONTROL_GOING_ON;
}

/* A second watch takes the place of the first. */
static enum control_going run_watch(void *opaque, struct control_client *cl,
				    const struct control_request *r)
{
	json_object_put(cl->watch_id);
	cl->watch_id = json_object_get(r->id);
	cl->watching = true;
	control_client_status(cl, r->id);
	return CONTROL_GOING_ON;
}

static const struct control_command common_commands[] = {
	{"ping", NULL, run_ping},
	{"version", NULL, run_version},
	{"status", NULL, run_status},
	{"watch", NULL, run_watch},
	{0},
};

static enum control_going take_line(struct control_client *cl, const char *line, size_t len)
{
	const struct control_config *cfg = &cl->control->cfg;
	const struct control_command *const tables[] = {common_commands, cfg->commands, NULL};
	enum control_going going = CONTROL_GOING_ON;
	struct control_request r = {0};
	struct control_error error;

	cl->active_ms = clock_now_ms();
	if (cfg->heard)
		cfg->heard(cfg->commands_opaque, cl);
	TAILQ_REMOVE(&cl->control->clients, cl, link);
	TAILQ_INSERT_TAIL(&cl->control->clients, cl, link);
	if (control_request_parse(tables, line, len, &r, &error)) {
		cl->bad = 0;
		going = r.command->run(cfg->commands_opaque, cl, &r);
	} else {
		control_client_error(cl, r.id, &error);
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
	return cl->closing || cl->waiting || unread_bytes(cl) > OUTPUT_HIGH;
}

/* No whole line is there, or it is too long. */
static enum control_going wait_for_line(struct control_client *cl, size_t begun)
{
	if (cl->eof)
		return close_client(cl);
	if (begun > CONTROL_LINE_MAX)
		return end_with(cl, CONTROL_TOO_LONG, "a request has at most 4096 bytes");
	if (!begun)
		timer_stop(cl->line);
	else if (!timer_is_set(cl->line))
		timer_set(cl->line, cl->control->cfg.line_ms);
	return CONTROL_GOING_ON;
}

/*
 * While requests wait and no more of them fit, libevent is not to read: it does not, but it would
 * call back in each turn of the loop, and there would be no end of turns.
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

static enum control_going take_lines(struct control_client *cl)
{
	struct evbuffer *input = bufferevent_get_input(cl->bev);

	read_or_not(cl);
	for (int i = 0; !is_held(cl); i++) {
		struct evbuffer_ptr end = evbuffer_search_eol(input, NULL, NULL, EVBUFFER_EOL_LF);
		enum control_going going;
		size_t len;
		char *line;

		if (end.pos < 0 || (size_t)end.pos > CONTROL_LINE_MAX)
			return wait_for_line(cl, evbuffer_get_length(input));
		timer_stop(cl->line);
		if (i == REQUESTS_PER_TURN) {
			timer_set(cl->turn, 0);
			return CONTROL_GOING_ON;
		}
		line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF);
		if (!line)
			return end_with(cl, CONTROL_BUSY, "out of memory");
		going = take_line(cl, line, len);
		free(line);
		if (going == CONTROL_GONE)
			return going;
	}
	read_or_not(cl);
	return CONTROL_GOING_ON;
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
	cl->late = timer_new(base, on_wait_late, cl);
	cl->write = timer_new(base, on_write_late, cl);
	return cl->turn && cl->line && cl->late && cl->write ? 0 : -ENOMEM;
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

void control_client_event(struct control_client *cl, struct json_object *status)
{
	if (!cl->watching || cl->closing)
		return;
	if (unread_bytes(cl) > CONTROL_OUTPUT_MAX) {
		log_limited(cl->control->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_NOTICE, 0,
			    "a client that watches and does not read was dropped");
		control_client_free(cl);
		return;
	}
	send_line(cl, control_answer_event(cl->watch_id, "status", json_object_get(status)));
}
