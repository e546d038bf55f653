// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The HTTP side of the metrics. libevent's server bounds headers and bodies, not connections. So
 * each connection's bufferevent is made here and held by a second reference in a slot; when all
 * slots are taken nothing more is accepted, and a slot is given back by cutting its connection.
 */
#include "backend/metrics/metrics.h"
#include "backend/base/access.h"
#include "backend/base/clock.h"
#include "backend/metrics/metrics-text.h"
#include "backend/base/timer.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#define HEADERS_MAX 4096
#define BACKLOG 16
/** for a device process to end in that listens there, where its broker was killed; and how often that is looked for */
#define ENDING_MS 200u
#define ENDING_LOOK_MS 5u

struct slot {
	struct bufferevent *bev; /* NULL: free */
	uint64_t since_ms;
};

struct metrics {
	struct metrics_config cfg;
	struct evhttp *http;
	struct evconnlistener *listener; /* http's */
	struct timer *sweep;
	bool listens; /* at a name of its own, to be removed */
	struct slot slot[METRICS_CLIENTS_MAX];
	LIST_HEAD(, asked) asked;
};

/* --- connections --- */

static void free_slot(struct slot *s)
{
	/* http's own reference, if it is still there, goes with the end of file it sees */
	shutdown(bufferevent_getfd(s->bev), SHUT_RDWR);
	bufferevent_decref(s->bev);
	s->bev = NULL;
}

static void sweep_in(struct metrics *m, unsigned int ms)
{
	if (!timer_is_set(m->sweep))
		timer_set(m->sweep, ms);
}

static void on_sweep(void *opaque)
{
	struct metrics *m = opaque;
	uint64_t now = clock_now_ms();
	bool left = false;

	for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++) {
		if (m->slot[i].bev && now - m->slot[i].since_ms >= m->cfg.client_ms)
			free_slot(&m->slot[i]);
		left |= m->slot[i].bev != NULL;
	}
	evconnlistener_enable(m->listener);
	if (left)
		sweep_in(m, m->cfg.client_ms / 4);
}

static struct slot *find_free(struct metrics *m)
{
	for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++) {
		if (!m->slot[i].bev)
			return &m->slot[i];
	}
	return NULL;
}

/* http accepted a connection and wants its bufferevent. */
static struct bufferevent *make_bufferevent(struct event_base *base, void *opaque)
{
	struct metrics *m = opaque;
	struct slot *s = find_free(m);
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	if (!bev || !s)
		return bev;
	bufferevent_incref(bev);
	s->bev = bev;
	s->since_ms = clock_now_ms();
	if (!find_free(m))
		evconnlistener_disable(m->listener);
	sweep_in(m, m->cfg.client_ms / 4);
	return bev;
}

/* Out of descriptors, say: tried again with the next sweep. */
static void on_accept_error(struct evconnlistener *listener, void *opaque)
{
	struct metrics *m = opaque;

	log_limited(m->cfg.log, LOG_KIND_CONTROL, LOG_LEVEL_WARNING, -errno, "--metrics");
	evconnlistener_disable(listener);
	sweep_in(m, m->cfg.client_ms);
}

/* --- requests --- */

static bool write_text(struct evbuffer *out, const struct metrics_config *cfg,
		       const struct figures *f, size_t nr)
{
	bool wanted = cfg->figures->host_free && cfg->host_free;
	uint64_t free_kib = 0;
	char *text = NULL;
	size_t size;
	FILE *file;
	bool good;

	file = open_memstream(&text, &size);
	if (!file)
		return false;
	metrics_text_write(file, cfg->figures, f, nr);
	if (wanted && !cfg->host_free(cfg->host_opaque, &free_kib))
		metrics_text_write_host(file, cfg->figures, free_kib);
	good = fclose(file) == 0 && evbuffer_add(out, text, size) == 0;
	free(text);
	return good;
}

/* Figures are awaited, and the connection may end first. */
struct asked {
	LIST_ENTRY(asked) link;
	const struct metrics_config *cfg;
	struct evhttp_request *request; /* NULL: it has ended */
};

static void on_asker_gone(struct evhttp_connection *connection, void *opaque)
{
	((struct asked *)opaque)->request = NULL;
}

static void free_asked(struct asked *a)
{
	if (a->request)
		evhttp_connection_set_closecb(evhttp_request_get_connection(a->request), NULL,
					      NULL);
	LIST_REMOVE(a, link);
	free(a);
}

