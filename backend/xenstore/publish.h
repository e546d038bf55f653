/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon tells the world: small values under the device's backend node in xenstore.
 *
 * A value is written only when it changed. Nothing here fails: what could not be written stays
 * marked and is written with the next publish_flush(), so a xenstore that is away costs nothing.
 * After publish_stop() nothing is written any more: a node the toolstack removes must not come
 * back because of a figure.
 */
#ifndef BACKEND_PUBLISH_H
#define BACKEND_PUBLISH_H

#include "backend/xenstore/store-link.h"

#include <stdint.h>

#define PUBLISH_KEY_MAX 48
#define PUBLISH_VALUE_MAX 64
#define PUBLISH_ENTRIES_MAX 64

struct publish_entry {
	char key[PUBLISH_KEY_MAX];
	char value[PUBLISH_VALUE_MAX];
	bool present; /* shall stand there, or shall not */
	bool written; /* and does */
};

struct publish {
	struct store_link *link; /* borrowed; NULL: there is nowhere to publish */
	struct log *log;
	char node[128];
	bool held; /* the node is not there: nothing is written */
	bool noting; /* values are for publish_some() to write */
	struct publish_entry entry[PUBLISH_ENTRIES_MAX];
	unsigned int nr;
};

/** publish_init() - @node: the backend node, no trailing slash; @link NULL publishes nothing */
void publish_init(struct publish *p, struct store_link *link, struct log *log, const char *node);
/** publish_stop() - write nothing any more */
void publish_stop(struct publish *p);

/** publish_text() - @key below the node; cut off at PUBLISH_VALUE_MAX */
void publish_text(struct publish *p, const char *key, const char *value);
void publish_u64(struct publish *p, const char *key, uint64_t value);
/** publish_remove() - @key shall not be there */
void publish_remove(struct publish *p, const char *key);
/** publish_rewrite() - somebody else changed @key: write ours over it */
void publish_rewrite(struct publish *p, const char *key);

/** publish_is_written() - what was published of @key stands there */
bool publish_is_written(struct publish *p, const char *key);

/** publish_flush() - write what could not be written before */
void publish_flush(struct publish *p);
/** publish_note() - while @on, what is published is only noted, for publish_some() */
void publish_note(struct publish *p, bool on);
/** publish_some() - write the next @nr of what is not written. Return: whether more is left, and can be written */
bool publish_some(struct publish *p, unsigned int nr);
/** publish_hold() - the node is not there for now: remember, write nothing */
void publish_hold(struct publish *p);
/** publish_again() - the node is back, and may have forgotten: write all */
void publish_again(struct publish *p);

#endif /* BACKEND_PUBLISH_H */
