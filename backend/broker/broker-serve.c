// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker at work: it waits for whichever comes first, questions, events of xenstore, signals, the device's end. Every two
 * seconds it looks at what wakes nobody: a lost connection to xenstore, and a domain that is no more.
 */
#include "config.h"

#include "backend/broker/broker.h"
#include "backend/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_MS 2000u
/** for a device to end in, once its domain is no more */
#define GONE_MS 10000u

enum { MEMORY, STORE, EVENTS, XENSTORE, SIGNALS, DEVICE, WAITED_FOR };

struct server {
	struct broker *b;
	struct store_broker *s;
	int device;
	struct pollfd p[WAITED_FOR];
	/* the same, for one system call that waits and looks; what it has of each, and whether it has all */
	int epoll;
	struct pollfd known[WAITED_FOR];
	bool known_all;
	unsigned int known_connection;
	uint64_t looked_ms; /* at what wakes nobody */
	uint64_t gone_ms; /* when the domain was first found to be no more; 0: it is there */
	bool ended;
};

/* Whether the device is to be ended for what it sent. */
static bool broke_off(struct broker *b, int rc)
{
	if (rc >= 0)
		return false;
	log_msg(b->cfg.log, LOG_LEVEL_ERROR, 0, "the device process is ended: %s",
		rc == -EPROTO	? "it sent what is no question" :
		rc == -ENOBUFS	? "it does not take its answers" :
				  "its socket failed");
	return true;
}

static void end_device(struct server *sv)
{
	sv->ended = true;
	pidfd_send_signal(sv->device, SIGKILL, NULL, 0);
}

/* @rc: of a message; a closed socket, or one that is not to be heard any more, is waited for no longer */
static void judge(struct server *sv, int which, int rc)
{
	if (rc)
		sv->p[which].fd = -1;
	if (broke_off(sv->b, rc))
		end_device(sv);
}

/* As broker_serve_one(). */
static int serve_store_one(struct server *sv, int sock)
{
	static struct broker_store_answer answer;
	/* a byte more, so that what is too long is seen to be */
	char bytes[sizeof(struct broker_store_request) + 1];
	ssize_t len = recv(sock, bytes, sizeof(bytes), MSG_DONTWAIT), sent;
	size_t all;
	int rc;

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno == ECONNRESET ? XENVIRTIO_E_EMPTY : -errno;
	if (len == 0)
		return XENVIRTIO_E_EMPTY;
	/* whose state file it has, that one's keys it writes */
	if (sv->b->has_devid)
		store_broker_bind(sv->s, sv->b->devid);
	rc = store_broker_answer(sv->s, bytes, (size_t)len, &answer);
	if (rc)
		return rc;
	all = BROKER_STORE_ANSWER_HEADER + answer.len;
	sent = send(sock, &answer, all, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent == (ssize_t)all)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return XENVIRTIO_E_EMPTY;
	return errno == EAGAIN ? -ENOBUFS : -errno;
}

int broker_pass_events(struct store_broker *s, int sock)
{
	store_broker_take_events(s);
	while (s->pending || !store_broker_event(s, &s->event)) {
		s->pending = true;
		if (send(sock, &s->event, sizeof(s->event), MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof(s->event))
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		s->pending = false;
	}
	return 0;
}

static void look_at_domain(struct server *sv)
{
	struct xenvirtio_domain_info info;
	uint64_t now_ms = clock_now_ms();
	int rc = sv->b->hv ? sv->b->hv->ops->domain_info(sv->b->hv, &info) : XENVIRTIO_E_EMPTY;

	if (!rc && !info.paused)
		broker_sees_it_run(sv->b);
	/* one that is dying stays so for as long as somebody has its memory mapped */
	if (rc != XENVIRTIO_E_GONE && (rc || !info.dying))
		return;
	if (!sv->gone_ms)
		sv->gone_ms = now_ms ? now_ms : 1;
	if (now_ms - sv->gone_ms < GONE_MS || sv->ended)
		return;
	log_msg(sv->b->cfg.log, LOG_LEVEL_ERROR, 0,
		"the device process is ended: domain %" PRIu32 " is no more, and it goes on", sv->b->cfg.domid);
	end_device(sv);
}

/* By the clock: a device that asks without end is no reason to look less often. */
static bool is_time_to_look(struct server *sv)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms - sv->looked_ms < LOOK_MS)
		return false;
	sv->looked_ms = now_ms;
	return true;
}

