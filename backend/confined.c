// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two worlds of a device: the broker's, with plain hypercalls, and the device's, without.
 */
#include "config.h"

#include "backend/confined.h"
#include "backend/base/size.h"
#include "backend/base/state-file.h"
#include "backend/broker/broker.h"
#include "backend/broker/client.h"
#include "backend/broker/confine-calls.h"
#include "backend/broker/confine-files.h"
#include "backend/broker/confine.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

static int open_xen_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return xenvirtio_hv_open_xen(hv, domid, log->xtl);
}

static int open_xen_store(void *opaque, struct xenvirtio_store **store)
{
	return xenvirtio_store_open_xen(store);
}

/* What only the toolstack writes. */
static int read_static_max(void *opaque, uint32_t domid, uint64_t *kib)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];
	struct xenvirtio_store *store;
	int rc = open_xen_store(NULL, &store);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/memory/static-max", domid);
	rc = store->ops->read(store, path, value, sizeof(value));
	store->ops->close(store);
	return rc ? rc : size_parse_kib(value, kib);
}

/** what a device process with a broker has of it */
struct seat {
	const struct options *opts;
	int sock;
};

/* Where @path is, as far as it fits. */
static const char *directory_of(const char *path, char *out, size_t size)
{
	snprintf(out, size, "%s", path);
	return dirname(out);
}

/*
 * What a device process opens by name once it serves. /dev/xen/privcmd is not among it: those that it has are restricted, another
 * one would not be. A group's number is looked up by libc, in these files and whatever else nsswitch.conf names.
 */
static int keep_files(const struct options *opts)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&opts->metrics.address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&opts->metrics.address;
	char metrics[sizeof(un->sun_path) + 1], record[PATH_MAX];
	bool by_path = opts->metrics.len && un->sun_family == AF_UNIX;
	const struct confine_path paths[] = {
		{opts->state_dir, true},
		{"/dev/xen/evtchn", true},
		{"/dev/xen/xenbus", true},
		{"/dev/null", true},
		{"/dev/urandom", false},
		{"/etc/group", false},
		{"/etc/nsswitch.conf", false},
		{"/etc/ld.so.cache", false},
		{"/etc/localtime", false},
		{"/usr/share/zoneinfo", false},
		{"/usr/lib", false},
		{"/sys/hypervisor/guest_type", false},
		{by_path ? directory_of(un->sun_path, metrics, sizeof(metrics)) : "", true},
		{opts->record ? directory_of(opts->record, record, sizeof(record)) : "", true},
	};
	int rc = state_file_make_dir(opts->state_dir, opts->program->group);

	if (rc)
		return rc;
	/* the port is at the same place of both families */
	return confine_files(paths, sizeof(paths) / sizeof(paths[0]),
			     opts->metrics.len && !by_path ? ntohs(in->sin_port) : 0);
}

/* @rc: of what confines. Return: 0 it does, or may be missing; -errno */
static int judge_missing(const struct seat *seat, struct log *log, int rc, const char *what)
{
	if (!rc)
		return 0;
	log_msg(log, LOG_LEVEL_WARNING, rc, "%s%s", what, seat->opts->sandbox_required ? ": --sandbox=require" : "");
	return seat->opts->sandbox_required ? -EACCES : 0;
}

/* Of a device process that has a broker; @opaque is its seat. */
static int open_confined_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	struct seat *seat = opaque;
	struct xenvirtio_hv *inner;
	int rc = xenvirtio_hv_open_xen_confined(&inner, domid, log->xtl);

	if (rc == -ENOSYS) {
		rc = judge_missing(seat, log, rc, "this kernel does not restrict descriptors of Xen: a device process has all rights");
		if (!rc)
			rc = open_xen_hv(NULL, &inner, domid, log);
	}
	if (rc)
		return rc;
	rc = judge_missing(seat, log, keep_files(seat->opts), "files are not confined by Landlock");
	if (!rc)
		rc = broker_client_open(hv, inner, broker_exchange_or_die, &seat->sock);
	if (rc)
		xenvirtio_hv_close(inner);
	return rc;
}

static int keep_lock(void *opaque, int fd)
{
	return broker_client_keep(broker_exchange_or_die, &((struct seat *)opaque)->sock, fd);
}

static int seal_calls(void *opaque, struct log *log)
{
	return judge_missing(opaque, log, confine_calls(true), "system calls are not filtered");
}

enum exit_code confined_serve(const struct device_type *type, const struct options *opts, struct log *log,
			      enum exit_code (*serve)(const struct device_type *type, const struct options *opts,
						      struct log *log, const struct device_process_env *env),
			      int *signal)
{
	const struct broker_config broker = {
		.log = log,
		.domid = opts->domid,
		.open_hv = open_xen_hv,
		.static_max = read_static_max,
	};
	struct seat seat = {.opts = opts};
	int code, rc = confine_privileges(type->program->group);
	const struct device_process_env env = {
		.open_hv = open_confined_hv,
		.open_store = open_xen_store,
		.keep_lock = keep_lock,
		.seal = seal_calls,
		.opaque = &seat,
		.owner = getpid(),
	};
	pid_t pid;

	if (judge_missing(&seat, log, rc, "capabilities cannot be given away"))
		return EXIT_CODE_NO_XEN;
	pid = broker_start(&broker, &seat.sock, &code, signal);
	if (pid > 0)
		return (enum exit_code)code;
	if (pid < 0) {
		log_msg(log, LOG_LEVEL_ERROR, (int)pid, "cannot start the device process");
		return EXIT_CODE_HOST;
	}
	return serve(type, opts, log, &env);
}
