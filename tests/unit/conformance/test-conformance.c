// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The suite finds what is wrong with a device, by the clause that says so: each of the ways in which broken.h can be broken. And it
 * finds nothing wrong with one that is well.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit/conformance/broken.h"
#include "unit/rigs/stride.h"

static unsigned int number, failures;

static void result(bool ok, const char *what, const char *more)
{
	printf("%s %u - %s%s%s\n", ok ? "ok" : "not ok", ++number, what, *more ? ": " : "", more);
	failures += !ok;
}

/* Each fault, and the clause that finds it: its number, and a part of what it says. */
static const struct {
	enum fault fault;
	const char *name;
	const char *clause;
	const char *says;
} cases[] = {
	{STARTS_WITH_A_STATUS, "a status before there is a driver", "2.1", "0 before a driver"},
	{SERVES_BEFORE_DRIVER_OK, "serves before DRIVER_OK", "2.1.2", "before DRIVER_OK"},
	{HIDES_NEEDS_RESET, "does not set NEEDS_RESET", "2.1.2", "sets DEVICE_NEEDS_RESET"},
	{DOES_NOT_TELL_NEEDS_RESET, "sets NEEDS_RESET and tells nobody", "2.1.2", "comes with a configuration"},
	{SERVES_AFTER_FAILED, "serves a driver that has given up", "2.1.1", "FAILED"},
	{TAKES_UNOFFERED, "takes features it has not offered", "2.2.2", "not offered"},
	{REFUSES_SUBSETS, "takes all features or none", "2.2.2", "subsets"},
	{REFUSES_THE_SECOND_TIME, "takes features once", "2.2.2", "negotiated once"},
	{KEEPS_STATUS, "a status after a reset", "2.4.1", "status is 0 after"},
	{SERVES_AFTER_RESET, "serves after a reset", "2.4.1", "no queue is touched"},
	{STOPS_AT_THE_THIRD_RESET, "serves no more after some resets", "3.1.1", "any number of times"},
	{CONFIG_ONLY_LATE, "configuration after FEATURES_OK only", "2.5.2", "before FEATURES_OK"},
	{CONFIG_BIG_ENDIAN, "configuration in big-endian", "2.5", "little-endian"},
	{CONFIG_CHANGES_BY_ITSELF, "configuration that is another each time", "2.5", "ConfigGeneration stays"},
	{CHANGES_WITHOUT_A_WORD, "another configuration of the same generation", "4.2.2.1", "ConfigGeneration changes"},
	{CHANGES_WITHOUT_A_WORD, "another configuration, and no interrupt", "3.2.1", "told by an interrupt"},
	{CHANGES_TOO_LOUD, "another configuration told before DRIVER_OK", "3.1.1", "before DRIVER_OK"},
	{ONLY_LARGE_QUEUES, "serves large queues only", "4.2.3.2", "every size"},
	{NO_SECOND_QUEUE, "has a queue less", "4.2.2", "each queue is a size"},
	{ONLY_QUEUES_ON_PAGES, "serves queues on pages only", "2.7", "aligned"},
	{SERVES_STOPPED_QUEUES, "serves queues that were stopped", "4.2.2.1", "QueueReady is 0 is not touched"},
	{FORGETS_STOPPED_QUEUES, "serves no queue that was stopped once", "4.2.2", "set up anew"},
	{TAKES_THE_FIRST_BUFFER, "takes the first buffer for the message", "2.7.4.1", "any length"},
	{TAKES_THE_FIRST_BUFFER, "the same in other places", "2.7.4.1", "anywhere"},
	{TAKES_THE_FIRST_BUFFER, "the same in other descriptors", "2.7.5", "any order"},
	{WRITES_READABLE, "writes to readable buffers", "2.7.5.1", "device-readable"},
	{WRITES_BEYOND, "writes beyond a buffer's end", "2.7.5.1", "beyond the end"},
	{WRITES_TABLE, "writes to the descriptor table", "2.7.5.1", "descriptor table"},
	{NO_TABLES, "takes no indirect tables", "2.7.5.3", "may be in an indirect table"},
	{NO_BUFFERS_BEFORE_TABLES, "takes nothing before a table", "2.7.5.3.2", "before one that refers"},
	{MINDS_FLAG_OF_TABLE, "minds the write flag of a table", "2.7.5.3.2", "is ignored"},
	{USES_TWICE, "uses chains twice", "2.7.8", "comes back once"},
	{LEN_LIES, "says it wrote what it did not", "2.7.8.2", "what len says"},
	{ANSWERS_TOO_EARLY, "answers before it has one", "2.7.8.2", "answered when"},
	{ENDS_AT_65536, "does not come round", "2.7.13.3", "wrap at 65536"},
	{ENDS_AT_65536, "nor with EVENT_IDX", "2.7.13.3", "VIRTIO_F_EVENT_IDX"},
	{NEVER_INTERRUPTS, "does not interrupt", "2.7.7.2", "without EVENT_IDX a used buffer is told"},
	{NEVER_INTERRUPTS, "nor with EVENT_IDX", "2.7.7.2", "with EVENT_IDX a used buffer is told"},
	{ALWAYS_INTERRUPTS, "interrupts whoever wants none", "2.7.7.2", "flags is 1"},
	{ALWAYS_INTERRUPTS, "interrupts at other indices", "2.7.7.2", "not elsewhere"},
	{MINDS_EVENT, "minds used_event", "2.7.7.2", "used_event is ignored"},
	{MINDS_FLAGS, "minds flags", "2.7.7.2", "flags of the available ring are ignored"},
	{USED_FLAGS_2, "flags of 2", "2.7.10.2", "0 or 1"},
	{USED_FLAGS_1, "flags of 1 with EVENT_IDX", "2.7.10.2", "used ring are 0"},
	{MINDS_SPURIOUS, "minds notifications of nothing", "2.7.10.2", "of nothing"},
	{ONE_A_KICK, "serves one chain a notification", "2.3", "one notification"},
	{ANOTHER_ID, "another device", "4.2.2", "DeviceID"},
	{FORGETS_EVENTS, "InterruptStatus forgets", "4.2.2.1", "until it is acknowledged"},
	{INVENTS_EVENTS, "InterruptStatus invents", "4.2.2.1", "has not happened"},
	{KEEPS_EVENTS, "InterruptStatus after a reset", "4.2.2.1", "clears InterruptStatus"},
	{KEEPS_QUEUES, "QueueReady after a reset", "4.2.2.1", "clears QueueReady"},
	{NEVER_INTERRUPTS, "a line that is never up", "4.2.3.4", "the line is up"},
	{ENDS_FOR_A_GUEST, "ends when a guest errs", "hostile", "head is 65535"},
	{COUNTS_NOTHING, "counts no errors", "hostile", "head is 65535"},
	{HIDES_FAILURES, "says nothing of failures", "failures", "EIO"},
	{HIDES_FAILURES, "the same for want of memory", "failures", "ENOMEM"},
	{HIDES_FAILURES, "the same of many", "failures", "all after it"},
	{LEAVES_A_MAPPING, "leaves a mapping behind", "failures", "leaves nothing behind"},
	{LEAVES_A_MAPPING, "the same when a call fails", "failures", "EIO"},
	{ZEROES_ITS_STATE, "begins its state anew", "restart", "are kept"},
	{ZEROES_ITS_STATE, "the same at an access", "restart", "before each"},
	{KEEPS_NO_STATE, "keeps its state to itself", "restart", "after each"},
	{KEEPS_NO_STATE, "the same at every access", "restart", "every register access"},
	{KEEPS_NO_STATE, "and what was under way", "restart", "comes back once"},
	{WAITS_FOR_A_KICK, "waits for a kick that is lost", "restart", "while there was no process"},
	{TELLS_NOBODY, "does not interrupt when it goes on", "restart", "interrupts the driver"},
};

