/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process that reads a guest's bytes gives away before it does: rights, names, and at last system calls.
 *
 * Each part can be missing on a host, and says so. What is here is in the order in which it is done: what comes later takes the
 * rights for what was before. A process begins as root, opens what it needs (xenvirtio_hv_open_xen_confined() last), and then
 *
 *   pids_begin, fork | namespaces, root, limits, bounds, user, privileges, files | calls
 *
 * where the last is done when all that serving takes has been made. run.h does all of it for a program.
 *
 * Knows no guest and no hypervisor. Return of all: 0; -errno, and that part is not, or not whole.
 */
#ifndef XENVIRTIO_CONFINE_H
#define XENVIRTIO_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** of xenvirtio_confine_privileges(): no group */
#define XENVIRTIO_CONFINE_NO_GROUP ((gid_t)-1)

/**
 * xenvirtio_confine_pids_begin() - children that are forked from now on have a pid namespace, its first is number 1 there
 *
 * A first process ignores each signal that it has no handler for, but for SIGKILL from outside, and cannot kill itself.
 */
int xenvirtio_confine_pids_begin(void);
/** xenvirtio_confine_pids_end() - further children, and threads, are of this process's own again */
int xenvirtio_confine_pids_end(void);

/**
 * xenvirtio_confine_namespaces() - network, System V IPC and the host's name of this process's own
 * @missing: out; the name of the first that cannot be
 *
 * Return: 0; -errno, and the others are there
 */
int xenvirtio_confine_namespaces(const char **missing);

/**
 * xenvirtio_confine_root() - nothing is below / and nothing can be, in a mount namespace that is made for it
 * @dir: one that there is; another file system hides it for a moment
 *
 * Nor does the kernel make it a user namespace, in which it would have capabilities over what is its own.
 */
int xenvirtio_confine_root(const char *dir);

/**
 * xenvirtio_confine_limits() - what a device process may use up: 256 descriptors, no process, 256 MiB of data, 4 GiB of mappings
 * @files: it also writes to files that grow with time, as a log; else one may have 1 GiB
 */
int xenvirtio_confine_limits(bool files);

/** xenvirtio_confine_bounds() - no capability by exec; before xenvirtio_confine_user(), which takes the right to do that */
int xenvirtio_confine_bounds(void);

/**
 * xenvirtio_confine_user() - another user and the group of the same number, and no other group
 *
 * Goes with the end of the right to make itself one of those again: xenvirtio_confine_privileges() is next.
 * Return: 0; -EPERM it may not, and nothing has changed; -errno
 */
int xenvirtio_confine_user(uid_t uid);

/**
 * xenvirtio_confine_privileges() - no capability in any set, none by exec; no core file, and nobody traces it but root
 * @group: that files may still be given to; XENVIRTIO_CONFINE_NO_GROUP: none
 * @keep:  a bit for each capability that stays, of those there are
 *
 * Without xenvirtio_confine_user() the process stays the user it is: of root there remains that files of root are its own.
 * Return: 0; -errno, and it has not given away all
 */
int xenvirtio_confine_privileges(gid_t group, uint64_t keep);

/**
 * xenvirtio_confine_files() - no file is left to the process, by Landlock: it opens, makes and removes nothing by name
 *
 * What is open stays so. Nothing is executed any more. As far as the kernel is new enough, TCP, sockets without a name in the
 * file system and signals end at this process and its children, too. Needs no_new_privs or CAP_SYS_ADMIN.
 * Return: 0; -EOPNOTSUPP this kernel has no Landlock, or it was not asked for at boot; -errno
 */
int xenvirtio_confine_files(void);

/**
 * xenvirtio_confine_calls() - the system calls that serving takes and no others, in all threads, for good
 * @lends: those that it takes to tell a vhost-user backend of a guest's memory are among them
 * @more:  names of further ones, whatever their arguments are, ended by NULL; NULL: none. What only other machines have is
 *         passed over
 *
 * What is not allowed kills the process (SIGSYS). The list is that of SECURITY.md. Other ABIs of the machine (32 bits, x32) are
 * not allowed at all. Needs no_new_privs. What libc does once, with calls that are on no list, it is made to do before.
 * Return: 0; -EINVAL no machine has a call of a name in @more; -EOPNOTSUPP the kernel has no filters, or this build
 *         cannot; -errno
 */
int xenvirtio_confine_calls(bool lends, const char *const *more);

#ifdef __cplusplus
}
#endif

#endif /* XENVIRTIO_CONFINE_H */