static void pass_signal_on(struct server *sv)
{
	struct signalfd_siginfo info;

	if (read(sv->p[SIGNALS].fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		pidfd_send_signal(sv->device, (int)info.ssi_signo, NULL, 0);
}

/* What changed since the last wait: seldom anything. */
static void update_epoll(struct server *sv)
{
	/* a closed descriptor is out of it already, and its number may be another's */
	if (sv->known_connection != sv->s->connection)
		sv->known[XENSTORE].fd = -1;
	sv->known_connection = sv->s->connection;
	sv->known_all = true;
	for (int i = 0; i < WAITED_FOR; i++) {
		struct pollfd *known = &sv->known[i], *wanted = &sv->p[i];
		struct epoll_event event = {.events = (uint32_t)wanted->events, .data.u32 = (uint32_t)i};

		if (known->fd == wanted->fd && known->events == wanted->events)
			continue;
		if (known->fd >= 0)
			epoll_ctl(sv->epoll, EPOLL_CTL_DEL, known->fd, NULL);
		*known = *wanted;
		if (wanted->fd >= 0 && epoll_ctl(sv->epoll, EPOLL_CTL_ADD, wanted->fd, &event))
			known->fd = -1;
		sv->known_all = sv->known_all && known->fd == wanted->fd;
	}
}

/*
 * A guest waits for the answer to most questions, and each system call is a part of that: here it is one.
 * Return: false: nothing, by now
 */
static bool wait_for_any(struct server *sv)
{
	struct epoll_event event[WAITED_FOR];
	int nr;

	sv->p[EVENTS].events = sv->s->pending ? POLLOUT : 0;
	sv->p[XENSTORE].fd = store_broker_fd(sv->s);
	update_epoll(sv);
	nr = clock_wait_epoll(sv->epoll, event, WAITED_FOR, LOOK_MS);
	if (!sv->known_all)
		return poll(sv->p, WAITED_FOR, 0) > 0;
	for (int i = 0; i < WAITED_FOR; i++)
		sv->p[i].revents = 0;
	for (int i = 0; i < nr; i++)
		sv->p[event[i].data.u32].revents = (short)event[i].events;
	return nr > 0;
}

/* Whether xenstore may have something to pass on: not after a question of memory alone, of which there are many. */
static bool may_have_events(const struct server *sv)
{
	return sv->p[STORE].revents || sv->p[EVENTS].revents || sv->p[XENSTORE].revents;
}

bool broker_serve(struct broker *b, struct store_broker *s, const struct broker_ends *ends, int signals, int device)
{
	struct server sv = {
		.b = b,
		.s = s,
		.device = device,
		.p = {
			[MEMORY] = {.fd = ends->memory, .events = POLLIN},
			[STORE] = {.fd = ends->store, .events = POLLIN},
			[EVENTS] = {.fd = ends->events},
			[XENSTORE] = {.fd = -1, .events = POLLIN},
			[SIGNALS] = {.fd = signals, .events = POLLIN},
			[DEVICE] = {.fd = device, .events = POLLIN},
		},
		.epoll = epoll_create1(EPOLL_CLOEXEC),
	};

	for (int i = 0; i < WAITED_FOR; i++)
		sv.known[i].fd = -1;
	if (sv.epoll < 0) {
		log_msg(b->cfg.log, LOG_LEVEL_ERROR, -errno, "the device process is ended: the broker cannot wait");
		end_device(&sv);
	}
	while (!sv.p[DEVICE].revents) {
		bool some = wait_for_any(&sv), look = is_time_to_look(&sv);

		if (some && sv.p[SIGNALS].revents)
			pass_signal_on(&sv);
		if (some && sv.p[MEMORY].revents)
			judge(&sv, MEMORY, broker_serve_one(b, sv.p[MEMORY].fd));
		if (some && sv.p[STORE].revents)
			judge(&sv, STORE, serve_store_one(&sv, sv.p[STORE].fd));
		/* told whatever was asked for: without this it would be told for ever */
		if (some && sv.p[EVENTS].revents & (POLLHUP | POLLERR))
			sv.p[EVENTS].fd = -1;
		if (sv.p[EVENTS].fd >= 0 && (look || (some && may_have_events(&sv))) && broker_pass_events(s, sv.p[EVENTS].fd))
			sv.p[EVENTS].fd = -1;
		if (look)
			look_at_domain(&sv);
	}
	if (sv.epoll >= 0)
		close(sv.epoll);
	return sv.ended;
}
