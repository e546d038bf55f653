// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system calls of a broker and its device, against the lists that SECURITY.md has of them:
 *
 *   trace-calls SECURITY.md OUT COMMAND...
 *
 * Runs the command, a daemon for one guest, traces it and all that it starts, and writes to OUT, when that has ended, a line for each
 * system call: "broker" or "device", its name, and "listed" or "FOREIGN". What is counted begins where a process has given its rights
 * away: the broker with capset(), the device with the filter of its system calls. SIGTERM is passed on. Ends as the command.
 */
#include "config.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* not <linux/ptrace.h>, which does not go with the above */
struct syscall_info {
	uint8_t op;
	uint8_t pad[3];
	uint32_t arch;
	uint64_t instruction_pointer, stack_pointer;
	union {
		struct {
			uint64_t nr, args[6];
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
	};
};
#define GET_SYSCALL_INFO 0x420e
#define OP_ENTRY 1
#define OP_EXIT 2

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)
#define THREADS_MAX 64
#define NAMES_MAX 128
#define CALLS_MAX 1024
#define FILTER_MODE 1 /* SECCOMP_SET_MODE_FILTER */

enum role { BROKER, DEVICE, ROLES };
static const char *const role_name[ROLES] = {"broker", "device"};

struct thread {
	pid_t tid; /* 0: none */
	enum role role;
	uint64_t nr, arg; /* of the call that it is in */
};

static struct thread thread[THREADS_MAX];
static bool counts[ROLES];	     /* its rights are given away */
static bool called[ROLES][CALLS_MAX];
static char listed[ROLES][NAMES_MAX][32];
static size_t nr_listed[ROLES];
static uint32_t arch;
static volatile sig_atomic_t asked;

static void on_term(int signal)
{
	asked = signal;
}

static void fail(const char *what)
{
	perror(what);
	exit(125);
}

/* The first column of a row: names with commas between. */
static void take_row(enum role role, char *line)
{
	char *column = strtok(line + 1, "|");

	for (char *name = strtok(column, ", "); name; name = strtok(NULL, ", ")) {
		if (nr_listed[role] == NAMES_MAX)
			fail("too many names");
		snprintf(listed[role][nr_listed[role]++], 32, "%s", name);
	}
}

static void read_lists(const char *path)
{
	static char line[1024];
	FILE *f = fopen(path, "re");
	int role = ROLES;

	if (!f)
		fail(path);
	while (fgets(line, sizeof(line), f)) {
		if (line[0] != '|')
			role = ROLES;
		else if (strncmp(line, "| a broker calls |", 18) == 0)
			role = BROKER;
		else if (strncmp(line, "| a device that serves calls |", 30) == 0)
			role = DEVICE;
		else if (role != ROLES && line[1] != '-')
			take_row((enum role)role, line);
	}
	fclose(f);
	if (!nr_listed[BROKER] || !nr_listed[DEVICE])
		fail("no lists");
}

static bool is_listed(enum role role, const char *name)
{
	for (size_t i = 0; i < nr_listed[role]; i++) {
		if (strcmp(listed[role][i], name) == 0)
			return true;
	}
	return false;
}

static struct thread *find(pid_t tid)
{
	for (size_t i = 0; i < THREADS_MAX; i++) {
		if (thread[i].tid == tid)
			return &thread[i];
	}
	return NULL;
}

/* A child may be seen before its parent says whose it is: it is a device until then. */
static struct thread *know(pid_t tid, enum role role)
{
	struct thread *t = find(tid);

	if (!t)
		t = find(0);
	if (!t)
		fail("too many threads");
	*t = (struct thread){.tid = tid, .role = role};
	return t;
}

static void end_call(struct thread *t, const struct syscall_info *info)
{
	if (info->exit.is_error)
		return;
	if (t->role == BROKER && t->nr == SYS_capset)
		counts[BROKER] = true;
	if (t->role == DEVICE && t->nr == SYS_seccomp && t->arg == FILTER_MODE)
		counts[DEVICE] = true;
}

static void look_at_call(struct thread *t)
{
	struct syscall_info info;

	if (ptrace((enum __ptrace_request)GET_SYSCALL_INFO, t->tid, sizeof(info), &info) <= 0)
		return;
	if (info.op == OP_EXIT) {
		end_call(t, &info);
	} else if (info.op == OP_ENTRY) {
		arch = info.arch;
		t->nr = info.entry.nr;
		t->arg = info.entry.args[0];
		if (counts[t->role] && t->nr < CALLS_MAX)
			called[t->role][t->nr] = true;
	}
}

/* Return: the signal that it is to have */
static int look_at_stop(struct thread *t, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;
	unsigned long child;

	if (signal == (SIGTRAP | 0x80)) {
		look_at_call(t);
		return 0;
	}
	if (!event)
		return signal == SIGSTOP ? 0 : signal;
	if (event != PTRACE_EVENT_EXEC && event != PTRACE_EVENT_STOP && !ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &child))
		know((pid_t)child, event == PTRACE_EVENT_CLONE ? t->role : DEVICE);
	return 0;
}

static int trace(pid_t root)
{
	int status, code = 1;

	for (;;) {
		pid_t tid = waitpid(-1, &status, __WALL);
		struct thread *t;

		if (asked) {
			kill(root, asked);
			asked = 0;
		}
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return code;
		t = find(tid);
		if (!t)
			t = know(tid, DEVICE);
		if (WIFSTOPPED(status)) {
			ptrace(PTRACE_SYSCALL, tid, NULL, look_at_stop(t, status));
			continue;
		}
		t->tid = 0;
		if (tid == root)
			code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static void write_calls(FILE *out)
{
	for (int role = 0; role < ROLES; role++) {
		for (int nr = 0; nr < CALLS_MAX; nr++) {
			char *name = called[role][nr] ? seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr) : NULL;

			if (called[role][nr])
				fprintf(out, "%s %s %s\n", role_name[role], name ? name : "?",
					name && is_listed((enum role)role, name) ? "listed" : "FOREIGN");
			free(name);
		}
	}
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_term};
	FILE *out;
	pid_t root;
	int status, code;

	if (argc < 4) {
		fprintf(stderr, "usage: trace-calls SECURITY.md OUT COMMAND...\n");
		return 125;
	}
	read_lists(argv[1]);
	out = fopen(argv[2], "we");
	if (!out)
		fail(argv[2]);
	root = fork();
	if (root == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	sigaction(SIGTERM, &action, NULL);
	if (waitpid(root, &status, 0) != root || ptrace(PTRACE_SETOPTIONS, root, NULL, OPTIONS))
		fail("ptrace");
	know(root, BROKER);
	ptrace(PTRACE_SYSCALL, root, NULL, NULL);
	code = trace(root);
	write_calls(out);
	fclose(out);
	return code;
}
