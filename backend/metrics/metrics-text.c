// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics as text: what every device has, and what its type has beside that. What a guest does not
 * tell has no sample rather than one of zero.
 */
#include "backend/metrics/metrics-text.h"
#include "backend/metrics/metrics-write.h"
#include "config.h"

#include <inttypes.h>

static uint64_t driver_ready(const struct figures *f)
{
	return f->driver_ok;
}

static uint64_t uptime(const struct figures *f)
{
	return f->uptime_ms * 1000000;
}

static const struct figures_family common[] = {
	{"driver_ready", "gauge", "1 while the guest's driver is at work.", FIGURES_NUMBER,
	 driver_ready},
	{"uptime_seconds", "gauge", "Time since the guest's process began to serve.", FIGURES_NS,
	 uptime},
};

static void write_info(FILE *out, const struct figures_type *type, const struct figures *f,
		       size_t nr)
{
	metrics_write_head(out, type->metrics_prefix, "info", "gauge",
			   "Always 1; how notifications travel, and the daemon's version.");
	for (size_t i = 0; i < nr; i++) {
		const struct figures *one = figures_at(type, f, i);

		metrics_write_labels(out, type->metrics_prefix, "info", one, "path", one->path);
		fputs(",version=\"" PACKAGE_VERSION "\"", out);
		metrics_write_value(out, FIGURES_NUMBER, 1);
	}
}

static void write_families(FILE *out, const struct figures_type *type,
			   const struct figures_family *families, size_t nr_families,
			   const struct figures *f, size_t nr)
{
	for (size_t k = 0; k < nr_families; k++) {
		const struct figures_family *family = &families[k];

		metrics_write_head(out, type->metrics_prefix, family->name, family->type,
				   family->help);
		for (size_t i = 0; i < nr; i++) {
			const struct figures *one = figures_at(type, f, i);

			metrics_write_labels(out, type->metrics_prefix, family->name, one, NULL,
					     NULL);
			metrics_write_value(out, family->unit, family->value(one));
		}
	}
}

static void write_guest_errors(FILE *out, const struct figures_type *type, const struct figures *f,
			       size_t nr)
{
	metrics_write_head(out, type->metrics_prefix, "guest_errors_total", "counter",
			   "How often the guest broke the rules.");
	for (size_t i = 0; i < nr; i++) {
		const struct figures *one = figures_at(type, f, i);

		for (unsigned int kind = 0; kind < XENVIRTIO_GUEST_ERRORS; kind++) {
			metrics_write_labels(
				out, type->metrics_prefix, "guest_errors_total", one, "kind",
				xenvirtio_guest_error_name((enum xenvirtio_guest_error)kind));
			metrics_write_value(out, FIGURES_NUMBER, one->guest_errors[kind]);
		}
	}
}

void metrics_text_write(FILE *out, const struct figures_type *type, const struct figures *f,
			size_t nr)
{
	write_info(out, type, f, nr);
	write_families(out, type, common, sizeof(common) / sizeof(common[0]), f, nr);
	write_families(out, type, type->families, type->nr_families, f, nr);
	write_guest_errors(out, type, f, nr);
	if (type->write_metrics)
		type->write_metrics(out, f, nr);
}

void metrics_text_write_host(FILE *out, const struct figures_type *type, uint64_t free_kib)
{
	metrics_write_head(out, type->metrics_prefix, "host_free_bytes", "gauge",
			   "Memory of the host that is free and not claimed.");
	fprintf(out, "%shost_free_bytes %" PRIu64 "\n", type->metrics_prefix, free_kib * 1024);
}
