// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Beside and rename. It is root's tool: /dev/full, given by mistake, must still be there afterwards.
 */
#include "tools/acpi/write-file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		}
	}
	return 0;
}

/* mkstemp() makes it for its owner alone; a table is for whoever the user's umask says. */
static int give_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0666 & ~mask) ? -errno : 0;
}

int write_file(const char *path, const void *bytes, size_t len)
{
	char beside[PATH_MAX];
	struct stat st;
	int fd, rc;

	if (!lstat(path, &st) && !S_ISREG(st.st_mode))
		return -EEXIST;
	if (snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	fd = mkstemp(beside);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, bytes, len);
	if (!rc)
		rc = give_mode(fd);
	if (!rc && fsync(fd))
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && rename(beside, path))
		rc = -errno;
	if (rc)
		unlink(beside);
	return rc;
}
