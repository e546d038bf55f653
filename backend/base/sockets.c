// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control sockets by their names: "7-0.sock", and nothing that only looks like it.
 */
#include "backend/base/sockets.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sockets_path(char *path, size_t size, const char *dir, uint32_t domid, uint32_t devid)
{
	int bytes = snprintf(path, size, "%s/%" PRIu32 "-%" PRIu32 ".sock", dir, domid, devid);

	return bytes >= 0 && (size_t)bytes < size ? 0 : -ENAMETOOLONG;
}

static bool parse_name(const char *name, struct control_socket *d)
{
	char again[40];

	if (sscanf(name, "%9" SCNu32 "-%9" SCNu32 ".sock", &d->domid, &d->devid) != 2)
		return false;
	snprintf(again, sizeof(again), "%" PRIu32 "-%" PRIu32 ".sock", d->domid, d->devid);
	return strcmp(again, name) == 0;
}

static int by_number(const void *a, const void *b)
{
	const struct control_socket *x = a, *y = b;

	if (x->domid != y->domid)
		return x->domid < y->domid ? -1 : 1;
	return x->devid < y->devid ? -1 : x->devid > y->devid;
}

static int add_socket(struct control_socket **sockets, size_t *nr, const struct control_socket *d)
{
	struct control_socket *more;

	/* doubled at each power of two */
	if ((*nr & (*nr - 1)) == 0) {
		more = reallocarray(*sockets, *nr ? *nr * 2 : 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		*sockets = more;
	}
	(*sockets)[(*nr)++] = *d;
	return 0;
}

int sockets_find(const char *dir, struct control_socket **sockets, size_t *nr)
{
	struct dirent *entry;
	int rc = 0;
	DIR *d;

	*sockets = NULL;
	*nr = 0;
	d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (!rc && (entry = readdir(d))) {
		struct control_socket s;

		if (!parse_name(entry->d_name, &s))
			continue;
		if (snprintf(s.path, sizeof(s.path), "%s/%s", dir, entry->d_name) >=
		    (int)sizeof(s.path))
			rc = -ENAMETOOLONG;
		else
			rc = add_socket(sockets, nr, &s);
	}
	closedir(d);
	if (rc) {
		free(*sockets);
		*sockets = NULL;
		return rc;
	}
	if (*nr)
		qsort(*sockets, *nr, sizeof(**sockets), by_number);
	return 0;
}
