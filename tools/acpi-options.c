// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of xen-virtio-acpi, see acpi-options.h. Numbers are read strictly: no sign, no
 * blank, no silent saturation.
 */
#include "tools/acpi-options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <xenvirtio/placement.h>
#include <xenvirtio/server.h>

enum option_id {
	OPTION_DEVICES = 256,
	OPTION_BASE,
	OPTION_IRQ,
	OPTION_LIST,
	OPTION_OUTPUT,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct {
	enum option_id id;
	const char *name;
	const char *argument;
	const char *help;
} table[] = {
	{OPTION_DEVICES, "devices", "N", "how many, as xl.cfg's virtio=[...] has (default: 1)"},
	{OPTION_BASE, "base", "HEX",
	 "address of the first; others follow at 0x200 (default: 0xfea00000)"},
	{OPTION_IRQ, "irq", "N[,N...]",
	 "their lines, as for xen-vballoond (default: 140, 136, 132, ...)"},
	{OPTION_LIST, "list", NULL, "print the devices and their places; write no table"},
	{OPTION_OUTPUT, "output", "FILE", "write the table there, not to standard output"},
	{OPTION_VERSION, "version", NULL, "print the version and exit"},
	{OPTION_HELP, "help", NULL, "print this and exit"},
};

#define TABLE_ROWS (sizeof(table) / sizeof(table[0]))

void acpi_options_help(FILE *out)
{
	fputs("usage: xen-virtio-acpi [OPTION...] --output FILE\n"
	      "Write the ACPI table that tells an x86 HVM guest of its virtio devices, for "
	      "acpi_firmware=\"FILE\"\nin its xl.cfg.\n\n",
	      out);
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", table[i].name,
			 table[i].argument ? "=" : "", table[i].argument ? table[i].argument : "");
		fprintf(out, "  %-20s %s\n", left, table[i].help);
	}
	fputs("\nSee xen-virtio-acpi(8).\n", out);
}

