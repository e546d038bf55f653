/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the encoders use of the kernel's KUnit, in user space: a program with a suite, which prints TAP. A test ends
 * at its first assertion that does not hold. What it allocated stays then.
 *
 * Knows nothing of what is tested. In a kernel its place is <kunit/test.h>'s.
 */
#ifndef TEST_KUNIT_TEST_H
#define TEST_KUNIT_TEST_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

typedef __u64 u64;
typedef __u32 u32;

struct kunit {
	jmp_buf end;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);
	const struct kunit_case *test_cases; /* to one without a function */
};

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define GFP_KERNEL		0
#define kunit_kmalloc(test, bytes, flags) ((void)(test), (void)(flags), malloc(bytes))
#define kunit_kfree(test, at)	((void)(test), free(at))
#define KUNIT_CASE(function)	{ .run_case = (function), .name = #function }

#define KUNIT_ASSERT_TRUE(test, condition)                                              \
	do {                                                                            \
		if (!(condition)) {                                                     \
			printf("# %s:%d: not: %s\n", __FILE__, __LINE__, #condition);   \
			longjmp((test)->end, 1);                                        \
		}                                                                       \
	} while (0)
#define KUNIT_ASSERT_NOT_NULL(test, pointer) KUNIT_ASSERT_TRUE(test, (pointer) != NULL)
#define KUNIT_ASSERT_EQ(test, left, right)                                              \
	do {                                                                            \
		u64 kunit_left = (u64)(left), kunit_right = (u64)(right);               \
		if (kunit_left != kunit_right)                                          \
			printf("# %#llx is not %#llx\n", kunit_left, kunit_right);      \
		KUNIT_ASSERT_TRUE(test, kunit_left == kunit_right);                        \
	} while (0)

static inline bool kunit_run_case(const struct kunit_suite *suite, const struct kunit_case *one)
{
	struct kunit test;

	if (setjmp(test.end))
		return false;
	if (suite->init(&test))
		return false;
	one->run_case(&test);
	return true;
}

static inline int kunit_run(const struct kunit_suite *suite)
{
	const struct kunit_case *one;
	unsigned int nr = 0;
	int status = 0;

	for (one = suite->test_cases; one->run_case; one++)
		nr++;
	printf("1..%u\n", nr);
	for (one = suite->test_cases, nr = 1; one->run_case; one++, nr++) {
		bool good = kunit_run_case(suite, one);

		printf("%sok %u - %s: %s\n", good ? "" : "not ", nr, suite->name, one->name);
		fflush(stdout);
		if (!good)
			status = 1;
	}
	return status;
}

#define kunit_test_suite(suite)           \
	int main(void)                    \
	{                                 \
		return kunit_run(&(suite)); \
	}                                 \
	struct kunit /* takes the semicolon */

#define MODULE_DESCRIPTION(text)	struct kunit
#define MODULE_LICENSE(text)		struct kunit

#endif /* TEST_KUNIT_TEST_H */
