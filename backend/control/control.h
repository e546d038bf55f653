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

#include "backend/control/control-request.h"
#include "backend/devices/balloon/figures/balloon-figures.h"
#include "backend/base/log.h"

/** clients at once; one more takes the place of the one that was idle longest */
#define CONTROL_CLIENTS_MAX 64u
/** who spoke in this time is not idle */
#define CONTROL_IDLE_MS 1000u
/** requests that are none, after which a client is closed */
#define CONTROL_BAD_MAX 3u
/** runs of frames in one answer */
#define CONTROL_RUNS_MAX 512u
/** events for a watcher that does not read, after which it is dropped */
#define CONTROL_OUTPUT_MAX (64u * 1024)

struct event_base;
struct control;

/** what clients want, done by the device process; any of them may call control_stop() */
struct control_ops {
	/** figures - how it is at this moment */
	void (*figures)(void *opaque, struct figures *f);
	/** set_target - Return: whether it is the target now; else @error says why not */
	bool (*set_target)(void *opaque, uint64_t kib, struct control_error *error);
	/** set_auto - on behalf of --auto; @kib NULL: it may from now on. Return: as set_target */
	bool (*set_auto)(void *opaque, const uint64_t *kib, struct control_error *error);
	/** refresh_stats - ask the guest. Return: whether it may answer */
	bool (*refresh_stats)(void *opaque);
	/**
	 * ask_unused - ask the guest which of its pages are unused; lets go of an answer held
	 *
	 * Return: whether control_unused() will be called, later; else @error says why not
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

struct control_config {
	struct event_base *base; /* borrowed */
	struct log *log;	 /* borrowed */
	const char *dir;
	uint32_t domid;
	uint32_t devid;
	const struct control_ops *ops;
	void *opaque;
	unsigned int line_ms;  /* a line begun must end within; 0: 10 s */
	unsigned int write_ms; /* an answer must be read within; 0: 10 s */
	unsigned int stats_ms; /* wait so long for fresh statistics; 0: 2 s */
};

/** control_open() - Return: 0; as access_listen(); -ENOMEM */
int control_open(struct control **c, const struct control_config *cfg);
/** control_changed() - tell watchers, if what they see changed; not from inside an operation */
void control_changed(struct control *c);
/**
 * control_unused() - the guest has answered, or there is no answer
 * @error: why not; NULL: it has, and the answer is held
 *
 * From the event loop, not from inside an operation.
 */
void control_unused(struct control *c, const struct control_error *error);
/** control_stop() - close everything, remove the socket; again, or NULL, is fine */
void control_stop(struct control *c);
/** control_free() - stops; not from inside an operation; NULL is fine */
void control_free(struct control *c);

/** control_clients() - how many there are */
unsigned int control_clients(const struct control *c);

#endif /* BACKEND_CONTROL_H */
