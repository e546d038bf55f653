// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See conformance.h: the clauses in their order, which are wanted, and telling what came of them.
 */
#include "conformance/conformance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conformance/clauses.h"
#include "conformance/excuses.h"

static const struct clause *const tables[] = {
	clauses_status, clauses_config, clauses_queue, clauses_framing, clauses_used, clauses_notify, clauses_mmio,
};
static const struct clause *const lives[] = {clauses_failures, clauses_restart};

struct run {
	const struct conformance_device *cd; /* NULL: only tell */
	const struct conformance_report *report;
	unsigned int number;
	unsigned int not_ok;
	unsigned int excused; /* of those that were tried */
	unsigned int excuses; /* SHOULD_ of clauses.h */
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
	bool ok = result->verdict == CONFORMANCE_OK || result->verdict == CONFORMANCE_SKIPPED;

	printf("%s %u - %s: ", ok ? "ok" : "not ok", result->number, result->clause);
	print_text(result->says);
	if (result->verdict == CONFORMANCE_SKIPPED) {
		printf(" # SKIP ");
		print_text(result->why);
	}
	if (result->verdict == CONFORMANCE_EXCUSED) {
		printf(" # TODO excused: ");
		print_text(result->excuse);
	}
	putchar('\n');
	if (result->verdict != CONFORMANCE_SKIPPED && *result->why) {
		printf("# ");
		print_text(result->why);
		putchar('\n');
	}
	fflush(stdout);
}

static void tell(struct run *run, const struct clause *clause, enum conformance_verdict verdict, const char *why, const char *excuse)
{
	const struct conformance_result result = {
		.number = run->number,
		.clause = clause->number,
		.says = clause->says,
		.verdict = verdict,
		.why = why,
		.excuse = excuse,
		.recommended = clause->needs & RECOMMENDED,
	};

	run->not_ok += verdict == CONFORMANCE_NOT_OK;
	run->excused += verdict == CONFORMANCE_EXCUSED;
	if (run->report && run->report->result)
		run->report->result(run->report->opaque, &result);
	else
		print_tap(&result);
}

/* @ret: of the clause. An excuse that nothing needs would hide what breaks later. */
static void judge(struct run *run, const struct clause *clause, int ret, const struct world *w)
{
	const struct conformance_excuse *excuse = excuses_find(run->cd, clause);
	char why[300];

	if (ret > 0) {
		tell(run, clause, CONFORMANCE_SKIPPED, w->why, NULL);
	} else if (ret < 0) {
		tell(run, clause, excuse ? CONFORMANCE_EXCUSED : CONFORMANCE_NOT_OK, w->why, excuse ? excuse->why : NULL);
	} else if (excuse) {
		snprintf(why, sizeof(why), "the device does it, and is excused (%.200s): take the excuse away", excuse->why);
		tell(run, clause, CONFORMANCE_NOT_OK, why, NULL);
	} else {
		tell(run, clause, CONFORMANCE_OK, w->note, NULL);
	}
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

static void run_clause(void *opaque, const struct clause *clause)
{
	struct run *run = opaque;
	const struct fake_config config = {.held_irqs = clause->needs & NEEDS_HELD_LINE};
	struct world w;
	int ret;

	if (!is_wanted(run, clause->number))
		return;
	run->number++;
	if (run->counts)
		return;
	if (!run->cd) {
		tell(run, clause, CONFORMANCE_SKIPPED, "it is only listed", NULL);
		return;
	}
	if (clause->needs & NEEDS_OWN_RINGS && run->cd->flags & CONFORMANCE_RINGS_ELSEWHERE) {
		tell(run, clause, CONFORMANCE_SKIPPED, "somebody else serves the rings", NULL);
		return;
	}
	ret = world_begin(&w, run->cd, &config, clause->needs & NEEDS_HOLE);
	if (ret) {
		tell(run, clause, CONFORMANCE_NOT_OK, "there is no memory for a machine", NULL);
		return;
	}
	w.stride = run->report && run->report->stride ? run->report->stride : 1;
	w.excused = run->excuses;
	ret = run_in(&w, clause);
	if (ret < 0 && !w.why[0])
		world_check(&w, ret, "the clause");
	judge(run, clause, ret, &w);
	world_end(&w);
}

void clauses_each(void (*visit)(void *opaque, const struct clause *clause), void *opaque)
{
	struct clause hostile;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct clause *clause = tables[i]; clause->number; clause++)
			visit(opaque, clause);
	for (unsigned int i = 0; clauses_hostile(i, &hostile); i++)
		visit(opaque, &hostile);
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
		for (const struct clause *clause = lives[i]; clause->number; clause++)
			visit(opaque, clause);
}

static unsigned int count(const struct conformance_report *report)
{
	struct run run = {.report = report, .counts = true};

	clauses_each(run_clause, &run);
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
	bool tap = !report || !report->result;
	char why[300];

	if (!is_sound(cd) || conformance_check_excuses(cd, why, sizeof(why)))
		return -EINVAL;
	if (!count(report))
		return -ENOENT;
	run.excuses = excuses_all(cd);
	if (tap)
		printf("1..%u\n", count(report));
	clauses_each(run_clause, &run);
	if (tap && run.excused)
		printf("# excused: %u that virtio 1.2 recommends (SHOULD)\n", run.excused);
	return (int)run.not_ok;
}

int conformance_list(const struct conformance_report *report)
{
	struct run run = {.report = report};

	clauses_each(run_clause, &run);
	return (int)run.number;
}
