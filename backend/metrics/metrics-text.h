/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures as Prometheus reads them (text exposition format 0.0.4). Pure. The names are a promise,
 * written down in the daemons' manual pages.
 */
#ifndef BACKEND_METRICS_TEXT_H
#define BACKEND_METRICS_TEXT_H

#include "backend/figures/figures.h"

/**
 * metrics_text_write() - all metrics of @nr devices of one type
 *
 * One family after the other, each with all its devices, as the format wants it. Errors of @out are
 * for its owner to see (ferror).
 */
void metrics_text_write(FILE *out, const struct figures_type *type, const struct figures *f,
			size_t nr);

/** metrics_text_write_host() - of no device: memory of the host that is free */
void metrics_text_write_host(FILE *out, const struct figures_type *type, uint64_t free_kib);

#endif /* BACKEND_METRICS_TEXT_H */
