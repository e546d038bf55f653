// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker's protocol. Input: messages one after the other, each a byte for its length in units of 8 (0xff: all that is left),
 * a byte that is the answer of whoever opens what has a name (odd: a failure), and the message. Below the broker is a seam that does nothing and lets
 * nothing through that a device may not have; unit tests have the whole fake there.
 */
#include "fuzz.h"

#include "backend/broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_KIB 20480u
#define TOT_PAGES 5120u

static const struct xenvirtio_gfn_range ram[] = {
	/* in the middle of a block */
	{{0x40000}, {0x40f97}},
	/* the end of what there can be: sums overflow here */
	{{UINT64_MAX - 0x3ff}, {UINT64_MAX}},
};

static unsigned int pauses;

static void no_close(struct xenvirtio_hv *hv)
{
}

static int domain_info(struct xenvirtio_hv *hv, struct xenvirtio_domain_info *info)
{
	*info = (struct xenvirtio_domain_info){.tot_pages = TOT_PAGES, .paused = pauses > 0};
	return 0;
}

static int ram_ranges(struct xenvirtio_hv *hv, struct xenvirtio_gfn_range *range, size_t max, size_t *nr)
{
	MUST(max >= 2);
	memcpy(range, ram, sizeof(ram));
	*nr = 2;
	return 0;
}

static bool is_ram(uint64_t gfn)
{
	return (gfn >= ram[0].start.v && gfn <= ram[0].end_incl.v) || gfn >= ram[1].start.v;
}

/* of one question, and the order of the last: large ones first */
static unsigned int moves, last_order;

static int move(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *start, size_t nr, unsigned int order, size_t *done)
{
	uint64_t last = (UINT64_C(1) << order) - 1;

	MUST(!moves++ || order < last_order);
	last_order = order;
	MUST(nr >= 1 && nr <= XENVIRTIO_EXTENTS_MAX && order <= XENVIRTIO_ORDER_MAX);
	for (size_t i = 0; i < nr; i++)
		MUST(!(start[i].v & last) && is_ram(start[i].v) && is_ram(start[i].v + last));
	/* as far as Xen came, which it alone knows */
	*done = nr - (start[0].v & 1);
	return 0;
}

static int frames_present(struct xenvirtio_hv *hv, const struct xenvirtio_gfn *gfn, size_t nr, bool *present)
{
	MUST(nr >= 1 && nr <= XENVIRTIO_EXTENTS_MAX);
	for (size_t i = 0; i < nr; i++) {
		MUST(is_ram(gfn[i].v));
		present[i] = true;
	}
	return 0;
}

static int set_max_mem(struct xenvirtio_hv *hv, uint64_t kib)
{
	MUST(kib <= LIMIT_KIB + 1028);
	return 0;
}

static int count_pause(struct xenvirtio_hv *hv)
{
	pauses++;
	return 0;
}

static int count_unpause(struct xenvirtio_hv *hv)
{
	/* one of the first two may have been a predecessor's, the other is the toolstack's */
	MUST(pauses > 1);
	pauses--;
	return 0;
}

/* each range once, and whole */
static unsigned int files;

static int memory_file(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, int *fd, uint64_t *offset)
{
	unsigned int bit = is_ram(range->start.v - 1) ? 0 : 1u << (range->start.v % 31);

	MUST(bit && !(files & bit) && is_ram(range->start.v) && is_ram(range->end_incl.v) && !is_ram(range->end_incl.v + 1));
	files |= bit;
	*offset = 0;
	*fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return 0;
}

static int memory_forget(struct xenvirtio_hv *hv, const struct xenvirtio_gfn_range *range, size_t nr)
{
	return 0;
}

static const struct xenvirtio_hv_ops ops = {
	.version = XENVIRTIO_HV_VERSION,
	.size = sizeof(ops),
	.name = "fuzz",
	.close = no_close,
	.domain_info = domain_info,
	.ram_ranges = ram_ranges,
	.release_pages = move,
	.populate_pages = move,
	.set_max_mem = set_max_mem,
	.pause = count_pause,
	.unpause = count_unpause,
	.frames_present = frames_present,
	.memory_file = memory_file,
	.memory_forget = memory_forget,
};

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	*hv = opaque;
	return 0;
}

static int static_max(void *opaque, uint32_t domid, uint64_t *kib)
{
	*kib = LIMIT_KIB;
	return 0;
}

static void say_nothing(struct log *log, enum log_level level, int err, const char *text)
{
}

