// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sizes: what xl takes is read as xl reads it, and nothing else is taken.
 */
#include "backend/base/size.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t parsed(const char *text)
{
	uint64_t kib = 12345;

	assert_int_equal(size_parse(text, &kib), 0);
	return kib;
}

static void sizes_are_read_as_xl_does(void **state)
{
	assert_int_equal(parsed("256"), 256 * 1024);
	assert_int_equal(parsed("256M"), 256 * 1024);
	assert_int_equal(parsed("256m"), 256 * 1024);
	assert_int_equal(parsed("1G"), 1024 * 1024);
	assert_int_equal(parsed("2t"), UINT64_C(2) << 30);
	assert_int_equal(parsed("262144K"), 262144);
	assert_int_equal(parsed("4096b"), 4);
	assert_int_equal(parsed("0"), 0);
	assert_int_equal(parsed("0000000000000000000000001k"), 1);
}

static void what_is_no_size_is_refused(void **state)
{
	static const char *const bad[] = {"",	 " 1",	 "1 ",	 "-1", "+1",  "0x10", "1.5G",
					  "12Q", "12MM", "12Mi", "K",  "1e3", "1\n",  "M256"};
	uint64_t kib = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(size_parse(bad[i], &kib), -EINVAL);
		assert_int_equal(size_parse_kib(bad[i], &kib), -EINVAL);
	}
	assert_int_equal(size_parse_kib("256M", &kib), -EINVAL);
	assert_int_equal(kib, 7);
}

static void what_does_not_fit_is_refused(void **state)
{
	uint64_t kib = 7;

	assert_int_equal(size_parse("18446744073709551616k", &kib), -ERANGE);
	assert_int_equal(size_parse("18446744073709551615", &kib), -ERANGE);
	assert_int_equal(size_parse("17179869184t", &kib), -ERANGE);
	assert_int_equal(size_parse_kib("99999999999999999999", &kib), -ERANGE);
	assert_int_equal(kib, 7);
	assert_int_equal(parsed("18446744073709551615k"), UINT64_MAX);
	assert_int_equal(size_parse_kib("18446744073709551615", &kib), 0);
	assert_int_equal(kib, UINT64_MAX);
}

static void printing_never_rounds(void **state)
{
	char text[SIZE_TEXT_MAX];

	assert_string_equal(size_format(262144, text), "256 MiB");
	assert_string_equal(size_format(262148, text), "262148 KiB");
	assert_string_equal(size_format(0, text), "0 MiB");
	assert_string_equal(size_format(UINT64_MAX, text), "18446744073709551615 KiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read_as_xl_does),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(printing_never_rounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
