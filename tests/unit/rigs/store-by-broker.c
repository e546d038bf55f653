// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See store-by-broker.h. Events are passed on when the device asks for one: its descriptor is xenstored's.
 */
#include "unit/rigs/store-by-broker.h"

#include "backend/broker/store-client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Whoever is open: the operations of the seam have no place of their own. */
static struct store_by_broker *opened;

static int open_fake(void *opaque, struct xenvirtio_store **store)
{
	return fake_store_open(opaque, store);
}

static int exchange(void *opaque, const struct broker_store_request *req, struct broker_store_answer *answer)
{
	struct store_by_broker *s = opaque;

	/* a device never sends what is no question */
	assert_int_equal(store_broker_answer(&s->broker, req, sizeof(*req), answer), 0);
	return 0;
}

static int get_fd(struct xenvirtio_store *store)
{
	return store_broker_fd(&opened->broker);
}

static int next_event(struct xenvirtio_store *store, char *path, size_t path_size, char *token, size_t token_size)
{
	struct broker_store_event event;

	store_broker_take_events(&opened->broker);
	if (!store_broker_event(&opened->broker, &event))
		assert_int_equal(send(opened->pair[1], &event, sizeof(event), MSG_DONTWAIT), sizeof(event));
	return opened->client_ops->next_event(store, path, path_size, token, token_size);
}

void store_by_broker_make(struct store_by_broker *s, struct fake_store *fake, const struct program *program, uint32_t domid,
			  struct log *log)
{
	const struct store_broker_config cfg = {
		.log = log, .program = program, .domid = domid, .open = open_fake, .opaque = fake};

	store_by_broker_end(s);
	store_broker_init(&s->broker, &cfg);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->pair), 0);
	s->made = true;
}

int store_by_broker_open(struct store_by_broker *s, struct xenvirtio_store **store)
{
	int rc = store_client_open(store, exchange, s, s->pair[0]);

	if (rc)
		return rc;
	opened = s;
	s->client_ops = (*store)->ops;
	s->ops = *s->client_ops;
	s->ops.fd = get_fd;
	s->ops.next_event = next_event;
	(*store)->ops = &s->ops;
	return 0;
}

void store_by_broker_end(struct store_by_broker *s)
{
	if (!s->made)
		return;
	store_broker_fini(&s->broker);
	close(s->pair[0]);
	close(s->pair[1]);
	s->made = false;
}
