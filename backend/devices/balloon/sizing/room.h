/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room for a guest to come: so much of the host's memory that is kept free until somebody takes it, or
 * a time is over.
 *
 * What a balloon gives or takes moves free memory and what is owed to guests alike (reserve.h), so their
 * difference says what others do: as much as it falls was taken by a domain that is being created, and
 * is held no longer. Only guests that tell what they are owed at both of two looks are compared: one whose
 * device process is started again meanwhile tells nothing for a while. Pure; it knows no clock and no guests.
 */
#ifndef BACKEND_ROOM_H
#define BACKEND_ROOM_H

#include <stdbool.h>
#include <stdint.h>

/** zeroed: nobody asked */
struct room {
	uint64_t held_kib;
	uint64_t until_ms;
	bool looked;	   /* since it was asked for; then also */
	uint64_t free_kib; /* of the host */
	int64_t others_kib; /* free less owed */
};

/** struct room_owed - to guests, as far as they tell */
struct room_owed {
	uint64_t kib;	   /* to all that tell now */
	uint64_t came_kib; /* of that, to those that did not at the last look */
	uint64_t left_kib; /* then, to those that tell nothing now */
};

/** room_ask() - @kib shall be free until @until_ms; 0: nothing, any more. Instead of what was asked before */
void room_ask(struct room *r, uint64_t kib, uint64_t until_ms);
/** room_look() - how it stands. Return: KiB that are to be kept free */
uint64_t room_look(struct room *r, uint64_t now_ms, uint64_t free_kib, const struct room_owed *owed);
/** room_is_there() - what is held is free */
bool room_is_there(const struct room *r);

#endif /* BACKEND_ROOM_H */
