/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world of a device process: no names of files, no network, no other process, and so much of everything else. Each part
 * can be missing on a host, and says so. In the order in which they stand here: what comes later takes the rights for it away.
 */
#ifndef BACKEND_BROKER_CONFINE_WORLD_H
#define BACKEND_BROKER_CONFINE_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * confine_pids_begin() - children that are forked from now on have a pid namespace, its first is number 1 there
 *
 * A first process ignores each signal that it has no handler for, but for SIGKILL from outside, and cannot kill itself.
 * Return: 0; -errno
 */
int confine_pids_begin(void);
/** confine_pids_end() - further children, and threads, are of this process's own again. Return: 0; -errno */
int confine_pids_end(void);

/**
 * confine_namespaces() - network, System V IPC and the host's name of this process's own
 * @missing: out; the name of the first that cannot be
 *
 * Return: 0; -errno, and the others are there
 */
int confine_namespaces(const char **missing);

/**
 * confine_root() - nothing is below / and nothing can be, in a mount namespace that is made for it
 * @dir: one that there is; another file system hides it for a moment
 *
 * Return: 0; -errno
 */
int confine_root(const char *dir);

/**
 * confine_limits() - what a device process may use up
 * @files: it also writes to files that grow with time, as a log
 *
 * Return: 0; -errno
 */
int confine_limits(bool files);

#endif /* BACKEND_BROKER_CONFINE_WORLD_H */
