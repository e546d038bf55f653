// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Levels and limits of the log. Where lines go is in log-xtl.c and log-plain.c.
 */
#include "backend/base/log.h"
#include "backend/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

static const struct {
	const char *name;
	int priority;
} levels[LOG_LEVELS] = {
	[LOG_LEVEL_ERROR] = {"error", LOG_ERR},	     [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
	[LOG_LEVEL_NOTICE] = {"notice", LOG_NOTICE}, [LOG_LEVEL_INFO] = {"info", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

const char *log_level_name(unsigned int level)
{
	return level < LOG_LEVELS ? levels[level].name : NULL;
}

int log_level_parse(const char *name, enum log_level *level)
{
	for (unsigned int i = 0; i < LOG_LEVELS; i++) {
		if (strcmp(name, levels[i].name) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

int log_syslog_priority(enum log_level level)
{
	return levels[level].priority;
}

bool log_stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, inode;
	struct stat st;

	return stream && sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &dev, &inode) == 2 && !fstat(STDERR_FILENO, &st) &&
	       st.st_dev == dev && st.st_ino == inode;
}

void log_ident(char *ident, const char *name)
{
	snprintf(ident, LOG_IDENT_MAX, "%s[%ld]", name, (long)getpid());
}

static void init_log(struct log *log, enum log_level level)
{
	*log = (struct log){.level = level};
	for (unsigned int i = 0; i < LOG_KINDS; i++)
		log->bucket[i].tokens = LOG_BURST;
}

/* A number below these that is free would be that of the next file: lines would be written to it, and programs that are started get it. */
static void keep_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int log_open(struct log *log, const struct program *program, enum log_level level, bool syslog)
{
	keep_standard_files();
	init_log(log, level);
	log->program = program;
	return log_sink_open(log, syslog);
}

void log_open_emit(struct log *log, enum log_level level,
		   void (*emit)(struct log *log, enum log_level level, int err, const char *text))
{
	init_log(log, level);
	log->emit = emit;
}

/* Text may quote a guest or xenstore. */
void log_blank_controls(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

__attribute__((format(printf, 4, 0))) static void write_line(struct log *log, enum log_level level,
							       int err, const char *format,
							       va_list args)
{
	char text[LINE_MAX_BYTES];

	if (level > log->level || !log->emit)
		return;
	vsnprintf(text, sizeof(text), format, args);
	log_blank_controls(text);
	log->emit(log, level, err, text);
}

void log_msg(struct log *log, enum log_level level, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(log, level, err, format, args);
	va_end(args);
}

static void refill_bucket(struct log_bucket *bucket)
{
	uint64_t now_ms = clock_now_ms();
	uint64_t more;

	if (bucket->tokens == LOG_BURST) {
		bucket->refilled_ms = now_ms;
		return;
	}
	more = (now_ms - bucket->refilled_ms) / LOG_REFILL_MS;
	if (more > LOG_BURST - bucket->tokens)
		more = LOG_BURST - bucket->tokens;
	if (!more)
		return;
	bucket->tokens += (unsigned int)more;
	bucket->refilled_ms = now_ms;
}

static const char *kind_name(const struct log *log, unsigned int kind)
{
	const char *name = NULL;

	if (kind == LOG_KIND_STORE)
		return "xenstore failure";
	if (kind == LOG_KIND_CONTROL)
		return "control socket";
	if (log->program)
		name = log->program->log_kind[kind - LOG_KIND_DEVICE];
	return name ? name : "device";
}

static void tell_suppressed(struct log *log, unsigned int kind)
{
	struct log_bucket *bucket = &log->bucket[kind];
	uint64_t nr = bucket->suppressed;

	if (!nr)
		return;
	bucket->suppressed = 0;
	if (kind < XENVIRTIO_GUEST_ERRORS)
		log_msg(log, LOG_LEVEL_WARNING, 0, "guest error %s: %" PRIu64 " more suppressed",
			xenvirtio_guest_error_name((enum xenvirtio_guest_error)kind), nr);
	else
		log_msg(log, LOG_LEVEL_WARNING, 0, "%" PRIu64 " more of this kind suppressed: %s",
			nr, kind_name(log, kind));
}

void log_limited(struct log *log, unsigned int kind, enum log_level level, int err,
		 const char *format, ...)
{
	struct log_bucket *bucket;
	va_list args;

	if (kind >= LOG_KINDS || level > log->level)
		return;
	bucket = &log->bucket[kind];
	refill_bucket(bucket);
	if (!bucket->tokens) {
		bucket->suppressed++;
		return;
	}
	tell_suppressed(log, kind);
	bucket->tokens--;
	va_start(args, format);
	write_line(log, level, err, format, args);
	va_end(args);
}

void log_flush(struct log *log)
{
	for (unsigned int kind = 0; kind < LOG_KINDS; kind++) {
		struct log_bucket *bucket = &log->bucket[kind];

		if (!bucket->suppressed)
			continue;
		refill_bucket(bucket);
		if (!bucket->tokens)
			continue;
		/* the line itself counts, or a steady flood would get twice the rate */
		bucket->tokens--;
		tell_suppressed(log, kind);
	}
}

void log_close(struct log *log)
{
	if (!log->emit)
		return;
	for (unsigned int kind = 0; kind < LOG_KINDS; kind++)
		tell_suppressed(log, kind);
	log_sink_close(log);
	log->emit = NULL;
}
