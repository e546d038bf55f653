/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log that is kept in memory, for tests to look into: the lines, one after the other. The log
 * must be the first member, for its own function to find the rest.
 */
#ifndef LOG_CAPTURE_H
#define LOG_CAPTURE_H

#include "backend/base/log.h"

#include <stddef.h>

struct log_capture {
	struct log log;
	unsigned int lines;
	unsigned int at_level[LOG_LEVELS];
	char last[512];
	char all[65536];
	size_t used;
};

/** log_capture_open() - keeps lines of all levels up to @level */
void log_capture_open(struct log_capture *c, enum log_level level);
/** log_capture_has() - whether some line contains @text */
bool log_capture_has(const struct log_capture *c, const char *text);

#endif /* LOG_CAPTURE_H */
