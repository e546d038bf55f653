// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of functions of devices that a backend serves: where the backend is found, and found again; when the bridge has
 * something to do.
 */
#include "backend/devices/vhost-user/daemon/vhost-user-daemon.h"
#include "backend/base/access.h"
#include "backend/base/backend-socket.h"
#include "backend/base/clock.h"
#include "backend/base/timer.h"
#include "backend/devices/vhost-user/bridge.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** between two looks for a backend, when there is nothing else to do */
#define LOOK_MS 250u
#define LOG_KIND_BACKEND LOG_KIND_DEVICE

struct vhost_user_daemon {
	struct device_host host;
	const struct vhost_user_options *opts;
	char socket[BACKEND_SOCKET_PATH_MAX];
	struct bridge *bridge;
	struct event *readable; /* of the bridge; NULL: not started */
	struct timer *deadline; /* likewise, of the bridge */
	struct timer *again;	/* to look for a backend */
	/* in a turn, since what the bridge maps is let go of at its end */
	bool due;  /* the bridge is to be run */
	bool look; /* for a backend */
};

/* --- the backend --- */

static int connect_backend(struct vhost_user_daemon *d)
{
	const struct doors *doors = d->host.doors;

	return doors ? doors->connect_backend(doors->opaque, d->host.bus->devid) :
		       backend_socket_connect(d->socket, geteuid(), access_group(d->opts->common.program->group));
}

static void on_again(void *opaque)
{
	struct vhost_user_daemon *d = opaque;

	d->look = true;
	d->host.look_for_work(d->host.opaque);
}

static void look_for_backend(struct vhost_user_daemon *d)
{
	int fd = connect_backend(d);

	if (fd >= 0) {
		bridge_connect(d->bridge, fd);
		return;
	}
	/* of the broker: not yet again */
	if (fd != -EBUSY)
		log_limited(d->host.log, LOG_KIND_BACKEND, LOG_LEVEL_WARNING, fd, "no backend at %s%s", d->socket,
			    backend_socket_advice(fd));
	timer_set(d->again, VHOST_USER_AGAIN_MS);
}

static void lost(void *opaque, const char *why, int err)
{
	struct vhost_user_daemon *d = opaque;

	log_limited(d->host.log, LOG_KIND_BACKEND, LOG_LEVEL_WARNING, err, "%s: %s", d->socket, why);
	if (d->again)
		timer_set(d->again, VHOST_USER_AGAIN_MS);
}

/* A driver has begun with it, and may wait for its requests as it did for the last process. One look, and the others are made later. */
static void look_once(struct vhost_user_daemon *d)
{
	enum vhost_fault fault = VHOST_NOT_CONNECTED;
	int fd = connect_backend(d);

	if (fd >= 0) {
		bridge_connect(d->bridge, fd);
		fault = bridge_wait(d->bridge);
	}
	if (!fault)
		return;
	d->look = true;
	log_msg(d->host.log, LOG_LEVEL_WARNING, fd < 0 ? fd : 0, "no backend at %s yet: the guest's requests wait for it", d->socket);
}

/* Only for the first: the guest waits for its first register, which is claimed. Return: 0; -errno, told */
static int wait_for_backend(struct vhost_user_daemon *d)
{
	uint64_t end_ms = clock_now_ms() + VHOST_USER_WAIT_MS;
	enum vhost_fault fault = VHOST_NOT_CONNECTED;
	int fd;

	for (;;) {
		fd = connect_backend(d);
		if (fd >= 0) {
			bridge_connect(d->bridge, fd);
			fault = bridge_wait(d->bridge);
		}
		if (!fault || clock_now_ms() >= end_ms)
			break;
		/* the event loop, which knows what signals mean, is not reached before this is over */
		if (clock_wait(-1, LOOK_MS) == -EINTR)
			return -EINTR;
	}
	if (!fault)
		return 0;
	if (fd < 0)
		log_msg(d->host.log, LOG_LEVEL_ERROR, fd, "no backend at %s%s", d->socket, backend_socket_advice(fd));
	else
		log_msg(d->host.log, LOG_LEVEL_ERROR, 0, "%s cannot be used: %s", d->socket, vhost_fault_text(fault));
	return -ENOTCONN;
}

/* --- what the bridge tells --- */

static void set_deadline(struct vhost_user_daemon *d)
{
	uint64_t now_ms = clock_now_ms(), deadline_ms = bridge_deadline_ms(d->bridge);

	if (!deadline_ms)
		timer_stop(d->deadline);
	else
		timer_set(d->deadline, deadline_ms > now_ms ? (unsigned int)(deadline_ms - now_ms) : 0);
}

static void work_came(void *opaque)
{
	struct vhost_user_daemon *d = opaque;

	/* not before start(), which looks itself */
	if (!d->readable)
		return;
	set_deadline(d);
	d->host.look_for_work(d->host.opaque);
}

static void changed(void *opaque)
{
	struct vhost_user_daemon *d = opaque;

	if (d->readable)
		d->host.changed(d->host.opaque);
}

static void guest_error(void *opaque, enum xenvirtio_guest_error kind, const char *detail)
{
	struct vhost_user_daemon *d = opaque;

	d->host.guest_error(d->host.opaque, kind, detail);
}

/* --- its life --- */

static void free_daemon(void *self)
{
	struct vhost_user_daemon *d = self;

	if (d)
		bridge_free(d->bridge);
	free(d);
}

/* Locally administered, with the number of Xen's own behind that: another for each device of a host. */
static void make_mac(uint8_t mac[6], const struct vhost_user_options *opts, uint32_t devid)
{
	const uint8_t usual[6] = {0x02, 0x16, 0x3e, (uint8_t)(opts->common.domid >> 8), (uint8_t)opts->common.domid, (uint8_t)devid};

	memcpy(mac, opts->mac_given ? opts->mac : usual, sizeof(usual));
}

