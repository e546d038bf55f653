// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the backend asks of its own accord. It is told at once that its configuration's change was heard, before the new one is
 * read: it may be waiting for that word with the same thread that has to answer us.
 *
 * Source: vhost-user.rst, "Back-end message types"
 */
#include "backend/vhost/frontend-internal.h"

/** in one turn; more wait for the next */
#define REQUESTS_A_TURN 8

/* @c has one. Return: as vhost_channel_send() */
static enum vhost_fault answer(struct vhost_frontend *f, const struct vhost_channel *c)
{
	const struct vhost_header *h = &c->in.header;
	struct vhost_message m = {
		.header = {.request = h->request, .flags = VHOST_FLAG_VERSION | VHOST_FLAG_REPLY, .bytes = 8},
	};
	bool known = h->request == VHOST_BACKEND_CONFIG_CHANGE && !h->bytes && !c->nr_fds &&
		     has_protocol(f, VHOST_PROTOCOL_CONFIG);

	if (h->flags & VHOST_FLAG_REPLY)
		return VHOST_NO_REQUEST;
	if (known)
		f->stale = true;
	if (!(h->flags & VHOST_FLAG_NEED_REPLY) || !has_protocol(f, VHOST_PROTOCOL_REPLY_ACK))
		return VHOST_OK;
	m.payload.u64 = !known;
	return vhost_channel_send(&f->requests, &m, NULL, 0);
}

enum vhost_fault backend_requests_run(struct vhost_frontend *f)
{
	struct vhost_channel *c = &f->requests;
	enum vhost_fault fault = VHOST_OK;
	bool whole = true;

	for (int i = 0; c->fd >= 0 && whole && !fault && i < REQUESTS_A_TURN; i++) {
		fault = vhost_channel_receive(c, &whole);
		if (!fault && whole) {
			fault = answer(f, c);
			vhost_channel_next(c);
		}
	}
	/* one that has nothing to ask any more is none the worse */
	if (fault == VHOST_CLOSED) {
		frontend_close(f, c);
		return VHOST_OK;
	}
	/* the whole backend is of no use then, and this is where it is said why */
	if (fault == VHOST_SYSTEM)
		f->main.err = c->err;
	return fault;
}