struct search {
	const char *says;
	bool found;	/* the clause */
	bool not_ok;	/* and that it is not ok */
	char why[200];
};

static void look(void *opaque, const struct conformance_result *r)
{
	struct search *s = opaque;

	if (!strstr(r->says, s->says))
		return;
	s->found = true;
	s->not_ok |= r->verdict == CONFORMANCE_NOT_OK;
	if (r->verdict == CONFORMANCE_NOT_OK)
		snprintf(s->why, sizeof(s->why), "%s", r->why);
}

static void each_fault_is_found(void)
{
	bool tried[FAULTS] = {[NO_FAULT] = true};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct search s = {.says = cases[i].says};
		struct conformance_report report = {.only = cases[i].clause, .stride = stride(), .result = look, .opaque = &s};
		struct conformance_device cd = broken_device(cases[i].fault);
		int not_ok = conformance_run(&cd, &report);

		tried[cases[i].fault] = true;
		result(s.found && s.not_ok && not_ok > 0 && s.why[0], cases[i].name, s.why);
		if (!s.found)
			printf("# no clause %s says \"%s\"\n", cases[i].clause, cases[i].says);
	}
	for (unsigned int i = 0; i < FAULTS; i++)
		if (!tried[i])
			result(false, "a fault that is in no case", "");
}

static void print_bad(void *opaque, const struct conformance_result *r)
{
	unsigned int *nr = opaque;

	(*nr)++;
	if (r->verdict == CONFORMANCE_NOT_OK)
		printf("# %s: %s: %s\n", r->clause, r->says, r->why);
}

