/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker's side of xenstore: a device process has no connection, for there it would be dom0. It asks, with the operations of
 * xenvirtio/store.h, and what it may ask is in store-rules.h. The device is taken for the enemy, as in broker.h.
 *
 * One device a broker: the first write fixes whose node is written to, and only if that node is of the broker's device type.
 * Events go to a socket of their own, one at a time and as fast as they are taken. All say the same,
 * look again, so a watch has one event at a time: who makes more of them than are taken fills nobody's memory.
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

/** struct store_watch - of the device; @fired: it has an event */
struct store_watch {
	char path[BROKER_STORE_PATH_MAX];
	char token[BROKER_STORE_TOKEN_MAX];
	bool fired;
};

struct store_broker {
	struct store_broker_config cfg;
	struct xenvirtio_store *store; /* NULL: none, or lost */
	unsigned int connection; /* another number for another one */
	struct store_rules rules;
	struct store_watch watch[BROKER_STORE_WATCHES_MAX];
	unsigned int watches;
	struct broker_store_event event;
	bool pending; /* @event was not taken yet */
	bool lost; /* which is to be told */
	uint32_t lost_connection;
	bool numbered; /* @devid is the device's */
	bool bound;    /* and its node is of the right type */
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
 * store_broker_take_events() - those that xenstored has sent, out of its way
 *
 * To be called from time to time even so: a lost connection wakes nobody.
 */
void store_broker_take_events(struct store_broker *s);
/** store_broker_bind() - the device's number is known: no other node is written to */
void store_broker_bind(struct store_broker *s, uint32_t devid);
/** store_broker_event() - the next one for the device, of those that were taken. Return: 0; XENVIRTIO_E_EMPTY */
int store_broker_event(struct store_broker *s, struct broker_store_event *event);

#endif /* BACKEND_BROKER_STORE_BROKER_H */
