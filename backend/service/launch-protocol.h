/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service's parts without rights ask of its launcher, byte by byte; launch-server.h says what it means. Both ends are one
 * program in two processes of one machine, so numbers are in its order; they may be of two versions where each has a unit of its own, and
 * then the first question tells.
 *
 * One SOCK_SEQPACKET connection. A question is one message of LAUNCH_REQUEST_BYTES, its answer one of LAUNCH_ANSWER_BYTES; one question
 * at a time.
 */
#ifndef BACKEND_LAUNCH_PROTOCOL_H
#define BACKEND_LAUNCH_PROTOCOL_H

#include "backend/service/launcher.h"

#include <stdint.h>

/** grows with each change of what is here */
#define LAUNCH_VERSION 1u

enum launch_op {
	LAUNCH_HELLO = 1, /* @value: LAUNCH_VERSION; the first question. Answer: @value: LAUNCH_HAS_... */
	LAUNCH_START,	  /* @domid, @devid, @flags: a device process; with a descriptor that is readable once it has ended */
	LAUNCH_ATTACH,	  /* @domid, @devid: one that serves already; likewise */
	LAUNCH_SIGNAL,	  /* @handle, @value: SIGTERM, SIGABRT or SIGKILL */
	LAUNCH_REAP,	  /* @handle, of one that has ended: how */
	LAUNCH_DETACH,	  /* @handle: it runs on */
	LAUNCH_PAUSE,	  /* @domid */
	LAUNCH_UNPAUSE,	  /* @domid */
	LAUNCH_HOST_FREE, /* answer: @value: KiB */
	LAUNCH_LISTENER,  /* @value: enum launch_listener; with a descriptor */
	LAUNCH_TELL,	  /* @value: enum launch_word */
	LAUNCH_WANTED,	  /* @domid, @devid: as struct supervisor_companion has them, likewise the next two */
	LAUNCH_GONE,	  /* @domid, @devid */
	LAUNCH_ALL_SEEN,
	LAUNCH_RUNS,	  /* @handle: what program it is. Answer: @value: enum launcher_runs */
	LAUNCH_OPS,
};

/** of the answer to LAUNCH_HELLO: there is a companion */
#define LAUNCH_HAS_COMPANION 1u

/** flags of LAUNCH_START that there are: launcher.h; any other is refused */
#define LAUNCH_FLAGS LAUNCHER_TAKE_OVER

enum launch_listener {
	LAUNCH_LISTENER_SERVICE = 1, /* the service's own control socket, where its type has one */
	LAUNCH_LISTENER_METRICS,
	LAUNCH_LISTENER_UPGRADE,     /* where upgrades are asked for, upgrade-door.h */
	LAUNCH_LISTENERS,
};

enum launch_word {
	LAUNCH_READY = 1, /* no device is overlooked from now on */
	LAUNCH_STOPPING,
	LAUNCH_WORDS,
};

/** struct launch_request - what is not of the question is 0 */
struct launch_request {
	uint32_t op;
	uint32_t domid;
	uint32_t devid;
	uint32_t flags;
	uint64_t handle;
	uint32_t value;
	uint32_t zero;
};

/**
 * struct launch_answer - always all of it; what is not of the answer is 0
 * @op:  of the question
 * @ret: as the operation of struct launcher or of the seam returns; -EPERM: not for who asked
 */
struct launch_answer {
	uint32_t op;
	int32_t ret;
	uint64_t handle;
	uint64_t value; /* of a process its number */
	uint32_t known; /* how it ended, struct process_end */
	uint32_t signalled;
	int32_t end;
	uint32_t zero;
};

#define LAUNCH_REQUEST_BYTES sizeof(struct launch_request)
#define LAUNCH_ANSWER_BYTES sizeof(struct launch_answer)
_Static_assert(LAUNCH_REQUEST_BYTES == 32, "a question has no holes");
_Static_assert(LAUNCH_ANSWER_BYTES == 40, "nor has an answer");

#endif /* BACKEND_LAUNCH_PROTOCOL_H */
