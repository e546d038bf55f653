// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recommendations (SHOULD) that a device's author says it does not follow, and why: whether each is one that can be excused. It
 * must not know what came of a clause.
 */
#include "conformance/excuses.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/** what an excuse could mean */
struct search {
	const struct conformance_excuse *excuse;
	unsigned int recommended, required;
};

static bool is_meant(const struct conformance_excuse *excuse, const struct clause *clause)
{
	return strcmp(excuse->clause, clause->number) == 0 && (!excuse->says || strstr(clause->says, excuse->says));
}

static void look(void *opaque, const struct clause *clause)
{
	struct search *s = opaque;

	if (!is_meant(s->excuse, clause))
		return;
	if (clause->needs & RECOMMENDED)
		s->recommended++;
	else
		s->required++;
}

static bool has_text(const char *text)
{
	return text && text[strspn(text, " \t\n")];
}

static int refuse(char *why, size_t why_size, const struct conformance_excuse *excuse, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Return: -EINVAL, with which it is and what is wrong with it */
static int refuse(char *why, size_t why_size, const struct conformance_excuse *excuse, const char *format, ...)
{
	char what[200];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (excuse->says)
		snprintf(why, why_size, "the excuse of %.40s, \"%.80s\": %s", excuse->clause, excuse->says, what);
	else
		snprintf(why, why_size, "the excuse of %.40s: %s", excuse->clause, what);
	return -EINVAL;
}

static int check(const struct conformance_excuse *excuse, char *why, size_t why_size)
{
	struct search s = {.excuse = excuse};

	if (!has_text(excuse->why))
		return refuse(why, why_size, excuse, "it says no reason: give one in a sentence");
	clauses_each(look, &s);
	if (!s.recommended && !s.required)
		return refuse(why, why_size, excuse, "there is no such clause: see xenvirtio-conformance --list");
	if (!s.recommended)
		return refuse(why, why_size, excuse, "that is required (MUST); only what is recommended (SHOULD) can be excused");
	if (s.recommended > 1 || (s.required && excuse->says))
		return refuse(why, why_size, excuse, "that could mean %u clauses: say which by a part of its sentence",
			      s.recommended + (excuse->says ? s.required : 0));
	return 0;
}

const struct conformance_excuse *excuses_find(const struct conformance_device *cd, const struct clause *clause)
{
	const struct conformance_excuse *e = cd->excuses;

	for (; e && e->clause; e++)
		if (clause->needs & RECOMMENDED && is_meant(e, clause))
			return e;
	return NULL;
}

struct sum {
	const struct conformance_device *cd;
	unsigned int excused;
};

static void add(void *opaque, const struct clause *clause)
{
	struct sum *sum = opaque;

	if (excuses_find(sum->cd, clause))
		sum->excused |= clause->needs & RECOMMENDED;
}

unsigned int excuses_all(const struct conformance_device *cd)
{
	struct sum sum = {.cd = cd};

	clauses_each(add, &sum);
	return sum.excused;
}

struct pairs {
	const struct conformance_device *cd;
	const struct clause *twice;
};

static void look_for_pairs(void *opaque, const struct clause *clause)
{
	struct pairs *p = opaque;
	unsigned int nr = 0;

	for (const struct conformance_excuse *e = p->cd->excuses; e->clause; e++)
		nr += clause->needs & RECOMMENDED && is_meant(e, clause);
	if (nr > 1)
		p->twice = clause;
}

int conformance_check_excuses(const struct conformance_device *cd, char *why, size_t why_size)
{
	struct pairs pairs = {.cd = cd};

	for (const struct conformance_excuse *e = cd->excuses; e && e->clause; e++)
		if (check(e, why, why_size))
			return -EINVAL;
	if (cd->excuses)
		clauses_each(look_for_pairs, &pairs);
	if (!pairs.twice)
		return 0;
	snprintf(why, why_size, "%.40s, \"%.100s\" is excused twice: once is enough", pairs.twice->number, pairs.twice->says);
	return -EINVAL;
}
