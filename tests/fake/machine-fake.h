/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the machine programs go by, as the test says it: in the place of backend/libmachine.la. So neither the groups
 * of the machine a test runs on nor how fast it is have a part in the outcome.
 *
 * Time stands still but for the calls here. What is due by then happens in its order, each in a turn of its own event
 * loop, as on a machine that is infinitely fast.
 */
#ifndef MACHINE_FAKE_H
#define MACHINE_FAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct event_base;

/* access-group-fake.c */

/** machine_fake_set_group() - whose id the group has that may use sockets; usually there is none */
void machine_fake_set_group(gid_t group);

/* clock-fake.c */

/** machine_fake_set_ns() - of a clock without timers; not backwards */
void machine_fake_set_ns(uint64_t now_ns);
/** machine_fake_set_look_ns() - the time each look at the clock takes; usually none */
void machine_fake_set_look_ns(uint64_t ns);
/**
 * machine_fake_be_a_child() - this process has no time of its own
 * @ask:    a byte is written there when nothing can happen here before some time has passed
 * @answer: then the clock, eight bytes, is read from there
 */
void machine_fake_be_a_child(int ask, int answer);

/** machine_fake_attend() - whose turn it is whenever somebody waits, before time passes; NULL: nobody's */
void machine_fake_attend(void (*turn)(void *opaque), void *opaque);

/** machine_fake_interrupt() - a signal has come: whoever waits does so no longer, once */
void machine_fake_interrupt(void);

/* timer-fake.c */

/** machine_fake_run() - all that is due at this moment; no time passes */
void machine_fake_run(struct event_base *base);
/** machine_fake_forget() - timers of a loop whose process was killed */
void machine_fake_forget(const struct event_base *base);
/** machine_fake_pass() - so much time passes */
void machine_fake_pass(unsigned int ms);
/** machine_fake_pass_to_timer() - until one has fired. Return: false: none is due by @end_ms, and no time passed */
bool machine_fake_pass_to_timer(uint64_t end_ms);
/** machine_fake_fired() - timers, so far; those set to 0 ms are not counted */
uint64_t machine_fake_fired(void);

#endif /* MACHINE_FAKE_H */
