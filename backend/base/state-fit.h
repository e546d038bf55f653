/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a state file's layout is one that this version goes on with. Asked of a file that another process has, before that one is
 * told to end, and of each that is opened.
 */
#ifndef BACKEND_STATE_FIT_H
#define BACKEND_STATE_FIT_H

#include "backend/base/state-lock.h"

/** grows with each change of the layout, of the device state's, and of what a device keeps */
#define STATE_VERSION 4u
/** the same, but that nothing stands behind the device's memory: taken, and brought up */
#define STATE_VERSION_WITHOUT_KEEP 3u

/**
 * state_fit() - of a header that was read, whoever wrote it
 * @queues_max: of the program, program.h
 * @why: out; if it does not
 */
bool state_fit(const struct state_header *header, unsigned int queues_max, const char **why);

/**
 * state_fit_file() - of the file at @path, as it is at this moment; it is neither locked nor changed
 *
 * Return: 0; -EBADMSG, with @why; -errno
 */
int state_fit_file(const char *path, unsigned int queues_max, const char **why);

#endif /* BACKEND_STATE_FIT_H */
