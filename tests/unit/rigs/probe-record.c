// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What probes told, as text.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit/rigs/probe-record.h"

static char fired[4096];
static size_t used;
static bool asked;

static void add(const char *text)
{
	int len = snprintf(fired + used, sizeof(fired) - used, "%s", text);

	/* a test that compares would take what was cut off for right */
	if (len < 0 || (size_t)len >= sizeof(fired) - used)
		abort();
	used += (size_t)len;
}

static void forget_told(void)
{
	if (!asked)
		return;
	asked = false;
	used = 0;
	fired[0] = '\0';
}

void probe_record(const char *name, unsigned int nr, const uint64_t *arg)
{
	forget_told();
	add(used ? "; " : "");
	add(name);
	for (unsigned int i = 0; i < nr; i++) {
		char text[24];

		snprintf(text, sizeof(text), " %" PRIu64, arg[i]);
		add(text);
	}
}

const char *probes_fired(void)
{
	forget_told();
	asked = true;
	return fired;
}
