// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two worlds of a device: the broker's, with plain hypercalls, and the device's, without.
 */
#include "config.h"

#include "backend/confined.h"
#include "backend/base/access.h"
#include "backend/base/no-xen.h"
#include "backend/base/size.h"
#include "backend/base/state-file.h"
#include "backend/broker/broker.h"
#include "backend/broker/client.h"
#include "backend/broker/names.h"
#include "backend/broker/store-client.h"
#include "backend/figures/figures.h"
#include "backend/metrics/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <xenvirtio/confine.h>

#define NO_NUMBERS "the device process sees the numbers of others"

static int open_xen_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return xenvirtio_hv_open_xen(hv, domid, log->xtl);
}

static int open_xen_store(void *opaque, struct xenvirtio_store **store)
{
	return xenvirtio_store_open_xen(store);
}

/* What only the toolstack writes. */
static int read_of_domain(uint32_t domid, const char *key, char value[XENVIRTIO_STORE_TEXT_MAX])
{
	struct xenvirtio_store *store;
	char path[64];
	int rc = open_xen_store(NULL, &store);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/%s", domid, key);
	rc = store->ops->read(store, path, value, XENVIRTIO_STORE_TEXT_MAX);
	store->ops->close(store);
	return rc;
}

static int read_static_max(void *opaque, uint32_t domid, uint64_t *kib)
{
	char value[XENVIRTIO_STORE_TEXT_MAX];
	int rc = read_of_domain(domid, "memory/static-max", value);

	return rc ? rc : size_parse_kib(value, kib);
}

static int read_vm(void *opaque, uint32_t domid, char *vm, size_t size)
{
	char value[XENVIRTIO_STORE_TEXT_MAX];
	int rc = read_of_domain(domid, "vm", value);

	if (!rc && (size_t)snprintf(vm, size, "%s", value) >= size)
		rc = -ENAMETOOLONG;
	return rc;
}

/** what a device process with a broker has of it */
struct seat {
	const struct options *opts;
	struct log *log;
	struct broker_ends ends;
	bool names_pids; /* processes to be made have a pid namespace */
	bool unrestricted; /* what it has of Xen is as good as root, and is opened by name now and then */
	char unconfined[FIGURES_UNCONFINED_MAX]; /* what is missing, a line each, for the status */
};

static void note_missing(struct seat *seat, const char *what)
{
	size_t used = strlen(seat->unconfined);

	snprintf(seat->unconfined + used, sizeof(seat->unconfined) - used, "%s%s", used ? "\n" : "", what);
}

/* @rc: of what confines. Return: 0 it does, or may be missing; -errno */
static int judge_missing(struct seat *seat, struct log *log, int rc, const char *what)
{
	if (!rc)
		return 0;
	note_missing(seat, what);
	log_msg(log, LOG_LEVEL_WARNING, rc, "%s%s", what, seat->opts->sandbox_required ? ": --sandbox=require" : "");
	return seat->opts->sandbox_required ? -EACCES : 0;
}

/* Return: 0 it may be so; -errno */
static int do_without_restriction(struct seat *seat, struct log *log)
{
	int rc = judge_missing(seat, log, -ENOSYS, "this kernel does not restrict descriptors of Xen: a device process has all rights");

	seat->unrestricted = !rc;
	return rc;
}

/* Of a device process that has a broker; @opaque is its seat. */
static int open_confined_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	struct seat *seat = opaque;
	struct xenvirtio_hv *inner;
	int rc = xenvirtio_hv_open_xen_confined(&inner, domid, log->xtl);

	if (rc == -ENOSYS) {
		rc = do_without_restriction(seat, log);
		if (!rc)
			rc = open_xen_hv(NULL, &inner, domid, log);
	}
	if (rc)
		return rc;
	rc = broker_client_open(hv, inner, broker_exchange_or_die, &seat->ends.memory, seat->opts->program->lends);
	if (rc)
		xenvirtio_hv_close(inner);
	return rc;
}

static bool writes_files(const struct options *opts)
{
	struct stat st;

	return opts->record || (!opts->syslog && !fstat(STDERR_FILENO, &st) && S_ISREG(st.st_mode));
}

static int empty_world(struct seat *seat)
{
	const char *missing = "";
	char text[96];
	int rc = xenvirtio_confine_namespaces(&missing);

	snprintf(text, sizeof(text), "the device process shares what it needs no part of: %s", missing);
	rc = judge_missing(seat, seat->log, rc, text);
	if (!rc)
		rc = judge_missing(seat, seat->log, xenvirtio_confine_root(seat->opts->state_dir),
				   "the device process does not get an empty root");
	if (!rc)
		rc = judge_missing(seat, seat->log, xenvirtio_confine_limits(writes_files(seat->opts)),
				   "the device process is not limited");
	return rc;
}

