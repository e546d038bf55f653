// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xenvirtio-copy: command line in, exit code out. Everything else is in libcopy, which tests link
 * as well.
 */
#include "config.h"

#include "tools/copy.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static int open_xen(void *opaque, struct xenvirtio_hv **hv, uint32_t domid)
{
	return xenvirtio_hv_open_xen(hv, domid, NULL);
}

static int open_xen_store(void *opaque, struct xenvirtio_store **store)
{
	return xenvirtio_store_open_xen(store);
}

int main(int argc, char **argv)
{
	static struct copy_options opts;
	static struct copy copy;
	char why[256];

	switch (copy_options_parse(&opts, argc, argv, why, sizeof(why))) {
	case COPY_OPTIONS_HELP:
		copy_options_help(stdout);
		return COPY_EXIT_DONE;
	case COPY_OPTIONS_VERSION:
		puts("xenvirtio-copy (" PACKAGE_NAME ") " PACKAGE_VERSION);
		return COPY_EXIT_DONE;
	case COPY_OPTIONS_WRONG:
		fprintf(stderr, "xenvirtio-copy: %s\n", why);
		return COPY_EXIT_USAGE;
	case COPY_OPTIONS_RUN:
		break;
	}
	/* whoever read from us and went: the write says so */
	signal(SIGPIPE, SIG_IGN);
	copy = (struct copy){
		.opts = &opts,
		.out = strcmp(opts.file, "-") == 0 ? stderr : stdout,
		.err = stderr,
		.tty = isatty(STDERR_FILENO),
		.open_hv = open_xen,
		.open_store = open_xen_store,
	};
	return (int)copy_run(&copy);
}
