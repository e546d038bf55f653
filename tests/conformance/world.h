/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with the author's device and a driver, for one clause. The process in it may end and another begin; machine, driver
 * and state outlive it.
 *
 * Returns are 0 or -errno, with world.why if it was the device's fault.
 */
#ifndef CONFORMANCE_WORLD_H
#define CONFORMANCE_WORLD_H

#include <xenvirtio/server.h>

#include "conformance/conformance.h"
#include "fake/hv-fake.h"
#include "guest/bus-fake.h"
#include "guest/driver.h"

#define WORLD_BASE 0x2000000u
#define WORLD_IRQ 33u
/** buffers of one message */
#define WORLD_PIECES_MAX 64u

/** when a process ends, at an access of the guest's */
enum world_end {
	WORLD_GOES_ON,
	WORLD_ENDS_BEFORE, /* it was killed before it took it */
	WORLD_ENDS_AFTER,  /* it ended properly, with nothing under way */
};

/**
 * struct layout - of a message in descriptors
 * @piece_bytes: of each buffer, at most; 0: as few buffers as there can be
 * @direct:      buffers before the indirect table, if there is one
 * @indirect:    the rest is in a table
 * @odd_flag:    the descriptor that refers to the table has WRITE
 * @apart:       each buffer is in a page of its own, and runs over its end where it can
 * @backwards:   descriptors are chained from the last to the first
 */
struct layout {
	unsigned int piece_bytes;
	unsigned int direct;
	bool indirect;
	bool odd_flag;
	bool apart;
	bool backwards;
};

/** struct piece - a buffer as it was given to the device */
struct piece {
	uint8_t *bytes;
	uint32_t len;
	bool writable;
};

/** struct posted - a message that is with the device */
struct posted {
	struct conformance_message m;
	unsigned int step;
	uint16_t head;
	uint32_t used_bytes;
	unsigned int nr_pieces;
	struct piece piece[WORLD_PIECES_MAX];
};

struct world {
	const struct conformance_device *cd;
	struct fake *fake;
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_device *dev;
	struct xenvirtio_server *server;
	struct xenvirtio_device_state state;
	uint16_t id;
	bool made;
	struct bus_fake bus;
	struct driver driver;
	size_t left_mapped; /* when processes ended */
	uint64_t refused; /* calls that failed, any of which may have been to take an eventfd away */
	int failure; /* why the process ended by itself; 0: it has not */
	uint64_t accesses;
	uint64_t end_at; /* the access at which a process ends; UINT64_MAX: at each */
	enum world_end end;
	unsigned int excused; /* recommendations that the device says it does not follow: SHOULD_ of clauses.h */
	unsigned int stride; /* of what is done for each call or access */
	struct posted pending; /* the message that world_send() waits for */
	bool is_pending;
	char why[200];
	char note[80]; /* of what is ok: how much was tried */
};

/** world_begin() - the machine; @hole: with one frame missing. No process yet */
int world_begin(struct world *w, const struct conformance_device *cd, const struct fake_config *config, bool hole);
/** world_start() - a process, new or adopting what another left */
int world_start(struct world *w);
/** world_stop() - it ends; @killed: as by a signal that cannot be caught */
void world_stop(struct world *w, bool killed);
/** world_close() - as world_stop(), and the ioreq server goes */
int world_close(struct world *w);
/** world_end() - all of it, whatever state it is in */
void world_end(struct world *w);
/** world_left() - what is left behind in the machine, or was done wrongly there; once closed. Return: 0; -EPROTO with why */
int world_left(struct world *w);

/** world_turn() - let the device work until it has nothing to do */
int world_turn(struct world *w);
/** world_fail() - Return: -EPROTO, with why, which has @format; the first one stays */
int world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** world_skip() - Return: 1, with why */
int world_skip(struct world *w, const char *why);
/** world_check() - @ret of the driver side: unless 0, that @what failed */
int world_check(struct world *w, int ret, const char *what);

/** world_init() - a proper driver, with @more features than the author's; fewer where a ring's are not offered */
int world_init(struct world *w, uint64_t more);
/** world_offered() - what the device offers */
uint64_t world_offered(struct world *w);
/** world_has() - features a ring may have are among them */
bool world_has(struct world *w, uint64_t features);

/** world_post() - a message, made available; the device is not told */
int world_post(struct world *w, unsigned int slot, unsigned int step, const struct layout *layout, uint8_t filling,
	       struct posted *p);
/** world_kick() - notify its queue if that wants to be */
int world_kick(struct world *w, const struct posted *p);
/** world_taken() - whether a queue's used index moved since the driver looked */
bool world_taken(struct world *w, unsigned int queue);
/** world_finish() - it has come back, the next of its queue, with a length that can be. @p.m has what was written */
int world_finish(struct world *w, struct posted *p);
/** world_collect() - @nr messages of one queue, each once and in any order, and no more than those */
int world_collect(struct world *w, const struct posted *p, unsigned int nr);
/** world_answer() - the author's own judgement of what was finished */
int world_answer(struct world *w, struct posted *p);
/** world_send() - post, kick, finish, answer */
int world_send(struct world *w, unsigned int step, const struct layout *layout);
/** world_request() - all messages of a request; memory is the driver's again after it */
int world_request(struct world *w, const struct layout *layout);

/** world_interrupts() - so far */
uint64_t world_interrupts(struct world *w);
/** world_reg() - a register; UINT32_MAX if it cannot be read */
uint32_t world_reg(struct world *w, uint32_t reg);
/** world_quiet() - acknowledge all, so that the next interrupt is a new one */
int world_quiet(struct world *w);

#endif /* CONFORMANCE_WORLD_H */
