// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Saved sizes: files of a few bytes, written beside and renamed.
 */
#include "backend/base/saved-size.h"
#include "backend/base/size.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "/vm/"
/** a UUID as xl writes it */
#define UUID_CHARS 36u
#define TEXT_MAX 32

static int make_path(const char *dir, const char *vm, uint32_t devid, const char *end, char *path,
		     size_t size)
{
	const char *uuid = vm + sizeof(PREFIX) - 1;
	int n;

	if (strncmp(vm, PREFIX, sizeof(PREFIX) - 1) != 0 || !uuid[0] ||
	    strlen(uuid) > UUID_CHARS || uuid[strspn(uuid, "0123456789abcdefABCDEF-")])
		return -EINVAL;
	n = snprintf(path, size, "%s/%s-%" PRIu32 ".size%s", dir, uuid, devid, end);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int write_file(const char *path, uint64_t kib)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = dprintf(fd, "%" PRIu64 "\n", kib) < 0 ? -EIO : 0;
	if (close(fd) && !rc)
		rc = -errno;
	return rc;
}

int saved_size_keep(const char *dir, const char *vm, uint32_t devid, uint64_t kib)
{
	char path[256], beside[256];
	int rc = make_path(dir, vm, devid, "", path, sizeof(path));

	if (!rc)
		rc = make_path(dir, vm, devid, ".new", beside, sizeof(beside));
	if (!rc)
		rc = write_file(beside, kib);
	if (!rc && rename(beside, path))
		rc = -errno;
	return rc;
}

int saved_size_drop(const char *dir, const char *vm, uint32_t devid)
{
	char path[256];
	int rc = make_path(dir, vm, devid, "", path, sizeof(path));

	return rc || !unlink(path) ? rc : -errno;
}

static int read_file(const char *path, uint64_t *kib)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[TEXT_MAX] = "";
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_mode & (S_IWGRP | S_IWOTH)) {
		close(fd);
		return -EPERM;
	}
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 2 || text[n - 1] != '\n')
		return -EBADMSG;
	text[n - 1] = '\0';
	return size_parse_kib(text, kib) ? -EBADMSG : 0;
}

int saved_size_read(const char *dir, const char *vm, uint32_t devid, uint64_t *kib)
{
	char path[256];
	int rc = make_path(dir, vm, devid, "", path, sizeof(path));

	return rc ? rc : read_file(path, kib);
}
