/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection of vhost-user: whole messages with their descriptors, out and in, without ever waiting. The time is the
 * caller's, who waits for the descriptor to be readable as long as it likes.
 *
 * Everything that comes in is hostile. A message is bounded before it is read, descriptors are counted before they are kept,
 * and what is not handed on is closed: after any outcome no descriptor has been lost. It must not know which message follows
 * on which, nor what a payload means.
 */
#ifndef BACKEND_VHOST_CHANNEL_H
#define BACKEND_VHOST_CHANNEL_H

#include "backend/vhost/fault.h"
#include "backend/vhost/message.h"

#include <stdbool.h>
#include <stddef.h>

/** descriptors that may come with one message; no answer has more than one, and none is kept of those that have */
#define VHOST_CHANNEL_FDS 2u

struct vhost_channel {
	int fd; /* -1: closed */
	int err; /* -errno: what VHOST_SYSTEM was */
	/* what has come of the next message */
	size_t got;
	struct vhost_message in;
	int fds[VHOST_CHANNEL_FDS];
	unsigned int nr_fds;
};

/** vhost_channel_init() - @fd: a connected stream socket; the channel's from now on; -1: none yet */
void vhost_channel_init(struct vhost_channel *c, int fd);
/** vhost_channel_close() - also what came of a message; idempotent */
void vhost_channel_close(struct vhost_channel *c);

/**
 * vhost_channel_send() - a whole message, or none
 * @m:   header.bytes of the payload are sent
 * @fds: borrowed; at most VHOST_FDS_MAX; go with the first byte, as receivers expect
 *
 * Return: VHOST_OK; VHOST_FULL: not now, which those who wait for each answer never see; VHOST_CLOSED; VHOST_SYSTEM
 * Source: vhost-user.rst, "Communication"
 */
enum vhost_fault vhost_channel_send(struct vhost_channel *c, const struct vhost_message *m, const int *fds,
				    unsigned int nr_fds);

/**
 * vhost_channel_receive() - what there is of the next message, up to its end
 * @whole: out; @c->in and @c->fds are a message, until vhost_channel_next()
 *
 * Nothing of the message after it is read. In @c->in, what is beyond the payload is zero. Bounded: no message is larger than
 * @c->in.
 *
 * Trust:  the header's version and length, and the number of descriptors, have been looked at; nothing else
 * Return: VHOST_OK, also when it is not whole yet; any of one message's faults: it is of no use any more, close it
 */
enum vhost_fault vhost_channel_receive(struct vhost_channel *c, bool *whole);
/** vhost_channel_take_fd() - Return: the message's only descriptor, the caller's from now on; -1: there is none */
int vhost_channel_take_fd(struct vhost_channel *c);
/** vhost_channel_next() - done with the message: its descriptors are closed */
void vhost_channel_next(struct vhost_channel *c);

#endif /* BACKEND_VHOST_CHANNEL_H */
