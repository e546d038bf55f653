// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where the device is, its ioreq server, and what is said where there is no Xen.
 */
#include "run/run-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xenvirtio/placement.h>

/** ids that Xen gives: MAX_NR_IOREQ_SERVERS */
#define SERVER_IDS 8

void run_say(const struct run *run, int rc, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%s: %s%s%s\n", run->program->name, text, rc ? ": " : "", rc ? strerror(-rc) : "");
}

void run_say_no_xen(const struct run *run, int rc)
{
	switch (rc) {
	case -EACCES:
	case -EPERM:
		run_say(run, 0, "no permission to use Xen: run it as root, in dom0");
		return;
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		run_say(run, 0, "not on Xen, or /dev/xen is absent: run it in dom0; modprobe xen-privcmd xen-evtchn");
		return;
	case -ENOSYS:
		run_say(run, 0, "libxenvirtio is built without Xen: configure and build it again, with libxen-dev");
		return;
	default:
		run_say(run, rc, "cannot connect to Xen: run it as root, in dom0");
	}
}

/* Where xl chose no place: as the guest's ACPI table says by default. */
static int default_place(struct run *run)
{
#if defined(__x86_64__) || defined(__i386__)
	if (!xenvirtio_placement_x86(run->bus.devid, &run->bus.base, &run->bus.irq))
		return 0;
	run_say(run, 0, "%s: only devices 0 to %u have an address and interrupt by default: give --base and --irq, as xen-virtio-acpi was given",
		run->bus.backend, XENVIRTIO_X86_DEVICES_MAX - 1);
#else
	run_say(run, 0, "%s: the toolstack chose no address and interrupt: give --base and --irq", run->bus.backend);
#endif
	return -ECANCELED;
}

static int check_suitable(struct run *run, int *code)
{
	*code = XENVIRTIO_EXIT_UNSUITABLE;
	if (run->bus.grant_usage) {
		run_say(run, 0, "%s: grant_usage is 1, and the device is served without grants: put grant_usage=0 into the virtio entry of xl.cfg",
			run->bus.backend);
		return -ECANCELED;
	}
	return run->bus.base.v ? 0 : default_place(run);
}

int run_find(struct run *run, struct xenvirtio_store *store, char *why, size_t why_size, int *code)
{
	const struct run_options *opts = &run->opts;
	const char *type = run->program->type;
	int rc;

	if (opts->base_given) {
		run->bus = (struct xenvirtio_xenbus){
			.domid = opts->domid, .devid = opts->devid, .base = opts->base, .irq = opts->irq, .online = true
		};
		return 0;
	}
	why[0] = '\0';
	rc = opts->devid_given ? xenvirtio_xenbus_read(store, opts->domid, opts->devid, type, &run->bus, why, why_size) :
				 xenvirtio_xenbus_find(store, opts->domid, type, &run->bus, why, why_size);
	if (!rc)
		return check_suitable(run, code);
	if (rc == XENVIRTIO_E_AGAIN)
		return rc;
	*code = rc == XENVIRTIO_E_EMPTY || rc == -ENODEV ? XENVIRTIO_EXIT_NO_DEVICE :
		rc == -EPROTO				 ? XENVIRTIO_EXIT_UNSUITABLE :
							   XENVIRTIO_EXIT_HOST;
	/* the library says in one line what is wrong and what to do */
	run_say(run, 0, "%s", why);
	return -ECANCELED;
}

/*
 * Adopting fails for every server but one that claims the device's addresses: so nobody has to remember its number, least of all a
 * process that read what the guest says.
 */
int run_open_server(struct run *run, struct xenvirtio_server *server)
{
	uint16_t id;
	int ret = -ENOENT;

	for (uint16_t i = 0; run->life && ret == -ENOENT && i < SERVER_IDS; i++) {
		id = i;
		ret = xenvirtio_server_open(server, &id);
	}
	if (ret != -ENOENT)
		return ret;
	id = XENVIRTIO_IOREQ_NEW;
	return xenvirtio_server_open(server, &id);
}

void run_remove_server(struct run *run)
{
	const struct xenvirtio_gpa_range range = {
		.start = run->bus.base, .end_incl = xenvirtio_gpa(run->bus.base.v + XENVIRTIO_MMIO_BYTES - 1)
	};
	struct xenvirtio_hv *hv;
	int ret = -ENOENT;

	if (run->env->open_hv(run->env->opaque, &hv, run->opts.domid))
		return;
	for (uint16_t i = 0; ret == -ENOENT && i < SERVER_IDS; i++) {
		uint16_t id = i;

		ret = hv->ops->ioreq_open(hv, &range, 1, &id);
	}
	if (!ret)
		ret = hv->ops->ioreq_close(hv);
	if (ret < 0 && ret != -ENOENT)
		run_say(run, ret, "cannot destroy the ioreq server");
	xenvirtio_hv_close(hv);
}
