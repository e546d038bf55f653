// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The device's process: from what it opens to its end. Whoever waits for it hears of it by one byte, and by its exit code.
 */
#include "run/run-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

/** mappings kept at most: rings of a few queues and some buffers */
#define GMEM_PAGES 64u
/** how long interrupts of prompt queues are held back, see xenvirtio_server_holds() */
#define HELD_MS 10

struct child {
	struct run *run;
	int sock;
	struct xenvirtio_hv *hv;
	struct xenvirtio_hv_ops ops;
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_program_device *device;
	struct xenvirtio_server *server;
	bool open, serves;
};

/* Of the process: hooks of the seam have no argument of ours. A copy: who else has that memory may be a child that was taken over. */
static struct {
	struct xenvirtio_domain_info info;
	struct xenvirtio_gfn_range range[RUN_RANGES_MAX];
	size_t nr;
} host;

static int told_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	*info = host.info;
	return 0;
}

static int told_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max, size_t *nr)
{
	if (host.nr > max)
		return -ENOSPC;
	memcpy(range, host.range, host.nr * sizeof(*range));
	*nr = host.nr;
	return 0;
}

/* A handle that is restricted to its domain cannot ask about it: the parent has. */
static void answer_for_host(struct child *c)
{
	size_t size = c->hv->ops->size < sizeof(c->ops) ? c->hv->ops->size : sizeof(c->ops);

	memcpy(&c->ops, c->hv->ops, size);
	c->ops.domain_info = told_info;
	c->ops.ram_ranges = told_ranges;
	host.info = c->run->shared->info;
	memcpy(host.range, c->run->shared->range, sizeof(host.range));
	host.nr = __atomic_load_n(&c->run->shared->nr, __ATOMIC_RELAXED);
	if (host.nr > RUN_RANGES_MAX)
		host.nr = 0;
	c->hv->ops = &c->ops;
}

static int open_xen(struct child *c, bool *unrestricted)
{
	const struct run_env *env = c->run->env;
	uint32_t domid = c->run->opts.domid;
	int ret;

	*unrestricted = c->run->opts.sandbox == RUN_NO_SANDBOX;
	if (*unrestricted)
		return env->open_hv(env->opaque, &c->hv, domid);
	ret = env->open_confined(env->opaque, &c->hv, domid);
	if (ret == -ENOSYS) {
		ret = run_judge(c->run, ret, "this kernel does not restrict descriptors of Xen: the device's process has all rights");
		*unrestricted = !ret;
		return ret ? ret : env->open_hv(env->opaque, &c->hv, domid);
	}
	if (!ret)
		answer_for_host(c);
	return ret;
}

/* Return: -1: all is well; else how it ends */
static int begin(struct child *c)
{
	const struct xenvirtio_program *program = c->run->program;
	struct run_fds inherited;
	bool unrestricted;
	int ret;

	run_fds_note(&inherited, c->sock);
	ret = program->open ? program->open(program->device.opaque) : 0;
	if (ret) {
		run_say(c->run, ret < 0 ? ret : -EPROTO, "cannot open what the device needs");
		return XENVIRTIO_EXIT_HOST;
	}
	ret = open_xen(c, &unrestricted);
	if (ret == -EACCES && c->run->opts.sandbox == RUN_SANDBOX_REQUIRED)
		return XENVIRTIO_EXIT_NO_XEN;
	if (ret) {
		run_say_no_xen(c->run, ret);
		return XENVIRTIO_EXIT_NO_XEN;
	}
	return run_confine(c->run, &inherited, unrestricted) ? XENVIRTIO_EXIT_NO_XEN : -1;
}

static int explain(struct child *c, int rc, const char *what)
{
	if (rc == XENVIRTIO_E_GONE)
		return XENVIRTIO_EXIT_DONE;
	run_say(c->run, rc < 0 ? rc : -EPROTO, "%s", what);
	return XENVIRTIO_EXIT_HOST;
}

static int explain_no_server(struct child *c, int rc)
{
	const struct run *run = c->run;

	if (rc == -EEXIST || rc == -EBUSY) {
		run_say(run, 0,
			"another ioreq server of domain %" PRIu32 " claims address %#" PRIx64 " (another backend, or one that was killed "
			"with all its processes): end that backend, or restart the guest",
			run->opts.domid, run->bus.base.v);
		return XENVIRTIO_EXIT_BUSY;
	}
	if (rc == -ENOSYS || rc == -EOPNOTSUPP) {
		run_say(run, 0, "this Xen has no ioreq servers: on Arm it must be built with CONFIG_IOREQ_SERVER=y");
		return XENVIRTIO_EXIT_NO_XEN;
	}
	return explain(c, rc, "cannot get an ioreq server from Xen");
}

