/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seam between a server and the ways of notification: who adds a device chooses its notify.
 */
#ifndef SERVER_INTERNAL_H
#define SERVER_INTERNAL_H

#include <xenvirtio/server.h>

#include "notify/notify.h"

/**
 * server_add_notify() - as xenvirtio_server_add(), with a notify of the caller's choice
 * @notify: the server's on success, closed when it is freed
 */
int server_add_notify(struct xenvirtio_server *server, struct xenvirtio_device *dev,
		      struct xenvirtio_gpa base, struct notify *notify);

/** server_set_clock() - for tests: how long kicks are waited for goes by @now_ms, which never goes back */
void server_set_clock(struct xenvirtio_server *server, int64_t (*now_ms)(void));

#endif /* SERVER_INTERNAL_H */
