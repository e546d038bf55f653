// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The record of chains in flight: see in-flight.h for the order of its stores.
 *
 * Whoever reads it is another process, after the death of this one: what counts is that the compiler keeps the order.
 */
#include <string.h>

#include "virtqueue/in-flight.h"

#define WORDS (XENVIRTIO_QUEUE_SIZE_MAX / 64)

static void store16(uint16_t *at, uint16_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static void store_bit(struct in_flight *log, uint16_t head, bool set)
{
	uint64_t bit = UINT64_C(1) << head % 64, word = log->heads[head / 64];

	__atomic_store_n(&log->heads[head / 64], set ? word | bit : word & ~bit, __ATOMIC_RELEASE);
}

static bool has_bit(const struct in_flight *log, uint16_t head)
{
	return log->heads[head / 64] >> head % 64 & 1;
}

void in_flight_begin(struct in_flight *log)
{
	*log = (struct in_flight){ .version = IN_FLIGHT_VERSION };
}

void in_flight_pop(struct in_flight *log, uint16_t head, uint16_t place)
{
	store16(&log->place[head], place);
	store_bit(log, head, true);
}

void in_flight_push(struct in_flight *log, uint16_t head, uint16_t next_used)
{
	store16(&log->next_used, next_used);
	store16(&log->pushing, head + 1);
}

void in_flight_pushed(struct in_flight *log, bool done)
{
	if (done)
		store_bit(log, log->pushing - 1, false);
	store16(&log->pushing, 0);
}

static unsigned int count_heads(const struct in_flight *log)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < WORDS; i++)
		nr += (unsigned int)__builtin_popcountll(log->heads[i]);
	return nr;
}

/* The head that was noted as popped when the process died; -1: none was. */
static int half_popped(const struct in_flight *log, const struct xenvirtio_queue_state *state)
{
	for (uint16_t head = 0; head < state->size; head++)
		if (has_bit(log, head) && log->place[head] == state->last_avail_idx)
			return head;
	return -1;
}

/* used_idx has moved on for the push that was under way, and its bit has not gone. */
static bool half_pushed(const struct in_flight *log, const struct xenvirtio_queue_state *state)
{
	return log->pushing && log->next_used == state->used_idx && has_bit(log, log->pushing - 1);
}

bool in_flight_valid(const struct in_flight *log, const struct xenvirtio_queue_state *state)
{
	unsigned int nr = (uint16_t)(state->last_avail_idx - state->used_idx);
	unsigned int heads = count_heads(log);

	if (log->version != IN_FLIGHT_VERSION)
		return !log->version;
	if (log->pushing > state->size)
		return false;
	if (log->pushing && log->next_used != state->used_idx &&
	    (log->next_used != (uint16_t)(state->used_idx + 1) || !has_bit(log, log->pushing - 1)))
		return false;
	for (unsigned int head = state->size; head < XENVIRTIO_QUEUE_SIZE_MAX; head++)
		if (has_bit(log, (uint16_t)head))
			return false;
	if (half_pushed(log, state))
		return heads == nr + 1;
	return heads == nr || (heads == nr + 1 && !log->pushing && half_popped(log, state) >= 0);
}

void in_flight_settle(struct in_flight *log, struct xenvirtio_queue_state *state, uint16_t guest_used_idx)
{
	unsigned int nr = (uint16_t)(state->last_avail_idx - state->used_idx);

	if (log->pushing) {
		bool done = log->next_used == state->used_idx || log->next_used == guest_used_idx;

		if (done)
			store16(&state->used_idx, log->next_used);
		in_flight_pushed(log, done);
	} else if (count_heads(log) > nr) {
		store16(&state->last_avail_idx, state->last_avail_idx + 1);
	}
}

bool in_flight_oldest(const struct in_flight *log, const uint64_t *heads, uint16_t last_avail_idx, uint16_t *head)
{
	unsigned int age, oldest = 0;

	for (uint16_t word = 0; word < WORDS; word++) {
		for (uint64_t left = heads[word]; left; left &= left - 1) {
			uint16_t i = (uint16_t)(word * 64 + __builtin_ctzll(left));

			/* 0 would be the next one to pop: it was popped 65536 ago */
			age = (uint16_t)(last_avail_idx - log->place[i] - 1) + 1u;
			if (age > oldest) {
				oldest = age;
				*head = i;
			}
		}
	}
	return oldest;
}
