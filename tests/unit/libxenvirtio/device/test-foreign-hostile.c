// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hostile scenarios against a device whose queues somebody else serves: registers and set-up are the library's as ever.
 * What is in the rings is not, and a ring whose memory goes away is for whoever serves it to notice.
 *
 * With an irqfd InterruptStatus says used buffers always, for the library hears of none of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/rigs/foreign-rig.h"

/* Whether the host takes interrupts, and leaves the registers to us. */
static bool has_irqfd(const struct foreign *f)
{
	const char *path = xenvirtio_server_path(f->rig.server);

	if (f->rig.hv->ops->irq_held(f->rig.hv))
		return false;
	return strcmp(path, "eventfd") == 0 || strcmp(path, "upstream") == 0;
}

static void run_scenario(void **state)
{
	struct hostile_scenario scenario = *(const struct hostile_scenario *)*state;
	struct foreign f;
	struct hostile h;

	if (strcmp(scenario.name, "ring page goes away") == 0) {
		scenario.expect = HOSTILE_IGNORED;
		scenario.counted = false;
	}
	assert_int_equal(foreign_rig_open(&f), 0);
	hostile_start(&h, &f.rig.bus.bus, &rig_target);
	if (strcmp(scenario.name, "InterruptACK of any bit") == 0 && has_irqfd(&f)) {
		assert_int_not_equal(hostile_run(&h, &scenario), 0);
		assert_string_equal(h.why, "InterruptStatus is 0x1 after all was acknowledged");
	} else if (hostile_run(&h, &scenario)) {
		fail_msg("%s: %s", scenario.name, h.why);
	}
	foreign_rig_fini(&f);
}

int main(void)
{
	static const struct hostile_scenario *const tables[] = { hostile_mmio, hostile_setup, hostile_hole };
	struct CMUnitTest tests[64] = { 0 };
	size_t nr = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct hostile_scenario *s = tables[i]; s->name; s++) {
			if (nr == sizeof(tests) / sizeof(tests[0]))
				return 1;
			tests[nr].name = s->name;
			tests[nr].test_func = run_scenario;
			tests[nr++].initial_state = (void *)(uintptr_t)s;
		}
	}
	return _cmocka_run_group_tests("foreign-hostile", tests, nr, NULL, NULL);
}
