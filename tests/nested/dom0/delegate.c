// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * delegate DIR: mark a cgroup as systemd marks one with Delegate=.
 */
#include <stdio.h>
#include <sys/xattr.h>

int main(int argc, char **argv)
{
	if (argc == 2 && !setxattr(argv[1], "trusted.delegate", "1", 1, 0))
		return 0;
	perror("delegate");
	return 1;
}
