// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xenvirtio-copy: command line in, exit code out. Everything else is in libcopy, which tests link
 * as well.
 */
#include "config.h"

#include "tools/copy/copy.h"

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
	enum command_line_result line;
	char why[256];
	int answer;

	line = copy_options_parse(&opts, argc, argv, why, sizeof(why));
	answer = command_line_answer(&copy_command_line, line, why);
	if (answer >= 0)
		return answer;
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
