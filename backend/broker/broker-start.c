// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker's process: the fork, the socket, signals, and the device's end. Waits for whichever comes first, with nothing
 * under way meanwhile: a broker that does nothing is stopped in poll().
 */
#include "config.h"

#include "backend/broker/broker.h"
#include "backend/base/exit-code.h"

#include <errno.h>
#include <poll.h>
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
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)answer, .iov_len = sizeof(*answer)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_LEN(sizeof(fd));
	}
	if (sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(*answer))
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return XENVIRTIO_E_EMPTY;
	return errno == EAGAIN ? -ENOBUFS : -errno;
}

int broker_serve_one(struct broker *b, int sock)
{
	struct broker_request req;
	struct broker_answer answer;
	struct iovec iov = {.iov_base = &req, .iov_len = sizeof(req)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t len = recvmsg(sock, &msg, MSG_DONTWAIT);
	int fd, ret;

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno == ECONNRESET ? XENVIRTIO_E_EMPTY : -errno;
	/* a descriptor that comes along has no room, and is closed by the kernel: it is not for a device to fill another's table */
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EPROTO;
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

/* Until the device has ended. Return: true: it was ended here */
static bool serve(struct broker *b, int sock, int signals, int device)
{
	struct pollfd p[] = {
		{.fd = sock, .events = POLLIN},
		{.fd = signals, .events = POLLIN},
		{.fd = device, .events = POLLIN},
	};
	bool ended = false;

	while (!p[2].revents) {
		struct signalfd_siginfo info;
		int rc = 0;

		if (poll(p, sizeof(p) / sizeof(p[0]), -1) < 0)
			continue;
		if (p[1].revents && read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			pidfd_send_signal(device, (int)info.ssi_signo, NULL, 0);
		if (p[0].revents)
			rc = broker_serve_one(b, sock);
		if (rc)
			p[0].fd = -1;
		if (broke_off(b, rc)) {
			ended = true;
			pidfd_send_signal(device, SIGKILL, NULL, 0);
		}
	}
	return ended;
}

static void end_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
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

static void be_broker(const struct broker_config *cfg, int sock, pid_t pid, int *code, int *signal)
{
	siginfo_t info = {0};
	sigset_t set;
	struct broker b;
	bool ended = true;
	int device = pidfd_open(pid, 0), signals;

	end_signals(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	broker_init(&b, cfg);
	if (device < 0 || signals < 0 || (cfg->started && cfg->started(cfg->opaque)))
		kill(pid, SIGKILL);
	else
		ended = serve(&b, sock, signals, device);
	close(sock);
	waitid(P_PID, (id_t)pid, &info, WEXITED);
	if (device >= 0)
		close(device);
	if (signals >= 0)
		close(signals);
	broker_fini(&b);
	*code = info.si_code == CLD_EXITED ? info.si_status : EXIT_CODE_HOST;
	*signal = info.si_code == CLD_EXITED || ended ? 0 : info.si_status;
}

pid_t broker_start(const struct broker_config *cfg, int *sock, int *code, int *signal)
{
	pid_t pid;
	sigset_t block, mask;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	/* what comes before the broker listens is not lost */
	end_signals(&block);
	sigprocmask(SIG_BLOCK, &block, &mask);
	pid = fork();
	if (pid < 0) {
		pid = -errno;
		close(pair[0]);
		close(pair[1]);
	} else if (pid == 0) {
		close(pair[0]);
		*sock = pair[1];
		be_device(pair[1]);
		return 0;
	} else {
		close(pair[1]);
		be_broker(cfg, pair[0], pid, code, signal);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return pid;
}