static int new_daemon(void **self, const struct device_host *host)
{
	struct vhost_user_daemon *d = calloc(1, sizeof(*d));
	struct bridge_config cfg = {
		.lost = lost,
		.work = work_came,
		.changed = changed,
		.guest_error = guest_error,
		.opaque = d,
	};
	int rc;

	if (!d)
		return -ENOMEM;
	d->host = *host;
	d->opts = (const struct vhost_user_options *)host->opts;
	cfg.kind = d->opts->kind;
	cfg.tag = d->opts->tag ? d->opts->tag : "shared";
	cfg.mtu = d->opts->mtu;
	make_mac(cfg.mac, d->opts, host->bus->devid);
	rc = backend_socket_path(d->socket, d->opts->common.backend_socket, d->opts->common.domid, host->bus->devid);
	if (!rc)
		rc = bridge_new(&d->bridge, &cfg);
	if (rc) {
		free(d);
		return rc;
	}
	*self = d;
	return 0;
}

static size_t memory_bytes(const struct xenvirtio_gfn_range *ram, size_t nr)
{
	return sizeof(struct bridge_memory);
}

static int open_device(void *self, struct xenvirtio_gmem *gmem, const struct device_memory *memory)
{
	struct vhost_user_daemon *d = self;
	int rc;

	if (memory->bytes != sizeof(struct bridge_memory))
		return -EBADMSG;
	/* before anybody is waited for in vain */
	rc = bridge_lend(d->bridge, d->host.hv);
	if (!rc && bridge_begun(memory->at, memory->state))
		look_once(d);
	else if (!rc)
		rc = wait_for_backend(d);
	if (!rc)
		rc = bridge_open(d->bridge, gmem, memory->at, memory->state, memory->queues);
	if (rc == -ENOSYS)
		log_msg(d->host.log, LOG_LEVEL_ERROR, 0,
			"this host cannot give a backend the guest's memory: that needs the modules of kernel/privcmd, in a dom0 "
			"that is PVH or on Arm");
	else if (rc == -ENOSPC)
		log_msg(d->host.log, LOG_LEVEL_ERROR, 0,
			"the guest's memory is in more ranges than a backend can be given, or there are too many files of it");
	return rc;
}

static struct xenvirtio_device *get_device(void *self)
{
	struct vhost_user_daemon *d = self;

	return bridge_device(d->bridge);
}

static void close_device(void *self)
{
	struct vhost_user_daemon *d = self;

	bridge_close(d->bridge);
}

static bool work_pending(void *self)
{
	struct vhost_user_daemon *d = self;

	return d->due || d->look || bridge_work_pending(d->bridge);
}

static int work(void *self)
{
	struct vhost_user_daemon *d = self;
	int rc = 0;

	if (d->due) {
		d->due = false;
		rc = bridge_run(d->bridge);
		event_add(d->readable, NULL);
	}
	if (d->look) {
		d->look = false;
		look_for_backend(d);
	}
	return rc ? rc : bridge_work(d->bridge);
}

/* --- while it serves --- */

static void on_readable(evutil_socket_t fd, short what, void *opaque)
{
	struct vhost_user_daemon *d = opaque;

	d->due = true;
	d->host.look_for_work(d->host.opaque);
}

static void on_deadline(void *opaque)
{
	on_readable(-1, 0, opaque);
}

static int start(void *self)
{
	struct vhost_user_daemon *d = self;

	d->deadline = timer_new(d->host.base, on_deadline, d);
	d->again = timer_new(d->host.base, on_again, d);
	/* once: until the turn in which the bridge is run it stays readable */
	d->readable = event_new(d->host.base, bridge_fd(d->bridge), EV_READ, on_readable, d);
	if (!d->deadline || !d->again || !d->readable || event_add(d->readable, NULL))
		return -ENOMEM;
	/* it may have gone since open() */
	timer_set(d->deadline, 0);
	return 0;
}

static void stop(void *self)
{
	struct vhost_user_daemon *d = self;

	if (d->readable)
		event_free(d->readable);
	d->readable = NULL;
	timer_free(d->deadline);
	timer_free(d->again);
	d->deadline = NULL;
	d->again = NULL;
}

static void report(void *self)
{
	struct vhost_user_daemon *d = self;
	struct bridge_status status;

	bridge_get_status(d->bridge, &status);
	publish_text(d->host.publish, "backend-connected", status.connected ? "1" : "0");
}

static void figures(void *self, struct figures *common)
{
	struct vhost_user_figures *f = (struct vhost_user_figures *)common;
	struct vhost_user_daemon *d = self;
	struct bridge_status status;

	bridge_get_status(d->bridge, &status);
	common->driver_ok = status.driver_ok;
	memcpy(common->guest_errors, status.guest_errors, sizeof(common->guest_errors));
	f->connected = status.connected;
	f->connections = status.connections;
	f->lost = status.lost;
}

const struct device_type vhost_user_type = {
	.program = &vhost_user_kinds[0].program,
	.command_line = &vhost_user_command_line,
	.options_bytes = sizeof(struct vhost_user_options),
	.options_default = vhost_user_options_default,
	.figures_type = &vhost_user_figures_type,
	.new = new_daemon,
	.free = free_daemon,
	.memory_bytes = memory_bytes,
	.opens_late = true,
	.open = open_device,
	.device = get_device,
	.close = close_device,
	.start = start,
	.stop = stop,
	.work_pending = work_pending,
	.work = work,
	.report = report,
	.figures = figures,
};
