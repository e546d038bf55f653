// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device's side of what has a name: a question, and a descriptor with the answer. What is named nobody says: broker.h.
 */
#include "backend/broker/client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int ask(const struct broker_seat *seat, enum broker_op op, uint64_t value, struct broker_answer *answer, int *fd)
{
	struct broker_request req;
	int ret;

	memset(&req, 0, BROKER_HEADER_BYTES);
	req.op = op;
	req.value = value;
	ret = seat->exchange(seat->opaque, &req, BROKER_HEADER_BYTES, answer, fd);
	if (!ret)
		ret = answer->op == (uint32_t)op ? answer->ret : -EPROTO;
	if (ret && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return ret;
}

static int ask_for_descriptor(const struct broker_seat *seat, enum broker_op op, uint32_t devid,
			      struct broker_answer *answer)
{
	int fd, ret = ask(seat, op, devid, answer, &fd);

	if (ret)
		return ret < 0 ? ret : -EPROTO;
	/* one that was lost on its way: this process has as many as it may */
	return fd >= 0 ? fd : -EMFILE;
}

static int open_state(void *opaque, uint32_t devid, pid_t *owner)
{
	struct broker_answer answer;
	int ret = ask_for_descriptor(opaque, BROKER_OPEN_STATE, devid, &answer);

	*owner = ret == -EBUSY ? (pid_t)answer.owner : 0;
	return ret;
}

static int ask_simply(const struct broker_seat *seat, enum broker_op op, uint32_t devid)
{
	struct broker_answer answer;
	int fd, ret = ask(seat, op, devid, &answer, &fd);

	if (fd >= 0)
		close(fd);
	return ret;
}

/* Which file has the name the broker knows by its own copy of the descriptor. */
static int remove_state(void *opaque, uint32_t devid, int fd)
{
	return ask_simply(opaque, BROKER_REMOVE_STATE, devid);
}

static int listen_control(void *opaque, uint32_t devid)
{
	struct broker_answer answer;

	return ask_for_descriptor(opaque, BROKER_LISTEN_CONTROL, devid, &answer);
}

static int unlisten_control(void *opaque, uint32_t devid)
{
	return ask_simply(opaque, BROKER_UNLISTEN_CONTROL, devid);
}

static int read_size(void *opaque, uint32_t devid, uint64_t *kib)
{
	const struct broker_seat *seat = opaque;
	struct broker_answer answer;
	int fd, ret = ask(seat, BROKER_READ_SIZE, devid, &answer, &fd);

	if (!ret)
		*kib = answer.kib;
	return ret;
}

/* Of which device the broker knows: it has given its state file. */
static int keep_size(void *opaque, uint32_t devid, uint64_t kib)
{
	const struct broker_seat *seat = opaque;
	struct broker_answer answer;
	int fd;

	return ask(seat, BROKER_KEEP_SIZE, kib, &answer, &fd);
}

static int drop_size(void *opaque, uint32_t devid)
{
	return ask_simply(opaque, BROKER_DROP_SIZE, devid);
}

static int connect_backend(void *opaque, uint32_t devid)
{
	struct broker_answer answer;

	return ask_for_descriptor(opaque, BROKER_CONNECT_BACKEND, devid, &answer);
}

void broker_client_doors(struct doors *doors, const struct broker_seat *seat)
{
	doors->open_state = open_state;
	doors->remove_state = remove_state;
	doors->listen_control = listen_control;
	doors->unlisten_control = unlisten_control;
	doors->read_size = read_size;
	doors->keep_size = keep_size;
	doors->drop_size = drop_size;
	doors->connect_backend = connect_backend;
	doors->opaque = (void *)(uintptr_t)seat;
}
