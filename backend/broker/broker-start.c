// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker's process: the sockets, the fork, and the device's end.
 */
#include "config.h"

#include "backend/broker/broker.h"
#include "backend/base/exit-code.h"
#include "backend/base/fd-message.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/** as ps and top show the device; a process has 15 characters */
#define DEVICE_NAME "xenvirtio-dev"

/* @fd: goes with it; -1: none. Return: 0; XENVIRTIO_E_EMPTY; -ENOBUFS; -errno */
static int send_answer(int sock, const struct broker_answer *answer, int fd)
{
	int rc = fd_message_send(sock, answer, sizeof(*answer), fd);

	if (rc == -EPIPE || rc == -ECONNRESET)
		return XENVIRTIO_E_EMPTY;
	return rc == -EAGAIN ? -ENOBUFS : rc;
}

int broker_serve_one(struct broker *b, int sock)
{
	struct broker_request req;
	struct broker_answer answer;
	/* a descriptor that comes along is refused: it is not for a device to fill another's table */
	ssize_t len = fd_message_receive(sock, &req, sizeof(req));
	int fd, ret;

	if (len < 0)
		return len == -EAGAIN || len == -EINTR ? 0 : (int)len;
	if (len == 0)
		return XENVIRTIO_E_EMPTY;
	ret = broker_answer(b, &req, (size_t)len, &answer, &fd);
	if (ret)
		return ret;
	ret = send_answer(sock, &answer, fd);
	if (fd >= 0)
		close(fd);
	return ret;
}

static void close_ends(const struct broker_ends *ends)
{
	close(ends->memory);
	close(ends->store);
	close(ends->events);
}

static void end_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR2);
}

void broker_device_tie(int sock)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* it may have died before; its number says nothing, which in a pid namespace of its own a device does not see */
	if (recv(sock, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == 0)
		_exit(EXIT_CODE_HOST);
}

void broker_device_hear(void)
{
	sigset_t set;

	end_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void be_device(int sock)
{
	prctl(PR_SET_NAME, DEVICE_NAME);
	setpgid(0, 0);
	broker_device_tie(sock);
}

static void be_broker(const struct broker_config *cfg, const struct broker_ends *ends, pid_t pid, int *code, int *signal)
{
	const struct store_broker_config store = {
		.log = cfg->log,
		.program = cfg->program,
		.domid = cfg->domid,
		.open = cfg->open_store,
		.opaque = cfg->opaque,
	};
	siginfo_t info = {0};
	sigset_t set;
	struct broker b;
	struct store_broker s;
	bool ended = true;
	int device = pidfd_open(pid, 0), signals;

	end_signals(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	broker_init(&b, cfg);
	store_broker_init(&s, &store);
	if (device < 0 || signals < 0 || (cfg->started && cfg->started(cfg->opaque)))
		kill(pid, SIGKILL);
	else
		ended = broker_serve(&b, &s, ends, signals, device);
	close_ends(ends);
	waitid(P_PID, (id_t)pid, &info, WEXITED);
	if (device >= 0)
		close(device);
	if (signals >= 0)
		close(signals);
	store_broker_fini(&s);
	broker_fini(&b);
	*code = info.si_code == CLD_EXITED ? info.si_status : EXIT_CODE_HOST;
	*signal = info.si_code == CLD_EXITED || ended ? 0 : info.si_status;
}

/* One of each for the broker, the other for the device. */
static int make_ends(struct broker_ends *broker, struct broker_ends *device)
{
	int *ends[] = {&broker->memory, &device->memory, &broker->store, &device->store, &broker->events, &device->events};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i += 2) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
			int rc = -errno;

			while (i--)
				close(*ends[i]);
			return rc;
		}
		*ends[i] = pair[0];
		*ends[i + 1] = pair[1];
	}
	return 0;
}

pid_t broker_start(const struct broker_config *cfg, struct broker_ends *ends, int *code, int *signal)
{
	struct broker_ends mine, device;
	pid_t pid;
	sigset_t block, mask;
	int rc = make_ends(&mine, &device);

	if (rc)
		return rc;
	/* what comes before the broker listens is not lost */
	end_signals(&block);
	sigprocmask(SIG_BLOCK, &block, &mask);
	pid = fork();
	if (pid < 0) {
		pid = -errno;
		close_ends(&mine);
		close_ends(&device);
	} else if (pid == 0) {
		close_ends(&mine);
		*ends = device;
		be_device(device.memory);
		return 0;
	} else {
		close_ends(&device);
		be_broker(cfg, &mine, pid, code, signal);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return pid;
}
