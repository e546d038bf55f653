// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of a backend's process, from its parent's side.
 */
#include "config.h"

#include "backend/starter/exec.h"
#include "backend/base/access.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/** Linux 6.9 */
#define SIGNAL_PROCESS_GROUP (1u << 2)

int backend_exec_user(struct backend_user *user, const struct plan *plan, const char *group, char *why)
{
	const char *name = plan->user ? plan->user : group;
	const struct passwd *pw = getpwnam(name);
	const struct group *gr;

	if (!pw) {
		snprintf(why, PLAN_WHY_MAX,
			 plan->user ? "there is no user %s: make one, or name another" :
				      "there is no user %s, which backends are when the file names none: useradd --system %s, or name another",
			 name, name);
		return -ENOENT;
	}
	*user = (struct backend_user){.uid = pw->pw_uid, .gid = pw->pw_gid, .group = access_group(group)};
	if (!plan->group)
		return 0;
	gr = getgrnam(plan->group);
	if (gr) {
		user->gid = gr->gr_gid;
		return 0;
	}
	snprintf(why, PLAN_WHY_MAX, "there is no group %s: make one, or name another", plan->group);
	return -ENOENT;
}

/* --- start --- */

/* Wait until it is another program, or could not be. Return: 0; -errno */
static int hear_child(const struct backend_exec *exec, const struct plan_device *device, const char *program, int sock)
{
	struct backend_failure failure;
	ssize_t bytes;

	do
		bytes = recv(sock, &failure, sizeof(failure), 0);
	while (bytes < 0 && errno == EINTR);
	if (bytes != sizeof(failure))
		return 0;
	log_msg(exec->log, LOG_LEVEL_ERROR, -failure.err, "backend of device %" PRIu32 " of domain %" PRIu32 ", %s: %s", device->devid,
		device->domid, program, backend_step_text(failure.step));
	return -failure.err;
}

static void end_child(struct process *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/* Return: 0; -errno, and there is no child */
static int let_go(const struct backend_exec *exec, const struct plan_device *device, const char *program, int sock, struct process *p)
{
	/* nobody else waits for it, so the number is its own */
	p->fd = pidfd_open(p->pid, 0);
	int rc = p->fd < 0 ? -errno : backend_record_write(exec->state_dir, device->domid, device->devid, p->pid);

	if (!rc && send(sock, "", 1, MSG_NOSIGNAL) != 1)
		rc = -errno;
	if (!rc)
		rc = hear_child(exec, device, program, sock);
	if (!rc)
		return 0;
	end_child(p);
	backend_record_remove(exec->state_dir, device->domid, device->devid);
	return rc;
}

static int fork_child(const struct backend_exec *exec, const struct plan_device *device, char *const *argv, int log, struct process *p)
{
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	p->pid = fork();
	if (p->pid == 0) {
		/* its own copy would keep it from seeing that the service is no more */
		close(pair[0]);
		backend_become(exec, argv, pair[1], log);
	}
	rc = p->pid < 0 ? -errno : 0;
	close(pair[1]);
	if (!rc)
		rc = let_go(exec, device, argv[0], pair[0], p);
	close(pair[0]);
	return rc;
}

static int start(void *opaque, const struct plan_device *device, char *const *argv, struct process *p)
{
	const struct backend_exec *exec = opaque;
	int rc = backend_places_prepare(exec, device->socket), log;

	if (rc)
		return rc;
	log = backend_places_open_log(exec, device);
	if (log < 0)
		return log;
	rc = fork_child(exec, device, argv, log, p);
	if (log != STDERR_FILENO)
		close(log);
	return rc;
}

/* --- and the rest of it --- */

static int attach(void *opaque, uint32_t domid, uint32_t devid, struct process *p)
{
	const struct backend_exec *exec = opaque;

	return backend_record_find(exec->state_dir, domid, devid, p);
}

static void list_leftovers(void *opaque, void (*found)(void *found_opaque, uint32_t domid, uint32_t devid), void *found_opaque)
{
	const struct backend_exec *exec = opaque;

	backend_record_list(exec->state_dir, found, found_opaque);
}

static void signal_group(void *opaque, const struct process *p, int signal)
{
	/* also of a first process that has ended: the number is its group's as long as that has anybody */
	if (pidfd_send_signal(p->fd, signal, NULL, SIGNAL_PROCESS_GROUP) && errno == EINVAL)
		kill(-p->pid, signal);
}

static void detach(void *opaque, struct process *p)
{
	close(p->fd);
	p->fd = -1;
}

static void reap(void *opaque, struct process *p, struct process_end *end)
{
	siginfo_t info = {0};

	/* before it is waited for, which would set its number free */
	signal_group(opaque, p, SIGKILL);
	*end = (struct process_end){0};
	if (!waitid(P_PIDFD, (id_t)p->fd, &info, WEXITED | WNOHANG) && info.si_pid) {
		end->known = true;
		end->signalled = info.si_code != CLD_EXITED;
		end->value = info.si_status;
	}
	detach(opaque, p);
}

static void tidy(void *opaque, uint32_t domid, uint32_t devid, const char *socket)
{
	const struct backend_exec *exec = opaque;

	backend_record_remove(exec->state_dir, domid, devid);
	if (socket)
		backend_places_tidy(exec, socket);
}

void backend_exec_init(struct backend_runner *runner, struct backend_exec *exec)
{
	*runner = (struct backend_runner){
		.start = start,
		.attach = attach,
		.leftovers = list_leftovers,
		.signal = signal_group,
		.reap = reap,
		.detach = detach,
		.tidy = tidy,
		.opaque = exec,
	};
}
