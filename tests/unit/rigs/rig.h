/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole backend on the fake hypervisor, for tests: guest, gmem, an echo device, server, bus.
 *
 * The device has two queues. Queue 0 echoes: what is in a chain's readable bytes comes back in its
 * writable ones. Queue 1 keeps its chains until rig_return_kept(). Its configuration space is 12
 * bytes of memory.
 *
 * rig_crash() is a process that ends without closing its ioreq server; rig_kill() one that dies:
 * nothing is done but what the kernel does.
 */
#ifndef RIG_H
#define RIG_H

#include "fake/hv-fake.h"
#include "guest/bus-fake.h"
#include "guest/hostile.h"
#include "transport/server-internal.h"

#define RIG_DEVICE_ID 42u
#define RIG_BASE UINT64_C(0x02000000)
#define RIG_IRQ 33u
#define RIG_CONFIG_BYTES 12u
#define RIG_QUEUES 2u
#define RIG_QUEUE_SIZE 128u
#define RIG_ECHO_MAX 8192u
#define RIG_KEPT_MAX 8u
#define RIG_OWN_FEATURE 0

struct rig {
	struct fake *fake;
	struct xenvirtio_hv *hv;
	struct xenvirtio_gmem *gmem;
	struct xenvirtio_device *dev;
	struct xenvirtio_server *server;
	struct xenvirtio_device_state state;
	struct xenvirtio_device_ops ops;
	uint64_t features;
	bool foreign_queues;		/* another process serves them: foreign-rig.h */
	uint16_t queue_size_max;	/* 0: RIG_QUEUE_SIZE */
	void *in_flight;		/* of RIG_QUEUES; NULL: no record is kept */
	const struct xenvirtio_host_field *host_field;
	size_t nr_host_fields;
	uint16_t id;
	struct notify *(*make_notify)(struct rig *rig); /* NULL: as the library does */
	struct notify *notify;				/* what it made; the server's */
	enum xenvirtio_notify_path path;		/* else what the library is asked for */
	void (*path_changed)(void *rig, int why);
	struct bus_fake bus;
	struct driver driver;

	uint8_t config[RIG_CONFIG_BYTES];
	uint64_t errors[XENVIRTIO_GUEST_ERRORS];
	unsigned int kicks[RIG_QUEUES];
	unsigned int driver_oks;
	unsigned int resets;
	unsigned int max_chains;	/* an echo run stops after so many; 0: no limit */
	int check_result;		/* what check_features answers */
	int echo_result;		/* of the last echo run that did not end with EMPTY */
	struct xenvirtio_chain kept[RIG_KEPT_MAX];
	unsigned int nr_kept;
};

extern const struct hostile_target rig_target;

/** the servers' clock: it stands still but for the tests */
extern int64_t rig_now_ms;

/** rig_init() - the machine only; @config NULL: a guest of one vcpu */
int rig_init(struct rig *rig, const struct fake_config *config);
/** rig_start() - open all on it, adopting the server a crash left. Return: 0; -errno; E_GONE */
int rig_start(struct rig *rig);
/** rig_open() - both */
int rig_open(struct rig *rig);
/** rig_driver() - a driver that takes what the hostile one needs, and @features; it succeeds */
void rig_driver(struct rig *rig, uint64_t features);
void rig_crash(struct rig *rig);
/** rig_kill() - as rig_crash(), but what is assigned goes by itself and its last value is lost */
void rig_kill(struct rig *rig);
/** rig_stop() - close all properly. Return: what closing the ioreq server gave */
int rig_stop(struct rig *rig);
/** rig_fini() - stop if need be, and assert that nothing is left or went wrong */
void rig_fini(struct rig *rig);
/** rig_return_kept() - push what queue 1 keeps, in this order of indices */
int rig_return_kept(struct rig *rig, const unsigned int *order, unsigned int nr);
/** rig_serve() - process what is pending, as the fake's callback */
int rig_serve(void *rig);
uint64_t rig_count_errors(void *rig);

#endif /* RIG_H */
