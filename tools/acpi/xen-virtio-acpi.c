// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-virtio-acpi: command line in, an ACPI table out. What can be told apart from a file is in
 * libvirtioacpi, which tests link as well.
 *
 * Exit status: 0; 1 the table could not be written, and no file is left; 2 wrong usage.
 */
#include "config.h"

#include "tools/acpi/acpi-options.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <xenvirtio/placement.h>

#define EXIT_WRITE 1
#define EXIT_USAGE 2

static int list_devices(const struct acpi_options *opts)
{
	printf("device base       irq gsi\n");
	for (size_t i = 0; i < opts->nr_devices; i++)
		printf("%-6zu %#10" PRIx32 " %3" PRIu32 " %3" PRIu32 "\n", i, opts->device[i].base,
		       opts->irq[i], opts->device[i].gsi);
	return fflush(stdout) ? EXIT_WRITE : 0;
}

static int write_table(const struct acpi_options *opts, const struct aml *aml)
{
	FILE *out = opts->output ? fopen(opts->output, "we") : stdout;
	int err;

	if (!out) {
		fprintf(stderr, "xen-virtio-acpi: %s: %s\n", opts->output, strerror(errno));
		return EXIT_WRITE;
	}
	errno = 0;
	if (fwrite(aml->byte, 1, aml->len, out) == aml->len && !fflush(out)) {
		if (!opts->output || !fclose(out))
			return 0;
		out = NULL;
	}
	err = errno ? errno : EIO;
	fprintf(stderr, "xen-virtio-acpi: %s: %s\n",
		opts->output ? opts->output : "standard output", strerror(err));
	if (opts->output) {
		if (out)
			fclose(out);
		unlink(opts->output);
	}
	return EXIT_WRITE;
}

int main(int argc, char **argv)
{
	struct acpi_options opts;
	struct aml aml;
	enum command_line_result line;
	char why[256];
	int answer;

	line = acpi_options_parse(&opts, argc, argv, why, sizeof(why));
	answer = command_line_answer(&acpi_command_line, line, why);
	if (answer >= 0)
		return answer;
	if (opts.list)
		return list_devices(&opts);
	if (!opts.output && isatty(STDOUT_FILENO)) {
		fprintf(stderr, "xen-virtio-acpi: a table is nothing for a terminal: give --output "
				"FILE, or --list\n");
		return EXIT_USAGE;
	}
	ssdt_build(&aml, opts.device, opts.nr_devices);
	return write_table(&opts, &aml);
}
