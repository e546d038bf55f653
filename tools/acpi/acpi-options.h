/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of xen-virtio-acpi: what devices to describe, and where to write. Parsing has no
 * side effect and prints nothing.
 */
#ifndef TOOLS_ACPI_OPTIONS_H
#define TOOLS_ACPI_OPTIONS_H

#include "backend/base/command-line.h"
#include "tools/acpi/ssdt.h"

struct acpi_options {
	struct ssdt_device device[SSDT_DEVICES_MAX];
	size_t nr_devices;
	const char *output; /* points into argv; NULL: standard output */
	bool list;	    /* print the places instead */
	uint32_t irq[SSDT_DEVICES_MAX];
};

/**
 * acpi_options_parse()
 * @why: out, with COMMAND_LINE_WRONG: one line that says what to do about it
 */
enum command_line_result acpi_options_parse(struct acpi_options *opts, int argc, char **argv,
					    char *why, size_t why_size);

/** acpi_command_line - for command_line_answer() */
extern const struct command_line acpi_command_line;

#endif /* TOOLS_ACPI_OPTIONS_H */
