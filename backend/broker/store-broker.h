/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker's side of xenstore: a device process has no connection, for there it would be dom0. It asks, with the operations of
 * xenvirtio/store.h, and what it may ask is in store-rules.h. The device is taken for the enemy, as in broker.h.
 *
 * One device a broker: the first write fixes whose node is written to, and only if that node is of the broker's device type.
 * Events go to a socket of their own, one at a time and as fast as they are taken: those that are not wait in xenstored.
 */
#ifndef BACKEND_BROKER_STORE_BROKER_H
#define BACKEND_BROKER_STORE_BROKER_H

#include "backend/base/log.h"
#include "backend/broker/store-rules.h"

/** struct store_broker_config - @log is borrowed; @open: as of struct device_process_env */
struct store_broker_config {
	struct log *log;
	const struct program *program;
	uint32_t domid;
	int (*open)(void *opaque, struct xenvirtio_store **store);
	void *opaque;
};

struct store_broker {
	struct store_broker_config cfg;
	struct xenvirtio_store *store; /* NULL: none, or lost */
	unsigned int connection; /* another number for another one */
	struct store_rules rules;
	unsigned int watches;
	bool bound; /* @devid is the one that is written to */
	uint32_t devid;
	uint64_t refused;
};

void store_broker_init(struct store_broker *s, const struct store_broker_config *cfg);
void store_broker_fini(struct store_broker *s);

/**
 * store_broker_answer() - one message of the device's
 * @bytes, @len: as it came; hostile
 * @answer:      out; to be sent: its header and as many bytes of text as that says
 *
 * Return: 0; -EPROTO it is no question: end the device
 */
int store_broker_answer(struct store_broker *s, const void *bytes, size_t len, struct broker_store_answer *answer);

/** store_broker_fd() - readable when there may be an event; -1: no connection */
int store_broker_fd(const struct store_broker *s);
/**
 * store_broker_event() - the next one for the device
 *
 * To be called from time to time even so: a lost connection wakes nobody. Return: 0; XENVIRTIO_E_EMPTY
 */
int store_broker_event(struct store_broker *s, struct broker_store_event *event);

#endif /* BACKEND_BROKER_STORE_BROKER_H */