static void on_figures(void *opaque, const struct figures *f, size_t nr)
{
	struct asked *a = opaque;
	const struct metrics_config *cfg = a->cfg;
	struct evhttp_request *request = a->request;
	struct evbuffer *out;

	free_asked(a);
	if (!request)
		return;
	out = evbuffer_new();
	if (!out || !write_text(out, cfg, f, nr)) {
		evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
	} else {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
				  "text/plain; version=0.0.4; charset=utf-8");
		evhttp_send_reply(request, HTTP_OK, NULL, out);
	}
	if (out)
		evbuffer_free(out);
}

static void on_metrics(struct evhttp_request *request, void *opaque)
{
	struct metrics *m = opaque;
	struct asked *a = calloc(1, sizeof(*a));

	/* one answer a connection: slots are few */
	evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
	if (!a) {
		evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
		return;
	}
	a->cfg = &m->cfg;
	a->request = request;
	LIST_INSERT_HEAD(&m->asked, a, link);
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_asker_gone, a);
	m->cfg.collect(m->cfg.opaque, on_figures, a);
}

static void on_other(struct evhttp_request *request, void *opaque)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
	evhttp_send_error(request, HTTP_NOTFOUND, NULL);
}

/* --- the socket --- */

static int listen_inet(const struct metrics_address *a)
{
	int fd, rc, on = 1;

	fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) &&
	    !bind(fd, (const struct sockaddr *)&a->address, a->len) && !listen(fd, BACKLOG))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int metrics_listen(const struct metrics_address *a, const char *group)
{
	if (a->address.ss_family == AF_UNIX)
		return access_listen(((const struct sockaddr_un *)&a->address)->sun_path, access_group(group), BACKLOG);
	return listen_inet(a);
}

int metrics_listen_in_time(const struct metrics_address *a, const char *group)
{
	int ret = metrics_listen(a, group);

	for (unsigned int i = 0; ret == -EADDRINUSE && i < ENDING_MS / ENDING_LOOK_MS; i++) {
		clock_wait(-1, ENDING_LOOK_MS);
		ret = metrics_listen(a, group);
	}
	return ret;
}

void metrics_unlisten(const struct metrics_address *a)
{
	if (a->address.ss_family == AF_UNIX)
		unlink(((const struct sockaddr_un *)&a->address)->sun_path);
}

static int start_listening(struct metrics *m)
{
	struct evhttp_bound_socket *bound;
	int fd = m->cfg.doors ? m->cfg.doors->metrics : metrics_listen(m->cfg.address, m->cfg.group);

	if (fd < 0)
		return fd;
	m->listens = !m->cfg.doors;
	bound = evhttp_accept_socket_with_handle(m->http, fd);
	if (!bound) {
		close(fd);
		return -ENOMEM;
	}
	m->listener = evhttp_bound_socket_get_listener(bound);
	evconnlistener_set_error_cb(m->listener, on_accept_error);
	return 0;
}

static int make_http(struct metrics *m)
{
	m->sweep = timer_new(m->cfg.base, on_sweep, m);
	m->http = evhttp_new(m->cfg.base);
	if (!m->sweep || !m->http || evhttp_set_cb(m->http, "/metrics", on_metrics, m))
		return -ENOMEM;
	evhttp_set_gencb(m->http, on_other, m);
	evhttp_set_bevcb(m->http, make_bufferevent, m);
	evhttp_set_allowed_methods(m->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(m->http, HEADERS_MAX);
	evhttp_set_max_body_size(m->http, 0);
	/* by a clock of its own: the sweep is earlier than any of these */
	evhttp_set_timeout(m->http, INT_MAX);
	return 0;
}

int metrics_open(struct metrics **out, const struct metrics_config *cfg)
{
	struct metrics *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return -ENOMEM;
	m->cfg = *cfg;
	if (!cfg->client_ms)
		m->cfg.client_ms = METRICS_CLIENT_MS;
	rc = make_http(m);
	if (!rc)
		rc = start_listening(m);
	if (rc) {
		metrics_free(m);
		return rc;
	}
	*out = m;
	return 0;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	if (m->listens)
		metrics_unlisten(m->cfg.address);
	/* its references first: it still looks at their descriptors */
	if (m->http)
		evhttp_free(m->http);
	while (!LIST_EMPTY(&m->asked))
		free_asked(LIST_FIRST(&m->asked));
	for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++) {
		if (m->slot[i].bev)
			free_slot(&m->slot[i]);
	}
	timer_free(m->sweep);
	free(m);
}
