/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One metric as text: what metrics-text.c writes its own with, and device types theirs. Format
 * 0.0.4 of Prometheus.
 */
#ifndef BACKEND_METRICS_WRITE_H
#define BACKEND_METRICS_WRITE_H

#include "backend/figures/figures.h"

/** metrics_write_head() - what a family is; its samples must follow */
void metrics_write_head(FILE *out, const char *prefix, const char *name, const char *type,
			const char *help);
/**
 * metrics_write_labels() - a sample up to the closing brace: whose it is
 * @label, @value: one more; @label may be NULL. Escaped
 */
void metrics_write_labels(FILE *out, const char *prefix, const char *name, const struct figures *f,
			  const char *label, const char *value);
/** metrics_write_value() - closes the labels, and the sample */
void metrics_write_value(FILE *out, enum figures_unit unit, uint64_t value);

#endif /* BACKEND_METRICS_WRITE_H */
