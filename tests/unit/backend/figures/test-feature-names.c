// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of feature bits: each bit has one, whoever it belongs to, and none is cut in two.
 */
#include "backend/figures/feature-names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *own_name(const void *opaque, unsigned int bit)
{
	return bit == 5 ? opaque : NULL;
}

static void each_bit_has_a_name(void **state)
{
	const uint64_t bits = UINT64_C(1) << 5 | UINT64_C(1) << 28 | UINT64_C(1) << 31 |
			      UINT64_C(1) << 32 | UINT64_C(1) << 63;
	char text[128];

	feature_names(text, sizeof(text), bits, own_name, "five");
	assert_string_equal(text, "five indirect-desc bit-31 version-1 bit-63");
	feature_names(text, sizeof(text), bits, NULL, NULL);
	assert_string_equal(text, "bit-5 indirect-desc bit-31 version-1 bit-63");
	feature_names(text, sizeof(text), 0, own_name, "five");
	assert_string_equal(text, "");
}

/* A guest may have accepted whatever was offered; the text has its size all the same. */
static void what_does_not_fit_is_left_out(void **state)
{
	char text[24];

	for (size_t size = 1; size <= sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		feature_names(text, size, UINT64_MAX, own_name, "five");
		assert_in_range(strlen(text), 0, size - 1);
		/* "bit-0" is the first to fit */
		if (size > strlen("bit-0 "))
			assert_memory_equal(text, "bit-0", 5);
	}
	feature_names(text, sizeof(text), UINT64_MAX, own_name, "five");
	assert_string_equal(text, "bit-0 bit-1 bit-2 bit-3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bit_has_a_name),
		cmocka_unit_test(what_does_not_fit_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