static int become_nobody(struct seat *seat)
{
	uid_t uid = seat->opts->sandbox_uid + seat->opts->domid;
	int rc = judge_missing(seat, seat->log, xenvirtio_confine_bounds(), "capabilities could come by exec");

	if (!rc)
		rc = judge_missing(seat, seat->log, xenvirtio_confine_user(uid), "the device process is the user that started it");
	if (!rc)
		rc = judge_missing(seat, seat->log, xenvirtio_confine_privileges(XENVIRTIO_CONFINE_NO_GROUP, 0), "capabilities cannot be given away");
	return rc;
}

static int confine(void *opaque)
{
	struct seat *seat = opaque;
	int rc = 0;

	/* lines of the log have a time, by the machine's zone */
	tzset();
	if (!seat->unrestricted)
		rc = empty_world(seat);
	if (!rc)
		rc = become_nobody(seat);
	if (!rc && !seat->unrestricted)
		rc = judge_missing(seat, seat->log, xenvirtio_confine_files(), "files are not confined by Landlock");
	broker_device_tie(seat->ends.memory);
	broker_device_hear();
	return rc;
}

static bool has_capability(const struct __user_cap_data_struct *sets, unsigned int cap)
{
	return sets[cap / 32].permitted >> (cap % 32) & 1;
}

/* Of what becomes another user: the broker ends it for what it does, and passes on who asks for its end. */
static int look_for_kill(struct seat *seat, struct log *log)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	int rc = 0;

	if (syscall(SYS_capget, &header, sets))
		rc = -errno;
	else if (has_capability(sets, CAP_SETUID) && !has_capability(sets, CAP_KILL))
		rc = -EPERM;
	return judge_missing(seat, log, rc, "the broker could not end its device process: it has no CAP_KILL");
}

/* In the broker. It signals a process of another user. */
static int give_away(void *opaque)
{
	struct seat *seat = opaque;
	const struct options *opts = seat->opts;
	int pids = seat->names_pids ? xenvirtio_confine_pids_end() : 0;
	int rc = xenvirtio_confine_privileges(access_group(opts->program->group), UINT64_C(1) << CAP_KILL);

	/* without it there are no threads, and so no xenstore */
	if (pids) {
		log_msg(seat->log, LOG_LEVEL_ERROR, pids, "the broker cannot leave its child's namespace");
		return pids;
	}
	/* who waits for its end shall see that of the device */
	if (opts->ready_fd)
		close(opts->ready_fd);
	return judge_missing(seat, seat->log, rc, "capabilities cannot be given away");
}

/* A device without a broker is at its end: see broker_exchange_or_die(). */
static int ask_store_or_die(void *opaque, const struct broker_store_request *req, struct broker_store_answer *answer)
{
	int rc = store_exchange_socket(opaque, req, answer);

	if (rc)
		broker_device_end();
	return rc;
}

static int open_confined_store(void *opaque, struct xenvirtio_store **store)
{
	struct seat *seat = opaque;

	return store_client_open(store, ask_store_or_die, &seat->ends.store, seat->ends.events);
}

/* What it may make longer by writing is nothing, but a log or a record that is a file. */
static int limit_files(const struct seat *seat, uint64_t state_bytes)
{
	struct rlimit now;

	if (seat->unrestricted || writes_files(seat->opts))
		return 0;
	if (getrlimit(RLIMIT_FSIZE, &now))
		return -errno;
	if (now.rlim_max <= state_bytes)
		return 0;
	now.rlim_cur = now.rlim_max = state_bytes;
	return setrlimit(RLIMIT_FSIZE, &now) ? -errno : 0;
}

static int seal_calls(void *opaque, uint64_t state_bytes, struct log *log)
{
	struct seat *seat = opaque;
	int rc = judge_missing(seat, log, limit_files(seat, state_bytes), "the device process may make its state file longer");

	if (rc)
		return rc;
	return judge_missing(opaque, log, xenvirtio_confine_calls(seat->opts->program->lends, NULL), "system calls are not filtered");
}

static enum exit_code be_device(const struct device_type *type, struct seat *seat, struct doors *doors, pid_t owner,
				confined_body *serve)
{
	const struct broker_seat broker = {.exchange = broker_exchange_or_die, .opaque = &seat->ends.memory};
	const struct device_process_env env = {
		.open_hv = open_confined_hv,
		.open_store = open_confined_store,
		.confine = confine,
		.seal = seal_calls,
		.doors = doors,
		.unconfined = seat->unconfined,
		.opaque = seat,
		.owner = owner,
	};

	broker_client_doors(doors, &broker);
	return serve(type, seat->opts, seat->log, &env);
}

