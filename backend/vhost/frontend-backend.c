// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the backend asks of its own accord. It is told at once that its configuration's change was heard, before the new one is
 * read: it may be waiting for that word with the same thread that has to answer us.
 *
 * Source: vhost-user.rst, "Back-end message types"
 */
#include "backend/vhost/frontend-internal.h"

#include "backend/base/clock.h"

#include <sys/epoll.h>

/** in one turn; more wait for the next */
#define REQUESTS_A_TURN 8
/** in VHOST_CHANGE_MS: each is a turn or a part of one, and dom0's time. Who has that many to say is not listened to for the rest of it */
#define REQUESTS_A_PERIOD 64u

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

/* The end of a period, if it is over. Return: VHOST_OK; VHOST_SYSTEM */
static enum vhost_fault begin_period(struct vhost_frontend *f)
{
	uint64_t now_ms = clock_now_ms();
	int rc = 0;

	if (now_ms < f->heard_end_ms)
		return VHOST_OK;
	f->heard_end_ms = now_ms + VHOST_CHANGE_MS;
	f->heard = 0;
	if (f->is_deaf)
		rc = frontend_watch(f, f->requests.fd);
	f->is_deaf = false;
	if (rc)
		f->requests.err = rc;
	return rc ? VHOST_SYSTEM : VHOST_OK;
}

/* What is not watched wakes nobody, also when the other side hangs up. */
static void be_deaf(struct vhost_frontend *f)
{
	f->is_deaf = true;
	epoll_ctl(f->epoll, EPOLL_CTL_DEL, f->requests.fd, NULL);
}

enum vhost_fault backend_requests_run(struct vhost_frontend *f)
{
	struct vhost_channel *c = &f->requests;
	enum vhost_fault fault = c->fd >= 0 ? begin_period(f) : VHOST_OK;
	bool whole = true;

	for (int i = 0; c->fd >= 0 && !f->is_deaf && whole && !fault && i < REQUESTS_A_TURN; i++) {
		fault = vhost_channel_receive(c, &whole);
		if (fault || !whole)
			break;
		fault = answer(f, c);
		vhost_channel_next(c);
		if (++f->heard >= REQUESTS_A_PERIOD)
			be_deaf(f);
	}
	/* one that has nothing to ask any more is none the worse */
	if (fault == VHOST_CLOSED) {
		frontend_close(f, c);
		/* whose time would be over for ever */
		f->is_deaf = false;
		return VHOST_OK;
	}
	/* the whole backend is of no use then, and this is where it is said why */
	if (fault == VHOST_SYSTEM)
		f->main.err = c->err;
	return fault;
}
