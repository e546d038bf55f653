/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's side of xenstore by the broker: a struct xenvirtio_store that nobody can tell from another. What the broker refuses
 * is -EPERM.
 */
#ifndef BACKEND_BROKER_STORE_CLIENT_H
#define BACKEND_BROKER_STORE_CLIENT_H

#include "backend/broker/store-protocol.h"

/**
 * store_exchange - one question and its answer
 * @answer: its header and text are filled in, and @answer->len is true
 *
 * Return: 0; -errno the broker is not there
 */
typedef int store_exchange(void *opaque, const struct broker_store_request *req, struct broker_store_answer *answer);

/**
 * store_client_open() - open a connection to xenstore at the broker
 * @store:    out
 * @exchange: with @opaque, which is kept
 * @events:   where events come from; borrowed; non-blocking
 *
 * One at a time: an earlier one hears nothing any more. Return: 0; -ENOMEM; as xenvirtio_store_open_xen()
 */
int store_client_open(struct xenvirtio_store **store, store_exchange *exchange, void *opaque, int events);

/** store_exchange_socket() - @opaque is the address of the socket's descriptor */
store_exchange store_exchange_socket;

#endif /* BACKEND_BROKER_STORE_CLIENT_H */
