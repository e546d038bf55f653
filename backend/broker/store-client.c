// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xenstore by the broker, operation by operation. An answer is the broker's, which is trusted; that it fits the question is
 * looked at all the same.
 */
#include "backend/broker/store-client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct client {
	struct xenvirtio_store store;
	store_exchange *exchange;
	void *opaque;
	int events;
	uint32_t connection;
	/* one question at a time: too large for the stack */
	struct broker_store_request req;
	struct broker_store_answer answer;
};

static struct client *to_client(struct xenvirtio_store *store)
{
	return (struct client *)store;
}

/* recvmsg(), as for the answers with descriptors: confine-calls.c has no other. Return: bytes; -errno */
static ssize_t receive(int sock, void *to, size_t size, int flags)
{
	struct iovec iov = {.iov_base = to, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t got;

	do
		got = recvmsg(sock, &msg, flags);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

int store_exchange_socket(void *opaque, const struct broker_store_request *req, struct broker_store_answer *answer)
{
	int sock = *(const int *)opaque;
	ssize_t got;

	do
		got = send(sock, req, sizeof(*req), MSG_NOSIGNAL);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(*req))
		return got < 0 ? -errno : -EIO;
	got = receive(sock, answer, sizeof(*answer), 0);
	if (got < 0)
		return (int)got;
	if (got < (ssize_t)BROKER_STORE_ANSWER_HEADER || (size_t)got - BROKER_STORE_ANSWER_HEADER != answer->len)
		return -EPIPE;
	return 0;
}

/* @path, @text: NULL: none. Return: as the operation; -EPROTO; -errno the broker is not there */
static int ask(struct client *c, enum broker_store_op op, const char *path, const char *text)
{
	int rc;

	if (path && strlen(path) >= sizeof(c->req.path))
		return -ENAMETOOLONG;
	if (text && strlen(text) >= sizeof(c->req.text))
		return -EMSGSIZE;
	memset(&c->req, 0, sizeof(c->req));
	c->req.op = op;
	if (path)
		strcpy(c->req.path, path);
	if (text)
		strcpy(c->req.text, text);
	rc = c->exchange(c->opaque, &c->req, &c->answer);
	if (rc)
		return rc;
	return c->answer.op == (uint32_t)op ? c->answer.ret : -EPROTO;
}

/* The same, for an answer that is one text. */
static int ask_text(struct client *c, enum broker_store_op op, const char *path, char *out, size_t size)
{
	int rc = ask(c, op, path, NULL);

	if (rc)
		return rc;
	if (!c->answer.len || c->answer.text[c->answer.len - 1])
		return -EPROTO;
	if (c->answer.len > size)
		return -EMSGSIZE;
	memcpy(out, c->answer.text, c->answer.len);
	return 0;
}

static void client_close(struct xenvirtio_store *store)
{
	free(store);
}

static int client_fd(struct xenvirtio_store *store)
{
	return to_client(store)->events;
}

static int client_read(struct xenvirtio_store *store, const char *path, char *value, size_t size)
{
	return ask_text(to_client(store), BROKER_STORE_READ, path, value, size);
}

static int client_write(struct xenvirtio_store *store, const char *path, const char *value)
{
	return ask(to_client(store), BROKER_STORE_WRITE, path, value);
}

static int client_remove(struct xenvirtio_store *store, const char *path)
{
	return ask(to_client(store), BROKER_STORE_REMOVE, path, NULL);
}

static int client_list(struct xenvirtio_store *store, const char *path, char *names, size_t size)
{
	return ask_text(to_client(store), BROKER_STORE_LIST, path, names, size);
}

static int client_get_perms(struct xenvirtio_store *store, const char *path, char *perms, size_t size)
{
	return ask_text(to_client(store), BROKER_STORE_GET_PERMS, path, perms, size);
}

static int client_set_perms(struct xenvirtio_store *store, const char *path, const char *perms)
{
	return ask(to_client(store), BROKER_STORE_SET_PERMS, path, perms);
}

static int client_watch(struct xenvirtio_store *store, const char *path, const char *token)
{
	return ask(to_client(store), BROKER_STORE_WATCH, path, token);
}

static int client_unwatch(struct xenvirtio_store *store, const char *path, const char *token)
{
	return ask(to_client(store), BROKER_STORE_UNWATCH, path, token);
}

/* The next one of this connection: one that was closed may still have had some under way. Return: 0; XENVIRTIO_E_EMPTY; -errno */
static int receive_event(struct client *c, struct broker_store_event *event)
{
	ssize_t got;

	do
		got = receive(c->events, event, sizeof(*event), MSG_DONTWAIT);
	while (got == (ssize_t)sizeof(*event) && event->connection != c->connection);
	if (got < 0)
		return got == -EAGAIN ? XENVIRTIO_E_EMPTY : (int)got;
	if (got != (ssize_t)sizeof(*event) || event->path[sizeof(event->path) - 1] || event->token[sizeof(event->token) - 1])
		return -EPIPE;
	return 0;
}

static int client_next_event(struct xenvirtio_store *store, char *path, size_t path_size, char *token, size_t token_size)
{
	struct broker_store_event event;
	int rc = receive_event(to_client(store), &event);

	if (rc)
		return rc;
	if (event.lost)
		return -EPIPE;
	if (strlen(event.path) >= path_size || strlen(event.token) >= token_size)
		return -EMSGSIZE;
	strcpy(path, event.path);
	strcpy(token, event.token);
	return 0;
}

static const struct xenvirtio_store_ops ops = {
	.version = XENVIRTIO_STORE_VERSION,
	.close = client_close,
	.fd = client_fd,
	.read = client_read,
	.write = client_write,
	.remove = client_remove,
	.list = client_list,
	.get_perms = client_get_perms,
	.set_perms = client_set_perms,
	.watch = client_watch,
	.unwatch = client_unwatch,
	.next_event = client_next_event,
};

int store_client_open(struct xenvirtio_store **store, store_exchange *exchange, void *opaque, int events)
{
	struct client *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->store.ops = &ops;
	c->exchange = exchange;
	c->opaque = opaque;
	c->events = events;
	rc = ask(c, BROKER_STORE_OPEN, NULL, NULL);
	if (rc) {
		free(c);
		return rc;
	}
	c->connection = c->answer.connection;
	*store = &c->store;
	return 0;
}
