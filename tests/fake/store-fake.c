// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fake xenstored, see store-fake.h.
 *
 * Nodes are one list of absolute paths: the trees of tests are small, and a child is whoever's path
 * continues its parent's. A handle's descriptor is an eventfd that is readable while its queue of
 * events is not empty, or the daemon has died.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store-fake.h"
#include "xenstore/store-perms.h"

#define HOME "/local/domain/0/"

struct fake_node {
	struct fake_node *next;
	char *path;
	size_t len;	/* of path */
	char *value;
	char perms[XENVIRTIO_STORE_TEXT_MAX];
};

struct fake_watch {
	struct fake_watch *next;
	char *path;	/* as it was given */
	char *token;
};

struct fake_event {
	struct fake_event *next;
	char *path;
	char *token;
};

struct fake_store_handle {
	struct xenvirtio_store store;
	struct fake_store *s;
	struct fake_store_handle *next;
	struct fake_watch *watches;
	struct fake_event *events;
	int fd;
	bool lost;
};

struct fake_store {
	struct fake_node *nodes;
	struct fake_store_handle *handles;
	bool down;
	uint64_t calls;
	uint64_t fail_nth;
	int fail_result;
};

static void *must(void *p)
{
	if (!p)
		abort(); /* a test machine out of memory */
	return p;
}

static struct fake_store_handle *to_handle(struct xenvirtio_store *store)
{
	return (struct fake_store_handle *)store;
}

static bool is_special(const char *path)
{
	return path[0] == '@';
}

static char *absolute_path(const char *path)
{
	char *abs = NULL;

	if (path[0] == '/' || is_special(path))
		return must(strdup(path));
	if (asprintf(&abs, HOME "%s", path) < 0)
		abs = NULL;
	return must(abs);
}

/* xenstored's rules for a path, as far as tests need them. */
static bool path_ok(const char *path)
{
	size_t len = strlen(path);

	if (!len || len >= 3072 || strstr(path, "//"))
		return false;
	return len == 1 || path[len - 1] != '/';
}

static bool is_below(const char *parent, const char *path)
{
	size_t len = strlen(parent);

	if (strcmp(parent, "/") == 0)
		return path[0] == '/';
	return strncmp(path, parent, len) == 0 && (path[len] == '/' || !path[len]);
}

static struct fake_node *find_node(const struct fake_store *s, const char *abs)
{
	size_t len = strlen(abs);

	/* most paths begin alike, and differ in length or at the end */
	for (struct fake_node *n = s->nodes; n; n = n->next) {
		if (n->len == len && n->path[len - 1] == abs[len - 1] && strcmp(n->path, abs) == 0)
			return n;
	}
	return NULL;
}

static void update_fd(struct fake_store_handle *h)
{
	bool ready = h->events || h->lost;
	uint64_t count = 1;
	ssize_t n;

	/* empty first: it fails when it is empty already, and that is all the same */
	n = read(h->fd, &count, sizeof(count));
	count = 1;
	if (ready) {
		n = write(h->fd, &count, sizeof(count));
		if (n != sizeof(count))
			abort();
	}
}

static void queue_event(struct fake_store_handle *h, const char *path, const char *token)
{
	struct fake_event *e = must(calloc(1, sizeof(*e)));
	struct fake_event **link = &h->events;

	e->path = must(strdup(path));
	e->token = must(strdup(token));
	while (*link)
		link = &(*link)->next;
	*link = e;
	update_fd(h);
}

static void fire_watches(struct fake_store *s, const char *abs)
{
	for (struct fake_store_handle *h = s->handles; h; h = h->next) {
		for (struct fake_watch *w = h->watches; w && !h->lost; w = w->next) {
			char *watched = absolute_path(w->path);

			if (is_below(watched, abs))
				queue_event(h, w->path[0] == '/' || is_special(w->path) ?
						       abs : abs + strlen(HOME), w->token);
			free(watched);
		}
	}
}

static struct fake_node *make_node(struct fake_store *s, const char *abs)
{
	struct fake_node *n = find_node(s, abs);
	const char *slash = strrchr(abs, '/');

	if (n)
		return n;
	if (slash && slash != abs) {
		char *parent = must(strndup(abs, (size_t)(slash - abs)));

		make_node(s, parent);
		free(parent);
	}
	n = must(calloc(1, sizeof(*n)));
	n->path = must(strdup(abs));
	n->len = strlen(abs);
	n->value = must(strdup(""));
	strcpy(n->perms, "n0");
	n->next = s->nodes;
	s->nodes = n;
	return n;
}

void fake_store_put(struct fake_store *s, const char *path, const char *value)
{
	char *abs = absolute_path(path);
	struct fake_node *n = make_node(s, abs);

	free(n->value);
	n->value = must(strdup(value));
	fire_watches(s, abs);
	free(abs);
}

