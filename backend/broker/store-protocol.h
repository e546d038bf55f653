/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What device and broker send each other about xenstore, byte by byte; store-broker.h says what it means. Sockets of its
 * own, so that questions about memory stay as small as they are. Both ends are one program, so there is no version.
 */
#ifndef BACKEND_BROKER_STORE_PROTOCOL_H
#define BACKEND_BROKER_STORE_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>
#include <xenvirtio/store.h>

enum broker_store_op {
	BROKER_STORE_OPEN = 1, /* a connection, and no watches; one that was there is closed */
	BROKER_STORE_READ,
	BROKER_STORE_WRITE, /* @text: the value */
	BROKER_STORE_REMOVE,
	BROKER_STORE_LIST,
	BROKER_STORE_GET_PERMS,
	BROKER_STORE_SET_PERMS, /* @text: the permissions */
	BROKER_STORE_WATCH,	/* @text: the token */
	BROKER_STORE_UNWATCH,	/* likewise */
	BROKER_STORE_OPS,
};

/** with their NUL */
#define BROKER_STORE_PATH_MAX 256u
#define BROKER_STORE_TOKEN_MAX 32u
/** names of children, in one answer */
#define BROKER_STORE_NAMES_MAX 65536u
/** watches of a device at a time */
#define BROKER_STORE_WATCHES_MAX 16u

/**
 * struct broker_store_request - always all of it; what is not of this question is 0
 * @op:   enum broker_store_op
 * @path: from the root, or from this domain's node, or "@releaseDomain"; ended by a NUL, like @text
 */
struct broker_store_request {
	uint32_t op;
	uint32_t zero;
	char path[BROKER_STORE_PATH_MAX];
	char text[XENVIRTIO_STORE_TEXT_MAX];
};

/**
 * struct broker_store_answer - its header and @len bytes of @text
 * @op:   of the question
 * @ret:  what the operation of the seam returns; or -EPERM: not for a device
 * @connection: that there is now; another number for another one
 * @text: value or permissions with a NUL; or names as list() hands them out
 */
struct broker_store_answer {
	uint32_t op;
	int32_t ret;
	uint32_t len;
	uint32_t connection;
	char text[BROKER_STORE_NAMES_MAX];
};

#define BROKER_STORE_ANSWER_HEADER offsetof(struct broker_store_answer, text)

/**
 * struct broker_store_event - always all of it, on a socket of its own
 * @lost: 1: the connection is lost, and there is no path
 * @connection: whose event it is: one that was closed may still have had some under way
 * @path: that is watched; which node below it, if any, is not told
 */
struct broker_store_event {
	uint32_t lost;
	uint32_t connection;
	char path[BROKER_STORE_PATH_MAX];
	char token[BROKER_STORE_TOKEN_MAX];
};

_Static_assert(sizeof(struct broker_store_request) == 8 + 256 + 1024, "there are no holes");
_Static_assert(sizeof(struct broker_store_event) == 8 + 256 + 32, "nor here");

#endif /* BACKEND_BROKER_STORE_PROTOCOL_H */
