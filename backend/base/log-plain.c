// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way out of the log in a build without Xen: stderr, systemd's journal or syslog, with no xentoollog in between.
 */
#include "backend/base/log.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

static void emit_stderr(struct log *log, enum log_level level, int err, const char *text)
{
	fprintf(stderr, "%s: %s: %s%s%s\n", log->program->name, log_level_name(level), text,
		err ? ": " : "", err ? strerror(-err) : "");
}

static void emit_journal(struct log *log, enum log_level level, int err, const char *text)
{
	fprintf(stderr, LOG_JOURNAL_FORMAT, log_syslog_priority(level), log->program->name, log_level_name(level), text,
		err ? ": " : "", err ? strerror(-err) : "");
}

static void emit_syslog(struct log *log, enum log_level level, int err, const char *text)
{
	syslog(log_syslog_priority(level), "%s%s%s", text, err ? ": " : "",
	       err ? strerror(-err) : "");
}

int log_sink_open(struct log *log, bool syslog)
{
	static char ident[LOG_IDENT_MAX];

	log_ident(ident, log->program->name);
	if (syslog)
		openlog(ident, LOG_NDELAY, LOG_DAEMON);
	if (syslog)
		log->emit = emit_syslog;
	else
		log->emit = log_stderr_is_journal() ? emit_journal : emit_stderr;
	return 0;
}

void log_sink_close(struct log *log)
{
	if (log->emit == emit_syslog)
		closelog();
}
