// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the device's process gives away, and what is said of a host where it cannot.
 */
#define _GNU_SOURCE /* close_range() */
#include "config.h"

#include "run/run-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

/** a number for each domain, of those that systemd's table of users leaves to nobody, and others than the daemons' */
#define USER 1879080960u
/** hidden for a moment, in a mount namespace of the process's own */
#define ANY_DIRECTORY "/run"

int run_judge(struct run *run, int rc, const char *what)
{
	bool required = run->opts.sandbox == RUN_SANDBOX_REQUIRED;

	if (!rc)
		return 0;
	if (required || !run->shared->told)
		run_say(run, rc, "%s%s", what, required ? ": --sandbox=require" : "");
	return required ? -EACCES : 0;
}

void run_fds_note(struct run_fds *fds, int keep)
{
	*fds = (struct run_fds){ { 0 } };
	for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
		if (fd != keep && fcntl(fd, F_GETFD) >= 0)
			fds->bits[fd / 64] |= UINT64_C(1) << (fd % 64);
	}
}

static void close_inherited(const struct run_fds *fds)
{
	for (int fd = 0; fd < 1024; fd++) {
		if (fds->bits[fd / 64] & UINT64_C(1) << (fd % 64))
			close(fd);
	}
	close_range(1024, ~0u, 0);
}

static bool logs_to_file(void)
{
	struct stat st;

	return !fstat(STDERR_FILENO, &st) && S_ISREG(st.st_mode);
}

static int leave_world(struct run *run)
{
	const char *missing = "";
	int namespaces = xenvirtio_confine_namespaces(&missing), ret;

	ret = run_judge(run, namespaces, "the device's process shares network, System V IPC or the host's name");
	if (!ret)
		ret = run_judge(run, xenvirtio_confine_root(ANY_DIRECTORY), "the device's process does not get an empty root");
	if (!ret)
		ret = run_judge(run, xenvirtio_confine_limits(logs_to_file()), "the device's process is not limited");
	return ret;
}

int run_confine(struct run *run, const struct run_fds *inherited, bool unrestricted)
{
	int ret = 0;

	if (run->opts.sandbox == RUN_NO_SANDBOX)
		return 0;
	close_inherited(inherited);
	if (!unrestricted)
		ret = leave_world(run);
	if (!ret)
		ret = run_judge(run, xenvirtio_confine_bounds(), "capabilities could come by exec");
	if (!ret)
		ret = run_judge(run, xenvirtio_confine_user(USER + run->opts.domid), "the device's process is the user that started it");
	if (!ret)
		ret = run_judge(run, xenvirtio_confine_privileges(XENVIRTIO_CONFINE_NO_GROUP, 0), "capabilities cannot be given away");
	if (!ret && !unrestricted)
		ret = run_judge(run, xenvirtio_confine_files(), "files are not confined by Landlock");
	return ret;
}

int run_seal(struct run *run)
{
	int rc;

	if (run->opts.sandbox == RUN_NO_SANDBOX)
		return 0;
	rc = xenvirtio_confine_calls(false, run->program->calls);
	/* a mistake in the program is no lack of the host's */
	if (rc == -EINVAL) {
		run_say(run, 0, "a name in its list of system calls is none: mend the program");
		return rc;
	}
	rc = run_judge(run, rc, "system calls are not filtered");
	run->shared->told = true;
	return rc;
}
