/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of the control socket's protocol, both ways: a request read strictly, an answer written.
 * Pure: it knows no sockets and no devices. The protocol is written down in
 * xen-vballoon-protocol(7).
 */
#ifndef BACKEND_CONTROL_REQUEST_H
#define BACKEND_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/** the longest request, without its newline */
#define CONTROL_LINE_MAX 4096u
/** the protocol's number: grows when a client must know of a change */
#define CONTROL_PROTOCOL 1

#define CONTROL_BAD_JSON "bad-json"
#define CONTROL_BAD_REQUEST "bad-request"
#define CONTROL_UNKNOWN_COMMAND "unknown-command"
#define CONTROL_UNKNOWN_KEY "unknown-key"
#define CONTROL_OUT_OF_RANGE "out-of-range"
#define CONTROL_TOO_LONG "too-long"
#define CONTROL_TIMEOUT "timeout"
#define CONTROL_BUSY "busy"
#define CONTROL_NOT_PERMITTED "not-permitted"
#define CONTROL_IN_USE "in-use"

struct control_client;
struct control_request;

/** whether a client is still there */
enum control_going {
	CONTROL_GOING_ON,
	CONTROL_GONE, /* it was freed */
};

/** struct control_key - the one key a command may take beside id and cmd */
struct control_key {
	const char *name;
	bool is_bool;	   /* else a whole number, not negative */
	bool needed;	   /* the command makes no sense without */
	uint64_t end;	   /* a number is below; 0: any */
	const char *wrong; /* what is said of another value: "kib: give a whole number" */
};

/** struct control_command - one thing a client may ask for; tables end with a name of NULL */
struct control_command {
	const char *name;
	const struct control_key *key; /* NULL: it takes none */
	/** run - do it, and answer now or later (control-command.h) */
	enum control_going (*run)(void *opaque, struct control_client *cl,
				  const struct control_request *r);
};

/** zeroed is empty; freed with control_request_fini() */
struct control_request {
	struct json_object *id; /* as it came: a number or a text; NULL: none was given */
	const struct control_command *command;
	bool given;	 /* the command's key was; always if it is needed */
	uint64_t number; /* what it said */
	bool flag;	 /* likewise */
};

struct control_error {
	const char *code; /* static: a promise */
	char message[256];
};

/** control_error_set() - fill one in */
void control_error_set(struct control_error *e, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * control_request_parse() - read one line
 * @tables: of commands, up to a NULL
 * @line:  @len bytes, no newline; anything at all
 * @r:     out; empty before. Its id is there also on failure, if the line had a good one
 * @error: out, on failure
 *
 * Return: whether it is a request
 */
bool control_request_parse(const struct control_command *const *tables, const char *line,
			   size_t len, struct control_request *r, struct control_error *error);
void control_request_fini(struct control_request *r);

/*
 * Answers: one line with its newline, to be freed; NULL: out of memory. @id may be NULL. The result
 * is put (released), also on failure; NULL is a failure.
 */
char *control_answer_result(struct json_object *id, struct json_object *result);
char *control_answer_error(struct json_object *id, const struct control_error *error);
/** control_answer_event() - a line nobody asked for by itself: @event of a watch */
char *control_answer_event(struct json_object *id, const char *event, struct json_object *status);

#endif /* BACKEND_CONTROL_REQUEST_H */
