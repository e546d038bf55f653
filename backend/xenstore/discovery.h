/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which device to serve, and whether it can be served: from xenstore, or from --base and --irq.
 *
 * Looks once and says what it saw; waiting for the toolstack to finish writing is the caller's.
 * Every refusal is one line in the log that says what to do about it.
 */
#ifndef BACKEND_DISCOVERY_H
#define BACKEND_DISCOVERY_H

#include "backend/base/exit-code.h"
#include "backend/options/options.h"
#include "backend/xenstore/store-link.h"

/** the text of why a device is not complete yet */
#define DISCOVERY_WHY_MAX 256

/**
 * discovery_look() - find the device
 * @bus:  out; its backend path is empty if it was given on the command line
 * @why:  out, DISCOVERY_WHY_MAX bytes; with XENVIRTIO_E_AGAIN what is missing
 * @code: out; with -ECANCELED how to end: the reason is in the log
 *
 * Return: 0; XENVIRTIO_E_AGAIN half written: look again when the node changes; -EPIPE; -ECANCELED
 */
int discovery_look(const struct options *opts, struct store_link *link, struct log *log,
		   struct xenvirtio_xenbus *bus, char *why, enum exit_code *code);

/** discovery_watch_path() - below it all of the guest's virtio devices; @path: 64 bytes */
void discovery_watch_path(const struct options *opts, char *path);

#endif /* BACKEND_DISCOVERY_H */
