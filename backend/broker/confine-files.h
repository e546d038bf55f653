/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No file is left to a process, by Landlock: it opens, makes and removes nothing by name. What is open stays so.
 */
#ifndef BACKEND_BROKER_CONFINE_FILES_H
#define BACKEND_BROKER_CONFINE_FILES_H

/**
 * confine_files() - none, for good
 *
 * Nothing is executed any more. As far as the kernel is new enough, TCP, sockets without a name in the file system and signals
 * end at this process and its children, too. Needs no_new_privs or CAP_SYS_ADMIN.
 * Return: 0; -EOPNOTSUPP this kernel has no Landlock, or it was not asked for at boot; -errno
 */
int confine_files(void);

#endif /* BACKEND_BROKER_CONFINE_FILES_H */
