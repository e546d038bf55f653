/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fields of the configuration space that the host answers for: a part of the eventfd notify.
 *
 * They are a shortcut. Where one is refused its accesses are requests as ever, and nothing is said.
 * Lock: none, the server's thread.
 */
#ifndef NOTIFY_FIELDS_H
#define NOTIFY_FIELDS_H

#include "notify/notify.h"

/**
 * struct notify_fields
 * @hv:       NULL: this host answers for none
 * @added:    of @field, a bit each
 * @fd:       signalled by writes; -1
 * @epoll_fd: that watches it, with @tag; -1
 * @refused:  one was refused, and it was told: a guest can have them armed as often as it likes
 */
struct notify_fields {
	struct xenvirtio_hv *hv;
	struct xenvirtio_gpa base;
	const struct xenvirtio_host_field *field;
	uint32_t added;
	int fd;
	int epoll_fd;
	uint32_t tag;
	bool refused;
};

/** notify_fields_init() - @features: of the host. notify_fields_close(): of what is not armed */
void notify_fields_init(struct notify_fields *self, struct xenvirtio_hv *hv, struct xenvirtio_gpa base, uint32_t features);
void notify_fields_close(struct notify_fields *self);
/**
 * notify_fields_arm() - with the registers' help; the first write is told of. notify_fields_disarm() undoes it, if it was
 *
 * A field that is refused goes on being answered by the device. Return: 0; the first time, -errno of one that was refused
 */
int notify_fields_arm(struct notify_fields *self, const struct xenvirtio_host_field *field, size_t nr);
void notify_fields_disarm(struct notify_fields *self);
/** notify_fields_poll() - as notify.poll */
void notify_fields_poll(struct notify_fields *self, int epoll_fd, uint32_t tag);
/** notify_fields_watch() - as notify.watch_fields */
int notify_fields_watch(struct notify_fields *self);

#endif /* NOTIFY_FIELDS_H */
