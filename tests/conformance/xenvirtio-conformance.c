// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xenvirtio-conformance: the clauses of conformance.h for a device in a shared object, as TAP.
 *
 * The object has a symbol "conformance_device". What it calls of the library and of libxenvirtio-test is this program's
 * (exported.list), so that there is one of each.
 */
#define _GNU_SOURCE /* asprintf() */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

#define EXIT_USAGE 2
#define STRIDE_MAX 10000ul

static const char usage[] =
	"usage: xenvirtio-conformance FILE [OPTION...]\n"
	"Try the virtio device that the shared object FILE describes by the clauses of virtio 1.2, by hostile\n"
	"drivers, failures and restarts; on a fake hypervisor, without Xen. Results are TAP.\n"
	"\n"
	"  --list               print the clauses; FILE is not needed\n"
	"  --only=CLAUSE        that one and those below it: 2.7, 2.7.5.1, hostile, failures, restart\n"
	"  --stride=N           failures and restarts at every N-th call or access only (default: 1)\n"
	"  --version            print the version and exit\n"
	"  --help               print this and exit\n"
	"\n"
	"See xenvirtio-conformance(1).\n";

struct options {
	const char *file;
	struct conformance_report report;
	bool list;
};

static int __attribute__((format(printf, 1, 2))) refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "xenvirtio-conformance: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	return EXIT_USAGE;
}

static int parse_stride(const char *text, unsigned int *stride)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || !number || number > STRIDE_MAX)
		return refuse("--stride %.40s: give a number, 1 to 10000", text);
	*stride = (unsigned int)number;
	return 0;
}

/* Return: 0; a status to end with; -1: to end with 0 */
static int parse(int argc, char **argv, struct options *opts)
{
	static const struct option options[] = {
		{"list", no_argument, NULL, 'l'},    {"only", required_argument, NULL, 'o'},
		{"stride", required_argument, NULL, 's'}, {"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},    {0},
	};
	int opt, status = 0;

	while (!status && (opt = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (opt) {
		case 'l':
			opts->list = true;
			break;
		case 'o':
			opts->report.only = optarg;
			break;
		case 's':
			status = parse_stride(optarg, &opts->report.stride);
			break;
		case 'V':
			puts("xenvirtio-conformance (xenvirtio) " PACKAGE_VERSION);
			return -1;
		case 'h':
			fputs(usage, stdout);
			return -1;
		default:
			/* getopt_long() has told what */
			return refuse("see %s", "xenvirtio-conformance --help");
		}
	}
	if (status)
		return status;
	if (argc - optind > 1)
		return refuse("%.80s: one FILE at a time", argv[optind + 1]);
	opts->file = argv[optind];
	if (!opts->file && !opts->list)
		return refuse("which device? give a shared object that has a symbol \"%s\"", "conformance_device");
	return 0;
}

static void print_clause(void *opaque, const struct conformance_result *result)
{
	printf("%-10s %s%s\n", result->clause, result->says, result->recommended ? " (SHOULD)" : "");
}

static int no_such_clause(const char *only)
{
	return refuse("--only %.40s: no clause has that number or is below it: see --list", only);
}

static int list(struct options *opts)
{
	opts->report.result = print_clause;
	return conformance_list(&opts->report) ? 0 : no_such_clause(opts->report.only);
}

/* Return: NULL, and it was told why */
static const struct conformance_device *load(const char *file)
{
	const struct conformance_device *cd = NULL;
	char *path = NULL;
	void *object;

	/* A name without a slash is looked for elsewhere, and is not meant so. */
	if (asprintf(&path, "%s%s", strchr(file, '/') ? "" : "./", file) < 0)
		return NULL;
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	free(path);
	if (object)
		cd = dlsym(object, "conformance_device");
	if (!object)
		refuse("%s", dlerror());
	else if (!cd)
		refuse("%s has no symbol \"conformance_device\": see xenvirtio-conformance(1)", file);
	return cd;
}

int main(int argc, char **argv)
{
	struct options opts = {0};
	const struct conformance_device *cd;
	char why[300];
	int ret = parse(argc, argv, &opts);

	if (ret)
		return ret < 0 ? 0 : ret;
	if (opts.list)
		return list(&opts);
	cd = load(opts.file);
	if (!cd)
		return EXIT_USAGE;
	/* of another version it may have none */
	if (cd->version == CONFORMANCE_VERSION && conformance_check_excuses(cd, why, sizeof(why)))
		return refuse("%s: %s", opts.file, why);
	ret = conformance_run(cd, &opts.report);
	if (ret == -ENOENT)
		return no_such_clause(opts.report.only);
	if (ret < 0)
		return refuse("%s: a struct conformance_device of another version, or one that lacks something: see "
			      "xenvirtio-test/conformance.h",
			      opts.file);
	return ret ? 1 : 0;
}
