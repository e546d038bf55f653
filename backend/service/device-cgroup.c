// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See device-cgroup.h. Files of a cgroup take a word with one write().
 */
#include "config.h"

#include "backend/service/device-cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PREFIX "device-"
#define NAME_MAX_BYTES 40

static int write_word(int dir, const char *file, const char *word)
{
	int fd = openat(dir, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC), rc = 0;
	size_t len = strlen(word);
	ssize_t done;

	if (fd < 0)
		return -errno;
	done = write(fd, word, len);
	if (done != (ssize_t)len)
		rc = done < 0 ? -errno : -EIO;
	close(fd);
	return rc;
}

/* "0::/system.slice/x.service/launcher": what is before the last part, without its first slash. False: it ends otherwise */
static bool find_unit(const char *own, char *unit, size_t size)
{
	static const char head[] = "0::/", tail[] = "/" DEVICE_CGROUP_OWN;
	FILE *f = fopen(own, "re");
	bool found = false;
	size_t len;

	while (f && !found && fgets(unit, (int)size, f)) {
		if (strncmp(unit, head, strlen(head)) != 0)
			continue;
		len = strcspn(unit, "\n");
		found = len > strlen(head) + strlen(tail) && strncmp(unit + len - strlen(tail), tail, strlen(tail)) == 0;
		if (found) {
			len -= strlen(tail) + strlen(head);
			memmove(unit, unit + strlen(head), len);
			unit[len] = '\0';
		}
	}
	if (f)
		fclose(f);
	return found;
}

/* As systemd marks it. */
static bool was_given(int dir)
{
	static const char *const marks[] = {"trusted.delegate", "user.delegate"};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		char value[2];

		if (fgetxattr(dir, marks[i], value, sizeof(value)) == 1 && value[0] == '1')
			return true;
	}
	return false;
}

int device_cgroups_open(struct device_cgroups *c, const char *own, const char *root)
{
	char unit[PATH_MAX], path[PATH_MAX];
	int rc;

	c->dir = -1;
	if (!find_unit(own, unit, sizeof(unit)) || snprintf(path, sizeof(path), "%s/%s", root, unit) >= (int)sizeof(path))
		return -ENOENT;
	c->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir < 0)
		return -errno;
	rc = was_given(c->dir) ? write_word(c->dir, "cgroup.subtree_control", "+pids +memory") : -EPERM;
	if (rc)
		device_cgroups_close(c);
	else
		device_cgroups_sweep(c);
	return rc;
}

/* What it had started before it was in there. */
static int add_children(int dir, pid_t pid)
{
	char path[64], line[256], word[16];
	int rc = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f)) {
		for (const char *at = line; !rc && sscanf(at, "%15s", word) == 1; at += strlen(word) + 1)
			rc = write_word(dir, "cgroup.procs", word);
	}
	fclose(f);
	/* one that has ended meanwhile */
	return rc == -ESRCH ? 0 : rc;
}

int device_cgroups_add(const struct device_cgroups *c, uint32_t domid, uint32_t devid, pid_t pid)
{
	char name[NAME_MAX_BYTES], word[16];
	int dir, rc;

	if (c->dir < 0)
		return 0;
	snprintf(name, sizeof(name), PREFIX "%" PRIu32 "-%" PRIu32, domid, devid);
	snprintf(word, sizeof(word), "%d", (int)pid);
	if (mkdirat(c->dir, name, 0755) && errno != EEXIST)
		return -errno;
	dir = openat(c->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	rc = write_word(dir, "pids.max", DEVICE_CGROUP_PIDS);
	if (!rc)
		rc = write_word(dir, "memory.max", DEVICE_CGROUP_MEMORY);
	if (!rc)
		rc = write_word(dir, "cgroup.procs", word);
	if (!rc)
		rc = add_children(dir, pid);
	close(dir);
	return rc;
}

void device_cgroups_sweep(const struct device_cgroups *c)
{
	int fd = c->dir < 0 ? -1 : openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	/* one with processes stays */
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0)
			unlinkat(c->dir, entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

void device_cgroups_close(struct device_cgroups *c)
{
	if (c->dir >= 0)
		close(c->dir);
	c->dir = -1;
}
