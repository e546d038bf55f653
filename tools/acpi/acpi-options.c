// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xen-virtio-acpi, see acpi-options.h.
 */
#include "tools/acpi/acpi-options.h"

#include <stddef.h>
#include <string.h>
#include <xenvirtio/placement.h>
#include <xenvirtio/server.h>

/* What is given, until it is known what all of it says together. */
struct parsing {
	struct acpi_options opts;
	uint32_t base;
	bool base_given;
	size_t nr_irqs;
};

/* Return: how many lines @text names; 0 if something in it is none */
static size_t parse_irqs(struct acpi_options *opts, const char *text)
{
	size_t nr = 0;

	for (;;) {
		size_t len = strcspn(text, ",");
		uint64_t line;
		char digits[8];
		uint32_t gsi;

		if (nr == SSDT_DEVICES_MAX || len >= sizeof(digits))
			return 0;
		snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
		if (command_line_number(digits, 10, XENVIRTIO_X86_LINES_MAX - 1, &line) ||
		    xenvirtio_placement_x86_gsi((uint32_t)line, &gsi))
			return 0;
		opts->irq[nr++] = (uint32_t)line;
		if (!text[len])
			return nr;
		text += len + 1;
	}
}

/* What the options say together. */
static int place_devices(void *opaque, int nr_words, char **words, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;
	struct acpi_options *opts = &parsing->opts;
	uint32_t base = parsing->base;
	size_t nr_irqs = parsing->nr_irqs;
	uint64_t end_incl = base + (uint64_t)opts->nr_devices * XENVIRTIO_MMIO_BYTES - 1;

	if (parsing->base_given &&
	    (!base || base % XENVIRTIO_MMIO_BYTES || end_incl > UINT32_MAX)) {
		snprintf(
			why, why_size,
			"--base: not an address for %zu device(s): give hexadecimal below 4 GiB, a "
			"multiple of 0x200 above 0, such as 0xfea00000",
			opts->nr_devices);
		return -1;
	}
	if (nr_irqs && nr_irqs != opts->nr_devices) {
		snprintf(why, why_size, "--irq: %zu line(s) for %zu device(s): give one for each",
			 nr_irqs, opts->nr_devices);
		return -1;
	}
	if (!nr_irqs && opts->nr_devices > XENVIRTIO_X86_DEVICES_MAX) {
		snprintf(why, why_size,
			 "--devices %zu: only %u have a line by default: give --irq as well",
			 opts->nr_devices, XENVIRTIO_X86_DEVICES_MAX);
		return -1;
	}
	for (size_t i = 0; i < opts->nr_devices; i++) {
		struct xenvirtio_gpa place;

		if (!nr_irqs && xenvirtio_placement_x86((uint32_t)i, &place, &opts->irq[i]))
			return -1;
		opts->device[i].base = base + (uint32_t)i * XENVIRTIO_MMIO_BYTES;
		if (xenvirtio_placement_x86_gsi(opts->irq[i], &opts->device[i].gsi))
			return -1;
	}
	return 0;
}

static int take_devices(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;
	uint64_t number;

	if (command_line_number(arg, 10, SSDT_DEVICES_MAX, &number) || !number) {
		snprintf(why, why_size, "--devices %.20s: give a number, 1 to %u", arg,
			 SSDT_DEVICES_MAX);
		return -1;
	}
	parsing->opts.nr_devices = number;
	return 0;
}

/* 0 is told with what else can be wrong with it. */
static int take_base(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;
	uint64_t number;

	parsing->base_given = true;
	parsing->base = command_line_number(arg, 16, UINT32_MAX, &number) ? 0 : (uint32_t)number;
	return 0;
}

static int take_irqs(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;

	parsing->nr_irqs = parse_irqs(&parsing->opts, arg);
	if (parsing->nr_irqs)
		return 0;
	snprintf(why, why_size,
		 "--irq %.40s: give lines with commas between: ISA lines (3 to 7, 10 to 12, "
		 "14, 15) or 16 + 4 * slot + pin of a PCI line (16 to %u)",
		 arg, XENVIRTIO_X86_LINES_MAX - 1);
	return -1;
}

static int take_output(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct parsing *parsing = opaque;

	if (!arg[0]) {
		snprintf(why, why_size, "--output: give the name of a file");
		return -1;
	}
	parsing->opts.output = arg;
	return 0;
}

#define FLAG(field) .flag = offsetof(struct parsing, opts.field)

static const struct option_row table[] = {
	{"devices", "N", "how many, as xl.cfg's virtio=[...] has (default: 1)",
	 .take = take_devices},
	{"base", "HEX", "address of the first; others follow at 0x200 (default: 0xfea00000)",
	 .take = take_base},
	{"irq", "N[,N...]", "their lines, as for xen-vballoond (default: 140, 136, 132, ...)",
	 .take = take_irqs},
	{"list", NULL, "print the devices and their places; write no table", FLAG(list)},
	{"output", "FILE", "write the table there, not to standard output", .take = take_output},
	COMMAND_LINE_COMMON_ROWS,
};

#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_ROWS <= COMMAND_LINE_ROWS_MAX, "the parser has room");

static void print_help(FILE *out)
{
	fputs("usage: xen-virtio-acpi [OPTION...] --output FILE\n"
	      "Write the ACPI table that tells an x86 HVM guest of its virtio devices, for "
	      "acpi_firmware=\"FILE\"\nin its xl.cfg.\n\n",
	      out);
	command_line_help_rows(table, TABLE_ROWS, 20, out);
	fputs("\nSee xen-virtio-acpi(8).\n", out);
}

const struct command_line acpi_command_line = {
	.program = "xen-virtio-acpi",
	.rows = table,
	.nr_rows = TABLE_ROWS,
	.help = print_help,
	.finish = place_devices,
};

enum command_line_result acpi_options_parse(struct acpi_options *opts, int argc, char **argv,
					    char *why, size_t why_size)
{
	struct parsing parsing = {.opts.nr_devices = 1, .base = XENVIRTIO_X86_BASE};
	enum command_line_result result =
		command_line_parse(&acpi_command_line, &parsing, argc, argv, why, why_size);

	*opts = parsing.opts;
	return result;
}
