/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process gives away for good: capabilities, and the ways to new ones.
 */
#ifndef BACKEND_BROKER_CONFINE_H
#define BACKEND_BROKER_CONFINE_H

/**
 * confine_privileges() - no capability in any set, none by exec; no core file, and nobody traces it but root
 * @group: name of a group that files may still be given to, if there is one of that name
 *
 * The process stays the user it is: of root there remains that files of root are its own.
 * Return: 0; -errno, and it has not given away all
 */
int confine_privileges(const char *group);

#endif /* BACKEND_BROKER_CONFINE_H */
