// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See security-page.h.
 */
#include "config.h"

#include "unit/rigs/security-page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char *security_page_read(void)
{
	const char *srcdir = getenv("top_srcdir");
	char path[512];
	size_t size = 0, room = 1 << 17;
	char *text = malloc(room);
	FILE *file;

	snprintf(path, sizeof(path), "%s/SECURITY.md", srcdir ? srcdir : ".");
	file = fopen(path, "re");
	assert_true(file && text);
	size = fread(text, 1, room - 1, file);
	text[size] = '\0';
	fclose(file);
	return text;
}

const char *security_page_table(const char *page, const char *title, size_t nr)
{
	const char *from = strstr(page, title), *end;
	size_t rows = 0;

	assert_non_null(from);
	end = strstr(from, "\n\n");
	/* @from is the line of the title */
	for (const char *at = from + 1; (at = strstr(at, "\n| ")) && at < end; at++)
		rows++;
	assert_int_equal(rows, nr);
	return from;
}

void security_page_has(const char *table, const char *name, const char *other, int err, const char *args, const char *why)
{
	char row[600];

	snprintf(row, sizeof(row), "\n| %s%s%s | %s%s%s | %s |\n", name, other ? ", " : "", other ? other : "", err ? "refused: " : "",
		 err ? strerrorname_np(err) : "", args, why);
	if (!strstr(table, row))
		print_message("# SECURITY.md lacks%s", row);
	assert_non_null(strstr(table, row));
}
