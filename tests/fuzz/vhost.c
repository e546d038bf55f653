// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a vhost-user backend sends. Input: one event after the other, each a byte and what belongs to it; see the table at the end.
 * The backend is the unit tests' one, which answers well until an event has it answer wrong: so that inputs come far.
 *
 * Sockets and descriptors are real, as what the kernel does with them is half of it.
 * libFuzzer: -max_len=400
 */
#include "fuzz.h"

#include "backend/base/clock.h"
#include "backend/vhost/frontend.h"
#include "unit/rigs/vhost-peer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <xenvirtio/error.h>

#define CONFIG_BYTES 24u
#define NEVER (UINT64_C(1) << 26 | UINT64_C(1) << 30 | UINT64_C(1) << 33 | UINT64_C(1) << 38 | UINT64_C(1) << 40)
/** more descriptors than an input has open at any time */
#define DESCRIPTORS 48
/** of a backend's words that nobody need have read yet: beside those of an input there is room for these in a socket */
#define FLOOD_MAX 150u

static struct {
	struct vhost_frontend *f;
	struct vhost_peer *p;
	const uint8_t *data;
	size_t left;
	uint64_t begun_ms;
	unsigned int flooded; /* by this backend */
	uint64_t changed, reasons; /* told; for which there may be another than that the backend says so */
	/* one descriptor for all that need one, for as long as the process lives */
	int spare;
} z = {.spare = -1};

static uint8_t next(void)
{
	if (!z.left)
		return 0;
	z.left--;
	return *z.data++;
}

static uint64_t next_u64(void)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < 8; i++)
		value = value << 8 | next();
	return value;
}

/* --- what is told --- */

static void lost(void *opaque, enum vhost_fault why, int err)
{
	MUST(why > VHOST_OK && why < VHOST_FAULTS && (why == VHOST_SYSTEM) == (err != 0));
	MUST(!vhost_frontend_is_connected(z.f) && !vhost_frontend_is_served(z.f));
	/* the machine's own failures are not in any input */
	MUST(why != VHOST_SYSTEM && why != VHOST_NOT_CONNECTED);
}

static void done(void *opaque, enum vhost_done what)
{
	MUST(vhost_frontend_is_connected(z.f));
	MUST(what != VHOST_STARTED || vhost_frontend_is_served(z.f));
}

static uint32_t base(void *opaque, unsigned int index)
{
	MUST(index < 2);
	return 5;
}

static bool drop_record(void *opaque)
{
	return z.p->features & 1;
}

static void config_changed(void *opaque)
{
	z.changed++;
	MUST(z.changed <= z.reasons + 1 + (clock_now_ms() - z.begun_ms) / VHOST_CHANGE_MS);
}

static const struct vhost_frontend_ops ops = {
	.lost = lost,
	.done = done,
	.config_changed = config_changed,
	.base = base,
	.drop_record = drop_record,
};

static void check(void)
{
	uint8_t config[CONFIG_BYTES];
	uint64_t deadline_ms = vhost_frontend_deadline_ms(z.f);

	MUST(!(vhost_frontend_features(z.f) & NEVER));
	MUST(!(vhost_frontend_protocol_features(z.f) & ~UINT64_C(0x1b229)));
	MUST(vhost_frontend_queues(z.f) >= 1 && vhost_frontend_queues(z.f) <= 256);
	MUST(deadline_ms <= clock_now_ms() + VHOST_CONNECT_MS);
	/* who waits for a time that is past does not sleep */
	MUST(!deadline_ms || deadline_ms >= clock_now_ms());
	MUST(!vhost_frontend_is_served(z.f) || vhost_frontend_is_connected(z.f));
	MUST(!vhost_frontend_is_connected(z.f) || !vhost_frontend_read_config(z.f, 0, config, CONFIG_BYTES));
}

/* --- events --- */

static void event_turn(void)
{
	peer_run(z.p);
}

/* Bytes as they come; the two highest bits of their number are that of descriptors. */
static void say(int fd)
{
	uint8_t head = next();
	size_t len = head & 0x3f;
	struct vhost_message m = {0};
	uint8_t bytes[64] = {0};
	int fds[] = {z.spare, z.spare, z.spare};

	for (size_t i = 0; i < len; i++)
		bytes[i] = next();
	memcpy(&m.header, bytes, VHOST_HEADER_BYTES);
	memcpy(&m.payload, bytes + VHOST_HEADER_BYTES, sizeof(bytes) - VHOST_HEADER_BYTES);
	if (fd >= 0)
		peer_say(fd, &m, len, fds, head >> 6);
}

static void event_say(void)
{
	say(z.p->fd);
}

static void event_ask(void)
{
	struct vhost_message m;

	say(z.p->requests_fd);
	vhost_frontend_run(z.f);
	if (z.p->requests_fd >= 0 && peer_hear(z.p, &m))
		MUST(m.header.flags == (VHOST_FLAG_VERSION | VHOST_FLAG_REPLY) && m.header.bytes == 8);
}

