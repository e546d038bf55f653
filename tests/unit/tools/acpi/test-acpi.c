// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xen-virtio-acpi: the table says what was asked for, read back by a decoder of its own that knows no
 * encoder; and a wrong command line is named. tests/unit/tools/acpi/test-acpi-iasl.sh compares with iasl's work.
 */
#include "tools/acpi/acpi-options.h"
#include "tests/unit/rigs/line-bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct acpi_options opts;
static char why[256];

static enum command_line_result parse(const char *line)
{
	/* opts points into them */
	static struct line_words words;

	line_words_split(&words, "xen-virtio-acpi", line);
	why[0] = '\0';
	return acpi_options_parse(&opts, words.argc, words.argv, why, sizeof(why));
}

/* --- a decoder of the part of AML there is in the table --- */

struct cursor {
	const uint8_t *at, *end;
};

static uint8_t take(struct cursor *c)
{
	assert_true(c->at < c->end);
	return *c->at++;
}

static uint32_t take_le(struct cursor *c, unsigned int bytes)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint32_t)take(c) << 8 * i;
	return value;
}

static void take_text(struct cursor *c, const char *text, size_t len)
{
	assert_true((size_t)(c->end - c->at) >= len);
	assert_memory_equal(c->at, text, len);
	c->at += len;
}

/* What is in the package that begins here; @c goes on behind it. */
static struct cursor take_package(struct cursor *c)
{
	const uint8_t *start = c->at;
	uint8_t lead = take(c);
	size_t length = lead >> 6 ? lead & 0xf : lead & 0x3f;
	struct cursor inside;

	for (int i = 0; i < lead >> 6; i++)
		length |= (size_t)take(c) << (4 + 8 * i);
	inside = (struct cursor){c->at, start + length};
	assert_true(inside.end <= c->end && inside.end >= inside.at);
	c->at = inside.end;
	return inside;
}

static uint32_t take_integer(struct cursor *c)
{
	uint8_t op = take(c);

	switch (op) {
	case 0:
	case 1:
		return op;
	case 0x0a:
		return take_le(c, 1);
	case 0x0b:
		return take_le(c, 2);
	default:
		assert_int_equal(op, 0x0c);
		return take_le(c, 4);
	}
}

static void read_resources(struct cursor *c, const struct ssdt_device *want)
{
	uint32_t bytes = take_integer(c);

	assert_int_equal(bytes, c->end - c->at);
	assert_int_equal(take(c), 0x86);
	assert_int_equal(take_le(c, 2), 9);
	assert_int_equal(take(c), 1);
	assert_int_equal(take_le(c, 4), want->base);
	assert_int_equal(take_le(c, 4), 0x200);
	assert_int_equal(take(c), 0x89);
	assert_int_equal(take_le(c, 2), 6);
	/* consumer, level, active high, shared */
	assert_int_equal(take(c), 0x09);
	assert_int_equal(take(c), 1);
	assert_int_equal(take_le(c, 4), want->gsi);
	assert_int_equal(take_le(c, 2), 0x79);
	assert_ptr_equal(c->at, c->end);
}

static void read_device(struct cursor *c, uint32_t number, const struct ssdt_device *want)
{
	struct cursor device, list;

	take_text(c, "\x5b\x82", 2);
	device = take_package(c);
	take_text(&device, "VIO", 3);
	assert_int_equal(take(&device), "0123456789ABCDEF"[number]);
	take_text(&device, "\x08_HID\x0dLNRO0005\0", 15);
	take_text(&device, "\x08_UID", 5);
	assert_int_equal(take_integer(&device), number);
	take_text(&device, "\x08_CRS\x11", 6);
	list = take_package(&device);
	read_resources(&list, want);
	assert_ptr_equal(device.at, device.end);
}

static void read_table(const struct aml *aml, const struct ssdt_device *want, size_t nr)
{
	struct cursor c = {aml->byte, aml->byte + aml->len}, scope;
	uint8_t sum = 0;

	assert_false(aml->full);
	for (size_t i = 0; i < aml->len; i++)
		sum = (uint8_t)(sum + aml->byte[i]);
	assert_int_equal(sum, 0);
	take_text(&c, "SSDT", 4);
	assert_int_equal(take_le(&c, 4), aml->len);
	c.at = aml->byte + SSDT_HEADER_BYTES;
	assert_int_equal(take(&c), 0x10);
	scope = take_package(&c);
	assert_ptr_equal(c.at, c.end);
	take_text(&scope, "\\_SB_", 5);
	for (size_t i = 0; i < nr; i++)
		read_device(&scope, (uint32_t)i, &want[i]);
	assert_ptr_equal(scope.at, scope.end);
}

