/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the probes of a library told that was built with probes/base/probe-emit.h.
 */
#ifndef PROBE_RECORD_H
#define PROBE_RECORD_H

#include <stdint.h>

/** probe_record() - a probe fired: its name and arguments, in order. Called by the library */
void probe_record(const char *name, unsigned int nr, const uint64_t *arg);
/**
 * probes_fired() - each probe since the last call as "NAME ARGUMENT...", in decimal, with "; " between two
 *
 * Return: valid until a probe fires
 */
const char *probes_fired(void);

#endif /* PROBE_RECORD_H */