/* Another configuration each time. */
static void event_flood(void)
{
	const struct vhost_message m = {.header = {.request = VHOST_BACKEND_CONFIG_CHANGE, .flags = VHOST_FLAG_VERSION}};
	unsigned int turns = 0;

	for (uint8_t nr = next(); nr && z.p->requests_fd >= 0 && z.flooded < FLOOD_MAX; nr--, z.flooded++) {
		z.p->config[0]++;
		peer_say(z.p->requests_fd, &m, VHOST_HEADER_BYTES, NULL, 0);
		if (nr % 4)
			continue;
		vhost_frontend_run(z.f);
		peer_run(z.p);
	}
	/* and in the end it sleeps, however much is left */
	while (vhost_frontend_is_connected(z.f) && clock_wait(vhost_frontend_fd(z.f), 0) > 0) {
		vhost_frontend_run(z.f);
		peer_run(z.p);
		MUST(turns++ < 1000);
	}
}

static void event_hang_up(void)
{
	peer_hang_up(z.p);
}

static void event_end_requests(void)
{
	if (z.p->requests_fd >= 0)
		close(z.p->requests_fd);
	z.p->requests_fd = -1;
}

static void event_pass(void)
{
	peer_clock_pass(next() * 40u);
}

static void event_start(void)
{
	const struct vhost_memory memory[] = {{0x40000000, 0x10000, z.spare, 0}, {0x80000000, 0x10000, z.spare, 0}};
	const uint8_t shift = next();
	struct vhost_queue queue[2];
	struct vhost_start s = {
		.features = UINT64_C(1) << 32 | (shift & 1 ? UINT64_C(1) << 34 : 0),
		.memory = memory,
		.nr_memory = 2,
		.queue = queue,
		.nr_queues = 1 + (shift >> 1 & 1),
	};
	int rc;

	for (unsigned int i = 0; i < 2; i++)
		queue[i] = (struct vhost_queue){
			.index = i,
			.size = 16,
			.desc_gpa = 0x40000000,
			.avail_gpa = 0x40001000 + (uint64_t)(shift >> 2) * 0x400,
			.used_gpa = 0x40002000,
			.kick_fd = z.spare,
			.call_fd = -1,
		};
	rc = vhost_frontend_start(z.f, &s);
	MUST(rc == (queue[0].avail_gpa <= 0x4000ffff ? 0 : XENVIRTIO_E_GUEST));
}

static void event_stop(void)
{
	vhost_frontend_stop(z.f);
}

static void event_write(void)
{
	const uint8_t offset = next(), bytes = next(), data[256] = {0x42};
	int rc = vhost_frontend_write_config(z.f, offset, data, bytes);

	z.reasons++;
	MUST((rc == -ERANGE) == (!bytes || offset + bytes > (int)CONFIG_BYTES));
}

/* Another backend, which has other features. */
static void event_connect(void)
{
	int fd;

	peer_free(z.p);
	z.p = peer_new(&fd);
	peer_clock_attend(z.p);
	z.p->features = ~next_u64();
	z.p->protocol = ~(uint64_t)(next() << 16 | next() << 8 | next());
	z.p->queues = next();
	z.p->slots = next();
	z.reasons++;
	z.flooded = 0;
	vhost_frontend_connect(z.f, fd);
}

/* One of its next answers is wrong. */
static void event_spoil(void)
{
	z.p->ill = next() % PEER_ILLS;
	z.p->ill_at = z.p->nr_asked + next();
	z.p->ill_value = z.p->ill == PEER_FDS ? next() % 32 : z.p->ill == PEER_LATE ? next() * 40u : next_u64();
}

static void event_wait(void)
{
	uint64_t begun_ms = clock_now_ms();

	vhost_frontend_wait(z.f);
	/* a handshake, a start, a write, a look, a stop, each at its limit's end and the next one there */
	MUST(clock_now_ms() - begun_ms <= VHOST_CONNECT_MS + VHOST_START_MS + VHOST_STOP_MS + 2 * VHOST_CONFIG_MS);
}

static void (*const events[])(void) = {
	event_turn, event_say, event_ask, event_hang_up, event_end_requests, event_pass,
	event_start, event_stop, event_write, event_connect, event_spoil, event_wait,
};
#define EVENTS (sizeof(events) / sizeof(events[0]))

static void any_event(void)
{
	uint8_t which = next();

	/* kept inputs go by the table */
	if (which >= 252)
		event_flood();
	else
		events[which % EVENTS]();
}

static unsigned int descriptors(void)
{
	unsigned int nr = 0;

	for (int fd = 0; fd < DESCRIPTORS; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vhost_device device = {.features = UINT64_MAX, .config_bytes = CONFIG_BYTES, .ops = &ops};
	unsigned int before;
	int fd;

	if (z.spare < 0)
		z.spare = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	before = descriptors();
	MUST(before < DESCRIPTORS / 2);
	z.data = data;
	z.left = size;
	z.begun_ms = clock_now_ms();
	z.changed = z.reasons = 0;
	z.flooded = 0;
	MUST(!vhost_frontend_new(&z.f, &device));
	z.p = peer_new(&fd);
	peer_clock_attend(z.p);
	vhost_frontend_connect(z.f, fd);
	while (z.left) {
		/* its list of what it was asked is not endless */
		if (z.p->nr_asked > PEER_REQUESTS / 2)
			z.p->nr_asked = 0;
		any_event();
		vhost_frontend_run(z.f);
		check();
	}
	peer_clock_attend(NULL);
	vhost_frontend_free(z.f);
	peer_free(z.p);
	MUST(descriptors() == before);
	return 0;
}
