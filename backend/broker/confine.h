/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process gives away for good: capabilities, the ways to new ones, and the user it was.
 */
#ifndef BACKEND_BROKER_CONFINE_H
#define BACKEND_BROKER_CONFINE_H

#include <stdint.h>
#include <sys/types.h>

/**
 * confine_user() - another user and the group of the same number, and no other group
 *
 * Goes with the end of the right to make itself one of those again: confine_privileges() is next.
 * Return: 0; -EPERM it may not, and nothing has changed; -errno
 */
int confine_user(uid_t uid);

/**
 * confine_bounds() - no capability by exec; before confine_user(), which takes the right to do that
 *
 * Return: 0; -errno
 */
int confine_bounds(void);

/**
 * confine_privileges() - no capability in any set, none by exec; no core file, and nobody traces it but root
 * @group: that files may still be given to; ACCESS_NO_GROUP: none
 * @keep:  a bit for each capability that stays, of those there are
 *
 * Without confine_user() the process stays the user it is: of root there remains that files of root are its own.
 * Return: 0; -errno, and it has not given away all
 */
int confine_privileges(gid_t group, uint64_t keep);

#endif /* BACKEND_BROKER_CONFINE_H */
