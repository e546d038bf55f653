// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long a guest's device was not served, by the key `path` of its node, which a device process removes when it begins or ends,
 * and writes last of all when it serves.
 *
 *   absence DOMID kill PID...      SIGKILL for each, one right after the other: microseconds from before the first until it is
 *                                  served again
 *   absence DOMID run COMMAND...   microseconds from the key's removal until it is there again, while the command runs; then
 *                                  its status
 *
 * Exit status: 0, or that of COMMAND; 1 it did not come back within 20 s; 2 usage.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define PATIENCE_MS 20000

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* Whether something came before the time was over. */
static bool next_event(struct xs_handle *xs, int64_t until)
{
	struct pollfd p = {.fd = xs_fileno(xs), .events = POLLIN};
	char **event = xs_check_watch(xs);

	while (!event) {
		int64_t left = (until - now_us()) / 1000;

		if (left <= 0 || poll(&p, 1, (int)left) < 0)
			return false;
		event = xs_check_watch(xs);
	}
	free(event);
	return true;
}

static bool is_there(struct xs_handle *xs, const char *path)
{
	char *value = xs_read(xs, XBT_NULL, path, NULL);

	free(value);
	return value;
}

/* Two changes at least, the removal and the write; of the second the key may be there already when the first is looked at. */
static int64_t wait_for_service(struct xs_handle *xs, const char *path, int64_t begin, bool from_removal)
{
	int64_t until = now_us() + PATIENCE_MS * INT64_C(1000);

	for (int changes = 0; next_event(xs, until); ) {
		if (++changes == 1 && from_removal)
			begin = now_us();
		if (changes >= 2 && is_there(xs, path))
			return now_us() - begin;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct xs_handle *xs = xs_open(0);
	int64_t begin, took;
	int status = 0;
	bool run;
	char path[96];
	pid_t child = 0;

	if (argc < 4 || !xs || (strcmp(argv[2], "kill") && strcmp(argv[2], "run")))
		return 2;
	run = strcmp(argv[2], "run") == 0;
	snprintf(path, sizeof(path), "/local/domain/0/backend/virtio/%s/0/path", argv[1]);
	if (!xs_watch(xs, path, "path") || !next_event(xs, now_us() + PATIENCE_MS * INT64_C(1000)) || !is_there(xs, path))
		return 2;
	begin = now_us();
	if (run) {
		child = fork();
		if (child == 0) {
			execvp(argv[3], argv + 3);
			_exit(127);
		}
	} else {
		for (int i = 3; i < argc; i++)
			kill(atoi(argv[i]), SIGKILL);
	}
	took = wait_for_service(xs, path, begin, run);
	if (took >= 0)
		printf("%lld\n", (long long)took);
	if (run)
		waitpid(child, &status, 0);
	xs_close(xs);
	if (run && status)
		return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	return took < 0;
}
