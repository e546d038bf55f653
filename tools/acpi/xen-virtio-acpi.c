// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-virtio-acpi: command line in, an ACPI table out. What can be told apart from a file is in
 * libvirtioacpi, which tests link as well.
 *
 * Exit status: 0; 1 the table could not be written, and what was there is as it was; 2 wrong usage.
 */
#include "config.h"

#include "tools/acpi/acpi-options.h"
#include "tools/acpi/write-file.h"

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
	const char *what = opts->output ? opts->output : "standard output";
	int rc;

	if (opts->output) {
		rc = write_file(opts->output, aml->byte, aml->len);
	} else {
		errno = 0;
		rc = fwrite(aml->byte, 1, aml->len, stdout) == aml->len && !fflush(stdout) ? 0
			     : errno								    ? -errno
												    : -EIO;
	}
	if (!rc)
		return 0;
	fprintf(stderr, "xen-virtio-acpi: %s: %s\n", what,
		rc == -EEXIST ? "is no regular file, and was not touched: give another name" : strerror(-rc));
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
