// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits of guests: lines of three words or four. One that is wrong is told and passed over, so that a slip in the line of one guest leaves the
 * others theirs.
 */
#include "backend/devices/balloon/sizing/limits.h"
#include "backend/devices/balloon/sizing/policy.h"
#include "backend/base/size.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MIN 3
#define WORDS 4
#define BLANK " \t\r\n"
#define ALL_OTHERS "*"

static int parse_size(const char *text, uint64_t *kib)
{
	*kib = 0;
	if (strcmp(text, "-") == 0)
		return 0;
	return size_parse(text, kib) || !*kib ? -EINVAL : 0;
}

static int parse_share(const char *text, unsigned int *share)
{
	unsigned long number;
	char *end;

	*share = 0;
	if (strcmp(text, "-") == 0)
		return 0;
	/* no sign, no blank */
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || !number || number > POLICY_SHARE_MAX)
		return -EINVAL;
	*share = (unsigned int)number;
	return 0;
}

/* Return: NULL; what is wrong */
static const char *parse_line(char *line, char **name, struct limits *l)
{
	char *word[WORDS], *rest = line, *more;
	size_t nr = 0;

	*name = NULL;
	line[strcspn(line, "#")] = '\0';
	while (nr < WORDS && (word[nr] = strtok_r(nr ? NULL : line, BLANK, &rest)))
		nr++;
	if (!nr)
		return NULL;
	more = nr == WORDS ? strtok_r(NULL, BLANK, &rest) : NULL;
	if (nr < WORDS_MIN || more)
		return "give a guest's name, its least and its most memory, each a size or -, and its share if you like";
	if (parse_size(word[1], &l->min_kib) || parse_size(word[2], &l->max_kib))
		return "not a size: give a number above 0 and K, M or G, such as 256M, or -";
	if (l->max_kib && l->min_kib > l->max_kib)
		return "the least is more than the most";
	if (nr == WORDS && parse_share(word[3], &l->share))
		return "not a share: give a number from 1 to 10000, or -";
	*name = word[0];
	return NULL;
}

static int read_lines(FILE *file, const char *path, const char *guest, struct limits *l, char *why)
{
	bool own = false;
	size_t size = 0;
	char *line = NULL;

	for (unsigned int nr = 1; getline(&line, &size, file) >= 0; nr++) {
		struct limits found = {0};
		char *name;
		const char *wrong = parse_line(line, &name, &found);

		if (wrong && !why[0])
			snprintf(why, LIMITS_WHY_MAX, "%s:%u: %s", path, nr, wrong);
		if (!name || own)
			continue;
		own = strcmp(name, guest) == 0;
		if (own || strcmp(name, ALL_OTHERS) == 0)
			*l = found;
	}
	free(line);
	if (ferror(file))
		return -EIO;
	return why[0] ? -EBADMSG : 0;
}

int limits_read(const char *path, int fd, const char *name, struct limits *l, char *why)
{
	FILE *file = fd >= 0 ? fdopen(fd, "r") : fopen(path, "re");
	int rc;

	*l = (struct limits){0};
	why[0] = '\0';
	if (!file)
		return -errno;
	rc = read_lines(file, path, name, l, why);
	fclose(file);
	return rc;
}
