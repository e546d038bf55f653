/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A question for unused pages, in time: the balloon says how far it is, this says how long.
 *
 *   [idle] --ask--> [asked] --answered--> [held] --released, or silent too long--> [idle]
 *                      +--malformed, driver gone, too late--> [idle]
 *
 * While it is held the guest's driver keeps its pages, which the guest may want: so a client that
 * hangs must not hold for ever. Belongs to the thread of its event base.
 */
#ifndef BACKEND_UNUSED_H
#define BACKEND_UNUSED_H

#include "backend/control/control-request.h"
#include "backend/devices/balloon/balloon.h"

struct event_base;
struct timer;

struct unused_config {
	struct event_base *base; /* borrowed */
	struct balloon *balloon; /* borrowed */
	unsigned int answer_ms;	 /* the guest must have answered within; 0: 8 s */
	unsigned int hold_ms;	 /* a client's silence ends the hold; 0: 60 s */
	/** answered - @error NULL: the answer is complete, and held. From the event loop */
	void (*answered)(void *opaque, const struct control_error *error);
	/** work - the balloon may have more to do: balloon_status.work_pending */
	void (*work)(void *opaque);
	/** failed - a call of the balloon did. Return: whether the device has ended with it */
	bool (*failed)(void *opaque, int rc);
	void *opaque;
};

enum unused_state {
	UNUSED_IDLE,
	UNUSED_ASKED,
	UNUSED_HELD,
	UNUSED_ENDING, /* released from the event loop */
};

/** zeroed: nothing can be asked, and the other calls do nothing */
struct unused {
	struct unused_config cfg;
	enum unused_state state;
	struct timer *timer;
	uint64_t asked_ns;
	uint64_t took_ns; /* until the newest answer */
};

/** unused_init() - Return: 0; -ENOMEM */
int unused_init(struct unused *u, const struct unused_config *cfg);
/** unused_fini() - what is asked or held stays so: it ends with the device */
void unused_fini(struct unused *u);

/** unused_ask() - lets go of what is held. Return: whether answered() will come; else @error */
bool unused_ask(struct unused *u, struct control_error *error);
/** unused_changed() - something of the balloon did, from inside any of its calls */
void unused_changed(struct unused *u);
/** unused_hold() - what is held, is held on */
void unused_hold(struct unused *u);
/** unused_release() - from the event loop, soon */
void unused_release(struct unused *u);

#endif /* BACKEND_UNUSED_H */
