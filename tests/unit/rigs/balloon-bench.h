/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A balloon on the fake hypervisor, with a guest's driver in front of it.
 *
 * The "process" (handle, guest memory, balloon, server) can die and be started again on the memory
 * that survives it; the driver and the machine go on meanwhile, as they do under Xen.
 */
#ifndef BALLOON_BENCH_H
#define BALLOON_BENCH_H

#include "backend/devices/balloon/balloon-internal.h"
#include "fake/hv-fake.h"
#include "guest/bulk.h"
#include "guest/bus-fake.h"
#include "guest/driver.h"

#define BENCH_BASE 0x2000000u
#define BENCH_IRQ 33u
/* The driver's pages come from the first frames; tests balloon those from here on. */
#define BENCH_FREE_GFN (0x40000u + 1024u)
#define BENCH_RAM_PAGES (4096u + 1024u)
/* A hole the fake makes for the driver's hostile tests: not in the balloon. */
#define BENCH_HOLE_GFN (0x40000u + 4095u)

#define F_MUST_TELL_HOST (UINT64_C(1) << 0)
#define F_STATS_VQ (UINT64_C(1) << 1)
#define F_DEFLATE_ON_OOM (UINT64_C(1) << 2)
#define F_FREE_PAGE_HINT (UINT64_C(1) << 3)
#define F_PAGE_POISON (UINT64_C(1) << 4)
#define F_HOST_REQ_VQ (UINT64_C(1) << 58)

/* More turns than any message takes. */
#define BENCH_TURNS_MAX 1000000u

struct CMUnitTest;

struct bench {
	struct fake *fake;
	struct bus_fake bus;
	struct driver driver;
	enum bulk_encoding encoding;	/* of the driver's messages */
	unsigned int turns_max;		/* that bench_run() goes on; 0: the access alone */
	/* what survives the process */
	struct xenvirtio_device_state state;
	void *persist;
	size_t persist_bytes;
	uint16_t server_id;
	void (*opened)(struct xenvirtio_hv *hv); /* what stands before the machine; NULL: nothing */
	/* the process */
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct balloon *balloon;
	struct xenvirtio_server *server;
};

/** bench_setup/teardown - for cmocka; teardown asserts that nothing was leaked or done wrong */
int bench_setup(void **state);
/** bench_setup_ram - with other RAM, of which the first range begins as the default's does */
int bench_setup_ram(void **state, const struct fake_config *config);
/** bench_setup_encoding - the test's initial state is the encoding */
int bench_setup_encoding(void **state);
int bench_teardown(void **state);

/** bench_free - machine and memory, when the process is dead; asserts nothing */
void bench_free(struct bench *b);

/** bench_start - the process comes up, new or adopting. Return: as what failed in it */
int bench_start(struct bench *b);
/** bench_kill - the process dies where it stands; the ioreq server stays */
void bench_kill(struct bench *b);
/** bench_assert_exact - bitmap, machine and published figure agree on every frame */
void bench_assert_exact(struct bench *b);
/** bench_run - what the event loop would do now: serve, and go on with what is pending */
int bench_run(struct bench *b);
/**
 * bench_driver - a driver with @features, those of its encoding, and all queues they give; DRIVER_OK
 *
 * Return: as driver_init()
 */
int bench_driver(struct bench *b, uint64_t features);
/** bench_queue - the number of a queue among those that were negotiated */
unsigned int bench_queue(const struct bench *b, enum balloon_vq vq);
/** bench_post - PFNs as one message on queue @index; kicks, and waits for nothing */
int bench_post(struct bench *b, unsigned int index, const uint32_t *pfn, size_t nr);
/**
 * bench_send - PFNs as one message on queue @index; kicks
 *
 * Return: 0 used; -ETIMEDOUT not used yet; -errno
 */
int bench_send(struct bench *b, unsigned int index, const uint32_t *pfn, size_t nr);
/** bench_send_run - the same for a contiguous run, in messages of 256, until one is not used */
int bench_send_run(struct bench *b, unsigned int index, uint64_t gfn, size_t nr);
/** bench_send_runs - runs of any length as one message; otherwise as bench_send() */
int bench_send_runs(struct bench *b, unsigned int index, const struct bulk_run *run, size_t nr);
/** bench_post_bytes - @bytes as one message, at most 64 pages; kicks, and waits for nothing */
int bench_post_bytes(struct bench *b, unsigned int index, const void *msg, size_t bytes);
/** bench_status - a snapshot */
struct balloon_status bench_status(struct bench *b);
/** bench_errors - how many of a kind the guest has made */
uint64_t bench_errors(struct bench *b, enum xenvirtio_guest_error kind);

/** BENCH_RUN_ENCODINGS - run the array @tests of CMUnitTest once for each encoding */
int bench_run_encodings(const struct CMUnitTest *tests, size_t nr);
#define BENCH_RUN_ENCODINGS(tests) bench_run_encodings(tests, sizeof(tests) / sizeof((tests)[0]))

#endif /* BALLOON_BENCH_H */
