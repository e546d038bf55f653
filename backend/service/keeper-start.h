/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a keeper starts a child: one that dies with it, in a process group of its own, so that what a terminal sends comes once.
 */
#ifndef BACKEND_KEEPER_START_H
#define BACKEND_KEEPER_START_H

#include "backend/service/launcher.h"

/**
 * keeper_start() - this program anew, as it is installed, with the same words and --no-restart
 * @flags: LAUNCHER_TAKE_OVER: and what is not installed is not started
 * @exec:  of launcher_init()
 * @ready: out; the other end of its --ready-fd
 *
 * Return: 0; -errno nothing was started
 */
int keeper_start(const struct launcher_exec *exec, unsigned int flags, struct process *p, int *ready);

#endif /* BACKEND_KEEPER_START_H */
