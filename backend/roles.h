/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service for all guests, in three processes: backend/service/launch-server.h says who has what. One command starts all of them; or
 * the launcher and the watcher are started each by itself, by units of systemd, and meet at a socket.
 *
 *   serve-all.c  the launcher, with the watcher and the metrics as its children
 *   watch.c      the watcher
 *   meter.c      the metrics
 *
 * A watcher that dies is replaced, at once the first time; devices serve on meanwhile. When the launcher dies both others end, and the
 * devices serve on.
 */
#ifndef BACKEND_ROLES_H
#define BACKEND_ROLES_H

#include "backend/device/device-type.h"

/** as ps and top show them; a process has 15 characters */
#define WATCHER_NAME "xenvirtio-watch"
#define METER_NAME "xenvirtio-meter"

enum exit_code serve_all(const struct device_type *type, const struct options *opts, struct log *log, int argc, char **argv);
enum exit_code watch_all(const struct device_type *type, const struct options *opts, struct log *log);
enum exit_code meter_all(const struct device_type *type, const struct options *opts, struct log *log);

#endif /* BACKEND_ROLES_H */
