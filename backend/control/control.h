/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of one device process: <state-dir>/<domid>-<devid>.sock, JSON lines, for those
 * whom access.h allows.
 *
 * Clients mean well, but a broken one must not cost the guest anything: requests, clients, answers
 * that wait to be read and half-sent lines are all bounded, a turn of the event loop does a bounded
 * number of requests for a client, and nothing here waits. Belongs to the thread of its event base.
 */
#ifndef BACKEND_CONTROL_H
#define BACKEND_CONTROL_H

#include "backend/base/doors.h"
#include "backend/base/log.h"
#include "backend/control/control-request.h"

/** clients at once; one more takes the place of the one that was idle longest */
#define CONTROL_CLIENTS_MAX 64u
/** who spoke in this time is not idle */
#define CONTROL_IDLE_MS 1000u
/** requests that are none, after which a client is closed */
#define CONTROL_BAD_MAX 3u
/** events for a watcher that does not read, after which it is dropped */
#define CONTROL_OUTPUT_MAX (64u * 1024)

struct event_base;
struct control;

struct control_config {
	struct event_base *base; /* borrowed */
	struct log *log;	 /* borrowed */
	const struct program *program;
	const char *dir;
	const char *name; /* of the socket, for one that is no device's: borrowed; NULL: as above */
	uint32_t domid;
	uint32_t devid;
	const struct doors *doors; /* borrowed; NULL: listens by itself */
	/** status - how it is at this moment. Return: to be put; NULL: out of memory */
	struct json_object *(*status)(void *opaque);
	void *opaque;
	/** commands - the device's, beside those every device has; NULL: none */
	const struct control_command *commands;
	void *commands_opaque; /* for them and the two hooks */
	/** heard - a line came from the client; NULL: nobody wants to know */
	void (*heard)(void *opaque, struct control_client *cl);
	/** gone - the client is being freed: nothing is to be sent to it any more; NULL: likewise */
	void (*gone)(void *opaque, struct control_client *cl);
	unsigned int line_ms;  /* a line begun must end within; 0: 10 s */
	unsigned int write_ms; /* an answer must be read within; 0: 10 s */
};

/** control_open() - Return: 0; as access_listen(); -ENOMEM */
int control_open(struct control **c, const struct control_config *cfg);
/** control_changed() - tell watchers, if what they see changed; not from inside an operation */
void control_changed(struct control *c);
/** control_stop() - close everything, remove the socket; again, or NULL, is fine */
void control_stop(struct control *c);
/** control_free() - stops; not from inside an operation; NULL is fine */
void control_free(struct control *c);

/** control_clients() - how many there are */
unsigned int control_clients(const struct control *c);

#endif /* BACKEND_CONTROL_H */
