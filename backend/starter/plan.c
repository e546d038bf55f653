// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file of how backends are started, key by key. A row of the table is a key.
 */
#include "config.h"

#include "backend/starter/plan.h"
#include "backend/base/command-line.h"
#include "backend/base/size.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANK " \t\r"
#define KEYS "command, user, group, log, limit-files, limit-processes, limit-address-space"

/* Return: NULL; what is wrong */
typedef const char *take_fn(struct plan *plan, char *value);

/* What may stand after a percent sign. */
static const char *check_percents(struct plan *plan, const char *word, bool *socket)
{
	for (const char *at = strchr(word, '%'); at; at = strchr(at + 2, '%')) {
		if (!at[1] || !strchr("disnu%", at[1]))
			return "a % that stands for nothing: there are %d domain, %i device, %s socket, %n guest's name, %u its UUID, and %%";
		plan->names_guest |= at[1] == 'n';
		plan->names_uuid |= at[1] == 'u';
		*socket |= at[1] == 's';
	}
	return NULL;
}

/* Cut off one word, in place. Return: the rest, NULL: the quotes do not end */
static char *cut_word(char *at, char **word)
{
	char *to = at;
	bool quoted = false;

	*word = at;
	for (; *at && (quoted || !strchr(BLANK, *at)); at++) {
		if (*at == '"')
			quoted = !quoted;
		else
			*to++ = *at;
	}
	if (quoted)
		return NULL;
	if (*at)
		at++;
	*to = '\0';
	return at;
}

static const char *take_command(struct plan *plan, char *value)
{
	bool socket = false;
	size_t nr = 0;

	if (value[0] != '/')
		return "give the program by its absolute path: no shell looks for it";
	while (*(value += strspn(value, BLANK))) {
		const char *wrong;

		if (nr == PLAN_WORDS_MAX)
			return "more than 128 words";
		value = cut_word(value, &plan->word[nr]);
		if (!value)
			return "double quotes that do not end";
		wrong = check_percents(plan, plan->word[nr], &socket);
		if (wrong)
			return wrong;
		nr++;
	}
	if (strchr(plan->word[0], '%'))
		return "a % in the program's path: all devices have the same program";
	return socket ? NULL : "no word has %s: the backend is to listen on the socket that it stands for";
}

static const char *take_name(const char **name, char *value)
{
	*name = value;
	return strpbrk(value, BLANK "%\"") ? "not a name: give one word" : NULL;
}

static const char *take_user(struct plan *plan, char *value)
{
	return take_name(&plan->user, value);
}

static const char *take_group(struct plan *plan, char *value)
{
	return take_name(&plan->group, value);
}

static const char *take_log(struct plan *plan, char *value)
{
	bool socket = false;
	const char *wrong = check_percents(plan, value, &socket);

	if (strcmp(value, "service") == 0)
		return NULL;
	plan->log = value;
	if (value[0] != '/' || socket)
		return "give a file by its absolute path, in which %d, %i, %n and %u may stand, or service";
	return wrong;
}

static const char *take_count(struct plan *plan, enum plan_limit limit, char *value)
{
	return command_line_number(value, 10, UINT32_MAX, &plan->limit[limit]) || !plan->limit[limit] ? "give a number above 0" : NULL;
}

static const char *take_files(struct plan *plan, char *value)
{
	return take_count(plan, PLAN_LIMIT_FILES, value);
}

static const char *take_processes(struct plan *plan, char *value)
{
	return take_count(plan, PLAN_LIMIT_PROCESSES, value);
}

static const char *take_space(struct plan *plan, char *value)
{
	uint64_t *kib = &plan->limit[PLAN_LIMIT_ADDRESS_SPACE];

	return size_parse(value, kib) || !*kib || *kib > UINT64_MAX / 1024 ? "give a size above 0, such as 8G: the guest's memory counts" : NULL;
}

static const struct {
	const char *name;
	take_fn *take;
} keys[] = {
	{"command", take_command},
	{"user", take_user},
	{"group", take_group},
	{"log", take_log},
	{"limit-files", take_files},
	{"limit-processes", take_processes},
	{"limit-address-space", take_space},
};
#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