static void nothing_is_found_where_nothing_is(void)
{
	unsigned int nr = 0;
	const struct conformance_report report = {.stride = stride(), .result = print_bad, .opaque = &nr};
	struct conformance_device cd = broken_device(NO_FAULT);
	int not_ok = conformance_run(&cd, &report);

	result(!not_ok && nr > 100, "nothing is found of a device that is well", "");
}

static void what_is_asked_for_is_run(void)
{
	struct conformance_device cd = broken_device(NO_FAULT);
	struct conformance_report report = {.only = "2.7.5", .result = print_bad};
	unsigned int in_section = 0, listed = 0, all = 0;

	report.opaque = &in_section;
	result(!conformance_run(&cd, &report) && in_section > 5, "a section has those below it", "");
	report.opaque = &listed;
	result(conformance_list(&report) == (int)in_section && listed == in_section, "and they are listed", "");
	report.only = "2.7.5.1";
	report.opaque = &all;
	result(!conformance_run(&cd, &report) && all == 3, "one has no others", "");
	report.only = "2.7.5.";
	result(conformance_run(&cd, &report) == -ENOENT, "there is none of that name", "");
	report.only = "2.7.5.99";
	result(conformance_run(&cd, &report) == -ENOENT, "nor of that number", "");
}

static void what_cannot_be_is_refused(void)
{
	const struct conformance_report report = {.only = "2.1", .result = print_bad, .opaque = &(unsigned int){0}};
	const struct conformance_device sound = broken_device(NO_FAULT);
	struct conformance_device cd = sound;

	cd.version++;
	result(conformance_run(&cd, &report) == -EINVAL, "a device of another version", "");
	cd = sound;
	cd.check = NULL;
	result(conformance_run(&cd, &report) == -EINVAL, "a device without check()", "");
	cd = sound;
	cd.nr_queues = 6;
	result(conformance_run(&cd, &report) == -EINVAL, "more queues than the driver has", "");
	cd = sound;
	cd.nr_messages = 0;
	result(conformance_run(&cd, &report) == -EINVAL, "no messages", "");
}

/* --- excuses --- */

struct excused {
	const struct conformance_excuse *excuse;
	unsigned int nr, told, not_ok;
	const char *last;
	char why[400];
};

static void count_excused(void *opaque, const struct conformance_result *r)
{
	struct excused *e = opaque;

	e->last = r->clause;
	e->not_ok += r->verdict == CONFORMANCE_NOT_OK;
	if (r->verdict == CONFORMANCE_NOT_OK)
		snprintf(e->why, sizeof(e->why), "%s: %s: %s", r->clause, r->says, r->why);
	if (r->verdict != CONFORMANCE_EXCUSED)
		return;
	/* with the author's reason, and with what came of it */
	e->told += *r->why && r->recommended && r->excuse == e->excuse[e->nr].why;
	e->nr++;
}

/* What is recommended, and a device that does not do it: in nothing else is it found wanting, since others ask for it no more. */
static const struct {
	enum fault fault;
	uint64_t features; /* that it cannot be without */
	struct conformance_excuse excuse[3];
} recommended[] = {
	{HIDES_NEEDS_RESET, 0, {{"2.1.2", NULL, "its host resets it"}}},
	{REFUSES_SUBSETS, UINT64_C(1) << XENVIRTIO_F_EVENT_IDX, {{"2.2.2", "subsets", "it is of no use without"}}},
	{ALWAYS_INTERRUPTS, 0, {{"2.7.7.2", "flags is 1", "it does not look"}, {"2.7.7.2", "not elsewhere", "nor there"}}},
};

static void what_is_recommended_can_be_excused(void)
{
	for (size_t i = 0; i < sizeof(recommended) / sizeof(recommended[0]); i++) {
		const struct conformance_excuse *excuse = recommended[i].excuse;
		struct excused e = {.last = ""};
		struct conformance_report report = {.stride = stride() > 10 ? stride() : 10, .result = count_excused, .opaque = &e};
		struct conformance_device cd = broken_device(recommended[i].fault);
		int bare;

		cd.features |= recommended[i].features;
		bare = conformance_run(&cd, &report);
		result(bare > 0 && e.not_ok == (unsigned int)bare && !e.nr, "without an excuse it is not ok", e.why);
		e = (struct excused){.last = "", .excuse = excuse};
		cd.excuses = excuse;
		result(!conformance_run(&cd, &report) && e.nr == 1 + (excuse[1].clause != NULL) && e.told == e.nr, "with one it is excused", e.why);
	}
}

