/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a device that another process serves, for one that is ready to go on with it: an upgrade. Who has it is known by the
 * kernel, whose lock it is, and goes by this program's name, and never by what the file says; what the file says counts only in that it may be of no use here, and then
 * nobody is disturbed.
 *
 * That process is told with SIGUSR2: its device leaves all as it is, whether its guest uses it or not, and ends. An older version
 * dies of that, which leaves as much.
 */
#ifndef BACKEND_BROKER_TAKE_OVER_H
#define BACKEND_BROKER_TAKE_OVER_H

#include "backend/base/log.h"

#include <sys/types.h>

#define TAKE_OVER_SIGNAL SIGUSR2
/** for it to end in */
#define TAKE_OVER_MS 5000u

/**
 * take_over_state() - have it let go, if this version can go on with the state at @path
 * @log:   says why not
 * @owner: out; with -EBUSY
 *
 * Waits for its end. That there is no such process any more is fine.
 * Return: 0; -EBADMSG, -ENOTSUP nobody was told; -ESTALE there is no state; -EBUSY it was told, and does not end; -errno
 */
int take_over_state(const char *path, unsigned int queues_max, struct log *log, pid_t *owner);

/**
 * take_over_look() - of the file that was locked then
 *
 * Return: @fd; -ESTALE there is no state any more, and @fd is closed: the device has ended meanwhile
 */
int take_over_look(const char *path, int fd);

#endif /* BACKEND_BROKER_TAKE_OVER_H */
