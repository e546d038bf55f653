/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the supervisor starts device processes and learns of their ends: the seam between the two, so
 * that tests need no processes.
 *
 * A process is known by a descriptor, not by its number, which may be another's by the time it is
 * used. It is readable once the process has ended, also for one that is nobody's child here: one
 * that a supervisor before this one started, or somebody at a terminal.
 */
#ifndef BACKEND_LAUNCHER_H
#define BACKEND_LAUNCHER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <xenvirtio/error.h>

struct device_cgroups;
struct log;

struct process {
	pid_t pid;
	int fd; /* readable once it has ended; -1: no process */
};

struct process_end {
	bool known;	/* it was our child */
	bool signalled; /* @value is a signal, not an exit code */
	int value;
};

#define PROCESS_END_TEXT_MAX 64u
/** process_end_text() - "died of signal 9 (Killed)", "ended with exit code 1", "ended" */
void process_end_text(const struct process_end *end, char text[PROCESS_END_TEXT_MAX]);

/** for start: one that is ready before it has the process that serves let go; it ends if it cannot, and nothing has happened */
#define LAUNCHER_TAKE_OVER 1u

enum launcher_runs {
	LAUNCHER_RUNS_OTHER,	 /* than what is installed now, or it cannot be told */
	LAUNCHER_RUNS_INSTALLED, /* the very file */
	LAUNCHER_RUNS_KEPT,	 /* whatever: it is another process's, a keeper's, keeper.h */
};

struct launcher {
	/** start - @flags: LAUNCHER_TAKE_OVER or 0. Return: 0; -errno nothing was started */
	int (*start)(void *opaque, uint32_t domid, uint32_t devid, unsigned int flags, struct process *p);
	/**
	 * attach - find a process that serves the device already
	 * Return: 0; XENVIRTIO_E_EMPTY nobody does; XENVIRTIO_E_AGAIN one is just beginning or
	 *         ending; -errno
	 */
	int (*attach)(void *opaque, uint32_t domid, uint32_t devid, struct process *p);
	/**
	 * life - @mark: out; a number that is another whenever the device's process has come through its
	 * loop for some time
	 * Return: 0; -errno it cannot be told
	 */
	int (*life)(void *opaque, uint32_t domid, uint32_t devid, uint64_t *mark);
	/** runs - what program a process is, that serves a device */
	enum launcher_runs (*runs)(void *opaque, const struct process *p);
	/** signal - to one that has ended it is nothing */
	void (*signal)(void *opaque, const struct process *p, int signal);
	/** reap - once @p->fd is readable: how it ended; closes the descriptor */
	void (*reap)(void *opaque, struct process *p, struct process_end *end);
	/** detach - let it run and forget it; closes the descriptor */
	void (*detach)(void *opaque, struct process *p);
	void *opaque;
};

/** as ps and top show a keeper; a process has 15 characters */
#define LAUNCHER_KEEPER_NAME "xenvirtio-keep"
/** the program that runs, also after it was removed */
#define LAUNCHER_SELF "/proc/self/exe"

/** what launcher_init() needs to keep */
struct launcher_exec {
	char path[256]; /* where this program was installed when it began, and another may be now */
	char **argv;	/* of this program, and room for more words */
	int argc;
	const char *state_dir;
	const struct device_cgroups *cgroups; /* for what is started from then on; NULL: none; with @log */
	struct log *log;
};

/**
 * launcher_init() - device processes are this program, as it is installed when they start
 * @argv: its command line, which is handed on, with --domid and --devid after it; borrowed
 *
 * Return: 0; -ENOMEM
 */
int launcher_init(struct launcher *launcher, struct launcher_exec *exec, int argc, char **argv,
		  const char *state_dir);
/** launcher_runs() - of struct launcher: @opaque is a struct launcher_exec */
enum launcher_runs launcher_runs(void *opaque, const struct process *p);
void launcher_fini(struct launcher_exec *exec);

#endif /* BACKEND_LAUNCHER_H */
