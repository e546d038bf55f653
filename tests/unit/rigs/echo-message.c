// SPDX-License-Identifier: GPL-2.0-or-later
/* See echo-message.h. */
#include "unit/rigs/echo-message.h"

#include <errno.h>

#define BYTES 40u

int echo_fill(void *opaque, struct driver *d, unsigned int step, struct conformance_message *m)
{
	static uint8_t next;

	m->queue = step;
	m->readable_bytes = BYTES;
	m->writable_bytes = BYTES;
	for (unsigned int i = 0; i < BYTES; i++)
		m->readable[i] = next++;
	return 0;
}

int echo_check(void *opaque, unsigned int step, const struct conformance_message *m, uint32_t used_bytes)
{
	if (used_bytes != BYTES)
		return -EMSGSIZE;
	for (unsigned int i = 0; i < BYTES; i++)
		if (m->writable[i] != (uint8_t)(m->readable[i] + 1))
			return -EBADMSG;
	return 0;
}
