/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver that means harm, scenario by scenario.
 *
 * Each scenario begins with the device in any state, does its evil, and says in its table entry
 * what the device must be like afterwards. After each, the device must take a proper initialisation
 * and serve a proper request: that is what "the daemon lives" means from a guest. They run on any
 * bus and against any virtio-mmio device; struct hostile_target says what kind it is.
 */
#ifndef GUEST_HOSTILE_H
#define GUEST_HOSTILE_H

#include "driver.h"

struct hostile;

/**
 * struct hostile_target - the device under attack
 * @device_id, @features, @nr_queues: for a proper initialisation
 * @request:  make one proper request on an initialised driver. Return: 0; -errno
 * @hides_needs_reset: it is known not to set NEEDS_RESET, which is then not asked for
 */
struct hostile_target {
	uint32_t device_id;
	uint64_t features;
	unsigned int nr_queues;
	int (*request)(struct driver *d);
	bool hides_needs_reset;
};

enum hostile_expect {
	HOSTILE_NEEDS_RESET,	/* the device has set NEEDS_RESET */
	HOSTILE_IGNORED,	/* it has not, and goes on */
	HOSTILE_EITHER,		/* the device type decides */
};

/**
 * struct hostile_scenario
 * @run: 0; -errno, with h->why filled in, if a register did not answer as defined
 */
struct hostile_scenario {
	const char *name;
	int (*run)(struct hostile *h);
	enum hostile_expect expect;
	bool counted;	/* the device counts at least one guest error */
};

struct hostile {
	struct driver driver;
	const struct hostile_target *target;
	char why[128];
};

/** all tables end with an entry without a name */
extern const struct hostile_scenario hostile_mmio[];
extern const struct hostile_scenario hostile_setup[];
extern const struct hostile_scenario hostile_ring[];
/** for a bus that knows a hole and the end of RAM, and makes holes */
extern const struct hostile_scenario hostile_hole[];

void hostile_start(struct hostile *h, struct bus *bus, const struct hostile_target *target);
/**
 * hostile_run() - one scenario, its expectation, and that the device still works
 *
 * Return: 0; -errno with h->why
 */
int hostile_run(struct hostile *h, const struct hostile_scenario *scenario);

/* --- for scenarios --- */

/** hostile_fail() - fill in h->why. Return: -EPROTO */
int hostile_fail(struct hostile *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** hostile_init() - a proper initialisation with more features than the target's own */
int hostile_init(struct hostile *h, uint64_t features);
/** hostile_set_address() - each ring of queue 0 in turn at @bad: refused, and NEEDS_RESET */
int hostile_set_address(struct hostile *h, uint64_t bad);
/** hostile_expect_status() - bits of @mask in the status register are those of @status */
int hostile_expect_status(struct hostile *h, uint32_t mask, uint32_t status);

#endif /* GUEST_HOSTILE_H */
