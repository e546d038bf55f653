// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker's protocol for xenstore. Input: messages one after the other: a byte for the operation, a byte for the path's length
 * and the path, a byte for the text's length and the text; operation 0xff: all that is left is the message as it is. Below the
 * broker is a xenstore that takes all and lets nothing through that a device may not have.
 */
#include "fuzz.h"

#include "backend/broker/store-broker.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NODE "/local/domain/0/backend/virtio/7/1/"
#define DOMAIN "/local/domain/7"

static const char *const keys[] = {"target", "stats/free", NULL};
static const struct program program = {.node_type = "virtio,device5", .store_keys = keys, .store_target_perms = true};

static unsigned int watches;

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Written apart from the rules: what may be reached at all. */
static bool is_readable(const char *path)
{
	size_t len = strlen(path), own = strlen(DOMAIN), devices = strlen(NODE) - 3;
	static char full[1024];

	if (*path != '/') {
		snprintf(full, sizeof(full), "/local/domain/0/%s", path);
		path = full;
		len = strlen(path);
	}
	if (strcmp(path, "/local/domain/0/domid") == 0)
		return true;
	if (begins(path, DOMAIN) && (len == own || path[own] == '/'))
		return true;
	return strncmp(path, NODE, devices) == 0 && (len == devices || path[devices] == '/');
}

static bool is_writable(const char *path)
{
	static const char from_here[] = "backend/virtio/7/1/";
	const char *node = *path == '/' ? NODE : from_here, *key = path + strlen(node);

	if (!begins(path, node))
		return false;
	if (strcmp(key, "stats/free") == 0 || begins(key, "guest-errors/"))
		return !strchr(strchr(key, '/') + 1, '/');
	return strcmp(key, "target") == 0 || strcmp(key, "state") == 0 || strcmp(key, "path") == 0;
}

static bool is_state(const char *path)
{
	size_t len = strlen(path);

	return len > 8 && strcmp(path + len - 8, "/1/state") == 0;
}

static void close_it(struct xenvirtio_store *store)
{
	watches = 0;
}

static int get_fd(struct xenvirtio_store *store)
{
	return 0;
}

static int read_it(struct xenvirtio_store *store, const char *path, char *value, size_t size)
{
	if (strcmp(path, "domid") == 0)
		return -ENOENT;
	MUST(is_readable(path));
	/* device 1 is of the type, others are not */
	snprintf(value, size, "%s", strcmp(path, NODE "type") == 0 ? "virtio,device5" : "virtio,device4");
	return 0;
}

static int write_it(struct xenvirtio_store *store, const char *path, const char *value)
{
	MUST(is_writable(path));
	MUST(!is_state(path) || (strlen(value) == 1 && isdigit((unsigned char)*value)));
	return 0;
}

static int remove_it(struct xenvirtio_store *store, const char *path)
{
	MUST(is_writable(path) && !is_state(path));
	return 0;
}

static int list_it(struct xenvirtio_store *store, const char *path, char *names, size_t size)
{
	MUST(is_readable(path));
	memcpy(names, "0\0001\0", 5);
	return 0;
}

static int get_perms(struct xenvirtio_store *store, const char *path, char *perms, size_t size)
{
	MUST(is_readable(path));
	snprintf(perms, size, "n0,r7");
	return 0;
}

static int set_perms(struct xenvirtio_store *store, const char *path, const char *perms)
{
	MUST(strcmp(path, DOMAIN "/memory/target") == 0);
	MUST(strcmp(perms, "n0") == 0 || strcmp(perms, "n0,r7") == 0);
	return 0;
}

static int watch(struct xenvirtio_store *store, const char *path, const char *token)
{
	MUST(is_readable(path) || strcmp(path, "@releaseDomain") == 0);
	MUST(strlen(token) < BROKER_STORE_TOKEN_MAX && ++watches <= BROKER_STORE_WATCHES_MAX);
	return 0;
}

static int unwatch(struct xenvirtio_store *store, const char *path, const char *token)
{
	if (!watches)
		return -ENOENT;
	watches--;
	return 0;
}

static int next_event(struct xenvirtio_store *store, char *path, size_t path_size, char *token, size_t token_size)
{
	return XENVIRTIO_E_EMPTY;
}

static const struct xenvirtio_store_ops ops = {
	.version = XENVIRTIO_STORE_VERSION,
	.close = close_it,
	.fd = get_fd,
	.read = read_it,
	.write = write_it,
	.remove = remove_it,
	.list = list_it,
	.get_perms = get_perms,
	.set_perms = set_perms,
	.watch = watch,
	.unwatch = unwatch,
	.next_event = next_event,
};

static int open_store(void *opaque, struct xenvirtio_store **store)
{
	*store = opaque;
	return 0;
}

static void say_nothing(struct log *log, enum log_level level, int err, const char *text)
{
	for (; *text; text++)
		MUST(!iscntrl((unsigned char)*text));
}

/* The next @max bytes of the input or fewer, as text. */
static void take_text(const uint8_t **data, size_t *size, char *out, size_t max)
{
	size_t len;

	if (!*size)
		return;
	len = **data;
	++*data;
	--*size;
	if (len > *size)
		len = *size;
	*data += len;
	*size -= len;
	if (len > max)
		len = max;
	memcpy(out, *data - len, len);
}

/* Return: false: the device would be ended */
static bool ask(struct store_broker *s, const void *bytes, size_t len)
{
	static struct broker_store_answer answer;
	int rc;

	memset(&answer, 0xa5, BROKER_STORE_ANSWER_HEADER);
	rc = store_broker_answer(s, bytes, len, &answer);
	MUST(rc == 0 || rc == -EPROTO);
	if (rc)
		return false;
	MUST(answer.op && answer.op < BROKER_STORE_OPS && answer.connection == s->connection);
	MUST(answer.len <= sizeof(answer.text) && (!answer.len || !answer.ret));
	MUST(!answer.len || !answer.text[answer.len - 1]);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xenvirtio_store store = {.ops = &ops};
	struct store_broker broker;
	struct log log;
	const struct store_broker_config cfg = {
		.log = &log, .program = &program, .domid = 7, .open = open_store, .opaque = &store};
	bool more = true;

	watches = 0;
	log_open_emit(&log, LOG_LEVEL_ERROR, say_nothing);
	store_broker_init(&broker, &cfg);
	while (more && size) {
		struct broker_store_request req = {.op = *data};

		data++;
		size--;
		if (req.op == 0xff) {
			ask(&broker, data, size);
			break;
		}
		take_text(&data, &size, req.path, sizeof(req.path) - 1);
		take_text(&data, &size, req.text, sizeof(req.text) - 1);
		more = ask(&broker, &req, sizeof(req));
	}
	MUST(broker.watches == watches);
	store_broker_fini(&broker);
	return 0;
}
