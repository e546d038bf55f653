/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What --auto decides: how much memory each guest shall have, from what all guests and the host say
 * at one moment. A pure function: no clock, no call, no allocation; what it must remember from one
 * step to the next is in struct policy_memory, which starts as zeroes.
 *
 *                   0 %        low         mid         high                 100 %
 *   available of    |-pressure-|-----------dead band-----|-------surplus-----|
 *   what it has     | grows to mid |      stays      | shrinks to mid       |
 *                                  ^ where it stops giving to others that are under pressure
 *
 * Nobody sees what a guest uses before it uses it, but a guest that takes more and more will take more still: one that would
 * be under pressure soon, at the pace it has, grows now, from what the host has free and after those who are under pressure.
 * What is left then, wanted by nobody, is lent to guests that will soon use more than is free in them, or read it by faults, twice as
 * much as that: their page cache counts as available, but while the host has memory to spare nobody need drop it. Who would be lent some
 * has not too much; when he uses no more of it, he gives it back like anything he has too much, or when others ask.
 *
 * A guest whose counters show pressure (pressure.h) grows whatever it has available, by about what it
 * lacked; for a while after that it is not taken below the size at which none was felt any more, and
 * each time it was taken too far the while is twice as long. That size is for what it used then: when it uses less, it keeps so much
 * less. Others in need may have of it all the same what nobody else has to give, in small steps, and not while it feels pressure.
 *
 * How much each gives of what others wait for is in policy-give.h. While room that somebody asked for is missing, a guest that only reads
 * files feels no pressure: nobody can tell whether they are new to it.
 *
 * What somebody has too much is taken in larger steps where it lies free in him than where it may be a file's: only what comes of it
 * shows whether a file is missed. Until he has told that he is looked at sooner than usual.
 *
 * When all that is not enough, and somebody runs out, others give the last that is free in them (policy-last.h).
 *
 * Where guests under pressure want more than there is, the worst comes first; but where a share was named for one of them, each
 * gets its part (policy-shares.h), and who has more than that gives.
 *
 * Invariants: no order below the floor or above static-max; what guests are let grow by never
 * exceeds what the host has free and nobody was promised; who is under pressure comes first, the
 * worst first, and gives nothing but what is free in it, to one that runs out; a guest that is
 * pinned, blind or does not co-operate is asked for nothing, and one that is blind or takes nothing
 * keeps no promise. Figures come from guests: they are hostile. With false ones a guest has what others
 * leave free, down to a 16th of theirs, up to its most; a share, a floor and a most bound that.
 */
#ifndef BACKEND_POLICY_H
#define BACKEND_POLICY_H

#include "backend/devices/balloon/sizing/pressure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** of a guest for which nobody named one, and the most that can be named */
#define POLICY_SHARE_USUAL 100u
#define POLICY_SHARE_MAX 10000u

struct policy_config {
	unsigned int low_percent;  /* below, a guest is under pressure; less than high */
	unsigned int high_percent; /* above, it has more than it needs; less than 100 */
	uint64_t floor_kib;	   /* of a guest that names none; 0: a quarter of its static-max */
	bool overcommit;	   /* ask for memory whatever the host has free */
	uint64_t hold_kib;	   /* of the host's free memory: room for a guest to come, which nobody
				      is let grow into, and which others give what is missing of */
	unsigned int stale_ms;	   /* statistics this old say nothing */
	unsigned int stuck_ms;	   /* a guest that has not moved for so long does not co-operate */
	unsigned int retry_ms;	   /* and is asked again after that */
	unsigned int shrink_ms;	   /* for so long what a guest has too much is left to it, and from
				      one step of shrinking to the next */
	unsigned int hold_ms;	   /* a guest that felt pressure keeps what it has so long at first */
	unsigned int hold_max_ms;  /* and so long at most */
	unsigned int quiet_ms;	   /* when it has felt none for so long others in need may try to have
				      some of that */
	unsigned int ahead_ms;	   /* a guest whose use grows gets what it will need so much later, where the
				      host has that to spare; 0: what it needs now */
	unsigned int young_ms;	   /* a guest whose driver has just come keeps half of static-max so long:
				      what it will need it does not use yet */
};

