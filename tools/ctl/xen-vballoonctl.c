// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-vballoonctl: command line in, exit code out. Everything else is in libctl, which tests link
 * as well.
 */
#include "config.h"

#include "tools/ctl/ctl.h"

#include <signal.h>
#include <unistd.h>

static int open_xen_store(void *opaque, struct xenvirtio_store **store)
{
	return xenvirtio_store_open_xen(store);
}

int main(int argc, char **argv)
{
	struct ctl_options opts;
	struct ctl ctl = {
		.opts = &opts,
		.out = stdout,
		.err = stderr,
		.tty = isatty(STDOUT_FILENO),
		.open_store = open_xen_store,
	};
	enum command_line_result line;
	char why[256];
	int answer;

	line = ctl_options_parse(&opts, argc, argv, why, sizeof(why));
	answer = command_line_answer(&ctl_command_line, line, why);
	if (answer >= 0)
		return answer;
	/* a reader of ours that went away ends top: fflush() says so */
	signal(SIGPIPE, SIG_IGN);
	return (int)ctl_run(&ctl);
}
