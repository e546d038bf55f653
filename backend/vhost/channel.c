// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages over a stream socket. First the header is read and nothing beyond, then as much as it says: so the next message's
 * descriptors, which the kernel hands out with its first byte, stay with it.
 */
#include "backend/vhost/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Descriptors that one call may bring. The kernel would close what has no room, and say so; with room for some more than may
 * be, alignment cannot let one too many slip in unseen. */
#define ROOM (2 * VHOST_CHANNEL_FDS + 2)

void vhost_channel_init(struct vhost_channel *c, int fd)
{
	memset(c, 0, sizeof(*c));
	c->fd = fd;
}

void vhost_channel_next(struct vhost_channel *c)
{
	while (c->nr_fds)
		close(c->fds[--c->nr_fds]);
	c->got = 0;
	memset(&c->in, 0, sizeof(c->in));
}

void vhost_channel_close(struct vhost_channel *c)
{
	vhost_channel_next(c);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

int vhost_channel_take_fd(struct vhost_channel *c)
{
	if (c->nr_fds != 1)
		return -1;
	return c->fds[--c->nr_fds];
}

static enum vhost_fault fail(struct vhost_channel *c, int err)
{
	if (err == EPIPE || err == ECONNRESET)
		return VHOST_CLOSED;
	c->err = -err;
	return VHOST_SYSTEM;
}

enum vhost_fault vhost_channel_send(struct vhost_channel *c, const struct vhost_message *m, const int *fds,
				    unsigned int nr_fds)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(VHOST_FDS_MAX * sizeof(int))];
	} control = {0};
	struct iovec iov[] = {
		{.iov_base = (void *)&m->header, .iov_len = VHOST_HEADER_BYTES},
		{.iov_base = (void *)&m->payload, .iov_len = m->header.bytes},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t sent;

	if (c->fd < 0)
		return VHOST_NOT_CONNECTED;
	if (nr_fds > VHOST_FDS_MAX || m->header.bytes > VHOST_PAYLOAD_MAX)
		return fail(c, EINVAL);
	if (nr_fds) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, nr_fds * sizeof(int));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
	}
	do
		sent = sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN)
		return VHOST_FULL;
	if (sent < 0)
		return fail(c, errno);
	/* less than a page goes out whole or not at all; half a message cannot be taken back */
	return (size_t)sent == VHOST_HEADER_BYTES + m->header.bytes ? VHOST_OK : VHOST_FULL;
}

/* Keeps as many as may be, and closes all others. */
static bool take_rights(struct vhost_channel *c, struct cmsghdr *header)
{
	size_t nr = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool fit = true;

	for (size_t i = 0; i < nr; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
		if (c->nr_fds < VHOST_CHANNEL_FDS) {
			c->fds[c->nr_fds++] = fd;
		} else {
			close(fd);
			fit = false;
		}
	}
	return fit;
}

/* Up to @len bytes of the message, to @to. Return: how many; 0: none now, and *@fault says whether ever */
static size_t take_bytes(struct vhost_channel *c, void *to, size_t len, enum vhost_fault *fault)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(ROOM * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = to, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	bool fit = true;
	ssize_t got;

	do
		got = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		*fault = errno == EAGAIN ? VHOST_OK : fail(c, errno);
		if (*fault == VHOST_CLOSED && c->got)
			*fault = VHOST_CUT;
		return 0;
	}
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			fit = take_rights(c, h) && fit;
	if (!fit || (msg.msg_flags & MSG_CTRUNC))
		*fault = VHOST_CONTROL;
	else
		*fault = got ? VHOST_OK : c->got ? VHOST_CUT : VHOST_CLOSED;
	return (size_t)got;
}

static enum vhost_fault check_header(const struct vhost_header *h)
{
	if ((h->flags & VHOST_FLAG_VERSION_MASK) != VHOST_FLAG_VERSION)
		return VHOST_VERSION;
	return h->bytes > VHOST_PAYLOAD_MAX ? VHOST_TOO_LONG : VHOST_OK;
}

enum vhost_fault vhost_channel_receive(struct vhost_channel *c, bool *whole)
{
	uint8_t *header = (uint8_t *)&c->in.header, *payload = (uint8_t *)&c->in.payload;
	enum vhost_fault fault;
	size_t got;

	*whole = false;
	if (c->fd < 0)
		return VHOST_NOT_CONNECTED;
	for (; c->got < VHOST_HEADER_BYTES; c->got += got) {
		got = take_bytes(c, header + c->got, VHOST_HEADER_BYTES - c->got, &fault);
		if (!got || fault)
			return fault;
	}
	fault = check_header(&c->in.header);
	if (fault)
		return fault;
	for (; c->got < VHOST_HEADER_BYTES + c->in.header.bytes; c->got += got) {
		size_t at = c->got - VHOST_HEADER_BYTES;

		got = take_bytes(c, payload + at, c->in.header.bytes - at, &fault);
		if (!got || fault)
			return fault;
	}
	*whole = true;
	return VHOST_OK;
}