static void free_node(struct fake_node *n)
{
	free(n->path);
	free(n->value);
	free(n);
}

void fake_store_del(struct fake_store *s, const char *path)
{
	char *abs = absolute_path(path);
	struct fake_node **link = &s->nodes;

	while (*link) {
		struct fake_node *n = *link;

		if (!is_below(abs, n->path)) {
			link = &n->next;
			continue;
		}
		*link = n->next;
		fire_watches(s, n->path);
		free_node(n);
	}
	free(abs);
}

const char *fake_store_get(const struct fake_store *s, const char *path)
{
	char *abs = absolute_path(path);
	struct fake_node *n = find_node(s, abs);

	free(abs);
	return n ? n->value : NULL;
}

const char *fake_store_perms(const struct fake_store *s, const char *path)
{
	char *abs = absolute_path(path);
	struct fake_node *n = find_node(s, abs);

	free(abs);
	return n ? n->perms : NULL;
}

void fake_store_event(struct fake_store *s, const char *name)
{
	fire_watches(s, name);
}

/* Every operation of a handle begins here. */
static int begin_call(struct fake_store_handle *h)
{
	struct fake_store *s = h->s;

	if (h->lost)
		return -EPIPE;
	s->calls++;
	return s->fail_nth == s->calls ? s->fail_result : 0;
}

/* As begin_call(), for a path that must be there. */
static int begin_node(struct fake_store_handle *h, const char *path, struct fake_node **node)
{
	char *abs;
	int ret = begin_call(h);

	if (ret)
		return ret;
	if (!path_ok(path) || is_special(path))
		return -EINVAL;
	abs = absolute_path(path);
	*node = find_node(h->s, abs);
	free(abs);
	return *node ? 0 : -ENOENT;
}

static int copy_text(const char *text, char *out, size_t size)
{
	if (strlen(text) >= size)
		return -EMSGSIZE;
	strcpy(out, text);
	return 0;
}

static int read_value(struct xenvirtio_store *store, const char *path, char *value, size_t size)
{
	struct fake_node *n;
	int ret = begin_node(to_handle(store), path, &n);

	return ret ? ret : copy_text(n->value, value, size);
}

static int write_value(struct xenvirtio_store *store, const char *path, const char *value)
{
	struct fake_node *n;
	int ret = begin_node(to_handle(store), path, &n);

	if (ret && ret != -ENOENT)
		return ret;
	if (strlen(value) >= XENVIRTIO_STORE_TEXT_MAX)
		return -EMSGSIZE;
	fake_store_put(to_handle(store)->s, path, value);
	return 0;
}

static int remove_path(struct xenvirtio_store *store, const char *path)
{
	struct fake_node *n;
	int ret = begin_node(to_handle(store), path, &n);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	fake_store_del(to_handle(store)->s, path);
	return 0;
}

static int list_children(struct xenvirtio_store *store, const char *path, char *names, size_t size)
{
	struct fake_store_handle *h = to_handle(store);
	struct fake_node *node;
	size_t used = 0;
	int ret = begin_node(h, path, &node);

	if (ret)
		return ret;
	for (struct fake_node *n = h->s->nodes; n; n = n->next) {
		const char *name;
		size_t len;

		if (n == node || !is_below(node->path, n->path))
			continue;
		name = n->path + strlen(node->path) + 1;
		if (strchr(name, '/'))
			continue;
		len = strlen(name) + 1;
		if (len >= size - used)
			return -EMSGSIZE;
		memcpy(names + used, name, len);
		used += len;
	}
	if (!size)
		return -EMSGSIZE;
	names[used] = '\0';
	return 0;
}

static int get_perms(struct xenvirtio_store *store, const char *path, char *perms, size_t size)
{
	struct fake_node *n;
	int ret = begin_node(to_handle(store), path, &n);

	return ret ? ret : copy_text(n->perms, perms, size);
}

static int set_perms(struct xenvirtio_store *store, const char *path, const char *perms)
{
	struct store_perm list[STORE_PERMS_MAX];
	struct fake_node *n;
	size_t nr;
	int ret = begin_node(to_handle(store), path, &n);

	if (!ret)
		ret = store_perms_parse(perms, list, &nr);
	if (ret)
		return ret;
	ret = store_perms_format(list, nr, n->perms, sizeof(n->perms));
	fire_watches(to_handle(store)->s, n->path);
	return ret;
}

static struct fake_watch **find_watch(struct fake_store_handle *h, const char *path,
				      const char *token)
{
	struct fake_watch **link = &h->watches;

	while (*link && (strcmp((*link)->path, path) != 0 || strcmp((*link)->token, token) != 0))
		link = &(*link)->next;
	return link;
}

