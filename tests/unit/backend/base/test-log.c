// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The log: levels hold, a flood of one kind is cut without hiding another, every line left out is
 * counted in a later one, no control character gets through, and systemd's journal is told the levels.
 */
#include "config.h"

#include "backend/devices/balloon/figures/balloon-names.h"
#include "fake/machine-fake.h"
#include "unit/rigs/log-capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>
#ifdef WITH_XEN
#include <xentoollog.h>
#endif

#include <cmocka.h>

static struct log_capture c;

static int setup(void **state)
{
	log_capture_open(&c, LOG_LEVEL_NOTICE);
	return 0;
}

static void levels_hold(void **state)
{
	enum log_level level;

	for (unsigned int i = 0; i < LOG_LEVELS; i++) {
		log_msg(&c.log, (enum log_level)i, 0, "x");
		assert_int_equal(log_level_parse(log_level_name(i), &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(c.lines, 3);
	assert_null(log_level_name(LOG_LEVELS));
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
	assert_int_equal(log_syslog_priority(LOG_LEVEL_ERROR), LOG_ERR);
	assert_int_equal(log_syslog_priority(LOG_LEVEL_DEBUG), LOG_DEBUG);
}

static void errno_is_put_into_words(void **state)
{
	log_msg(&c.log, LOG_LEVEL_ERROR, -ENOENT, "cannot");
	assert_string_equal(c.last, "cannot: No such file or directory");
}

static void control_characters_do_not_get_through(void **state)
{
	log_msg(&c.log, LOG_LEVEL_ERROR, 0, "a%sb", "\033[2J\n\r\t\x7f");
	assert_string_equal(c.last, "a?[2J????b");
}

static void a_flood_is_cut_and_counted(void **state)
{
	for (int i = 0; i < 1000; i++)
		log_limited(&c.log, XENVIRTIO_GUEST_BAD_RING, LOG_LEVEL_WARNING, 0, "ring %d", i);
	assert_int_equal(c.lines, LOG_BURST);
	/* another kind still speaks */
	log_limited(&c.log, XENVIRTIO_GUEST_BAD_PAGE, LOG_LEVEL_WARNING, 0, "page");
	assert_string_equal(c.last, "page");
	machine_fake_pass(LOG_REFILL_MS - 1);
	log_flush(&c.log);
	assert_string_equal(c.last, "page");
	machine_fake_pass(1);
	log_flush(&c.log);
	assert_string_equal(c.last, "guest error bad-ring: 995 more suppressed");
}

static void a_steady_flood_stays_cut(void **state)
{
	unsigned int hour_s = 3600;

	for (unsigned int s = 0; s < hour_s; s++) {
		for (int i = 0; i < 10; i++)
			log_limited(&c.log, BALLOON_LOG_TARGET, LOG_LEVEL_WARNING, 0, "bad");
		log_flush(&c.log);
		machine_fake_pass(1000);
	}
	/* one token a refill, each a message and the line that tells of those before */
	assert_true(c.lines <= LOG_BURST + 2 * (hour_s * 1000 / LOG_REFILL_MS + 1));
	assert_true(c.lines >= hour_s * 1000 / LOG_REFILL_MS);
}

/* Messages written and messages told as suppressed add up. */
static void none_is_lost_from_the_count(void **state)
{
	uint64_t written = 0, told = 0;

	for (int i = 0; i < 200; i++) {
		log_limited(&c.log, BALLOON_LOG_STALL, LOG_LEVEL_WARNING, 0, "stall");
		machine_fake_pass(700);
		if (i % 10 == 0)
			log_flush(&c.log);
	}
	log_close(&c.log);
	for (char *line = strtok(c.all, "\n"); line; line = strtok(NULL, "\n")) {
		uint64_t nr;

		if (strcmp(line, "warning: stall") == 0)
			written++;
		else if (sscanf(line, "warning: %" SCNu64 " more", &nr) == 1)
			told += nr;
	}
	assert_true(told > 0);
	assert_int_equal(written + told, 200);
}

static void the_bucket_fills_up_again(void **state)
{
	for (unsigned int i = 0; i < LOG_BURST; i++)
		log_limited(&c.log, LOG_KIND_STORE, LOG_LEVEL_WARNING, 0, "x");
	machine_fake_pass(1000 * LOG_REFILL_MS);
	for (unsigned int i = 0; i < 2 * LOG_BURST; i++)
		log_limited(&c.log, LOG_KIND_STORE, LOG_LEVEL_WARNING, 0, "x");
	assert_int_equal(c.lines, 2 * LOG_BURST);
}

static void a_kind_out_of_range_is_nothing(void **state)
{
	log_limited(&c.log, LOG_KINDS, LOG_LEVEL_ERROR, 0, "x");
	assert_int_equal(c.lines, 0);
}

/* The real way out of this build opens and closes; what it prints goes to the test's stderr. */
static void the_sink_opens_and_closes(void **state)
{
	struct log log;

	assert_int_equal(log_open(&log, &balloon_program, LOG_LEVEL_DEBUG, false), 0);
	assert_non_null(log.emit);
	log_msg(&log, LOG_LEVEL_INFO, 0, "a line on stderr");
	log_close(&log);
	assert_null(log.emit);
	log_close(&log);
	assert_int_equal(log_open(&log, &balloon_program, LOG_LEVEL_ERROR, true), 0);
	log_msg(&log, LOG_LEVEL_INFO, 0, "below the level");
	log_close(&log);
}

/* Whoever starts a daemon may have closed all: what it opens then is neither its log nor its children's standard output. */
static void no_other_file_is_the_standard_error(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct log log;

		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			close(fd);
		if (log_open(&log, &balloon_program, LOG_LEVEL_ERROR, false))
			_exit(1);
		_exit(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) > STDERR_FILENO && fcntl(STDERR_FILENO, F_GETFD) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void write_levels(struct log *log)
{
	log_msg(log, LOG_LEVEL_ERROR, -ENOENT, "cannot");
	log_msg(log, LOG_LEVEL_WARNING, 0, "odd");
	log_msg(log, LOG_LEVEL_NOTICE, 0, "well");
	log_msg(log, LOG_LEVEL_INFO, 0, "too much");
}

/* What a child, whose standard error is a pipe, writes. @off: by how much $JOURNAL_STREAM is not that pipe. */
static void lines_with_stream(ino_t off, void (*lines)(struct log *log), char text[1024])
{
	ssize_t len, used = 0;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char stream[64];
		struct stat st;
		struct log log;

		if (dup2(ends[1], STDERR_FILENO) < 0 || fstat(ends[1], &st))
			_exit(1);
		snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)(st.st_ino + off));
		setenv("JOURNAL_STREAM", stream, 1);
		if (log_open(&log, &balloon_program, LOG_LEVEL_NOTICE, false))
			_exit(2);
		lines(&log);
		log_close(&log);
		_exit(0);
	}
	close(ends[1]);
	while ((len = read(ends[0], text + used, 1023 - (size_t)used)) > 0)
		used += len;
	text[used] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Without its number in front of it a line is "info" to the journal, whatever its level. */
static void the_journal_is_told_each_lines_level(void **state)
{
	char text[1024];

	lines_with_stream(0, write_levels, text);
	assert_string_equal(text, "<3>xen-vballoond: error: cannot: No such file or directory\n"
				  "<4>xen-vballoond: warning: odd\n"
				  "<5>xen-vballoond: notice: well\n");
}

static void nobody_else_is(void **state)
{
	char text[1024];

	lines_with_stream(1, write_levels, text);
	assert_string_equal(text, "xen-vballoond: error: cannot: No such file or directory\n"
				  "xen-vballoond: warning: odd\n"
				  "xen-vballoond: notice: well\n");
}

#ifdef WITH_XEN
static void write_as_a_library(struct log *log)
{
	xtl_log(log->xtl, XTL_ERROR, ENOENT, "xc", "no \"%s\"", "a\n<0>kernel: panic\033[2J");
}

/* What a library of Xen's says is one line, of its level: what it quotes, a guest may have written. */
static void a_librarys_text_begins_no_line(void **state)
{
	char text[1024];

	lines_with_stream(0, write_as_a_library, text);
	assert_string_equal(text, "<3>xc: error: no \"a?<0>kernel: panic?[2J\": No such file or directory\n");
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(levels_hold, setup),
		cmocka_unit_test_setup(errno_is_put_into_words, setup),
		cmocka_unit_test_setup(control_characters_do_not_get_through, setup),
		cmocka_unit_test_setup(a_flood_is_cut_and_counted, setup),
		cmocka_unit_test_setup(a_steady_flood_stays_cut, setup),
		cmocka_unit_test_setup(none_is_lost_from_the_count, setup),
		cmocka_unit_test_setup(the_bucket_fills_up_again, setup),
		cmocka_unit_test_setup(a_kind_out_of_range_is_nothing, setup),
		cmocka_unit_test_setup(the_sink_opens_and_closes, setup),
		cmocka_unit_test_setup(no_other_file_is_the_standard_error, setup),
		cmocka_unit_test_setup(the_journal_is_told_each_lines_level, setup),
		cmocka_unit_test_setup(nobody_else_is, setup),
#ifdef WITH_XEN
		cmocka_unit_test_setup(a_librarys_text_begins_no_line, setup),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
