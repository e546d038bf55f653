/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one clock of the daemon and its tools. It never goes back. Nobody else asks the system for the time, or waits
 * for it (tests/check-layers.sh); timers of an event loop are in timer.h.
 *
 * Tests link a clock that only they move: tests/fake/machine-fake.h.
 */
#ifndef BACKEND_CLOCK_H
#define BACKEND_CLOCK_H

#include <stdint.h>

struct epoll_event;

/** clock_now_ns() - since some moment of the past; not 0 */
uint64_t clock_now_ns(void);
/** clock_now_ms() - the same, in whole milliseconds */
uint64_t clock_now_ms(void);

/**
 * clock_wait() - until there is something to read, or the time is over
 * @fd: readable, or its other side has closed; -1: only the time counts
 *
 * Return: 1 there is; 0 @ms have passed; -EINTR; -errno
 */
int clock_wait(int fd, unsigned int ms);

/**
 * clock_wait_epoll() - the same for what an epoll descriptor knows, in one system call, for loops that somebody waits for
 * @event: out; @nr of them, as epoll_wait() fills them in
 *
 * Return: how many there are; 0 @ms have passed; -EINTR; -errno
 */
int clock_wait_epoll(int epoll, struct epoll_event *event, int nr, unsigned int ms);

#endif /* BACKEND_CLOCK_H */
