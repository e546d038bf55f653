/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cgroup for each device: its broker and its device process, and for a moment those that take over from them. What they use up
 * together has a limit, where rlimits are of one process.
 *
 * Only where systemd gives this process a part of the tree (Delegate=), and has put it in a cgroup below that (DelegateSubgroup=, systemd
 * 254 or later): a cgroup that is to have children with limits may have no processes itself.
 *
 *   UNIT                     delegated
 *     launcher               this process, and the service's other parts
 *     device-7-0             broker and device process of device 0 of domain 7
 */
#ifndef BACKEND_DEVICE_CGROUP_H
#define BACKEND_DEVICE_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

/** as the unit's DelegateSubgroup= has it */
#define DEVICE_CGROUP_OWN "launcher"
/** processes and threads: two brokers with a thread for xenstore each, two device processes, and as many again */
#define DEVICE_CGROUP_PIDS "16"
/** bytes; the most of it is the state file's, of a balloon a byte for each page of its guest: up to 3 TiB of those have room */
#define DEVICE_CGROUP_MEMORY "1073741824"

/** struct device_cgroups - @dir: the unit's; -1: there are none */
struct device_cgroups {
	int dir;
};

/**
 * device_cgroups_open() - make the unit's cgroup ready
 * @own:  what says in which one this process is, "/proc/self/cgroup"
 * @root: where the tree is, "/sys/fs/cgroup"
 *
 * Return: 0; -ENOENT this process is not in such a part of the tree; -EPERM it was not given to it; -errno. Without 0 there are none
 */
int device_cgroups_open(struct device_cgroups *c, const char *own, const char *root);
/**
 * device_cgroups_add() - put a process that was just started into its device's, with what it has started itself
 *
 * Without cgroups nothing. Return: 0; -ESRCH it has ended; -errno
 */
int device_cgroups_add(const struct device_cgroups *c, uint32_t domid, uint32_t devid, pid_t pid);
/** device_cgroups_sweep() - remove those in which nobody is any more, whoever made them */
void device_cgroups_sweep(const struct device_cgroups *c);
void device_cgroups_close(struct device_cgroups *c);

#endif /* BACKEND_DEVICE_CGROUP_H */
