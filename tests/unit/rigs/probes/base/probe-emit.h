/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In the place of libxenvirtio/base/probe-emit.h, for a build of the library whose probes call a function: what it is told is
 * what a tracer would see. Its directory stands before the library's in the list of those that headers are looked for in.
 */
#ifndef PROBE_EMIT_H
#define PROBE_EMIT_H

#include "unit/rigs/probe-record.h"

#define PROBE_RECORD(name, nr, ...) probe_record(#name, nr, (const uint64_t[nr]){ __VA_ARGS__ })
#define PROBE_EMIT3(name, ...) PROBE_RECORD(name, 3, __VA_ARGS__)
#define PROBE_EMIT4(name, ...) PROBE_RECORD(name, 4, __VA_ARGS__)
#define PROBE_EMIT5(name, ...) PROBE_RECORD(name, 5, __VA_ARGS__)
#define PROBE_EMIT6(name, ...) PROBE_RECORD(name, 6, __VA_ARGS__)

#endif /* PROBE_EMIT_H */
