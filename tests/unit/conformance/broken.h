/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that echoes, each byte one larger, on two queues, and can be broken in one of many ways.
 *
 * What the library sees to is broken behind its back: in its state, in the rings, on the interrupt line.
 */
#ifndef UNIT_CONFORMANCE_BROKEN_H
#define UNIT_CONFORMANCE_BROKEN_H

#include "conformance/conformance.h"

enum fault {
	NO_FAULT,
	/* status, features, reset */
	SERVES_BEFORE_DRIVER_OK,
	HIDES_NEEDS_RESET,
	DOES_NOT_TELL_NEEDS_RESET,
	SERVES_AFTER_FAILED,
	TAKES_UNOFFERED,
	REFUSES_SUBSETS,
	REFUSES_THE_SECOND_TIME,
	KEEPS_STATUS,
	SERVES_AFTER_RESET,
	STOPS_AT_THE_THIRD_RESET,
	STARTS_WITH_A_STATUS,
	/* configuration */
	CONFIG_ONLY_LATE,
	CONFIG_BIG_ENDIAN,
	CONFIG_CHANGES_BY_ITSELF,
	CHANGES_WITHOUT_A_WORD,
	CHANGES_TOO_LOUD,
	/* queues */
	ONLY_LARGE_QUEUES,
	ONLY_QUEUES_ON_PAGES,
	SERVES_STOPPED_QUEUES,
	FORGETS_STOPPED_QUEUES,
	/* messages */
	TAKES_THE_FIRST_BUFFER,
	WRITES_READABLE,
	WRITES_BEYOND,
	WRITES_TABLE,
	NO_TABLES,
	NO_BUFFERS_BEFORE_TABLES,
	MINDS_FLAG_OF_TABLE,
	USES_TWICE,
	LEN_LIES,
	ANSWERS_TOO_EARLY,
	ENDS_AT_65536,
	/* notifications */
	NEVER_INTERRUPTS,
	ALWAYS_INTERRUPTS,
	MINDS_EVENT,
	MINDS_FLAGS,
	USED_FLAGS_2,
	USED_FLAGS_1,
	MINDS_SPURIOUS,
	ONE_A_KICK,
	/* registers */
	FORGETS_EVENTS,
	INVENTS_EVENTS,
	KEEPS_EVENTS,
	KEEPS_QUEUES,
	ANOTHER_ID,
	NO_SECOND_QUEUE,
	/* a driver that means harm, failures, restart */
	ENDS_FOR_A_GUEST,
	COUNTS_NOTHING,
	HIDES_FAILURES,
	LEAVES_A_MAPPING,
	ZEROES_ITS_STATE,
	KEEPS_NO_STATE,
	WAITS_FOR_A_KICK,
	TELLS_NOBODY,
	FAULTS,
};

/** broken_device() - one with @fault; there is one at a time */
struct conformance_device broken_device(enum fault fault);

#endif /* UNIT_CONFORMANCE_BROKEN_H */
