/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of xen-virtio-acpi: what devices to describe, and where to write. Parsing has no
 * side effect and prints nothing.
 */
#ifndef TOOLS_ACPI_OPTIONS_H
#define TOOLS_ACPI_OPTIONS_H

#include "tools/ssdt.h"

#include <stdio.h>

struct acpi_options {
	struct ssdt_device device[SSDT_DEVICES_MAX];
	size_t nr_devices;
	const char *output; /* points into argv; NULL: standard output */
	bool list;	    /* print the places instead */
	uint32_t irq[SSDT_DEVICES_MAX];
};

enum acpi_options_result {
	ACPI_OPTIONS_RUN,
	ACPI_OPTIONS_HELP,
	ACPI_OPTIONS_VERSION,
	ACPI_OPTIONS_WRONG,
};

/**
 * acpi_options_parse()
 * @why: out, with ACPI_OPTIONS_WRONG: one line that says what to do about it
 */
enum acpi_options_result acpi_options_parse(struct acpi_options *opts, int argc, char **argv,
					    char *why, size_t why_size);

void acpi_options_help(FILE *out);

#endif /* TOOLS_ACPI_OPTIONS_H */
