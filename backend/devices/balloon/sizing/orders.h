/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orders of the service's --auto to device processes, over their control sockets: one connection
 * each, for one line and its answer. What is refused (somebody has named a size meanwhile, the
 * reserve) is a line in the log: the next step decides anew. Never blocks; one thread.
 */
#ifndef BACKEND_ORDERS_H
#define BACKEND_ORDERS_H

#include "backend/base/log.h"

struct event_base;
struct orders;

/** orders_new() - @dir: where the sockets are; borrowed, like the others. Return: 0; -ENOMEM */
int orders_new(struct orders **o, struct event_base *base, struct log *log, const char *dir);
/** orders_free() - what is under way is dropped; NULL is fine */
void orders_free(struct orders *o);

/** orders_send() - the guest shall have @kib; one that is under way for it is dropped */
void orders_send(struct orders *o, uint32_t domid, uint32_t devid, uint64_t kib);

#endif /* BACKEND_ORDERS_H */