static void check_answer(const struct broker_request *req, const struct broker_answer *a)
{
	MUST(a->op > 0 && a->op < BROKER_OPS && a->op == req->op);
	if (a->op == BROKER_OPEN_STATE) {
		MUST(a->owner == (a->ret == -EBUSY ? 7 : 0));
	} else if (a->op == BROKER_READ_SIZE) {
		MUST(a->kib == (a->ret ? 0 : 4096));
	} else if (a->op == BROKER_RELEASE || a->op == BROKER_POPULATE) {
		MUST(a->done <= req->nr && (!a->ret || !a->done));
	} else if (a->op == BROKER_RELEASE_EXTENTS || a->op == BROKER_POPULATE_EXTENTS) {
		bool expected = a->op == BROKER_RELEASE_EXTENTS || req->value == TOT_PAGES;

		MUST(a->ret == -EPERM || a->ret == (expected ? 0 : XENVIRTIO_E_AGAIN));
		MUST(a->moved.info.tot_pages == (a->ret == -EPERM ? 0 : TOT_PAGES));
		MUST(a->moved.done <= (a->ret ? 0 : req->nr));
		MUST(moves <= (a->ret ? 0 : XENVIRTIO_ORDER_MAX + 1u));
	} else if (a->op == BROKER_RAM_RANGES) {
		MUST(!a->ret && a->ranges.nr == 2 && !a->ranges.start[2]);
	} else if (a->op == BROKER_PRESENT) {
		for (uint32_t i = 0; i < XENVIRTIO_EXTENTS_MAX; i++)
			MUST((a->present[i / 64] >> (i % 64) & 1) == (i < req->nr && is_ram(req->frame[i])));
	}
}

static struct {
	bool fails, locked, listens;
	uint32_t devid;
} names;

static int open_state(void *opaque, uint32_t devid, pid_t *owner)
{
	MUST(devid <= UINT16_MAX && !names.locked);
	*owner = 7;
	names.devid = devid;
	names.locked = !names.fails;
	return names.fails ? -EBUSY : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int remove_state(void *opaque, uint32_t devid, int fd)
{
	MUST(names.locked && devid == names.devid && fcntl(fd, F_GETFD) >= 0);
	return names.fails ? -ENOENT : 0;
}

static int listen_control(void *opaque, uint32_t devid)
{
	MUST(names.locked && devid == names.devid && !names.listens);
	names.listens = !names.fails;
	return names.fails ? -EADDRINUSE : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int unlisten_control(void *opaque, uint32_t devid)
{
	MUST(names.listens && devid == names.devid);
	names.listens = false;
	return names.fails ? -ENOENT : 0;
}

static int read_size(void *opaque, uint32_t devid, uint64_t *kib)
{
	MUST(names.locked && devid == names.devid);
	*kib = 4096;
	return names.fails ? -ENOENT : 0;
}

static int keep_size(void *opaque, uint32_t devid, uint64_t kib)
{
	MUST(names.locked && devid == names.devid);
	return names.fails ? -ENOSPC : 0;
}

static int drop_size(void *opaque, uint32_t devid)
{
	MUST(names.locked && devid == names.devid);
	return names.fails ? -ENOENT : 0;
}

static int connect_backend(void *opaque, uint32_t devid)
{
	MUST(names.locked && devid == names.devid);
	return names.fails ? -ECONNREFUSED : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static const struct program lending = {.name = "fuzz", .lends = true};

static const struct doors doors = {
	.open_state = open_state,
	.remove_state = remove_state,
	.listen_control = listen_control,
	.unlisten_control = unlisten_control,
	.read_size = read_size,
	.keep_size = keep_size,
	.drop_size = drop_size,
	.connect_backend = connect_backend,
};

/* Return: false: the device would be ended */
static bool ask(struct broker *b, const uint8_t *data, size_t len)
{
	struct broker_request req;
	struct broker_answer answer;
	bool locked = names.locked;
	int rc, fd;

	moves = 0;
	/* an answer is all of itself, whatever was there before */
	memset(&answer, 0xa5, sizeof(answer));
	rc = broker_answer(b, data, len, &answer, &fd);
	MUST(rc == 0 || rc == -EPROTO);
	if (rc) {
		MUST(fd < 0);
		return false;
	}
	MUST(len >= BROKER_HEADER_BYTES && len <= sizeof(req));
	memcpy(&req, data, len);
	check_answer(&req, &answer);
	MUST((fd >= 0) == (!answer.ret && (req.op == BROKER_OPEN_STATE || req.op == BROKER_LISTEN_CONTROL ||
					    req.op == BROKER_CONNECT_BACKEND || req.op == BROKER_MEMORY_FILE)));
	MUST(req.op != BROKER_OPEN_STATE || !locked || answer.ret == -EPERM);
	MUST((b->kept >= 0) == names.locked && (fd < 0 || fd != b->kept));
	if (fd >= 0)
		close(fd);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xenvirtio_hv hv = {.ops = &ops};
	struct broker broker;
	struct log log;
	const struct broker_config cfg = {
		.log = &log,
		.domid = 1,
		.open_hv = open_hv,
		.static_max = static_max,
		.doors = &doors,
		.program = &lending,
		.opaque = &hv,
	};

	pauses = 2;
	files = 0;
	memset(&names, 0, sizeof(names));
	log_open_emit(&log, LOG_LEVEL_ERROR, say_nothing);
	broker_init(&broker, &cfg);
	while (size >= 2) {
		size_t len = data[0] == 0xff ? size - 2 : (size_t)data[0] * 8;

		if (len > size - 2)
			len = size - 2;
		names.fails = data[1] & 1;
		if (!ask(&broker, data + 2, len))
			break;
		data += 2 + len;
		size -= 2 + len;
	}
	/* a lock that was given is kept to the end */
	MUST((broker.kept >= 0) == names.locked);
	MUST(pauses >= 1 && broker.pauses <= BROKER_PAUSES_MAX);
	broker_fini(&broker);
	return 0;
}