/* The blanks at both ends go. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, BLANK);
	for (len = strlen(text); len && strchr(BLANK, text[len - 1]); len--)
		;
	text[len] = '\0';
	return text;
}

/* Return: NULL; what is wrong */
static const char *take_line(struct plan *plan, char *line, unsigned int *seen)
{
	char *equals = strchr(line, '='), *name, *value;

	if (!equals)
		return "not of the form key = value";
	*equals = '\0';
	name = trim(line);
	value = trim(equals + 1);
	for (size_t i = 0; i < NR_KEYS; i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (*seen >> i & 1)
			return "the key was there already: give it once";
		*seen |= 1u << i;
		return value[0] ? keys[i].take(plan, value) : "nothing is after the =";
	}
	return "no such key: there are " KEYS;
}

/* The end of a line and of those that go on with it, which become one; a comment among them is no word of it. */
static char *join_lines(char *line, unsigned int *nr)
{
	char *end = line + strcspn(line, "\n");

	while (*end && (end[1] == ' ' || end[1] == '\t') && end[1 + strspn(end + 1, BLANK)] != '\n') {
		char *next = end + 1;

		*end = ' ';
		end = next + strcspn(next, "\n");
		if (next[strspn(next, BLANK)] == '#')
			memset(next, ' ', (size_t)(end - next));
		++*nr;
	}
	return end;
}

static bool says_something(const char *line)
{
	line += strspn(line, BLANK);
	return *line && *line != '\n' && *line != '#';
}

static int refuse(const char *path, unsigned int nr, const char *wrong, char *why)
{
	if (nr)
		snprintf(why, PLAN_WHY_MAX, "%s:%u: %s", path, nr, wrong);
	else
		snprintf(why, PLAN_WHY_MAX, "%s: %s", path, wrong);
	return -EBADMSG;
}

int plan_parse(struct plan *plan, const char *path, const char *text, char *why)
{
	unsigned int nr = 1, seen = 0;
	char *line, *end;
	int rc = 0;

	*plan = (struct plan){.text = strdup(text)};
	if (!plan->text)
		return -ENOMEM;
	for (line = plan->text; *line && !rc; line = end) {
		unsigned int first = nr;
		bool comment = !says_something(line);
		const char *wrong;

		end = comment ? line + strcspn(line, "\n") : join_lines(line, &nr);
		if (*end)
			*end++ = '\0';
		wrong = comment ? NULL : take_line(plan, line, &seen);
		nr++;
		if (wrong)
			rc = refuse(path, first, wrong, why);
	}
	if (!rc && !plan->word[0])
		rc = refuse(path, 0, "no command: say how a backend is started, or remove the file", why);
	if (rc)
		plan_free(plan);
	return rc;
}

static int read_text(int fd, char text[PLAN_FILE_MAX + 1], const char *path, char *why)
{
	struct stat st;
	ssize_t bytes;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return refuse(path, 0, "not a file", why);
	if ((st.st_uid && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH)) {
		refuse(path, 0, "others than root may write to it, and so start programs: chown root, chmod go-w", why);
		return -EPERM;
	}
	bytes = read(fd, text, PLAN_FILE_MAX + 1);
	if (bytes < 0)
		return -errno;
	if (bytes > PLAN_FILE_MAX)
		return refuse(path, 0, "longer than 64 KiB", why);
	text[bytes] = '\0';
	return memchr(text, '\0', (size_t)bytes) ? refuse(path, 0, "not a text", why) : 0;
}

int plan_read(struct plan *plan, const char *path, char *why)
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), rc;
	char *text = malloc(PLAN_FILE_MAX + 1);

	*plan = (struct plan){0};
	why[0] = '\0';
	if (fd < 0)
		rc = -errno;
	else
		rc = text ? read_text(fd, text, path, why) : -ENOMEM;
	if (!rc)
		rc = plan_parse(plan, path, text, why);
	if (fd >= 0)
		close(fd);
	free(text);
	return rc;
}

void plan_free(struct plan *plan)
{
	free(plan->text);
	*plan = (struct plan){0};
}
