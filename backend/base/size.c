// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sizes: strtoull() is too kind (signs, blanks, other bases, silent saturation), so digits are read
 * one by one.
 */
#include "backend/base/size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define KIB_PER_MIB 1024u

/* Leaves @end at the first character that is no digit. */
static int parse_digits(const char *text, const char **end, uint64_t *value)
{
	uint64_t v = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
			return -ERANGE;
	}
	*end = text;
	*value = v;
	return 0;
}

int size_parse(const char *text, uint64_t *kib)
{
	uint64_t factor = 1, divisor = 1, v;
	const char *end;
	int rc;

	rc = parse_digits(text, &end, &v);
	if (rc)
		return rc;
	switch (*end) {
	case 'b':
	case 'B':
		divisor = 1024;
		break;
	case 'k':
	case 'K':
		break;
	case '\0':
	case 'm':
	case 'M':
		factor = UINT64_C(1) << 10;
		break;
	case 'g':
	case 'G':
		factor = UINT64_C(1) << 20;
		break;
	case 't':
	case 'T':
		factor = UINT64_C(1) << 30;
		break;
	default:
		return -EINVAL;
	}
	if (*end && end[1])
		return -EINVAL;
	if (__builtin_mul_overflow(v / divisor, factor, &v))
		return -ERANGE;
	*kib = v;
	return 0;
}

int size_parse_kib(const char *text, uint64_t *kib)
{
	const char *end;
	uint64_t v;
	int rc;

	rc = parse_digits(text, &end, &v);
	if (rc)
		return rc;
	if (*end)
		return -EINVAL;
	*kib = v;
	return 0;
}

const char *size_format(uint64_t kib, char *text)
{
	if (kib % KIB_PER_MIB == 0)
		snprintf(text, SIZE_TEXT_MAX, "%" PRIu64 " MiB", kib / KIB_PER_MIB);
	else
		snprintf(text, SIZE_TEXT_MAX, "%" PRIu64 " KiB", kib);
	return text;
}
