// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One metric as text: base units, labels escaped.
 */
#include "backend/metrics/metrics-write.h"

#include <inttypes.h>

void metrics_write_head(FILE *out, const char *prefix, const char *name, const char *type,
			const char *help)
{
	fprintf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, name, help, prefix, name, type);
}

static void write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || *text == '"')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

void metrics_write_labels(FILE *out, const char *prefix, const char *name, const struct figures *f,
			  const char *label, const char *value)
{
	fprintf(out, "%s%s{domid=\"%" PRIu32 "\",devid=\"%" PRIu32 "\"", prefix, name, f->domid,
		f->devid);
	if (f->name[0]) {
		fputs(",name=\"", out);
		write_escaped(out, f->name);
		fputc('"', out);
	}
	if (label) {
		fprintf(out, ",%s=\"", label);
		write_escaped(out, value);
		fputc('"', out);
	}
}

void metrics_write_value(FILE *out, enum figures_unit unit, uint64_t value)
{
	if (unit == FIGURES_NS)
		fprintf(out, "} %" PRIu64 ".%09" PRIu64 "\n", value / 1000000000,
			value % 1000000000);
	else
		fprintf(out, "} %" PRIu64 "\n", unit == FIGURES_KIB ? value * 1024 : value);
}
