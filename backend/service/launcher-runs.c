// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which program a process runs: the installed file is another one after an upgrade, whatever its version is called.
 */
#include "config.h"

#include "backend/service/launcher.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_installed(const struct launcher_exec *exec, pid_t pid)
{
	struct stat runs, installed;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return !stat(path, &runs) && !stat(exec->path, &installed) && runs.st_dev == installed.st_dev &&
	       runs.st_ino == installed.st_ino;
}

/* "PID (NAME) S PARENT ...", and a name may have anything in it. Return: 0: it cannot be told */
static int parent_of(pid_t pid)
{
	char path[32], line[256], *rest;
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	rest = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (!rest || sscanf(rest, ") %*c %d", &parent) != 1)
		parent = 0;
	fclose(f);
	return parent;
}

static bool is_keeper(int pid)
{
	char path[32], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = pid > 0 ? fopen(path, "re") : NULL;
	if (!f)
		return false;
	if (!fgets(name, sizeof(name), f))
		name[0] = '\0';
	fclose(f);
	name[strcspn(name, "\n")] = '\0';
	return strcmp(name, LAUNCHER_KEEPER_NAME) == 0;
}

enum launcher_runs launcher_runs(void *opaque, const struct process *p)
{
	struct pollfd ended = {.fd = p->fd, .events = POLLIN};
	int parent = parent_of(p->pid);
	enum launcher_runs runs = parent != getpid() && is_keeper(parent) ? LAUNCHER_RUNS_KEPT :
				  is_installed(opaque, p->pid)		   ? LAUNCHER_RUNS_INSTALLED :
									     LAUNCHER_RUNS_OTHER;

	/* its number was another's, perhaps */
	return poll(&ended, 1, 0) == 0 ? runs : LAUNCHER_RUNS_OTHER;
}