static void the_table_says_what_was_asked_for(void **state)
{
	static const struct ssdt_device edge[] = {
		{0x200, 3}, {0xfffffe00, 47}, {0xfea00000, 7}, {1u << 31, 16},
	};
	struct ssdt_device many[SSDT_DEVICES_MAX];
	static struct aml aml;

	for (size_t nr = 1; nr <= 4; nr++) {
		ssdt_build(&aml, edge, nr);
		read_table(&aml, edge, nr);
	}
	for (size_t i = 0; i < SSDT_DEVICES_MAX; i++)
		many[i] = (struct ssdt_device){(uint32_t)(0xd0000000 + i * 0x200), (uint32_t)(16 + i)};
	for (size_t nr = 1; nr <= SSDT_DEVICES_MAX; nr++) {
		ssdt_build(&aml, many, nr);
		read_table(&aml, many, nr);
	}
}

/* Each form of a length: a byte less, the first of the next. */
static void lengths_have_every_form(void **state)
{
	static const size_t body[] = {0, 1, 62, 63, 4093, 4094};
	static char zeros[AML_BYTES_MAX];
	static struct aml aml;

	for (size_t i = 0; i < sizeof(body) / sizeof(body[0]); i++) {
		struct cursor c, inside;
		size_t start;

		aml = (struct aml){.len = 0};
		start = aml_open(&aml);
		aml_chars(&aml, zeros, body[i]);
		aml_close(&aml, start);
		assert_int_equal(aml.full, body[i] > 4093);
		if (aml.full)
			continue;
		c = (struct cursor){aml.byte, aml.byte + aml.len};
		inside = take_package(&c);
		assert_int_equal(inside.end - inside.at, body[i]);
		assert_ptr_equal(c.at, c.end);
	}
}

static void options_place_devices(void **state)
{
	assert_int_equal(parse(""), COMMAND_LINE_RUN);
	assert_int_equal(opts.nr_devices, 1);
	assert_int_equal(opts.device[0].base, 0xfea00000);
	assert_int_equal(opts.device[0].gsi, 47);
	assert_null(opts.output);
	assert_int_equal(parse("--devices=8 --output x"), COMMAND_LINE_RUN);
	assert_int_equal(opts.device[7].base, 0xfea00e00);
	assert_int_equal(opts.device[7].gsi, 19);
	assert_string_equal(opts.output, "x");
	assert_int_equal(parse("--devices 3 --base d0000000 --irq 7,143,16"), COMMAND_LINE_RUN);
	assert_int_equal(opts.device[2].base, 0xd0000400);
	assert_int_equal(opts.device[0].gsi, 7);
	assert_int_equal(opts.device[1].gsi, 18);
	assert_int_equal(opts.device[2].gsi, 16);
	assert_int_equal(parse("--devices 16 --irq 3,4,5,6,7,10,11,12,14,15,16,17,18,19,20,21"),
			 COMMAND_LINE_RUN);
	assert_int_equal(parse("--base 0xfffffe00"), COMMAND_LINE_RUN);
	assert_int_equal(parse("--help"), COMMAND_LINE_HELP);
	assert_int_equal(parse("--version"), COMMAND_LINE_VERSION);
}

static void a_wrong_line_is_named(void **state)
{
	static const struct wrong_line bad[] = {
		{"x", "x"},
		{"--bogus", "--bogus"},
		{"--output", "--output"},
		{"--output=", "--output"},
		{"--list=1", "--list=1"},
		{"--devices 0", "--devices 0"},
		{"--devices 17", "1 to 16"},
		{"--devices -1", "-1"},
		{"--devices 99999999999999999999", "--devices"},
		{"--devices 9", "give --irq as well"},
		{"--base 0", "--base"},
		{"--base 0x", "--base"},
		{"--base fea00100", "0x200"},
		{"--base 100000000", "4 GiB"},
		{"--devices 2 --base fffffe00", "2 device(s)"},
		{"--irq 2", "--irq 2"},
		{"--irq 144", "--irq 144"},
		{"--irq 7,", "--irq"},
		{"--irq ,7", "--irq"},
		{"--irq 7,8", "--irq 7,8"},
		{"--irq 7,6", "2 line(s) for 1 device(s)"},
		{"--devices 2 --irq 7", "1 line(s) for 2 device(s)"},
		{"--irq 3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3", "--irq"},
	};

	line_bench_expect_wrong(parse, why, bad, sizeof(bad) / sizeof(bad[0]));
}

static void help_and_manual_list_the_same(void **state)
{
	line_bench_documents(&acpi_command_line, "man/xen-virtio-acpi.8.scd", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_says_what_was_asked_for),
		cmocka_unit_test(lengths_have_every_form),
		cmocka_unit_test(options_place_devices),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(help_and_manual_list_the_same),
	};

	return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
