/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One device, served by two processes: which of Xen, of xenstore and of files each of them gets. What they do with it is not
 * known here.
 */
#ifndef BACKEND_CONFINED_H
#define BACKEND_CONFINED_H

#include "backend/process/device-process.h"

/** confined_body - what the device process does, in the world that it is given */
typedef enum exit_code confined_body(const struct device_type *type, const struct options *opts, struct log *log,
				     const struct device_process_env *env);

/**
 * confined_serve() - two processes from here on
 * @signal: out, in the broker; not 0: the device has ended of this signal
 *
 * Comes back in both: in the broker, which is the one that was there before, when the device has ended. Return: how
 */
enum exit_code confined_serve(const struct device_type *type, const struct options *opts, struct log *log,
			      confined_body *serve, int *signal);

/**
 * confined_trial - what a process does that is confined as a device process is
 * @xen:     0: it has handles of Xen, restricted to a domain; -ENOSYS nothing restricts them here, and a device process would have all
 *           rights in Xen, and less of what else confines it; -errno there is no Xen
 * @missing: what this host could not do, a line each; ""
 *
 * Return: how it exits
 */
typedef int confined_trial(void *opaque, int xen, const char *missing);

/**
 * confined_try() - a broker, and its device that has nothing to serve
 * @opts:   .domid is the domain that its handles are restricted to: one that is not there is fine. Its state directory is there
 * @seal:   its system calls are filtered, too
 * @signal: as confined_serve()
 *
 * This process has given its rights away, when the device has ended. Return: how that did
 */
enum exit_code confined_try(const struct options *opts, struct log *log, bool seal, confined_trial *trial, void *opaque,
			    int *signal);

#endif /* BACKEND_CONFINED_H */
