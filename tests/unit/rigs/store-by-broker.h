/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstore as a device process has it, by a broker, with both sides in this process: what the device writes, reads and watches is
 * held against the rules, as it is in a real one.
 */
#ifndef STORE_BY_BROKER_H
#define STORE_BY_BROKER_H

#include "backend/broker/store-broker.h"
#include "fake/store-fake.h"

struct store_by_broker {
	struct store_broker broker;
	struct xenvirtio_store_ops ops; /* the client's, but for events */
	const struct xenvirtio_store_ops *client_ops;
	int pair[2]; /* events: from, to */
	bool made;
};

/** store_by_broker_make() - @log: where refusals go */
void store_by_broker_make(struct store_by_broker *s, struct fake_store *fake, const struct program *program, uint32_t domid,
			  struct log *log);
/** store_by_broker_open() - as xenvirtio_store_open_xen() */
int store_by_broker_open(struct store_by_broker *s, struct xenvirtio_store **store);
/** store_by_broker_end() - the device is no more; may be made again */
void store_by_broker_end(struct store_by_broker *s);

#endif /* STORE_BY_BROKER_H */