/* Before the device is: its listener may be at a place where it may not make one. */
static int listen_for_metrics(const struct options *opts)
{
	return opts->metrics.len ? metrics_listen_in_time(&opts->metrics, opts->program->group) : -ENOENT;
}

/* Likewise. */
static int open_to_read(const struct options *opts)
{
	int fd = opts->reads ? open(opts->reads, O_RDONLY | O_NOCTTY | O_CLOEXEC) : -1;

	return fd >= 0 ? fd : opts->reads ? -errno : -ENOENT;
}

/* As a device is: handles, the world, calls. Does not come back. */
static void be_trial(struct seat *seat, bool seal, confined_trial *trial, void *opaque)
{
	struct xenvirtio_hv *hv;
	int rc = xenvirtio_hv_open_xen_confined(&hv, seat->opts->domid, seat->log->xtl);

	if ((rc == -ENOSYS && do_without_restriction(seat, seat->log)) || confine(seat))
		_exit(EXIT_CODE_NO_XEN);
	if (seal && seal_calls(seat, UINT64_MAX, seat->log))
		_exit(EXIT_CODE_NO_XEN);
	_exit(trial(opaque, rc, seat->unconfined));
}

enum exit_code confined_try(const struct options *opts, struct log *log, bool seal, confined_trial *trial, void *opaque, int *signal)
{
	struct seat seat = {.opts = opts, .log = log};
	const struct broker_config broker = {
		.log = log,
		.domid = opts->domid,
		.open_hv = open_xen_hv,
		.started = give_away,
		.program = opts->program,
		.open_store = open_xen_store,
		.opaque = &seat,
	};
	int code = EXIT_CODE_HOST, rc = xenvirtio_confine_pids_begin();
	pid_t pid;

	seat.names_pids = !rc;
	if (judge_missing(&seat, log, rc, NO_NUMBERS) || look_for_kill(&seat, log))
		return EXIT_CODE_NO_XEN;
	pid = broker_start(&broker, &seat.ends, &code, signal);
	if (pid == 0)
		be_trial(&seat, seal, trial, opaque);
	return pid > 0 ? (enum exit_code)code : EXIT_CODE_HOST;
}

enum exit_code confined_serve(const struct device_type *type, const struct options *opts, struct log *log,
			      confined_body *serve, int *signal)
{
	const struct names names = {
		.dir = opts->state_dir,
		.rival_dir = opts->program->rival_dir,
		.read_vm = read_vm,
		.group = opts->program->group,
		.gid = access_group(opts->program->group),
		.queues_max = opts->program->queues_max,
		.domid = opts->domid,
		.backend_socket = opts->backend_socket,
		.take_over = opts->take_over,
		.log = log,
	};
	struct seat seat = {.opts = opts, .log = log};
	struct doors doors = {.uid = geteuid(), .group = names.gid};
	const struct broker_config broker = {
		.log = log,
		.domid = opts->domid,
		.open_hv = open_xen_hv,
		.static_max = read_static_max,
		.started = give_away,
		.program = opts->program,
		.open_store = open_xen_store,
		.doors = &doors,
		.opaque = &seat,
	};
	pid_t pid, owner = getpid();
	char text[NO_XEN_TEXT_MAX];
	struct xenvirtio_hv *hv;
	int code, rc = open_xen_hv(NULL, &hv, opts->domid, log);

	/* one sentence, before there are others of what this host cannot confine */
	if (rc) {
		log_msg(log, LOG_LEVEL_ERROR, 0, "%s", no_xen_hypervisor(rc, text));
		return EXIT_CODE_NO_XEN;
	}
	xenvirtio_hv_close(hv);
	rc = state_file_make_dir(opts->state_dir, opts->program->group);
	/* the empty root is mounted there, before there is any file */
	if (rc) {
		log_msg(log, LOG_LEVEL_ERROR, rc, "cannot keep state in %s: make the directory writable, or give --state-dir",
			opts->state_dir);
		return EXIT_CODE_HOST;
	}
	rc = xenvirtio_confine_pids_begin();

	seat.names_pids = !rc;
	if (judge_missing(&seat, log, rc, NO_NUMBERS) || look_for_kill(&seat, log))
		return EXIT_CODE_NO_XEN;
	names_doors(&doors, &names);
	doors.metrics = listen_for_metrics(opts);
	doors.reads = open_to_read(opts);
	pid = broker_start(&broker, &seat.ends, &code, signal);
	if (pid == 0)
		return be_device(type, &seat, &doors, owner, serve);
	if (doors.reads >= 0)
		close(doors.reads);
	if (doors.metrics >= 0) {
		metrics_unlisten(&opts->metrics);
		close(doors.metrics);
	}
	if (pid > 0)
		return (enum exit_code)code;
	log_msg(log, LOG_LEVEL_ERROR, (int)pid, "cannot start the device process");
	return EXIT_CODE_HOST;
}
