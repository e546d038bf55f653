/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a command (struct control_command) does with the client that asked: answer at once, or let
 * it wait. A client is answered in the order of its requests; one that waits keeps those behind in
 * the socket. Only from the event loop.
 */
#ifndef BACKEND_CONTROL_COMMAND_H
#define BACKEND_CONTROL_COMMAND_H

#include "backend/control/control-request.h"

/** control_client_result() - answer request @id; @result is put, NULL: there was no memory */
void control_client_result(struct control_client *cl, struct json_object *id,
			   struct json_object *result);
void control_client_error(struct control_client *cl, struct json_object *id,
			  const struct control_error *error);
/** control_client_status() - answer with the device's status */
void control_client_status(struct control_client *cl, struct json_object *id);

/**
 * control_client_operation() - something begins that may call control_stop()
 *
 * Then control_client_operated(), which may free @cl.
 */
void control_client_operation(struct control_client *cl);
enum control_going control_client_operated(struct control_client *cl);

/** struct control_wait - an answer that comes later; constant */
struct control_wait {
	/** ready - with each control_changed(): whether it is there; NULL: somebody will say so */
	bool (*ready)(void *opaque, uint64_t mark);
	/** answer - it is, or the time is over. Return: the result, to be put */
	struct json_object *(*answer)(void *opaque);
};

/**
 * control_client_wait() - the client waits for the answer to request @id
 * @wait: gets the commands' opaque; NULL: only control_client_end_wait() ends it
 * @mark: for ready()
 * @ms:   the longest it may take; 0: for ever
 */
void control_client_wait(struct control_client *cl, struct json_object *id,
			 const struct control_wait *wait, uint64_t mark, unsigned int ms);
/**
 * control_client_end_wait() - the answer is there: result or error
 *
 * Nothing if the client does not wait. Not from inside an operation.
 */
void control_client_end_wait(struct control_client *cl, struct json_object *result,
			     const struct control_error *error);
bool control_client_waits(const struct control_client *cl);
/** control_client_keep() - whether it is never dropped to make room for another */
void control_client_keep(struct control_client *cl, bool keep);

#endif /* BACKEND_CONTROL_COMMAND_H */