static int watch_path(struct xenvirtio_store *store, const char *path, const char *token)
{
	struct fake_store_handle *h = to_handle(store);
	struct fake_watch **link;
	int ret = begin_call(h);

	if (ret)
		return ret;
	if (!path_ok(path))
		return -EINVAL;
	link = find_watch(h, path, token);
	if (*link)
		return -EEXIST;
	*link = must(calloc(1, sizeof(**link)));
	(*link)->path = must(strdup(path));
	(*link)->token = must(strdup(token));
	queue_event(h, path, token);
	return 0;
}

static void free_watch(struct fake_watch **link)
{
	struct fake_watch *w = *link;

	*link = w->next;
	free(w->path);
	free(w->token);
	free(w);
}

static int unwatch_path(struct xenvirtio_store *store, const char *path, const char *token)
{
	struct fake_store_handle *h = to_handle(store);
	struct fake_watch **link;
	int ret = begin_call(h);

	if (ret)
		return ret;
	link = find_watch(h, path, token);
	if (!*link)
		return -ENOENT;
	free_watch(link);
	return 0;
}

static void drop_event(struct fake_store_handle *h)
{
	struct fake_event *e = h->events;

	h->events = e->next;
	free(e->path);
	free(e->token);
	free(e);
	update_fd(h);
}

static int next_event(struct xenvirtio_store *store, char *path, size_t path_size, char *token,
		      size_t token_size)
{
	struct fake_store_handle *h = to_handle(store);
	int ret = begin_call(h);

	if (ret)
		return ret;
	if (!h->events)
		return XENVIRTIO_E_EMPTY;
	if (strlen(h->events->token) >= token_size || !path_size) {
		ret = -EMSGSIZE;
	} else {
		strcpy(token, h->events->token);
		/* as store-xen.c: a path that is too long is cut */
		path[0] = '\0';
		strncat(path, h->events->path, path_size - 1);
	}
	drop_event(h);
	return ret;
}

static int get_fd(struct xenvirtio_store *store)
{
	return to_handle(store)->fd;
}

static void close_store(struct xenvirtio_store *store)
{
	struct fake_store_handle *h = to_handle(store);
	struct fake_store_handle **link = &h->s->handles;

	while (*link != h)
		link = &(*link)->next;
	*link = h->next;
	while (h->watches)
		free_watch(&h->watches);
	while (h->events)
		drop_event(h);
	close(h->fd);
	free(h);
}

static const struct xenvirtio_store_ops fake_ops = {
	.version = XENVIRTIO_STORE_VERSION,
	.close = close_store,
	.fd = get_fd,
	.read = read_value,
	.write = write_value,
	.remove = remove_path,
	.list = list_children,
	.get_perms = get_perms,
	.set_perms = set_perms,
	.watch = watch_path,
	.unwatch = unwatch_path,
	.next_event = next_event,
};

struct fake_store *fake_store_new(void)
{
	return calloc(1, sizeof(struct fake_store));
}

void fake_store_free(struct fake_store *s)
{
	if (!s)
		return;
	while (s->handles)
		close_store(&s->handles->store);
	while (s->nodes) {
		struct fake_node *n = s->nodes;

		s->nodes = n->next;
		free_node(n);
	}
	free(s);
}

int fake_store_open(struct fake_store *s, struct xenvirtio_store **store)
{
	struct fake_store_handle *h;

	if (s->down)
		return -ENOENT;
	h = must(calloc(1, sizeof(*h)));
	h->store.ops = &fake_ops;
	h->s = s;
	h->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (h->fd < 0) {
		int ret = -errno;

		free(h);
		return ret;
	}
	h->next = s->handles;
	s->handles = h;
	*store = &h->store;
	return 0;
}

void fake_store_stop(struct fake_store *s)
{
	s->down = true;
	for (struct fake_store_handle *h = s->handles; h; h = h->next) {
		h->lost = true;
		update_fd(h);
	}
}

void fake_store_start(struct fake_store *s)
{
	s->down = false;
}

void fake_store_fail(struct fake_store *s, uint64_t nth, int result)
{
	s->calls = 0;
	s->fail_nth = nth;
	s->fail_result = result;
}

uint64_t fake_store_calls(const struct fake_store *s)
{
	return s->calls;
}

size_t fake_store_handles(const struct fake_store *s)
{
	size_t nr = 0;

	for (struct fake_store_handle *h = s->handles; h; h = h->next)
		nr++;
	return nr;
}

size_t fake_store_watches(const struct fake_store *s)
{
	size_t nr = 0;

	for (struct fake_store_handle *h = s->handles; h; h = h->next) {
		for (struct fake_watch *w = h->watches; w; w = w->next)
			nr++;
	}
	return nr;
}
