// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Command lines by getopt_long(), see command-line.h. It is told to be silent; what it does not say
 * itself is which word was wrong when words and options stand mixed, so that is found again here.
 */
#include "config.h"

#include "backend/base/command-line.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_DONE 0
#define EXIT_USAGE 2

/** what getopt_long() answers for the first row, the others follow: above every character */
#define ROW_FIRST 256

static void say_unknown(const struct command_line *line, const char *word, char *why,
			size_t why_size)
{
	if (optopt >= ROW_FIRST)
		snprintf(why, why_size, "%s takes no value, see --help", word);
	else if (optopt >= '0' && optopt <= '9' && line->negative)
		snprintf(why, why_size, "%s: %s", word, line->negative);
	else if (optopt)
		snprintf(why, why_size, "-%c: unknown option, see --help", optopt);
	else
		snprintf(why, why_size, "%s: unknown option, see --help", word);
}

static enum command_line_result finish(const struct command_line *line, void *opaque, int nr_words,
				       char **words, char *why, size_t why_size)
{
	if (nr_words && !line->words) {
		snprintf(why, why_size,
			 "%s: not an option: everything is given with --options, see --help",
			 words[0]);
		return COMMAND_LINE_WRONG;
	}
	return line->finish(opaque, nr_words, words, why, why_size) ? COMMAND_LINE_WRONG
								    : COMMAND_LINE_RUN;
}

static enum command_line_result take(const struct command_line *line, void *opaque,
				     const struct option_row *row, char *why, size_t why_size)
{
	if (row->result != COMMAND_LINE_RUN)
		return row->result;
	if (line->seen)
		line->seen(opaque, row);
	if (row->take)
		return row->take(opaque, optarg, why, why_size) ? COMMAND_LINE_WRONG
								: COMMAND_LINE_RUN;
	*(bool *)((char *)opaque + row->flag) = true;
	return COMMAND_LINE_RUN;
}

enum command_line_result command_line_parse(const struct command_line *line, void *opaque, int argc,
					    char **argv, char *why, size_t why_size)
{
	struct option longs[COMMAND_LINE_ROWS_MAX + 1] = {0};

	for (size_t i = 0; i < line->nr_rows && i < COMMAND_LINE_ROWS_MAX; i++) {
		longs[i].name = line->rows[i].name;
		longs[i].has_arg = line->rows[i].argument ? required_argument : no_argument;
		longs[i].val = ROW_FIRST + (int)i;
	}
	optind = 0; /* glibc: start over, whatever was parsed before */
	opterr = 0;
	for (;;) {
		/* a short option leaves optind at its own word */
		int before = optind ? optind : 1;
		int row = getopt_long(argc, argv, line->words ? ":hV" : "+:hV", longs, NULL);
		enum command_line_result result;

		switch (row) {
		case -1:
			return finish(line, opaque, argc - optind, argv + optind, why, why_size);
		case ':':
			snprintf(why, why_size, "%s needs a value, see --help", argv[optind - 1]);
			return COMMAND_LINE_WRONG;
		case 'h':
			return COMMAND_LINE_HELP;
		case 'V':
			return COMMAND_LINE_VERSION;
		case '?':
			while (before + 1 < argc && (argv[before][0] != '-' || !argv[before][1]))
				before++;
			say_unknown(line, argv[before], why, why_size);
			return COMMAND_LINE_WRONG;
		default:
			result = take(line, opaque, &line->rows[row - ROW_FIRST], why, why_size);
			if (result != COMMAND_LINE_RUN)
				return result;
		}
	}
}

void command_line_help_rows(const struct option_row *rows, size_t nr_rows, int column, FILE *out)
{
	for (size_t i = 0; i < nr_rows; i++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].argument ? "=" : "",
			 rows[i].argument ? rows[i].argument : "");
		fprintf(out, "  %-*s %s\n", column, left, rows[i].help);
	}
}

int command_line_answer(const struct command_line *line, enum command_line_result result,
			const char *why)
{
	switch (result) {
	case COMMAND_LINE_HELP:
		line->help(stdout);
		return EXIT_DONE;
	case COMMAND_LINE_VERSION:
		printf("%s (" PACKAGE_NAME ") " PACKAGE_VERSION "\n", line->program);
		return EXIT_DONE;
	case COMMAND_LINE_WRONG:
		fprintf(stderr, "%s: %s\n", line->program, why);
		return EXIT_USAGE;
	default: /* COMMAND_LINE_RUN */
		return -1;
	}
}

int command_line_number(const char *text, int base, uint64_t max, uint64_t *value)
{
	const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
	unsigned long long v;

	if (base == 16 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	if (!*text || text[strspn(text, digits)])
		return -EINVAL;
	errno = 0;
	v = strtoull(text, NULL, base);
	if (errno || v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

int command_line_take_u32(const char *name, const char *arg, uint32_t min, uint32_t max,
			  uint32_t *value, char *why, size_t why_size)
{
	uint64_t v;

	if (command_line_number(arg, 10, max, &v) || v < min) {
		snprintf(why, why_size, "--%s %s: give a number, %u to %u", name, arg, min, max);
		return -1;
	}
	*value = (uint32_t)v;
	return 0;
}

int command_line_take_directory(const char *name, const char *arg, const char **path, char *why,
				size_t why_size)
{
	if (arg[0] != '/') {
		snprintf(why, why_size, "--%s %s: give an absolute path", name, arg);
		return -1;
	}
	*path = arg;
	return 0;
}
