// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Places of devices on x86: no two of them, and none with what an HVM guest has anyway.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <xenvirtio/placement.h>
#include <xenvirtio/server.h>

#define PCI_HOLE_END UINT64_C(0xfc000000)
#define IOAPIC UINT64_C(0xfec00000)

static void every_place_is_one_devices(void **state)
{
	uint64_t gsis = 0;

	for (uint32_t i = 0; i < XENVIRTIO_X86_DEVICES_MAX; i++) {
		struct xenvirtio_gpa base;
		uint32_t irq, gsi;

		assert_int_equal(xenvirtio_placement_x86(i, &base, &irq), 0);
		assert_int_equal(base.v, XENVIRTIO_X86_BASE + i * XENVIRTIO_MMIO_BYTES);
		assert_true(base.v >= PCI_HOLE_END && base.v + XENVIRTIO_MMIO_BYTES <= IOAPIC);
		assert_int_equal(xenvirtio_placement_x86_gsi(irq, &gsi), 0);
		assert_in_range(gsi, 16, 47);
		assert_false(gsis >> gsi & 1);
		gsis |= UINT64_C(1) << gsi;
	}
	/* pin A of the slots that QEMU gives its own devices first */
	for (uint32_t slot = 0; slot < 8; slot++) {
		uint32_t gsi;

		assert_int_equal(
			xenvirtio_placement_x86_gsi(XENVIRTIO_X86_PCI_LINES + slot * 4, &gsi), 0);
		assert_false(gsis >> gsi & 1);
	}
}

static void there_are_eight(void **state)
{
	struct xenvirtio_gpa base;
	uint32_t irq;

	assert_int_equal(xenvirtio_placement_x86(XENVIRTIO_X86_DEVICES_MAX, &base, &irq), -ERANGE);
	assert_int_equal(xenvirtio_placement_x86(UINT32_MAX, &base, &irq), -ERANGE);
}

/* As hvm_pci_intx_gsi() of Xen, by examples. */
static void pins_are_swizzled_as_xen_does(void **state)
{
	static const struct {
		uint32_t slot, pin, gsi;
	} known[] = {
		{ 0, 0, 16 }, { 0, 3, 19 }, { 1, 0, 20 }, { 7, 3, 47 }, { 8, 0, 17 },
		{ 24, 0, 19 }, { 31, 0, 47 }, { 31, 1, 16 }, { 31, 3, 18 },
	};
	uint32_t gsi;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint32_t irq = XENVIRTIO_X86_PCI_LINES + known[i].slot * 4 + known[i].pin;

		assert_int_equal(xenvirtio_placement_x86_gsi(irq, &gsi), 0);
		assert_int_equal(gsi, known[i].gsi);
	}
	assert_int_equal(xenvirtio_placement_x86_gsi(XENVIRTIO_X86_LINES_MAX, &gsi), -EINVAL);
	assert_int_equal(xenvirtio_placement_x86_gsi(UINT32_MAX, &gsi), -EINVAL);
}

static void isa_lines_in_use_are_refused(void **state)
{
	static const bool usable[16] = {
		[3] = true, [4] = true, [5] = true, [6] = true, [7] = true,
		[10] = true, [11] = true, [12] = true, [14] = true, [15] = true,
	};

	for (uint32_t irq = 0; irq < 16; irq++) {
		uint32_t gsi = 99;

		assert_int_equal(xenvirtio_placement_x86_gsi(irq, &gsi), usable[irq] ? 0 : -EINVAL);
		assert_int_equal(gsi, usable[irq] ? irq : 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_place_is_one_devices),
		cmocka_unit_test(there_are_eight),
		cmocka_unit_test(pins_are_swizzled_as_xen_does),
		cmocka_unit_test(isa_lines_in_use_are_refused),
	};

	return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