/** struct policy_guest - what is known of one; sizes in KiB */
struct policy_guest {
	uint64_t static_max_kib;
	uint64_t floor_kib; /* 0: the configuration's */
	uint64_t most_kib;  /* it is not let grow above; 0: static-max */
	unsigned int share; /* of what is wanted by more than have it: policy-shares.h; 0: nobody named one */
	uint64_t target_kib;
	uint64_t balloon_kib;
	uint64_t unowed_kib; /* of that: never to be given back */
	uint64_t available_kib;
	uint64_t stats_age_ms;
	uint64_t stall_kib; /* what a deflate waits for that the host does not have */
	bool has_stats;	    /* the two above it count */
	bool driver_ok;
	bool pinned; /* somebody else decides */
	struct pressure_set counters;
};

/** struct policy_memory - of one guest, between steps */
struct policy_memory {
	uint64_t target_kib;
	uint64_t balloon_kib;
	uint64_t moved_ms;	 /* it was where it should be, or came nearer */
	uint64_t paced_kib;	 /* its balloon when it was told its target, or had come some way nearer */
	uint64_t paced_ms;	 /* and when that was */
	uint64_t stuck_until_ms; /* 0: it co-operates */
	bool declines;		 /* and what it did not do is to take memory back */
	struct pressure_set counters;
	uint64_t felt_kib;	/* it is not taken below this */
	uint64_t felt_used_kib; /* less what it uses less than this */
	uint64_t felt_until_ms; /* until then */
	uint64_t gave_ms;	/* when it gave of that */
	uint64_t felt_ms;	/* when it felt pressure last */
	uint64_t more_kib;	/* and by how much it grew for that */
	bool only_read;		/* and that it was no more than files it read */
	uint64_t young_until_ms; /* 0: it has no driver yet */
	uint64_t used_sequence;	 /* of the statistics that said last what is available */
	uint64_t used_ms;	 /* when it said last what is available; 0: never */
	uint64_t used_kib;	 /* what it used then */
	uint64_t grew_kib;	 /* by so much in ahead_ms, at the pace it had before that */
	uint64_t reads_kib;	 /* and so much it reads by faults in ahead_ms, at its last pace */
	uint64_t ahead_kib;	 /* and at the lesser of the last two */
	uint64_t hold_ms;	/* 0: it never felt pressure */
	uint64_t watch_until_ms; /* 0: it is not watched */
	uint64_t moving_ms;	 /* it was not there yet then */
	uint64_t shrink_at_ms;	/* 0: it has not too much; else when some of that may be taken */
};

enum policy_verdict {
	POLICY_KEEP,   /* in the band, or under way */
	POLICY_GROW,   /* under pressure */
	POLICY_SHRINK, /* more than it needs */
	POLICY_GIVE,   /* to others under pressure */
	POLICY_PINNED,
	POLICY_BLIND, /* no driver, no statistics, or stale ones */
	POLICY_STUCK, /* it does not do what it is told */
};

/** struct policy_order - what to do with one */
struct policy_order {
	uint64_t target_kib; /* as it is: nothing to do */
	enum policy_verdict verdict;
	/* of the step's own use */
	uint64_t has_kib;
	uint64_t wanted_kib;
	uint64_t felt_kib; /* the size its counters ask for; 0: they ask for none */
	uint64_t kept_kib;  /* it is not taken below, but for others in need when it is quiet */
	uint64_t least_kib; /* it is not taken below */
	bool claims;	   /* it is under pressure, and wants more than it has */
	uint64_t least_of_claim_kib;
	uint64_t part_kib; /* its part by shares (policy-shares.h), where they count; else 0 */
	bool ahead; /* it will be under pressure if it goes on, and is not yet */
	bool quiet;
	bool gives; /* of that, to others in need, like one that keeps nothing */
	uint64_t permille; /* available */
	uint64_t can_kib; /* it can give so much, in this step */
	bool pending;
	bool takes; /* what it is promised, it takes */
	uint64_t must_kib; /* it runs out below that (policy-last.h); 0: it does not */
	uint64_t last_kib; /* it could do without that much longer than who runs out */
	uint64_t spare_kib; /* free in it, and no file's; UINT64_MAX: it does not tell */
};

/**
 * policy_step() - decide
 * @free_kib:  what the host has free
 * @now_ms:    any clock that never goes back, not 0
 * @g, @m, @o: @nr guests, their memories (updated) and orders (out)
 *
 * Return: whether it is worth looking again soon: somebody shall give now what others wait for, or it is watched how he does without what
 * was taken from him
 */
bool policy_step(const struct policy_config *cfg, uint64_t free_kib, uint64_t now_ms,
		 const struct policy_guest *g, struct policy_memory *m, struct policy_order *o,
		 size_t nr);

/** policy_verdict_name() - for logs */
const char *policy_verdict_name(enum policy_verdict verdict);

#endif /* BACKEND_POLICY_H */
