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

#endif /* BACKEND_CONFINED_H */
