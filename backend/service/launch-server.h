/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The launcher's side of the service: what takes rights is done here, for parts of the service that have none.
 *
 *   launcher  has root's rights, and the devices and capabilities that brokers begin with. It reads no byte of a guest and no JSON,
 *             and no network. It starts device processes, signals those, pauses a new guest, and asks for the host's free memory.
 *   watcher   the supervisor and its policy: xenstore's socket, the state directory to read, the control sockets of devices. It
 *             has this connection in the place of all rights.
 *   metrics   HTTP at a socket that it was given; it asks for the host's free memory alone.
 *
 * Each message is checked as if its sender were the enemy: length, what must be 0, ranges, and that what is named is its own. One that is
 * no question ends the connection, since there is no honest sender of it; one that may not be is answered -EPERM, and logged.
 *
 *   start      this program alone, for a domain's and a device's number; two at a time for a device, LAUNCH_PROCESSES_MAX in all
 *   attach     who holds the state file's lock, by the kernel
 *   signal     such a process, until it is reaped; SIGTERM, SIGABRT, SIGKILL
 *   unpause    as often as it was paused from here, and LAUNCH_INHERITED_MAX times more for a domain: what a launcher before this one did
 *
 * Processes are the launcher's: when a watcher dies they run on, those that end meanwhile are waited for, and the next
 * watcher is told of the others when it asks for them.
 */
#ifndef BACKEND_LAUNCH_SERVER_H
#define BACKEND_LAUNCH_SERVER_H

#include "backend/base/log.h"
#include "backend/service/launch-protocol.h"
#include "backend/service/launcher.h"
#include "backend/service/supervisor.h"

#include <stdbool.h>
#include <stddef.h>

/** device processes at the same time */
#define LAUNCH_PROCESSES_MAX 8192u
/** of one device: one that serves, and one that takes over */
#define LAUNCH_OF_ONE_MAX 2u
/** pauses of one domain at the same time: each of its devices has one */
#define LAUNCH_PAUSES_MAX 64u
/** see above: a launcher that dies may leave as many */
#define LAUNCH_INHERITED_MAX LAUNCH_PAUSES_MAX

struct event_base;
struct launch_peer;
struct launch_server;

/** LAUNCH_MAY() - a bit of launch_server_peer()'s @may */
#define LAUNCH_MAY(op) (1u << (op))
/** what the watcher may, and what the metrics may */
#define LAUNCH_MAY_WATCH (((1u << LAUNCH_OPS) - 1) & ~1u)
#define LAUNCH_MAY_METER (LAUNCH_MAY(LAUNCH_HELLO) | LAUNCH_MAY(LAUNCH_HOST_FREE) | LAUNCH_MAY(LAUNCH_LISTENER))

/** struct launch_server_config - all is borrowed */
struct launch_server_config {
	struct event_base *base;
	struct log *log;
	const struct launcher *launcher; /* start, attach, runs, signal, reap and detach are used */
	/** pause, unpause, host_free - Return: 0; XENVIRTIO_E_GONE; -errno */
	int (*pause)(void *opaque, uint32_t domid, struct log *log);
	int (*unpause)(void *opaque, uint32_t domid, struct log *log);
	int (*host_free)(void *opaque, uint64_t *kib);
	/** listener - Return: a descriptor that stays the callee's; -ENOENT there is none; -errno */
	int (*listener)(void *opaque, enum launch_listener which);
	void (*tell)(void *opaque, enum launch_word word);
	const struct supervisor_companion *companion; /* NULL: there is none */
	/** gone - the connection is closed; @bad: for what came through it */
	void (*gone)(void *opaque, struct launch_peer *peer, bool bad);
	void *opaque;
};

/** launch_server_new() - Return: 0; -ENOMEM */
int launch_server_new(struct launch_server **s, const struct launch_server_config *cfg);
/** launch_server_free() - processes run on; calls nobody; NULL is fine */
void launch_server_free(struct launch_server *s);

/**
 * launch_server_peer() - serve a connection
 * @sock: becomes the server's
 * @may:  LAUNCH_MAY_...
 *
 * One with LAUNCH_MAY_WATCH at a time. Return: NULL out of memory, and @sock is closed
 */
struct launch_peer *launch_server_peer(struct launch_server *s, int sock, unsigned int may);
/** launch_server_drop() - close it, and do not call gone() */
void launch_server_drop(struct launch_peer *peer);

/**
 * launch_server_answer() - one message
 * @bytes, @len: as it came; hostile
 * @answer:      out; to be sent whole
 * @fd:          out; a descriptor that goes with it, and stays whose it is; -1: none
 *
 * Return: 0; -EPROTO it is no question: end the connection
 */
int launch_server_answer(struct launch_peer *peer, const void *bytes, size_t len, struct launch_answer *answer, int *fd);

/** launch_server_end_processes() - tell each that there is to end, SIGTERM; nobody waits for it */
void launch_server_end_processes(struct launch_server *s);
/** launch_server_processes() - how many there are, of whomever; for tests */
size_t launch_server_processes(const struct launch_server *s);

#endif /* BACKEND_LAUNCH_SERVER_H */
