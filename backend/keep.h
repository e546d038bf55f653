/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One device, started by hand: its processes are kept alive.
 */
#ifndef BACKEND_KEEP_H
#define BACKEND_KEEP_H

#include "backend/base/exit-code.h"
#include "backend/base/log.h"
#include "backend/options/options.h"

/**
 * keep_device() - be the keeper of the device that the command line names, until the end; it opens nothing of anybody's
 * @signal: out; not 0: end of this signal
 */
enum exit_code keep_device(const struct options *opts, struct log *log, int argc, char **argv, int *signal);

#endif /* BACKEND_KEEP_H */
