// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attempts on xenstore, by the broker.
 */
#include "config.h"

#include "drill/drill.h"
#include "backend/broker/store-protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/** struct row - @path: %d is a domain: @of_other: the other one, else its own */
struct row {
	uint32_t op;
	bool of_other;
	const char *path, *text;
};

static const struct row rows[] = {
	{BROKER_STORE_WRITE, true, "/local/domain/0/backend/virtio/%" PRIu32 "/0/target", "65536"},
	{BROKER_STORE_WRITE, true, "/local/domain/%" PRIu32 "/memory/target", "65536"},
	{BROKER_STORE_WRITE, false, "/local/domain/%" PRIu32 "/memory/static-max", "1"},
	{BROKER_STORE_WRITE, false, "/local/domain/0/backend/virtio/%" PRIu32 "/0/frontend-id", "0"},
	{BROKER_STORE_WRITE, false, "/local/domain/0/backend/virtio/%" PRIu32 "/1/state", "6"},
	{BROKER_STORE_WRITE, false, "/local/domain/0/libxl/%" PRIu32 "/device/x", "x"},
	{BROKER_STORE_WRITE, false, "/tool/xenvirtio-drill", "x"},
	{BROKER_STORE_WRITE, false, "/local/domain/0/backend/virtio/%" PRIu32 "/0/../../../x", "x"},
	{BROKER_STORE_REMOVE, true, "/local/domain/0/backend/virtio/%" PRIu32 "/0", ""},
	{BROKER_STORE_REMOVE, false, "/local/domain/0/backend/virtio/%" PRIu32 "/0", ""},
	{BROKER_STORE_READ, true, "/local/domain/%" PRIu32 "/vm", ""},
	{BROKER_STORE_READ, false, "/tool/xenstored", ""},
	{BROKER_STORE_LIST, false, "/local/domain", ""},
	{BROKER_STORE_GET_PERMS, true, "/local/domain/%" PRIu32, ""},
	{BROKER_STORE_SET_PERMS, false, "/local/domain/0/backend/virtio/%" PRIu32 "/0", "b0"},
	{BROKER_STORE_SET_PERMS, false, "/local/domain/%" PRIu32 "/memory/target", "w0"},
	{BROKER_STORE_SET_PERMS, true, "/local/domain/%" PRIu32 "/memory/target", "n0"},
	{BROKER_STORE_WATCH, true, "/local/domain/%" PRIu32, "drill"},
	{BROKER_STORE_WATCH, false, "/", "drill"},
	{BROKER_STORE_WATCH, false, "@introduceDomain", "drill"},
};

static int ask(const struct drill *d, unsigned int which)
{
	static struct broker_store_request req;
	static struct broker_store_answer answer;
	const struct row *row = &rows[which];
	char path[BROKER_STORE_PATH_MAX];
	int sock = drill_socket(1);

	if (sock < 0)
		return sock;
	memset(&req, 0, sizeof(req));
	req.op = row->op;
/* the formats are those above */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(path, sizeof(path), row->path, row->of_other ? d->other : d->domid);
#pragma GCC diagnostic pop
	memcpy(req.path, path, strlen(path));
	memcpy(req.text, row->text, strlen(row->text));
	if (send(sock, &req, sizeof(req), MSG_NOSIGNAL) != (ssize_t)sizeof(req) ||
	    recv(sock, &answer, sizeof(answer), 0) < (ssize_t)BROKER_STORE_ANSWER_HEADER)
		return -ENODEV;
	return answer.ret;
}

static int say_nonsense(const struct drill *d, unsigned int bytes)
{
	char zero[16] = {0}, answer;
	int sock = drill_socket(1);

	if (send(sock, zero, bytes, MSG_NOSIGNAL) < 0)
		return -errno;
	return recv(sock, &answer, 1, 0) == 1 ? 0 : -EPIPE;
}

const struct drill_attempt drill_store[] = {
	{"store-write-other-target", ask, 0, false},
	{"store-write-other-memory", ask, 1, false},
	{"store-write-own-static-max", ask, 2, false},
	{"store-write-own-frontend-id", ask, 3, false},
	{"store-write-other-device", ask, 4, false},
	{"store-write-libxl", ask, 5, false},
	{"store-write-tool", ask, 6, false},
	{"store-write-dots", ask, 7, true},
	{"store-remove-other-node", ask, 8, false},
	{"store-remove-own-node", ask, 9, false},
	{"store-read-other", ask, 10, false},
	{"store-read-tool", ask, 11, false},
	{"store-list-domains", ask, 12, false},
	{"store-get-perms-other", ask, 13, false},
	{"store-set-perms-node", ask, 14, false},
	{"store-set-perms-for-all", ask, 15, false},
	{"store-set-perms-other", ask, 16, false},
	{"store-watch-other", ask, 17, false},
	{"store-watch-root", ask, 18, true},
	{"store-watch-new-domains", ask, 19, true},
	{"store-no-question", say_nonsense, 8, true},
	{0},
};
