// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The broker's protocol. Input: messages one after the other, each a byte for its length in units of 8 (the last is what is
 * left), a byte whether a descriptor comes along, and the message. Whatever a device sends, frames outside its RAM, max_mem
 * above its limit and the toolstack's pause are as they were, and an answer says no more than it has.
 */
#include "fuzz.h"

#include "backend/broker/broker.h"
#include "fake/hv-fake.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_KIB 20480u

static int open_hv(void *opaque, struct xenvirtio_hv **hv, uint32_t domid, struct log *log)
{
	return fake_open(opaque, hv);
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
	if (a->op == BROKER_RELEASE || a->op == BROKER_POPULATE)
		MUST(a->done <= req->nr);
	else if (a->op == BROKER_RAM_RANGES && !a->ret)
		MUST(a->ranges.nr == 2);
}

/* Return: false: the device would be ended */
static bool ask(struct broker *b, const uint8_t *data, size_t len, bool with_fd)
{
	int fd = with_fd ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
	struct broker_request req = {0};
	struct broker_answer answer;
	int rc = broker_answer(b, data, len, fd, &answer);

	MUST(rc == 0 || rc == -EPROTO);
	/* taken or closed */
	if (with_fd)
		MUST((rc == 0) == (fcntl(fd, F_GETFD) >= 0 && b->kept == fd));
	if (rc)
		return false;
	memcpy(&req, data, len);
	check_answer(&req, &answer);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* some of it not there, so that there is something to populate */
	const struct fake_config config = {.heap_pages = 600};
	struct fake *fake = fake_new(&config);
	struct xenvirtio_domain_info info;
	struct xenvirtio_hv *look;
	struct broker broker;
	struct log log;
	const struct broker_config cfg = {
		.log = &log,
		.domid = 1,
		.open_hv = open_hv,
		.static_max = static_max,
		.opaque = fake,
	};

	MUST(fake && !fake_open(fake, &look));
	log_open_emit(&log, LOG_LEVEL_ERROR, say_nothing);
	broker_init(&broker, &cfg);
	fake_make_hole(fake, xenvirtio_gfn(0x40200), 512);
	/* the toolstack's, and a predecessor's, which a device may end */
	MUST(!look->ops->pause(look) && !look->ops->pause(look));
	while (size >= 2) {
		size_t len = data[0] == 0xff ? size - 2 : (size_t)data[0] * 8;

		if (len > size - 2)
			len = size - 2;
		if (!ask(&broker, data + 2, len, data[1] & 1))
			break;
		data += 2 + len;
		size -= 2 + len;
	}
	MUST(!fake_faults(fake)->populated_outside);
	MUST(fake_max_pages(fake) <= (LIMIT_KIB + 1024) / 4);
	MUST(broker.pauses <= BROKER_PAUSES_MAX);
	MUST(!look->ops->domain_info(look, &info));
	MUST(info.paused);
	MUST(info.tot_pages <= (LIMIT_KIB + 1024) / 4);
	xenvirtio_hv_close(look);
	broker_fini(&broker);
	fake_free(fake);
	return 0;
}
