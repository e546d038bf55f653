/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command lines of all programs have in common: a table of options gives the parser and
 * --help, and the same mistake gets the same answer everywhere. Only long options; every program
 * has --version and --help, also as -V and -h. Parsing has no side effect and prints nothing. What
 * an option means is its program's business.
 */
#ifndef BACKEND_COMMAND_LINE_H
#define BACKEND_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define COMMAND_LINE_ROWS_MAX 40

enum command_line_result {
	COMMAND_LINE_RUN,
	COMMAND_LINE_HELP,
	COMMAND_LINE_VERSION,
	COMMAND_LINE_WRONG,
};

/** struct option_row - one option, whole: its name, its help, and what it does */
struct option_row {
	const char *name;
	const char *argument; /* NULL: it takes none */
	const char *help;
	/**
	 * take() - the option was given; NULL: @flag or @result says what then
	 * @arg: NULL where the option takes none
	 * Return: 0, or -1 with @why filled in
	 */
	int (*take)(void *opaque, const char *arg, char *why, size_t why_size);
	/** without take(): where in @opaque the bool is that becomes true */
	size_t flag;
	/** the program's own, for seen() */
	unsigned int mark;
	/** other than COMMAND_LINE_RUN: that is the answer, whatever else the line says */
	enum command_line_result result;
};

/** the last rows of each table */
#define COMMAND_LINE_COMMON_ROWS                                                                   \
	{.name = "version", .help = "print the version and exit", .result = COMMAND_LINE_VERSION}, \
	{                                                                                          \
		.name = "help", .help = "print this and exit", .result = COMMAND_LINE_HELP         \
	}

/** struct command_line - one program's; constant */
struct command_line {
	const char *program;
	/** at most COMMAND_LINE_ROWS_MAX */
	const struct option_row *rows;
	size_t nr_rows;
	/** what --help prints */
	void (*help)(FILE *out);
	/** words that are no options are allowed, and may stand anywhere among the options */
	bool words;
	/** what to say of a "-5", which is meant as a word; NULL: that the option is unknown */
	const char *negative;
	/** seen() - an option was given, before it is taken; NULL: nobody wants to know */
	void (*seen)(void *opaque, const struct option_row *row);
	/**
	 * finish() - all options are taken: the words, and what all of it says together
	 * Return: 0, or -1 with @why filled in
	 */
	int (*finish)(void *opaque, int nr_words, char **words, char *why, size_t why_size);
};

/**
 * command_line_parse()
 * @opaque: for take(), seen() and finish(); the flags are in it
 * @why:    out; for COMMAND_LINE_WRONG one line that says what is wrong and what to do
 */
enum command_line_result command_line_parse(const struct command_line *line, void *opaque, int argc,
					    char **argv, char *why, size_t why_size);

/** command_line_help_rows() - the options, their help @column characters from the left */
void command_line_help_rows(const struct option_row *rows, size_t nr_rows, int column, FILE *out);

/**
 * command_line_answer() - to --help, --version and mistakes
 * Return: what the program exits with: 0, or 2 for a wrong one, which every program's manual page
 *         promises; -1 for COMMAND_LINE_RUN
 */
int command_line_answer(const struct command_line *line, enum command_line_result result,
			const char *why);

/**
 * command_line_number() - digits and nothing else: no sign, no blank; hexadecimal may have a 0x
 * @base: 10 or 16
 * Return: 0; -EINVAL; -ERANGE: it is above @max
 */
int command_line_number(const char *text, int base, uint64_t max, uint64_t *value);

/** command_line_take_u32() - a decimal number for --@name. Return: 0, or -1 with @why filled in */
int command_line_take_u32(const char *name, const char *arg, uint32_t min, uint32_t max,
			  uint32_t *value, char *why, size_t why_size);

/** command_line_take_directory() - an absolute path for --@name. Return: 0, or -1, @why filled in
 */
int command_line_take_directory(const char *name, const char *arg, const char **path, char *why,
				size_t why_size);

#endif /* BACKEND_COMMAND_LINE_H */
