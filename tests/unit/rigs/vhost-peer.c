// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The backend for tests. See vhost-peer.h.
 */
#include "config.h"

#include "unit/rigs/vhost-peer.h"

#include "backend/base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

unsigned int open_descriptors(void)
{
	unsigned int nr = 0;

	for (int fd = 0; fd < 512; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

/* --- bytes --- */

void peer_say(int fd, const struct vhost_message *m, size_t len, const int *fds, unsigned int nr_fds)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(64 * sizeof(int))];
	} control = {0};
	size_t first = len < VHOST_HEADER_BYTES ? len : VHOST_HEADER_BYTES;
	struct iovec iov[] = {
		{.iov_base = (void *)&m->header, .iov_len = first},
		{.iov_base = (void *)&m->payload, .iov_len = len - first},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t sent;

	if (nr_fds) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, nr_fds * sizeof(int));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
	}
	if (!len)
		return;
	sent = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	/* the front-end may have hung up */
	assert(sent == (ssize_t)len || (sent < 0 && (errno == EPIPE || errno == ECONNRESET)));
}

static bool read_all(int fd, void *to, size_t len)
{
	return !len || recv(fd, to, len, MSG_DONTWAIT | MSG_WAITALL) == (ssize_t)len;
}

/* Return: false: there is none */
static bool read_request(struct vhost_peer *p, struct peer_request *r, int *fds)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(VHOST_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = &r->m.header, .iov_len = VHOST_HEADER_BYTES};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header;
	struct stat st;

	memset(r, 0, sizeof(*r));
	if (p->fd < 0 || recvmsg(p->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != VHOST_HEADER_BYTES)
		return false;
	header = CMSG_FIRSTHDR(&msg);
	if (header) {
		r->nr_fds = (unsigned int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(header), r->nr_fds * sizeof(int));
		assert(!fstat(fds[0], &st));
		r->first_bytes = st.st_size;
	}
	assert(r->m.header.bytes <= VHOST_PAYLOAD_MAX);
	assert(read_all(p->fd, &r->m.payload, r->m.header.bytes));
	return true;
}

/* --- what it says --- */

static bool answer_u64(struct vhost_message *a, uint64_t value)
{
	a->header.bytes = 8;
	a->payload.u64 = value;
	return true;
}

static void make_record(struct vhost_peer *p, struct vhost_message *a, int *fd)
{
	static off_t bytes = 4096;

	p->inflight_bytes = ++bytes;
	*fd = memfd_create("inflight", MFD_CLOEXEC);
	assert(*fd >= 0 && !ftruncate(*fd, bytes));
	a->payload.inflight.mmap_bytes = 4096;
}

/* Return: whether it answers at all; @a: the request, to be made the answer; @fd: to go with it, or -1 */
static bool make_answer(struct vhost_peer *p, const struct peer_request *r, struct vhost_message *a, int *fd)
{
	const struct vhost_message change = {.header = {.request = VHOST_BACKEND_CONFIG_CHANGE, .flags = VHOST_FLAG_VERSION}};
	const struct vhost_config *c = &r->m.payload.config;

	*a = r->m;
	a->header.flags = VHOST_FLAG_VERSION | VHOST_FLAG_REPLY;
	switch (r->m.header.request) {
	case VHOST_GET_FEATURES:
		return answer_u64(a, p->features);
	case VHOST_GET_PROTOCOL_FEATURES:
		return answer_u64(a, p->protocol);
	case VHOST_GET_QUEUE_NUM:
		return answer_u64(a, p->queues);
	case VHOST_GET_MAX_MEM_SLOTS:
		return answer_u64(a, p->slots);
	case VHOST_GET_VRING_BASE:
		a->payload.state.num = 7;
		return true;
	case VHOST_GET_INFLIGHT_FD:
		make_record(p, a, fd);
		return true;
	case VHOST_GET_CONFIG:
		if (p->changes)
			peer_say(p->requests_fd, &change, VHOST_HEADER_BYTES, NULL, 0);
		memcpy(a->payload.config.data, p->config + c->offset, c->bytes);
		if (p->has_no_config)
			a->header.bytes = 0;
		return true;
	case VHOST_SET_CONFIG:
		memcpy(p->config + c->offset, c->data, c->bytes);
		break;
	default:
		break;
	}
	return r->m.header.flags & VHOST_FLAG_NEED_REPLY && answer_u64(a, 0);
}

static void say_with(struct vhost_peer *p, const struct vhost_message *a, size_t len, int fd, unsigned int more)
{
	int fds[64] = {0};
	unsigned int nr = 0;

	/* a late answer of one that is no more */
	if (p->fd < 0)
		return;
	if (fd >= 0)
		fds[nr++] = fd;
	while (more--)
		fds[nr++] = p->fd;
	peer_say(p->fd, a, len, fds, nr);
}

static void say_bytewise(struct vhost_peer *p, const struct vhost_message *a, size_t len, int fd)
{
	for (size_t i = 0; i < len; i++) {
		const uint8_t *byte = i < VHOST_HEADER_BYTES ? (const uint8_t *)&a->header + i :
							       (const uint8_t *)&a->payload + i - VHOST_HEADER_BYTES;
		struct vhost_message one = {0};

		memcpy(&one, byte, 1);
		say_with(p, &one, 1, i ? -1 : fd, 0);
	}
}

