/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of eventfd-args. Each leaves the servers as it found them.
 */
#ifndef TEST_EVENTFD_ARGS_H
#define TEST_EVENTFD_ARGS_H

#include "xen.h"

/** test_irqfd() - with two eventfds that nothing else uses */
void test_irqfd(const struct server *s, int fd, int fd2);
/** test_virtio_irq() - and a third for the queue */
void test_virtio_irq(const struct server *s, int fd, int fd2, int kick);
/** test_virtio_field() - an eventfd of nobody's, another for the queue */
void test_virtio_field(const struct server *s, int fd, int kick);

void test_irqfd_limit(const struct server *s);
void test_mapping(const struct server *s);
void test_mapping_tail(const struct server *s);

#endif /* TEST_EVENTFD_ARGS_H */