static void what_is_required_is_not_excused_with_it(void)
{
	const struct conformance_excuse once[] = {{"2.2.2", "negotiated once", "it serves once"}, {0}};
	struct excused e = {.last = "", .excuse = once};
	struct conformance_report report = {.stride = 50, .result = count_excused, .opaque = &e};
	struct conformance_device cd = broken_device(REFUSES_THE_SECOND_TIME);

	cd.excuses = once;
	result(conformance_run(&cd, &report) == (int)e.not_ok && e.not_ok > 0 && e.nr == 1, "what is required is not excused with it", e.why);
}

static void an_excuse_is_needed(void)
{
	const struct conformance_excuse vain[] = {{"2.2.2", "subsets", "I thought so"}, {0}};
	const struct conformance_excuse elsewhere[] = {{"2.7.7.2", "not elsewhere", "it does not look"}, {0}};
	struct excused e = {.last = "", .excuse = vain};
	struct conformance_report report = {.only = "2.2.2", .result = count_excused, .opaque = &e};
	struct conformance_device cd = broken_device(NO_FAULT);

	cd.excuses = vain;
	result(conformance_run(&cd, &report) == 1 && strstr(e.why, "take the excuse away") && strstr(e.why, "I thought so"),
	       "an excuse that nothing needs is wrong", e.why);
	/* what does not come to be tried is as it was */
	e = (struct excused){.last = "", .excuse = vain};
	report.only = "2.1";
	result(!conformance_run(&cd, &report) && !e.nr, "one of what is not asked for is no matter", e.why);
	e = (struct excused){.last = "", .excuse = elsewhere};
	report.only = "2.7.7.2";
	cd = broken_device(ALWAYS_INTERRUPTS);
	cd.excuses = elsewhere;
	result(conformance_run(&cd, &report) == 1 && e.nr == 1, "of two things one is excused, and the other is not", e.why);
}

static void refused(const char *name, const struct conformance_excuse *excuses, const char *text)
{
	struct conformance_device cd = broken_device(NO_FAULT);
	struct excused e = {.last = ""};
	const struct conformance_report report = {.only = "2.1", .result = count_excused, .opaque = &e};
	char why[300] = "";

	cd.excuses = excuses;
	result(conformance_check_excuses(&cd, why, sizeof(why)) == -EINVAL && strstr(why, text) &&
	       conformance_run(&cd, &report) == -EINVAL && !*e.last, name, why);
}

static void what_cannot_be_excused_is_refused(void)
{
	struct conformance_excuse e[3] = {{"2.4.1", "is 0 after", "no reason will do"}};

	refused("what is required", e, "is required (MUST)");
	e[0].says = NULL;
	refused("a section in which all is", e, "is required (MUST)");
	e[0] = (struct conformance_excuse){"2.2.2", "not offered", "it takes all"};
	refused("what is required beside what is not", e, "is required (MUST)");
	e[0] = (struct conformance_excuse){"failures", NULL, "it never fails"};
	refused("what is no clause of virtio", e, "is required (MUST)");
	e[0] = (struct conformance_excuse){"2.7.99", NULL, "it has none"};
	refused("a clause that is none", e, "there is no such clause");
	e[0] = (struct conformance_excuse){"2.2.2", "subsets of nothing", "it has none"};
	refused("a sentence that is none", e, "there is no such clause");
	e[0] = (struct conformance_excuse){"2.2", "subsets", "sections below it have their own"};
	refused("a section above", e, "there is no such clause");
	e[0] = (struct conformance_excuse){"2.2.2", NULL, "which of the two?"};
	refused("two at once", e, "could mean 2 clauses");
	e[0] = (struct conformance_excuse){"2.2.2", "accepted", "which of the two?"};
	refused("two by one part of a sentence", e, "could mean 2 clauses");
	e[0] = (struct conformance_excuse){"2.7.7.2", "with EVENT_IDX", "which?"};
	refused("one that could mean what is required", e, "could mean ");
	for (unsigned int i = 0; i < 3; i++) {
		e[0] = (struct conformance_excuse){"2.2.2", "subsets", i ? i > 1 ? " \n" : "" : NULL};
		refused("without a reason", e, "says no reason");
	}
	e[0] = (struct conformance_excuse){"2.2.2", "subsets", "twice"};
	e[1] = (struct conformance_excuse){"2.2.2", "what is offered", "twice"};
	refused("the same twice", e, "is excused twice");
	e[1] = (struct conformance_excuse){"2.1.2", "sets DEVICE_NEEDS_RESET", ""};
	refused("the second of two", e, "says no reason");
}

int main(void)
{
	nothing_is_found_where_nothing_is();
	what_is_asked_for_is_run();
	what_cannot_be_is_refused();
	each_fault_is_found();
	what_is_recommended_can_be_excused();
	what_is_required_is_not_excused_with_it();
	an_excuse_is_needed();
	what_cannot_be_excused_is_refused();
	printf("1..%u\n", number);
	return failures != 0;
}