/* Where the answer itself is as it should be. */
static void say_ill(struct vhost_peer *p, struct vhost_message *a, size_t len, int fd)
{
	switch (p->ill) {
	case PEER_CLOSES:
		peer_hang_up(p);
		break;
	case PEER_CUTS:
		say_with(p, a, p->ill_value < len ? p->ill_value : len - 1, fd, 0);
		peer_hang_up(p);
		break;
	case PEER_FD:
		say_with(p, a, len, fd, 1);
		break;
	case PEER_FDS:
		say_with(p, a, len, fd, (unsigned int)p->ill_value);
		break;
	case PEER_NO_FD:
		say_with(p, a, len, -1, 0);
		break;
	case PEER_TWICE:
		say_with(p, a, len, fd, 0);
		say_with(p, a, len, -1, 0);
		break;
	case PEER_LATE:
		p->late = *a;
		p->due_ms = clock_now_ms() + p->ill_value;
		break;
	case PEER_BYTEWISE:
		say_bytewise(p, a, len, fd);
		break;
	default:
		break;
	}
}

/* Where it is not. */
static bool spoil(struct vhost_peer *p, struct vhost_message *a)
{
	switch (p->ill) {
	case PEER_SHORT:
		a->header.bytes--;
		break;
	case PEER_LONG:
		a->header.bytes++;
		break;
	case PEER_HUGE:
		a->header.bytes = UINT32_MAX;
		break;
	case PEER_OTHER_REQUEST:
		a->header.request ^= 64;
		break;
	case PEER_NO_REPLY_FLAG:
		a->header.flags &= ~VHOST_FLAG_REPLY;
		break;
	case PEER_VERSION:
		a->header.flags ^= 3;
		break;
	case PEER_VALUE:
		a->payload.u64 = p->ill_value;
		break;
	default:
		return false;
	}
	return true;
}

static void answer(struct vhost_peer *p, const struct peer_request *r, size_t number)
{
	bool ill = p->ill && number == p->ill_at;
	struct vhost_message a;
	int fd = -1;
	size_t len;

	if (!make_answer(p, r, &a, &fd) && (!ill || p->ill == PEER_SILENT || p->ill == PEER_LATE))
		return;
	len = VHOST_HEADER_BYTES + a.header.bytes;
	if (!ill) {
		say_with(p, &a, len, fd, 0);
	} else if (spoil(p, &a)) {
		len = VHOST_HEADER_BYTES + a.header.bytes;
		say_with(p, &a, a.header.bytes <= sizeof(a.payload) ? len : VHOST_HEADER_BYTES, fd, 0);
	} else {
		say_ill(p, &a, len, fd);
	}
	if (fd >= 0)
		close(fd);
}

void peer_run(struct vhost_peer *p)
{
	struct peer_request r;
	int fds[VHOST_FDS_MAX];

	if (p->due_ms && clock_now_ms() >= p->due_ms) {
		say_with(p, &p->late, VHOST_HEADER_BYTES + p->late.header.bytes, -1, 0);
		p->due_ms = 0;
	}
	while (read_request(p, &r, fds)) {
		assert(p->nr_asked < PEER_REQUESTS);
		p->asked[p->nr_asked++] = r;
		for (unsigned int i = 0; i < r.nr_fds; i++) {
			if (r.m.header.request == VHOST_SET_BACKEND_REQ_FD && p->requests_fd < 0)
				p->requests_fd = fds[i];
			else
				close(fds[i]);
		}
		answer(p, &r, p->nr_asked - 1);
	}
}

/* --- what it heard --- */

bool peer_hear(struct vhost_peer *p, struct vhost_message *m)
{
	memset(m, 0, sizeof(*m));
	return read_all(p->requests_fd, &m->header, VHOST_HEADER_BYTES) && m->header.bytes <= sizeof(m->payload) &&
	       read_all(p->requests_fd, &m->payload, m->header.bytes);
}

bool peer_saw(struct vhost_peer *p, const uint32_t *requests)
{
	for (; *requests; requests++, p->nr_seen++)
		if (p->nr_seen >= p->nr_asked || p->asked[p->nr_seen].m.header.request != *requests)
			return false;
	return p->nr_seen == p->nr_asked;
}

const struct peer_request *peer_last(const struct vhost_peer *p, uint32_t request)
{
	for (size_t i = p->nr_asked; i > 0; i--)
		if (p->asked[i - 1].m.header.request == request)
			return &p->asked[i - 1];
	return NULL;
}

size_t peer_count(const struct vhost_peer *p, uint32_t request)
{
	size_t nr = 0;

	for (size_t i = 0; i < p->nr_asked; i++)
		nr += p->asked[i].m.header.request == request;
	return nr;
}

/* --- its life --- */

struct vhost_peer *peer_at(int fd)
{
	struct vhost_peer *p = malloc(sizeof(*p));

	assert(p);
	/* there are many of them in a second of fuzzing */
	memset(p, 0, offsetof(struct vhost_peer, asked));
	p->fd = fd;
	p->requests_fd = -1;
	p->features = UINT64_MAX;
	p->protocol = UINT64_MAX;
	p->queues = 4;
	p->slots = 32;
	for (unsigned int i = 0; i < sizeof(p->config); i++)
		p->config[i] = (uint8_t)i;
	return p;
}

struct vhost_peer *peer_new(int *fd)
{
	int ends[2];

	assert(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	*fd = ends[0];
	return peer_at(ends[1]);
}

void peer_hang_up(struct vhost_peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void peer_free(struct vhost_peer *p)
{
	if (!p)
		return;
	peer_hang_up(p);
	if (p->requests_fd >= 0)
		close(p->requests_fd);
	free(p);
}
