// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way out of the log through xentoollog, so that lines of Xen's libraries and ours go to the
 * same place in the same form. stderr is xentoollog's own consumer, syslog is a consumer of ours.
 */
#include "backend/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <xentoollog.h>

static const xentoollog_level xtl_levels[LOG_LEVELS] = {
	[LOG_LEVEL_ERROR] = XTL_ERROR,	 [LOG_LEVEL_WARNING] = XTL_WARN,
	[LOG_LEVEL_NOTICE] = XTL_NOTICE, [LOG_LEVEL_INFO] = XTL_INFO,
	[LOG_LEVEL_DEBUG] = XTL_DEBUG,
};

struct own_logger {
	xentoollog_logger vtable; /* first: xentoollog casts */
	bool syslog; /* else standard error, which is the journal's */
	const char *context; /* of our own lines */
	char ident[LOG_IDENT_MAX];
	enum log_level level;
};

static enum log_level from_xtl_level(xentoollog_level level)
{
	if (level >= XTL_ERROR)
		return LOG_LEVEL_ERROR;
	if (level >= XTL_WARN)
		return LOG_LEVEL_WARNING;
	if (level >= XTL_NOTICE)
		return LOG_LEVEL_NOTICE;
	return level >= XTL_PROGRESS ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
}

__attribute__((format(printf, 5, 0))) static void own_message(xentoollog_logger *logger, xentoollog_level xtl_level, int errnum,
							       const char *context, const char *format, va_list args)
{
	struct own_logger *self = (struct own_logger *)logger;
	enum log_level level = from_xtl_level(xtl_level);
	bool foreign = context && strcmp(context, self->context) != 0;
	char text[512];

	if (level > self->level)
		return;
	vsnprintf(text, sizeof(text), format, args);
	/* of Xen's libraries: theirs may quote as well, and a second line would say its own level */
	log_blank_controls(text);
	if (!self->syslog) {
		fprintf(stderr, LOG_JOURNAL_FORMAT, log_syslog_priority(level), foreign ? context : self->context,
			log_level_name(level), text, errnum >= 0 ? ": " : "", errnum >= 0 ? strerror(errnum) : "");
		return;
	}
	syslog(log_syslog_priority(level), "%s%s%s%s%s", foreign ? context : "",
	       foreign ? ": " : "", text, errnum >= 0 ? ": " : "",
	       errnum >= 0 ? strerror(errnum) : "");
}

static void own_destroy(xentoollog_logger *logger)
{
	if (((struct own_logger *)logger)->syslog)
		closelog();
	free(logger);
}

static xentoollog_logger *new_own_logger(const char *context, enum log_level level, bool syslog)
{
	struct own_logger *self = calloc(1, sizeof(*self));

	if (!self)
		return NULL;
	self->vtable.vmessage = own_message;
	self->vtable.destroy = own_destroy;
	self->context = context;
	self->level = level;
	self->syslog = syslog;
	log_ident(self->ident, context);
	if (syslog)
		openlog(self->ident, LOG_NDELAY, LOG_DAEMON);
	return &self->vtable;
}

static void emit_xtl(struct log *log, enum log_level level, int err, const char *text)
{
	xtl_log(log->xtl, xtl_levels[level], err ? -err : -1, log->program->name, "%s", text);
}

int log_sink_open(struct log *log, bool syslog)
{
	if (syslog || log_stderr_is_journal())
		log->xtl = new_own_logger(log->program->name, log->level, syslog);
	else
		log->xtl = (xentoollog_logger *)xtl_createlogger_stdiostream(
			stderr, xtl_levels[log->level], XTL_STDIOSTREAM_HIDE_PROGRESS);
	if (!log->xtl)
		return -ENOMEM;
	log->emit = emit_xtl;
	return 0;
}

void log_sink_close(struct log *log)
{
	xtl_logger_destroy(log->xtl);
	log->xtl = NULL;
}
