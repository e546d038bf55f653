/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the launcher starts the other parts of the service: this very program anew, with a socket to its parent and nothing else open, in
 * a process group of its own. It dies with its parent.
 */
#ifndef BACKEND_ROLE_START_H
#define BACKEND_ROLE_START_H

#include "backend/service/launcher.h"

/** the descriptor of a part's socket */
#define ROLE_SOCKET 3
/** ROLE_WORD() - what is added to its command line */
#define ROLE_WORD(role) "--role=" role ":3"

/**
 * role_start() - not as it is installed now: the two must be of one version
 * @exec: of launcher_init()
 * @word: ROLE_WORD()
 * @pids: it has a pid namespace of its own, where that can be
 * @sock: out; the launcher's end, close-on-exec
 *
 * It begins with those signals blocked that ask a service for its end or to look again: see role_hear().
 * Return: 0; -errno nothing was started
 */
int role_start(const struct launcher_exec *exec, const char *word, bool pids, struct process *p, int *sock);
/** role_hear() - in the part: it has handlers for signals, which may have come meanwhile */
void role_hear(void);

#endif /* BACKEND_ROLE_START_H */
