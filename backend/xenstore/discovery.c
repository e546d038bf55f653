// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Discovery. The toolstack writes the device's nodes before it lets the guest run, so a device that
 * is not there at all is an error at once; one that is half there is worth waiting for.
 */
#include "backend/xenstore/discovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <xenvirtio/placement.h>

void discovery_watch_path(const struct options *opts, char *path)
{
	/* relative: below our own domain, which is the backend's */
	snprintf(path, 64, "backend/virtio/%" PRIu32, opts->domid);
}

/* Where xl chose no place: as the guest's ACPI table says by default. */
static int default_place(struct xenvirtio_xenbus *bus, struct log *log)
{
#if defined(__x86_64__) || defined(__i386__)
	if (!xenvirtio_placement_x86(bus->devid, &bus->base, &bus->irq))
		return 0;
	log_msg(log, LOG_LEVEL_ERROR, 0,
		"%s: only devices 0 to %u have an address and interrupt by default: give --base and "
		"--irq, as xen-virtio-acpi was given",
		bus->backend, XENVIRTIO_X86_DEVICES_MAX - 1);
#else
	log_msg(log, LOG_LEVEL_ERROR, 0,
		"%s: the toolstack chose no address and interrupt: give --base and --irq",
		bus->backend);
#endif
	return -ECANCELED;
}

/* What the library found right in form may still be nothing that can be served. */
static int check_suitable(struct xenvirtio_xenbus *bus, struct log *log, enum exit_code *code)
{
	*code = EXIT_CODE_UNSUITABLE;
	if (bus->grant_usage) {
		log_msg(log, LOG_LEVEL_ERROR, 0,
			"%s: grant_usage is 1, and the device is served without grants: put "
			"grant_usage=0 into the virtio entry of xl.cfg",
			bus->backend);
		return -ECANCELED;
	}
	/* the library has seen to it that one is 0 when the other is */
	if (bus->base.v == 0)
		return default_place(bus, log);
	return 0;
}

static int look_in_store(const struct options *opts, struct store_link *link,
			 struct xenvirtio_xenbus *bus, char *why)
{
	struct xenvirtio_store *store = store_link_store(link);
	int rc;

	if (!store) {
		snprintf(why, DISCOVERY_WHY_MAX, "xenstore is away");
		return -EPIPE;
	}
	if (opts->devid_given)
		rc = xenvirtio_xenbus_read(store, opts->domid, opts->devid, opts->program->node_type, bus,
					   why, DISCOVERY_WHY_MAX);
	else
		rc = xenvirtio_xenbus_find(store, opts->domid, opts->program->node_type, bus, why,
					   DISCOVERY_WHY_MAX);
	return store_link_failed(link, rc);
}

int discovery_look(const struct options *opts, struct store_link *link, struct log *log,
		   struct xenvirtio_xenbus *bus, char *why, enum exit_code *code)
{
	int rc;

	why[0] = '\0';
	if (opts->base_given) {
		*bus = (struct xenvirtio_xenbus){
			.domid = opts->domid,
			.devid = opts->devid,
			.base = opts->base,
			.irq = opts->irq,
			.online = true,
		};
		return 0;
	}
	rc = look_in_store(opts, link, bus, why);
	switch (rc) {
	case 0:
		return check_suitable(bus, log, code);
	case XENVIRTIO_E_AGAIN:
	case -EPIPE:
		return rc;
	case XENVIRTIO_E_EMPTY:
	case -ENODEV:
		*code = EXIT_CODE_NO_DEVICE;
		break;
	case -EPROTO:
		*code = EXIT_CODE_UNSUITABLE;
		break;
	default:
		*code = EXIT_CODE_HOST;
		break;
	}
	/* the library says in one line what is wrong and what to do */
	log_msg(log, LOG_LEVEL_ERROR, 0, "%s", why);
	return -ECANCELED;
}
