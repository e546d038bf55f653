/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a server: server.c has the requests, server-open.c its beginning and end.
 */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include "device/device-internal.h"
#include "transport/server-internal.h"

/** tags of epoll events: a device's index above the queue's number; and the ioreq server's */
#define TAG_SHIFT 8
#define TAG_IOREQ UINT32_MAX

struct server_device {
	struct xenvirtio_device *dev;
	struct xenvirtio_gpa base;
	struct notify *notify;
};

/**
 * struct xenvirtio_server
 * @epoll_fd: over the ioreq server's and the notifies' descriptors; -1 when the first is all
 * @asking:   the last call found a request
 * @skipped:  calls in a row that did not look at other descriptors
 * @path, @path_changed, @opaque: for the notify of the next device
 * @now_ms: clock_coarse_ms(), or a test's
 * @claimed: the ioreq server is there, with id @id, for the window at @claim; not open yet
 */
struct xenvirtio_server {
	struct xenvirtio_hv *hv;
	enum xenvirtio_notify_path path;
	void (*path_changed)(void *opaque, int why);
	void *opaque;
	int64_t (*now_ms)(void);
	struct xenvirtio_gmem *gmem;
	struct server_device device[XENVIRTIO_RANGES_MAX];
	size_t nr_devices;
	bool open;
	bool claimed;
	uint16_t id;
	struct xenvirtio_gpa claim;
	int epoll_fd;
	bool asking;
	unsigned int skipped;
};

/** server_stop_polling() - nobody is waited for any more */
void server_stop_polling(struct xenvirtio_server *server);
/** server_tell_held() - interrupts that were held back: a driver that is looking has done so by now */
int server_tell_held(struct xenvirtio_server *server);

#endif /* SERVER_STATE_H */
