// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See log-capture.h. Lines that do not fit any more are counted all the same.
 */
#include "unit/rigs/log-capture.h"

#include <stdio.h>
#include <string.h>

static void capture_line(struct log *log, enum log_level level, int err, const char *text)
{
	struct log_capture *c = (struct log_capture *)log;
	size_t room = sizeof(c->all) - c->used;
	int len;

	c->lines++;
	c->at_level[level]++;
	snprintf(c->last, sizeof(c->last), "%s%s%s", text, err ? ": " : "",
		 err ? strerror(-err) : "");
	len = snprintf(c->all + c->used, room, "%s: %s\n", log_level_name(level), c->last);
	if (len > 0 && (size_t)len < room)
		c->used += (size_t)len;
}

void log_capture_open(struct log_capture *c, enum log_level level)
{
	memset(c, 0, sizeof(*c));
	log_open_emit(&c->log, level, capture_line);
}

bool log_capture_has(const struct log_capture *c, const char *text)
{
	return strstr(c->all, text);
}
