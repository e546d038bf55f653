/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole xen-vballoond on a fake hypervisor and a fake xenstored, a toolstack's nodes in it, and a
 * guest's driver in front. Machine, xenstored, driver and state directory outlive the daemon, which
 * can be ended and started again, as on a host.
 */
#ifndef PROCESS_BENCH_H
#define PROCESS_BENCH_H

#include "backend/devices/balloon/daemon/balloon-daemon.h"
#include "backend/process/device-process.h"
#include "fake/hv-fake.h"
#include "fake/store-fake.h"
#include "unit/rigs/store-by-broker.h"
#include "guest/bus-fake.h"
#include "guest/driver.h"
#include "unit/rigs/log-capture.h"

#define BENCH_DOMID 7u
#define BENCH_DOMAIN "/local/domain/7"
#define BENCH_NODE "/local/domain/0/backend/virtio/7/0"
#define BENCH_BASE 0x2000000u
#define BENCH_IRQ 33u
#define BENCH_RAM_PAGES 5120u
#define BENCH_RAM_KIB (BENCH_RAM_PAGES * 4)
/* The driver's pages come from the first frames; tests balloon those from here on. */
#define BENCH_FREE_GFN (0x40000u + 1024u)
/* the driver's queues */
#define INFLATE 0
#define DEFLATE 1

struct process_bench {
	struct log_capture capture;
	struct event_base *base;
	struct fake *fake;
	struct fake_store *store;
	struct store_by_broker by_broker; /* how the daemon has it */
	struct bus_fake bus;
	struct driver driver;
	char dir[64]; /* holds the state directory */
	char state_dir[96];
	char state_file[128];
	char socket_path[128];
	const struct device_type *type;	/* the balloon, unless a test says otherwise before it begins */
	const struct options *type_opts; /* of that type */
	struct balloon_options opts;
	struct device_process_env env;
	int open_hv_result;
	unsigned int readies; /* how often it said that it serves */
	bool ready_early;     /* and not all of it was there by then */
	struct device_process *process; /* NULL: not running */
};

/** process_bench_setup/teardown - for cmocka; teardown asserts that nothing was leaked */
int process_bench_setup(void **state);
int process_bench_teardown(void **state);
/** process_bench_new/free - the same, without asserting on faults */
struct process_bench *process_bench_new(void);
void process_bench_free(struct process_bench *b);

/** process_bench_start() - begin; whether it serves now */
bool process_bench_start(struct process_bench *b);
/** process_bench_stop() - free it, and its code; it must have ended, or is ended as by a signal */
int process_bench_stop(struct process_bench *b);
/** process_bench_client() - begin, with a driver. Return: a client of the control socket */
int process_bench_client(struct process_bench *b);
/** process_bench_settle() - time passes until the driver has hesitated long enough */
void process_bench_settle(struct process_bench *b);
/** process_bench_inflated() - begin, with a driver and @pages in the balloon */
void process_bench_inflated(struct process_bench *b, size_t pages);
/** process_bench_ends_clean() - it ends by itself, and leaves nothing on the machine */
void process_bench_ends_clean(struct process_bench *b);
/** process_bench_has_state() - whether a state file is there */
bool process_bench_has_state(const struct process_bench *b);
/** process_bench_run() - what is due at this moment */
void process_bench_run(struct process_bench *b);
/** process_bench_ended() - ended by itself; @code may be NULL */
bool process_bench_ended(struct process_bench *b, enum exit_code *code);
/** process_bench_wait_key() - until a key of the node is @value (NULL: not there); up to 5 s go by */
bool process_bench_wait_key(struct process_bench *b, const char *key, const char *value);
/** process_bench_wait_end() - until it ends; up to 5 s go by */
bool process_bench_wait_end(struct process_bench *b, enum exit_code *code);

/** process_bench_put() - a key of the node, by the toolstack */
void process_bench_put(struct process_bench *b, const char *key, const char *value);
/** process_bench_key() - NULL: not there */
const char *process_bench_key(struct process_bench *b, const char *key);

/** process_bench_key_is() - asserts that */
void process_bench_key_is(struct process_bench *b, const char *key, const char *value);

/** process_bench_driver() - the guest loads its driver. Return: as driver_init() */
int process_bench_driver(struct process_bench *b);
/** process_bench_send() - @nr frames from @gfn on queue @index, one message of at most 256 a time
 */
int process_bench_send(struct process_bench *b, unsigned int index, uint64_t gfn, size_t nr);
/** process_bench_num_pages() - what the device's configuration asks of the driver */
uint32_t process_bench_num_pages(struct process_bench *b);

#endif /* PROCESS_BENCH_H */
