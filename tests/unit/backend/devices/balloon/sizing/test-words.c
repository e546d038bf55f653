// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Words that are remembered: what is a word, and in which order it is written. A process may be killed between any two stores: here
 * it is, as what it writes next is on a page that cannot be written to.
 */
#include "backend/devices/balloon/sizing/words.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static sigjmp_buf died;
static size_t page;
static unsigned char *pages;

static void on_fault(int signal)
{
	siglongjmp(died, 1);
}

static int setup(void **state)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(pages != MAP_FAILED);
	return 0;
}

static int teardown(void **state)
{
	return munmap(pages, 2 * page);
}

/* Its members from @offset on are on the second page. */
static struct words *place(size_t offset)
{
	struct words *w = (struct words *)(pages + page - offset);

	assert_int_equal(mprotect(pages, 2 * page, PROT_READ | PROT_WRITE), 0);
	memset(w, 0, sizeof(*w));
	return w;
}

/* words_note() until it writes to the second page, and dies of it. */
static void note_and_die(struct words *w, uint64_t kib, bool pinned)
{
	const struct sigaction act = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
	struct sigaction before;
	volatile bool alive = false;

	assert_int_equal(mprotect(pages + page, page, PROT_READ), 0);
	assert_int_equal(sigaction(SIGSEGV, &act, &before), 0);
	if (!sigsetjmp(died, 1)) {
		words_note(w, kib, pinned);
		alive = true;
	}
	assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
	assert_int_equal(mprotect(pages + page, page, PROT_READ | PROT_WRITE), 0);
	assert_false(alive);
}

/* A successor takes a size that nobody pinned for --auto's to change: one that somebody named is never in force as such. */
static void a_size_is_not_noted_before_its_pin(void **state)
{
	struct words *w = place(offsetof(struct words, kib));

	words_note(w, 1000, false);
	note_and_die(w, 2000, true);
	assert_int_equal(w->kib, 1000);
	assert_int_equal(w->pinned, 1);
	assert_true(words_known(w));
}

/* And what nobody had noted is not known before it is whole. */
static void half_a_note_is_none(void **state)
{
	struct words *w = place(offsetof(struct words, kib));

	note_and_die(w, 2000, true);
	assert_false(words_known(w));
	words_check(w);
	assert_int_equal(w->pinned, 0);
}

static void what_stood_there_is_no_news(void **state)
{
	struct words w = {0};

	assert_false(words_seen(&w, WORDS_NODE));
	assert_true(words_news(&w, WORDS_NODE, 0));
	words_see(&w, WORDS_NODE, 0);
	assert_true(words_seen(&w, WORDS_NODE));
	assert_false(words_news(&w, WORDS_NODE, 0));
	assert_true(words_news(&w, WORDS_NODE, 4));
	assert_true(words_news(&w, WORDS_LINE, 0));
	words_forget(&w, WORDS_NODE);
	assert_true(words_news(&w, WORDS_NODE, 0));
	words_see(&w, WORDS_NODE, UINT64_MAX);
	assert_true(words_news(&w, WORDS_NODE, UINT64_MAX));
}

static void what_is_damaged_says_nothing(void **state)
{
	struct words w = {0};

	words_note(&w, 4096, true);
	words_see(&w, WORDS_NODE, 4096);
	words_check(&w);
	assert_true(words_known(&w));
	w.pinned = 2;
	words_check(&w);
	assert_false(words_known(&w));
	assert_false(words_seen(&w, WORDS_NODE));
	words_note(&w, 4096, true);
	w.version++;
	words_check(&w);
	assert_int_equal(w.version, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_size_is_not_noted_before_its_pin, setup, teardown),
		cmocka_unit_test_setup_teardown(half_a_note_is_none, setup, teardown),
		cmocka_unit_test(what_stood_there_is_no_news),
		cmocka_unit_test(what_is_damaged_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
