/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost-user backend for tests, at the other end of a socket and in the same thread. It writes down what it was asked and
 * answers as it is told: well, or in one of the ways that are wrong. vhost-clock.c is the clock of both, where no other is.
 *
 * It must not know the front-end: it speaks bytes.
 */
#ifndef VHOST_PEER_H
#define VHOST_PEER_H

#include "backend/vhost/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum peer_ill {
	PEER_WELL,
	PEER_SILENT,
	PEER_CLOSES, /* in place of an answer */
	PEER_CUTS, /* after peer->ill_value bytes of it */
	PEER_SHORT,
	PEER_LONG,
	PEER_HUGE,
	PEER_OTHER_REQUEST,
	PEER_NO_REPLY_FLAG,
	PEER_VERSION,
	PEER_FD, /* one too many */
	PEER_FDS, /* ill_value too many */
	PEER_NO_FD,
	PEER_TWICE, /* the answer, and once more */
	PEER_VALUE, /* ill_value in the payload's first eight bytes */
	PEER_LATE, /* after ill_value ms */
	PEER_BYTEWISE, /* right, but a byte at a time */
	PEER_ILLS
};

#define PEER_REQUESTS 400u

struct peer_request {
	struct vhost_message m;
	unsigned int nr_fds;
	off_t first_bytes; /* the size of its first descriptor */
};

struct vhost_peer {
	int fd; /* -1: hung up */
	int requests_fd; /* for its own requests; -1: it was given none */
	/* what it is */
	uint64_t features, protocol, queues, slots;
	uint8_t config[VHOST_CONFIG_MAX];
	bool has_no_config; /* an empty answer */
	bool changes; /* says before each answer that it is another by now */
	/* what is wrong with the answer to the request number ill_at, from 0; and whether with that only */
	enum peer_ill ill;
	size_t ill_at;
	uint64_t ill_value;
	/* what it was asked: asked[], at the end */
	size_t nr_asked;
	size_t nr_seen; /* by peer_saw() */
	off_t inflight_bytes; /* the size of the record it made last; no two have the same */
	/* what it has yet to say */
	uint64_t due_ms; /* 0: nothing */
	struct vhost_message late;
	struct peer_request asked[PEER_REQUESTS];
};

/** peer_new() - of all features; @fd: out; the front-end's end. Never NULL */
struct vhost_peer *peer_new(int *fd);
/** peer_at() - the same, at the end @fd of a connection, which is its own from now on */
struct vhost_peer *peer_at(int fd);
/** peer_free() - NULL is fine */
void peer_free(struct vhost_peer *p);
/** peer_hang_up() - EOF for the front-end */
void peer_hang_up(struct vhost_peer *p);
/** peer_run() - read all there is, and answer */
void peer_run(struct vhost_peer *p);
/** peer_say() - a message of its own, on @fd; the first @len bytes of it */
void peer_say(int fd, const struct vhost_message *m, size_t len, const int *fds, unsigned int nr_fds);
/** peer_hear() - an answer on its own requests' socket. Return: false: there is none */
bool peer_hear(struct vhost_peer *p, struct vhost_message *m);
/** peer_saw() - whether the next requests it was asked are these, up to a 0, and there are no others */
bool peer_saw(struct vhost_peer *p, const uint32_t *requests);
/** peer_last() - the last request of a kind; NULL: there was none */
const struct peer_request *peer_last(const struct vhost_peer *p, uint32_t request);
size_t peer_count(const struct vhost_peer *p, uint32_t request);

/* vhost-clock.c */

/** peer_clock_attend() - whose turn it is while the front-end waits; NULL: nobody's */
void peer_clock_attend(struct vhost_peer *p);
void peer_clock_pass(unsigned int ms);
/** peer_clock_waits() - times that somebody waited, so far */
unsigned int peer_clock_waits(void);

/** open_descriptors() - of this process */
unsigned int open_descriptors(void);

#endif /* VHOST_PEER_H */
