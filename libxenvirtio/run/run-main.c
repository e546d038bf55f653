// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xenvirtio_main(): the real surroundings, and the memory that parent and children have in common.
 */
#include "run/run-internal.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "base/clock.h"

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid)
{
	return xenvirtio_hv_open_xen(hv, domid, NULL);
}

static int open_confined(void *opaque, struct xenvirtio_hv **hv, uint32_t domid)
{
	return xenvirtio_hv_open_xen_confined(hv, domid, NULL);
}

static int open_store(void *opaque, struct xenvirtio_store **store)
{
	return xenvirtio_store_open_xen(store);
}

static int64_t now_ms(void *opaque)
{
	return clock_coarse_ms();
}

static int wait_for(void *opaque, struct pollfd *fds, nfds_t nr, int timeout_ms)
{
	return clock_poll(fds, nr, timeout_ms);
}

int run_main(const struct xenvirtio_program *program, const struct run_env *env, int argc, char **argv)
{
	struct run run = { .program = program, .env = env };
	size_t bytes = sizeof(*run.shared) + xenvirtio_in_flight_bytes(program->device.nr_queues);
	int code;

	if (!run_options_parse(&run.opts, program, argc, argv, &code))
		return code;
	/* where it came ignored, nobody hears how a child ended */
	signal(SIGCHLD, SIG_DFL);
	run.shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run.shared == MAP_FAILED) {
		run_say(&run, -errno, "no memory");
		return XENVIRTIO_EXIT_HOST;
	}
	code = run_parent(&run);
	munmap(run.shared, bytes);
	return code;
}

int xenvirtio_main(const struct xenvirtio_program *program, int argc, char **argv)
{
	static const struct run_env env = {
		.open_hv = open_hv,
		.open_confined = open_confined,
		.open_store = open_store,
		.now_ms = now_ms,
		.wait = wait_for,
	};

	return run_main(program, &env, argc, argv);
}