static int make_device(struct child *c)
{
	const struct xenvirtio_program *program = c->run->program;
	int ret = xenvirtio_gmem_new(&c->gmem, c->hv, GMEM_PAGES);

	if (ret)
		return explain(c, ret, "cannot map the guest's memory");
	ret = run_device_new(&c->device, program, c->gmem, &c->run->shared->state, c->run->shared->in_flight);
	if (ret == -EBADMSG) {
		run_say(c->run, 0, "what the last process left of the device cannot be: the guest's device is taken away");
		return XENVIRTIO_EXIT_UNSUITABLE;
	}
	if (!ret && program->begin)
		ret = program->begin(program->device.opaque, xenvirtio_program_device_get(c->device));
	return ret ? explain(c, ret, "cannot make the device") : -1;
}

static int open_server(struct child *c)
{
	const struct run *run = c->run;
	int ret = xenvirtio_server_new(&c->server, c->hv, c->gmem);

	if (!ret)
		ret = xenvirtio_server_add(c->server, xenvirtio_program_device_get(c->device), run->bus.base, run->bus.irq);
	if (ret)
		return explain(c, ret, "cannot put the device at its address");
	ret = run_open_server(c->run, c->server);
	if (ret)
		return explain_no_server(c, ret);
	c->open = true;
	/* the guest's first byte is read after this */
	if (run_seal(c->run))
		return XENVIRTIO_EXIT_NO_XEN;
	return -1;
}

static int wait_for_work(struct child *c, struct pollfd *fds, bool again)
{
	const struct xenvirtio_program *program = c->run->program;
	int timeout = again ? 0 : xenvirtio_server_holds(c->server) ? HELD_MS : -1, nr;

	fds[0] = (struct pollfd){ .fd = xenvirtio_server_fd(c->server), .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = c->sock, .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = program->fd ? program->fd(program->device.opaque) : -1, .events = POLLIN };
	do
		nr = clock_poll(fds, 3, timeout);
	while (nr < 0 && errno == EINTR);
	return nr < 0 ? -errno : nr;
}

/* Return: as process, but XENVIRTIO_E_EMPTY when the parent wants the end, or is gone */
static int serve(struct child *c)
{
	const struct xenvirtio_program *program = c->run->program;
	int ret = xenvirtio_server_resume(c->server);
	struct pollfd fds[3];

	if (ret && ret != XENVIRTIO_E_AGAIN)
		return ret;
	if (send(c->sock, "", 1, MSG_NOSIGNAL) != 1)
		return XENVIRTIO_E_EMPTY;
	c->serves = true;
	if (c->run->env->serving)
		c->run->env->serving(c->run->env->opaque, c->server, xenvirtio_program_device_get(c->device));
	while (!ret || ret == XENVIRTIO_E_AGAIN) {
		int nr = wait_for_work(c, fds, ret == XENVIRTIO_E_AGAIN);

		if (nr < 0)
			return nr;
		if (fds[1].revents)
			return XENVIRTIO_E_EMPTY;
		if (!nr || fds[0].revents || ret == XENVIRTIO_E_AGAIN)
			ret = xenvirtio_server_process(c->server);
		if (fds[2].revents && program->readable && (!ret || ret == XENVIRTIO_E_AGAIN)) {
			int rc = program->readable(program->device.opaque);

			ret = rc < 0 || rc == XENVIRTIO_E_GONE ? rc : ret;
		}
	}
	return ret;
}

int run_child(struct run *run, int sock)
{
	struct child c = { .run = run, .sock = sock };
	int code = begin(&c), rc;

	if (code < 0)
		code = make_device(&c);
	if (code < 0)
		code = open_server(&c);
	if (code < 0) {
		rc = serve(&c);
		code = rc == XENVIRTIO_E_EMPTY ? XENVIRTIO_EXIT_DONE : explain(&c, rc, "cannot serve the guest any more");
	}
	/* a host that failed may do better with the next process: that one has the server then */
	if (c.open && (code != XENVIRTIO_EXIT_HOST || !c.serves))
		xenvirtio_server_close(c.server);
	xenvirtio_server_free(c.server);
	xenvirtio_program_device_free(c.device);
	xenvirtio_gmem_free(c.gmem);
	xenvirtio_hv_close(c.hv);
	return code;
}
