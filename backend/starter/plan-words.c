// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plan's words for a device. What is put in comes from xenstore, where the toolstack wrote it at a user's word.
 */
#include "backend/starter/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool plan_name_valid(const char *name)
{
	size_t len = strlen(name);

	/* a . in front hides, and is the directory above; a - is an option */
	return len && len <= PLAN_NAME_MAX && strspn(name, LETTERS DIGITS "._+-") == len && strspn(name, LETTERS DIGITS "_");
}

bool plan_uuid_valid(const char *uuid)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (!uuid[i] || (form[i] == '-' ? uuid[i] != '-' : !strchr(DIGITS "abcdefABCDEF", uuid[i])))
			return false;
	return !uuid[sizeof(form) - 1];
}

static int put(char *out, size_t size, char what, const struct plan_device *device)
{
	switch (what) {
	case 'd':
		return snprintf(out, size, "%" PRIu32, device->domid);
	case 'i':
		return snprintf(out, size, "%" PRIu32, device->devid);
	case 's':
		return device->socket ? snprintf(out, size, "%s", device->socket) : -1;
	case 'n':
		return device->name ? snprintf(out, size, "%s", device->name) : -1;
	case 'u':
		return device->uuid ? snprintf(out, size, "%s", device->uuid) : -1;
	case '%':
		return snprintf(out, size, "%%");
	default:
		return -1;
	}
}

int plan_expand(char *out, size_t size, const char *word, const struct plan_device *device)
{
	size_t used = 0;

	if (!size)
		return -ENAMETOOLONG;
	out[0] = '\0';
	for (; *word; word++) {
		int len = *word == '%' ? put(out + used, size - used, *++word, device) : snprintf(out + used, size - used, "%c", *word);

		if (len < 0)
			return -EINVAL;
		if ((size_t)len >= size - used)
			return -ENAMETOOLONG;
		used += (size_t)len;
	}
	return (int)used;
}

int plan_words(const struct plan *plan, const struct plan_device *device, char ***argv)
{
	size_t pointers = (PLAN_WORDS_MAX + 1) * sizeof(char *), used = 0;
	char **words = calloc(1, pointers + PLAN_LINE_MAX);
	char *line = words ? (char *)words + pointers : NULL;

	if (!words)
		return -ENOMEM;
	for (size_t i = 0; plan->word[i]; i++) {
		int len = plan_expand(line + used, PLAN_LINE_MAX - used, plan->word[i], device);

		if (len < 0) {
			free(words);
			return len == -ENAMETOOLONG ? -E2BIG : len;
		}
		words[i] = line + used;
		used += (size_t)len + 1;
	}
	*argv = words;
	return 0;
}
