// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attempts on the broker's socket: questions that are some and not for a device, and messages that are none.
 */
#include "config.h"

#include "drill/drill.h"
#include "backend/broker/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOOD 1000000u
/** beyond all that a guest has, and aligned for any order */
#define NOWHERE (UINT64_C(1) << 35)

int drill_socket(unsigned int which)
{
	for (int fd = 0; fd < DRILL_DESCRIPTORS; fd++) {
		int type;
		socklen_t len = sizeof(type);

		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_SEQPACKET || which--)
			continue;
		return fd;
	}
	return -ENODEV;
}

static void begin(struct broker_request *req, uint32_t op)
{
	memset(req, 0, sizeof(*req));
	req->op = op;
}

/* Return: what the broker says; a descriptor that comes with it is closed */
static int ask(const struct broker_request *req, size_t len)
{
	int sock = drill_socket(0);
	struct broker_answer answer;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = &answer, .iov_len = sizeof(answer)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	const struct cmsghdr *header;
	int fd;

	if (sock < 0)
		return sock;
	if (send(sock, req, len, MSG_NOSIGNAL) != (ssize_t)len || recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(answer))
		return -ENODEV;
	header = CMSG_FIRSTHDR(&msg);
	if (header) {
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
		close(fd);
	}
	return answer.ret;
}

static int ask_value(uint32_t op, uint64_t value)
{
	struct broker_request req;

	begin(&req, op);
	req.value = value;
	return ask(&req, BROKER_HEADER_BYTES);
}

static int ask_frames(const struct drill *d, unsigned int op)
{
	struct broker_request req;

	begin(&req, op);
	req.nr = 1;
	req.frame[0] = NOWHERE;
	return ask(&req, BROKER_HEADER_BYTES + sizeof(req.frame[0]));
}

static int ask_much(const struct drill *d, unsigned int op)
{
	return ask_value(op, UINT64_C(1) << 32);
}

static int ask_number(const struct drill *d, unsigned int op)
{
	return ask_value(op, 7);
}

static int ask_plainly(const struct drill *d, unsigned int op)
{
	return ask_value(op, 0);
}

/* As often as none may, and as often back. */
static int pause_for_ever(const struct drill *d, unsigned int most)
{
	int ret = 0;

	for (unsigned int i = 0; i < most && !ret; i++)
		ret = ask_value(BROKER_PAUSE, 0);
	while (ask_value(BROKER_UNPAUSE, 0) == 0)
		;
	return ret;
}

static int say_nonsense(const struct drill *d, unsigned int op)
{
	return ask_value(op, 0);
}

static int say_too_little(const struct drill *d, unsigned int bytes)
{
	struct broker_request req;

	begin(&req, BROKER_DOMAIN_INFO);
	return ask(&req, bytes);
}

/* A descriptor in a message: the broker's table is not to be filled. */
static int give_descriptor(const struct drill *d, unsigned int arg)
{
	struct broker_request req;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
	struct iovec iov = {.iov_base = &req, .iov_len = BROKER_HEADER_BYTES};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	int sock = drill_socket(0);
	char byte;

	begin(&req, BROKER_DOMAIN_INFO);
	memcpy(CMSG_DATA(&control.header), &sock, sizeof(sock));
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		return -errno;
	/* the answer, or the end */
	return recv(sock, &byte, 1, 0) == 1 ? 0 : -EPIPE;
}

/* Without a look at the answers, for as long as it lives. */
static int flood(const struct drill *d, unsigned int which)
{
	static const char zero[8 + 256 + 1024];
	struct broker_request req;
	int sock = drill_socket(which);

	begin(&req, BROKER_DOMAIN_INFO);
	for (unsigned int i = 0; i < FLOOD; i++) {
		if (which ? send(sock, zero, sizeof(zero), MSG_NOSIGNAL) < 0 :
			    send(sock, &req, BROKER_HEADER_BYTES, MSG_NOSIGNAL) < 0)
			return -errno;
	}
	return 0;
}

const struct drill_attempt drill_memory[] = {
	{"broker-release-no-ram", ask_frames, BROKER_RELEASE, false},
	{"broker-populate-no-ram", ask_frames, BROKER_POPULATE, false},
	{"broker-release-extents-no-ram", ask_frames, BROKER_RELEASE_EXTENTS, false},
	{"broker-populate-extents-no-ram", ask_frames, BROKER_POPULATE_EXTENTS, false},
	{"broker-max-mem-above-static-max", ask_much, BROKER_SET_MAX_MEM, false},
	{"broker-unpause-others-pause", ask_plainly, BROKER_UNPAUSE, false},
	{"broker-pause-for-ever", pause_for_ever, 3, false},
	{"broker-other-devices-state", ask_number, BROKER_OPEN_STATE, false},
	{"broker-state-twice", ask_plainly, BROKER_OPEN_STATE, false},
	{"broker-other-devices-name", ask_number, BROKER_REMOVE_STATE, false},
	{"broker-second-listener", ask_plainly, BROKER_LISTEN_CONTROL, false},
	{"broker-backend", ask_plainly, BROKER_CONNECT_BACKEND, false},
	{"broker-memory-file", ask_plainly, BROKER_MEMORY_FILE, false},
	{"broker-no-question", say_nonsense, 99, true},
	{"broker-half-a-question", say_too_little, 16, true},
	{"broker-descriptor", give_descriptor, 0, true},
	{"broker-flood", flood, 0, true},
	{"broker-flood-of-xenstore", flood, 1, true},
	{0},
};
