/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which guests there are, and where their daemons listen: sockets in the state directory, names in
 * xenstore. Without xenstore a guest's number still does.
 */
#ifndef TOOLS_CTL_FIND_H
#define TOOLS_CTL_FIND_H

#include "tools/ctl/ctl.h"

/** how a guest is called in messages: "guest (domain 7)" */
#define CTL_WHO_MAX 96

/**
 * ctl_find_xen() - nobody is served: is that because there is no Xen?
 * @who: for the line; NULL: nobody in particular
 *
 * Who has no permission for xenstore is told nothing: the sockets have a group of their own.
 * Return: CTL_EXIT_DONE there is; CTL_EXIT_NO_XEN, which was said
 */
enum ctl_exit ctl_find_xen(struct ctl *ctl, const char *who);
/**
 * ctl_find_domain() - the number of the guest on the command line; it need not exist if a number
 * was given
 *
 * Return: CTL_EXIT_DONE; else what was wrong was said
 */
enum ctl_exit ctl_find_domain(struct ctl *ctl, uint32_t *domid);
/**
 * ctl_find_open() - connect to the daemon of the guest on the command line
 * @who: out; CTL_WHO_MAX bytes
 *
 * Return: CTL_EXIT_DONE; else what was wrong was said, and nothing is open
 */
enum ctl_exit ctl_find_open(struct ctl *ctl, struct ctl_client *client, char *who);

/**
 * ctl_find_look() - likewise, without a word
 * @missing: out; with -ENOENT what is not there yet
 *
 * Return: 0; -ENOENT; -ENOTCONN xenstore, to find a name, cannot be reached; -errno
 */
int ctl_find_look(struct ctl *ctl, struct ctl_client *client, const char **missing);

#endif /* TOOLS_CTL_FIND_H */