static int parse_number(const char *text, size_t len, int base, uint32_t *value)
{
	const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
	char copy[16];
	unsigned long long v;

	if (base == 16 && len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		text += 2;
		len -= 2;
	}
	if (!len || len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (copy[strspn(copy, digits)])
		return -EINVAL;
	v = strtoull(copy, NULL, base);
	if (v > UINT32_MAX)
		return -ERANGE;
	*value = (uint32_t)v;
	return 0;
}

/* Return: how many lines @text names; 0 if something in it is none */
static size_t parse_irqs(struct acpi_options *opts, const char *text)
{
	size_t nr = 0;

	for (;;) {
		size_t len = strcspn(text, ",");
		uint32_t gsi;

		if (nr == SSDT_DEVICES_MAX || parse_number(text, len, 10, &opts->irq[nr]) ||
		    xenvirtio_placement_x86_gsi(opts->irq[nr], &gsi))
			return 0;
		nr++;
		if (!text[len])
			return nr;
		text += len + 1;
	}
}

/* What the options say together. */
static enum acpi_options_result place_devices(struct acpi_options *opts, uint32_t base,
					      bool base_given, size_t nr_irqs, char *why,
					      size_t why_size)
{
	uint64_t end_incl = base + (uint64_t)opts->nr_devices * XENVIRTIO_MMIO_BYTES - 1;

	if (base_given && (!base || base % XENVIRTIO_MMIO_BYTES || end_incl > UINT32_MAX)) {
		snprintf(why, why_size,
			 "--base: not an address for %zu device(s): give hexadecimal below 4 GiB, a "
			 "multiple of 0x200 above 0, such as 0xfea00000",
			 opts->nr_devices);
		return ACPI_OPTIONS_WRONG;
	}
	if (nr_irqs && nr_irqs != opts->nr_devices) {
		snprintf(why, why_size, "--irq: %zu line(s) for %zu device(s): give one for each",
			 nr_irqs, opts->nr_devices);
		return ACPI_OPTIONS_WRONG;
	}
	if (!nr_irqs && opts->nr_devices > XENVIRTIO_X86_DEVICES_MAX) {
		snprintf(why, why_size,
			 "--devices %zu: only %u have a line by default: give --irq as well",
			 opts->nr_devices, XENVIRTIO_X86_DEVICES_MAX);
		return ACPI_OPTIONS_WRONG;
	}
	for (size_t i = 0; i < opts->nr_devices; i++) {
		struct xenvirtio_gpa place;

		if (!nr_irqs && xenvirtio_placement_x86((uint32_t)i, &place, &opts->irq[i]))
			return ACPI_OPTIONS_WRONG;
		opts->device[i].base = base + (uint32_t)i * XENVIRTIO_MMIO_BYTES;
		if (xenvirtio_placement_x86_gsi(opts->irq[i], &opts->device[i].gsi))
			return ACPI_OPTIONS_WRONG;
	}
	return ACPI_OPTIONS_RUN;
}

enum acpi_options_result acpi_options_parse(struct acpi_options *opts, int argc, char **argv,
					    char *why, size_t why_size)
{
	struct option longs[TABLE_ROWS + 1] = {0};
	uint32_t base = XENVIRTIO_X86_BASE, number;
	bool base_given = false;
	size_t nr_irqs = 0;

	for (size_t i = 0; i < TABLE_ROWS; i++) {
		longs[i].name = table[i].name;
		longs[i].has_arg = table[i].argument ? required_argument : no_argument;
		longs[i].val = table[i].id;
	}
	*opts = (struct acpi_options){.nr_devices = 1};
	optind = 0; /* glibc: start over, whatever was parsed before */
	opterr = 0;
	for (;;) {
		switch (getopt_long(argc, argv, "+:", longs, NULL)) {
		case -1:
			if (optind < argc) {
				snprintf(why, why_size,
					 "%s: not an option: everything is given with --options, "
					 "see --help",
					 argv[optind]);
				return ACPI_OPTIONS_WRONG;
			}
			return place_devices(opts, base, base_given, nr_irqs, why, why_size);
		case OPTION_HELP:
			return ACPI_OPTIONS_HELP;
		case OPTION_VERSION:
			return ACPI_OPTIONS_VERSION;
		case OPTION_LIST:
			opts->list = true;
			break;
		case OPTION_OUTPUT:
			if (!optarg[0]) {
				snprintf(why, why_size, "--output: give the name of a file");
				return ACPI_OPTIONS_WRONG;
			}
			opts->output = optarg;
			break;
		case OPTION_DEVICES:
			if (parse_number(optarg, strlen(optarg), 10, &number) || !number ||
			    number > SSDT_DEVICES_MAX) {
				snprintf(why, why_size,
					 "--devices %.20s: give a number, 1 to %u", optarg,
					 SSDT_DEVICES_MAX);
				return ACPI_OPTIONS_WRONG;
			}
			opts->nr_devices = number;
			break;
		case OPTION_BASE:
			base_given = true;
			if (parse_number(optarg, strlen(optarg), 16, &base))
				base = 0;
			break;
		case OPTION_IRQ:
			nr_irqs = parse_irqs(opts, optarg);
			if (nr_irqs)
				break;
			snprintf(why, why_size,
				 "--irq %.40s: give lines with commas between: ISA lines (3 to 7, 10 "
				 "to 12, 14, 15) or 16 + 4 * slot + pin of a PCI line (16 to %u)",
				 optarg, XENVIRTIO_X86_LINES_MAX - 1);
			return ACPI_OPTIONS_WRONG;
		case ':':
			snprintf(why, why_size, "%s needs a value, see --help", argv[optind - 1]);
			return ACPI_OPTIONS_WRONG;
		default:
			snprintf(why, why_size, "%s: unknown option, or it takes no value, see --help",
				 argv[optind - 1]);
			return ACPI_OPTIONS_WRONG;
		}
	}
}
