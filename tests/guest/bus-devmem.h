/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus of a real Linux guest, from user space, as root: registers through /dev/mem, memory from
 * locked pages whose frames /proc/self/pagemap tells.
 *
 * The device's own driver must not be bound. Interrupts are not seen: drivers poll.
 */
#ifndef BUS_DEVMEM_H
#define BUS_DEVMEM_H

#include "bus.h"

struct bus_devmem;

/**
 * bus_devmem_open()
 * @base_gpa: of the device's window
 * @why:      out; what failed, when it did
 *
 * Return: 0; -errno
 */
int bus_devmem_open(struct bus_devmem **bus, uint64_t base_gpa, const char **why);
void bus_devmem_close(struct bus_devmem *bus);
struct bus *bus_devmem_bus(struct bus_devmem *bus);

#endif /* BUS_DEVMEM_H */
