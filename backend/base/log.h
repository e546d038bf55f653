/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's log: levels, an errno in words, and a limit on what somebody else can trigger.
 *
 * Behind it is xentoollog, to stderr or to syslog, shared with Xen's own libraries (log-xtl.c); a
 * build without Xen writes to stderr and syslog itself (log-plain.c). Control characters never
 * reach the terminal or the log file, whoever wrote the text.
 *
 * Whatever a guest can cause goes through log_limited(): a token bucket for each kind, so that a
 * flood of one kind hides no other, and the number left out is told later. One thread.
 */
#ifndef BACKEND_LOG_H
#define BACKEND_LOG_H

#include "backend/base/program.h"

#include <stdbool.h>
#include <stdint.h>
#include <xenvirtio/error.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVELS,
};

/** kinds of limited messages: each kind of guest error, then the daemon's own */
enum log_kind {
	LOG_KIND_GUEST_ERROR = 0,
	LOG_KIND_STORE = XENVIRTIO_GUEST_ERRORS,
	LOG_KIND_CONTROL,
	LOG_KIND_DEVICE, /* and those after it are the device's, struct program names them */
	LOG_KINDS = LOG_KIND_DEVICE + PROGRAM_LOG_KINDS,
};

/** messages of one kind that may come at once, and the time after which one more may */
#define LOG_BURST 5u
#define LOG_REFILL_MS 10000u

struct xentoollog_logger;

struct log_bucket {
	unsigned int tokens;
	uint64_t refilled_ms;
	uint64_t suppressed;
};

struct log {
	const struct program *program; /* whose log it is; NULL: nobody's, in a test */
	enum log_level level; /* nothing above it is written */
	/** where a line goes; @err is 0 or -errno; @text has no newline */
	void (*emit)(struct log *log, enum log_level level, int err, const char *text);
	struct xentoollog_logger *xtl; /* NULL in a build without Xen */
	struct log_bucket bucket[LOG_KINDS];
};

/**
 * log_open() - start logging
 * @program: borrowed
 * @syslog:  to syslog under the program's name, facility daemon; else to stderr
 *
 * Before any other file is opened: of standard input, output and error, those that are closed are /dev/null from then on.
 * Return: 0; -ENOMEM
 */
int log_open(struct log *log, const struct program *program, enum log_level level, bool syslog);
/** log_open_emit() - log to a function instead: for tests */
void log_open_emit(struct log *log, enum log_level level,
		   void (*emit)(struct log *log, enum log_level level, int err, const char *text));
/** log_close() - tells what was left out; a log never opened (all zero) is fine */
void log_close(struct log *log);

/** log_msg() - one line; @err: 0, or -errno to be put into words at its end */
void log_msg(struct log *log, enum log_level level, int err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/** log_limited() - one line of a kind that somebody else can cause */
void log_limited(struct log *log, unsigned int kind, enum log_level level, int err,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));
/** log_flush() - tell what was left out of kinds that may speak again; call now and then */
void log_flush(struct log *log);

/** log_level_name() - "error" to "debug"; NULL out of range */
const char *log_level_name(unsigned int level);
/** log_level_parse() - Return: 0; -EINVAL no such level */
int log_level_parse(const char *name, enum log_level *level);

/* The way out, one for each build. */

#define LOG_IDENT_MAX 48
/** log_ident() - @ident: out; who syslog's lines are of, with the number that this process has now: children keep it */
void log_ident(char *ident, const char *name);
/** log_blank_controls() - no escape sequence gets through to a terminal, and no text begins a line of its own */
void log_blank_controls(char *text);
/** log_sink_open() - set emit and xtl. Return: 0; -ENOMEM */
int log_sink_open(struct log *log, bool syslog);
/** log_sink_close() - undo it; nothing was opened is fine */
void log_sink_close(struct log *log);
/**
 * log_stderr_is_journal() - is standard error what systemd connected to its journal, by $JOURNAL_STREAM (systemd.exec(5))?
 *
 * The journal sorts lines by a number in front of them (sd-daemon(3)) and takes it off; without one all are "info", and nobody
 * finds errors by "journalctl -p err".
 */
bool log_stderr_is_journal(void);
/** of a line there: priority, who, level, text, ": " or "", what errno means or "" */
#define LOG_JOURNAL_FORMAT "<%d>%s: %s: %s%s%s\n"
/** log_syslog_priority() - a level as syslog(3) knows it */
int log_syslog_priority(enum log_level level);

#endif /* BACKEND_LOG_H */
