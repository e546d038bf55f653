// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See metrics-bench.h. The grammar is that of the text format 0.0.4, read strictly.
 */
#include "unit/rigs/metrics-bench.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SAMPLES_MAX 256

char metrics_bench_path[128];

static struct sample samples[SAMPLES_MAX];
static size_t nr_samples;

/* name="value" with escapes; Return: what follows it. */
static const char *parse_label(const char *at)
{
	size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz_");

	assert_true(len > 0);
	at += len;
	assert_memory_equal(at, "=\"", 2);
	for (at += 2; *at != '"'; at++) {
		assert_true(*at && *at != '\n');
		if (*at == '\\') {
			at++;
			assert_true(*at == '\\' || *at == '"' || *at == 'n');
		}
	}
	return at + 1;
}

/* What "promtool check metrics" complains of in a name: no scraper would, but users have that tool. */
static void assert_well_named(const char *family)
{
	static const char *const bad[] = {
		/* the type's name, abbreviated units, units that are not base units */
		"gauge", "counter", "summary", "histogram", "s", "ms", "us", "ns", "sec", "b", "kb", "mb",
		"gb", "tb", "m", "h", "d", "milliseconds", "microseconds", "nanoseconds", "minutes",
		"hours", "days", "kilobytes", "megabytes", "kibibytes", "mebibytes", "bits",
		/* of histograms and summaries only, where last; nowhere here */
		"bucket", "count", "sum",
	};
	char words[96];

	assert_int_equal(strspn(family, "abcdefghijklmnopqrstuvwxyz_"), strlen(family));
	snprintf(words, sizeof(words), "%s", family);
	for (char *save, *word = strtok_r(words, "_", &save); word; word = strtok_r(NULL, "_", &save)) {
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			assert_string_not_equal(word, bad[i]);
	}
}

static void parse_sample(const char *line, const char *family)
{
	struct sample *s = &samples[nr_samples++];
	const char *brace = strchr(line, '{'), *at;
	char *end;

	assert_true(nr_samples < SAMPLES_MAX);
	if (!brace) {
		/* of no device */
		assert_int_equal(sscanf(line, "%95s %lf", s->family, &s->value), 2);
		assert_string_equal(s->family, family);
		s->labels[0] = '\0';
		return;
	}
	snprintf(s->family, sizeof(s->family), "%.*s", (int)(brace - line), line);
	assert_string_equal(s->family, family);
	for (at = parse_label(brace + 1); *at == ','; at = parse_label(at + 1))
		;
	assert_memory_equal(at, "} ", 2);
	snprintf(s->labels, sizeof(s->labels), "%.*s", (int)(at - brace - 1), brace + 1);
	s->value = strtod(at + 2, &end);
	assert_true(end > at + 2 && *end == '\0');
	for (size_t i = 0; i + 1 < nr_samples; i++)
		assert_false(strcmp(samples[i].family, s->family) == 0 &&
			     strcmp(samples[i].labels, s->labels) == 0);
}

void scrape(char *text)
{
	char family[96] = "", type[16] = "", seen[64][96];
	size_t nr_seen = 0, len = strlen(text);

	nr_samples = 0;
	assert_true(len && text[len - 1] == '\n');
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char name[96];

		if (sscanf(line, "# HELP %95s ", name) == 1) {
			for (size_t i = 0; i < nr_seen; i++)
				assert_string_not_equal(seen[i], name);
			assert_true(nr_seen < 64);
			strcpy(seen[nr_seen++], name);
			strcpy(family, name);
			assert_well_named(family);
			/* and a help text */
			assert_true(strlen(line) > strlen("# HELP  ") + strlen(name));
			type[0] = '\0';
		} else if (line[0] == '#') {
			assert_int_equal(sscanf(line, "# TYPE %95s %15s", name, type), 2);
			assert_string_equal(name, family);
			assert_true(strcmp(type, "gauge") == 0 || strcmp(type, "counter") == 0);
			assert_int_equal(strcmp(type, "counter") == 0,
					 strcmp(family + strlen(family) - 6, "_total") == 0);
		} else {
			assert_true(type[0]);
			parse_sample(line, family);
		}
	}
}

size_t scraped_samples(void)
{
	return nr_samples;
}

const struct sample *scraped_find(const char *family, const char *label)
{
	for (size_t i = 0; i < nr_samples; i++) {
		if (strcmp(samples[i].family + strlen(METRICS_PREFIX), family) == 0 &&
		    strstr(samples[i].labels, label))
			return &samples[i];
	}
	return NULL;
}

void scraped_is(const char *family, const char *label, double value)
{
	const struct sample *s = scraped_find(family, label);

	assert_non_null(s);
	assert_true(s->value == value);
}

/* All that comes until the other side closes; to be freed. */
static char *read_all(struct control_bench *b, int fd)
{
	size_t used = 0, size = 65536;
	char *text = malloc(size);

	assert_non_null(text);
	for (int waited = 0; waited < 60000;) {
		ssize_t got = recv(fd, text + used, size - used - 1, 0);

		if (got == 0)
			break;
		if (got < 0) {
			assert_int_equal(errno, EAGAIN);
			control_bench_wait(b, 1);
			waited++;
			continue;
		}
		used += (size_t)got;
		assert_true(used < size - 1);
	}
	text[used] = '\0';
	return text;
}

void metrics_bench_address(struct control_bench *b, struct metrics_address *a)
{
	const char *why;
	char text[160];

	snprintf(metrics_bench_path, sizeof(metrics_bench_path), "%s/metrics.sock", b->dir);
	snprintf(text, sizeof(text), "unix:%s", metrics_bench_path);
	assert_int_equal(metrics_address_parse(text, a, &why), 0);
}

char *metrics_bench_ask(struct control_bench *b, const char *request)
{
	int fd = client_connect(metrics_bench_path);
	char *text;

	assert_true(fd >= 0);
	client_send(fd, request);
	text = read_all(b, fd);
	close(fd);
	return text;
}
