// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads, from files: see tests/traces/README for what the words mean. Sizes there are in MiB, times in
 * seconds.
 */
#include "bench/policy/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool read_guest(struct sim_trace *t, const char *line)
{
	struct sim_load *l = &t->load[t->nr];
	uint64_t max, kernel, swap, has = 0, start = 0;

	if (t->nr == SIM_GUESTS_MAX ||
	    (sscanf(line,
		   "guest %31s max %" SCNu64 " kernel %" SCNu64 " swap %" SCNu64 " has %" SCNu64,
		   l->name, &max, &kernel, &swap, &has) != 5 &&
	     sscanf(line,
		    "guest %31s max %" SCNu64 " kernel %" SCNu64 " swap %" SCNu64
		    " start %" SCNu64,
		    l->name, &max, &kernel, &swap, &start) != 5))
		return false;
	l->max_kib = max * SIM_MIB;
	l->kernel_kib = kernel * SIM_MIB;
	l->swap_kib = swap * SIM_MIB;
	l->has_kib = has * SIM_MIB;
	l->start_ms = start * 1000;
	t->nr++;
	return max > kernel && has <= max;
}

static bool read_point(struct sim_trace *t, const char *line)
{
	struct sim_load *l = t->nr ? &t->load[t->nr - 1] : NULL;
	uint64_t at, anon, hot, file, stream;
	struct sim_point *p;

	if (!l || l->nr == SIM_POINTS_MAX ||
	    sscanf(line,
		   "at %" SCNu64 " anon %" SCNu64 " hot %" SCNu64 " file %" SCNu64 " stream %" SCNu64,
		   &at, &anon, &hot, &file, &stream) != 5)
		return false;
	p = &l->point[l->nr++];
	*p = (struct sim_point){at * 1000, anon * SIM_MIB, hot * SIM_MIB, file * SIM_MIB,
				stream * SIM_MIB};
	return hot <= anon && (l->nr == 1 ? !at : p->ms > p[-1].ms);
}

static bool read_line(struct sim_trace *t, const char *line)
{
	uint64_t n;

	if (line[0] == '#' || line[0] == '\n')
		return true;
	if (sscanf(line, "host %" SCNu64, &n) == 1)
		return (t->host_kib = n * SIM_MIB) != 0;
	if (sscanf(line, "length %" SCNu64, &n) == 1)
		return (t->length_ms = n * 1000) != 0;
	return strncmp(line, "guest ", 6) == 0 ? read_guest(t, line) : read_point(t, line);
}

int sim_trace_read(struct sim_trace *t, const char *path)
{
	const char *slash = strrchr(path, '/');
	char line[256];
	int nr = 0, bad = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		return -errno;
	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%.*s", (int)strcspn(slash ? slash + 1 : path, "."),
		 slash ? slash + 1 : path);
	while (!bad && fgets(line, sizeof(line), f)) {
		nr++;
		if (!read_line(t, line))
			bad = nr;
	}
	fclose(f);
	for (size_t i = 0; i < t->nr; i++) {
		if (!t->load[i].nr)
			bad = bad ? bad : nr;
	}
	return bad ? bad : t->host_kib && t->length_ms && t->nr ? 0 : nr;
}

static uint64_t between(uint64_t from, uint64_t to, uint64_t part, uint64_t whole)
{
	return from <= to ? from + (to - from) * part / whole : from - (from - to) * part / whole;
}

struct sim_point sim_load_at(const struct sim_load *load, uint64_t ms)
{
	const struct sim_point *p = load->point;
	uint64_t part, whole;
	size_t i = 1;

	while (i < load->nr && p[i].ms <= ms)
		i++;
	if (i == load->nr)
		return p[i - 1];
	part = ms - p[i - 1].ms;
	whole = p[i].ms - p[i - 1].ms;
	return (struct sim_point){
		.ms = ms,
		.anon_kib = between(p[i - 1].anon_kib, p[i].anon_kib, part, whole),
		.hot_kib = between(p[i - 1].hot_kib, p[i].hot_kib, part, whole),
		.file_kib = between(p[i - 1].file_kib, p[i].file_kib, part, whole),
		.stream_kib_s = between(p[i - 1].stream_kib_s, p[i].stream_kib_s, part, whole),
	};
}
