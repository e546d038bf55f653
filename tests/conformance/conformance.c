// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See conformance.h: the clauses in their order, which are wanted, and telling what came of them.
 */
#include "conformance/conformance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conformance/clauses.h"

static const struct clause *const tables[] = {
	clauses_status, clauses_config, clauses_queue, clauses_framing, clauses_used, clauses_notify, clauses_mmio,
};
static const struct clause *const lives[] = {clauses_failures, clauses_restart};

struct run {
	const struct conformance_device *cd; /* NULL: only tell */
	const struct conformance_report *report;
	unsigned int number;
	unsigned int not_ok;
	bool counts; /* only count */
};

static bool is_wanted(const struct run *run, const char *number)
{
	const char *only = run->report ? run->report->only : NULL;
	size_t len;

	if (!only)
		return true;
	len = strlen(only);
	return strncmp(number, only, len) == 0 && (!number[len] || number[len] == '.');
}

/* Any text in one line, without what TAP would take for a directive. */
static void print_text(const char *text)
{
	for (; *text; text++)
		putchar(*text == '\n' || *text == '#' ? ' ' : *text);
}

static void print_tap(const struct conformance_result *result)
{
	printf("%s %u - %s: ", result->verdict == CONFORMANCE_NOT_OK ? "not ok" : "ok", result->number, result->clause);
	print_text(result->says);
	if (result->verdict == CONFORMANCE_SKIPPED) {
		printf(" # SKIP ");
		print_text(result->why);
	}
	putchar('\n');
	if (result->verdict != CONFORMANCE_SKIPPED && *result->why) {
		printf("# ");
		print_text(result->why);
		putchar('\n');
	}
	fflush(stdout);
}

static void tell(struct run *run, const struct clause *clause, enum conformance_verdict verdict, const char *why)
{
	const struct conformance_result result = {run->number, clause->number, clause->says, verdict, why};

	run->not_ok += verdict == CONFORMANCE_NOT_OK;
	if (run->report && run->report->result)
		run->report->result(run->report->opaque, &result);
	else
		print_tap(&result);
}

static int run_in(struct world *w, const struct clause *clause)
{
	int ret = 0;

	if (!(clause->needs & NEEDS_NO_PROCESS))
		ret = world_check(w, world_start(w), "beginning");
	if (!ret)
		ret = clause->scenario ? clauses_run_scenario(w, clause->scenario) : clause->run(w);
	if (ret || !(clause->needs & JUDGES_LEFT))
		return ret;
	ret = world_check(w, world_close(w), "closing");
	return ret ? ret : world_left(w);
}

static void run_clause(struct run *run, const struct clause *clause)
{
	const struct fake_config config = {.held_irqs = clause->needs & NEEDS_HELD_LINE};
	struct world w;
	int ret;

	if (!is_wanted(run, clause->number))
		return;
	run->number++;
	if (run->counts)
		return;
	if (!run->cd) {
		tell(run, clause, CONFORMANCE_SKIPPED, "it is only listed");
		return;
	}
	if (clause->needs & NEEDS_OWN_RINGS && run->cd->flags & CONFORMANCE_RINGS_ELSEWHERE) {
		tell(run, clause, CONFORMANCE_SKIPPED, "somebody else serves the rings");
		return;
	}
	ret = world_begin(&w, run->cd, &config, clause->needs & NEEDS_HOLE);
	if (ret) {
		tell(run, clause, CONFORMANCE_NOT_OK, "there is no memory for a machine");
		return;
	}
	w.stride = run->report && run->report->stride ? run->report->stride : 1;
	ret = run_in(&w, clause);
	if (ret < 0 && !w.why[0])
		world_check(&w, ret, "the clause");
	tell(run, clause, ret < 0 ? CONFORMANCE_NOT_OK : ret ? CONFORMANCE_SKIPPED : CONFORMANCE_OK, ret ? w.why : w.note);
	world_end(&w);
}

static void run_table(struct run *run, const struct clause *table)
{
	for (; table->number; table++)
		run_clause(run, table);
}

static void run_all(struct run *run)
{
	struct clause hostile;

	run->number = 0;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		run_table(run, tables[i]);
	for (unsigned int i = 0; clauses_hostile(i, &hostile); i++)
		run_clause(run, &hostile);
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
		run_table(run, lives[i]);
}

static unsigned int count(const struct conformance_report *report)
{
	struct run run = {.report = report, .counts = true};

	run_all(&run);
	return run.number;
}

static bool is_sound(const struct conformance_device *cd)
{
	return cd->version == CONFORMANCE_VERSION && cd->name && cd->make && cd->free && cd->fill && cd->check && cd->nr_queues &&
	       cd->nr_queues <= DRIVER_QUEUES_MAX && cd->nr_messages && cd->config_bytes <= XENVIRTIO_CONFIG_MAX;
}

int conformance_run(const struct conformance_device *cd, const struct conformance_report *report)
{
	struct run run = {.cd = cd, .report = report};

	if (!is_sound(cd))
		return -EINVAL;
	if (!count(report))
		return -ENOENT;
	if (!report || !report->result)
		printf("1..%u\n", count(report));
	run_all(&run);
	return (int)run.not_ok;
}

int conformance_list(const struct conformance_report *report)
{
	struct run run = {.report = report};

	run_all(&run);
	return (int)run.number;
}
