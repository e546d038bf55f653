/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's side of the broker: a seam that has the broker do what a confined process cannot, and does the rest itself.
 * Devices cannot tell it from another.
 */
#ifndef BACKEND_BROKER_CLIENT_H
#define BACKEND_BROKER_CLIENT_H

#include "backend/base/doors.h"
#include "backend/broker/protocol.h"

/**
 * broker_exchange - one question and its answer
 * @len: bytes of @req
 * @fd:  out; came with the answer, the caller's; -1: none
 *
 * Return: 0; -errno the broker is not there
 */
typedef int broker_exchange(void *opaque, const struct broker_request *req, size_t len,
			    struct broker_answer *answer, int *fd);

/**
 * broker_client_open() - wrap @inner
 * @hv:       out; closing it closes @inner
 * @inner:    maps, serves requests, raises interrupts; owned by @hv on success
 * @exchange: with @opaque; broker_exchange_socket() but for tests
 * @lends:    struct program: the guest's memory may be had as files, of the broker
 *
 * What is optional is there if it is of @inner, or of the broker's. Return: 0; -ENOMEM
 */
int broker_client_open(struct xenvirtio_hv **hv, struct xenvirtio_hv *inner, broker_exchange *exchange,
		       void *opaque, bool lends);

/** broker_exchange_socket() - @opaque is the address of the socket's descriptor */
broker_exchange broker_exchange_socket;
/**
 * broker_exchange_or_die() - the same; without a broker this process is killed
 *
 * A broker that died may have done what it was asked for. Nobody knows, so nothing more is noted: what the journal says is under
 * way is for a successor to look at, as after a kill -9 of both.
 */
broker_exchange broker_exchange_or_die;
/** broker_device_end() - for questions of other protocols, likewise */
__attribute__((noreturn)) void broker_device_end(void);

/** struct broker_seat - where to ask */
struct broker_seat {
	broker_exchange *exchange;
	void *opaque;
};

/**
 * broker_client_doors() - what the broker opens by name
 * @doors: out; its functions are set, the rest stays
 * @seat:  borrowed
 */
void broker_client_doors(struct doors *doors, const struct broker_seat *seat);

#endif /* BACKEND_BROKER_CLIENT_H */
