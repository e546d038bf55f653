/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a probe is: an instruction that does nothing, and an ELF note that says where it is and where its arguments are; without
 * sys/sdt.h nothing at all. tests/unit/rigs/probes/base/ has a sibling that records.
 */
#ifndef PROBE_EMIT_H
#define PROBE_EMIT_H

#include "config.h"

#ifdef WITH_USDT
#include <sys/sdt.h>

#define PROBE_EMIT3(name, a, b, c) STAP_PROBE3(xenvirtio, name, a, b, c)
#define PROBE_EMIT4(name, a, b, c, d) STAP_PROBE4(xenvirtio, name, a, b, c, d)
#define PROBE_EMIT5(name, a, b, c, d, e) STAP_PROBE5(xenvirtio, name, a, b, c, d, e)
#define PROBE_EMIT6(name, a, b, c, d, e, f) STAP_PROBE6(xenvirtio, name, a, b, c, d, e, f)
#else
/* Looked at by the compiler, so that a build without probes finds what would not build with them; and not evaluated. */
#define PROBE_EMIT3(name, a, b, c) ((void)sizeof(a), (void)sizeof(b), (void)sizeof(c))
#define PROBE_EMIT4(name, a, b, c, d) (PROBE_EMIT3(name, a, b, c), (void)sizeof(d))
#define PROBE_EMIT5(name, a, b, c, d, e) (PROBE_EMIT4(name, a, b, c, d), (void)sizeof(e))
#define PROBE_EMIT6(name, a, b, c, d, e, f) (PROBE_EMIT5(name, a, b, c, d, e), (void)sizeof(f))
#endif

#endif /* PROBE_EMIT_H */
