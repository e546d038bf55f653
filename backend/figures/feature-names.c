// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of feature bits, see feature-names.h: those of every device (virtio 1.2, section 6).
 */
#include "backend/figures/feature-names.h"

#include <stdio.h>
#include <string.h>

static const char *common_name(unsigned int bit)
{
	static const char *const names[] = {
		[28] = "indirect-desc",	 [29] = "event-idx",	    [32] = "version-1",
		[33] = "access-platform", [34] = "ring-packed",	    [35] = "in-order",
		[36] = "order-platform", [37] = "sr-iov",	    [38] = "notification-data",
		[39] = "notif-config-data", [40] = "ring-reset",
	};

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}

void feature_names(char *text, size_t size, uint64_t features,
		   const char *(*name)(const void *opaque, unsigned int bit), const void *opaque)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int bit = 0; bit < 64; bit++) {
		const char *word = NULL;
		char number[16];

		if (!(features >> bit & 1))
			continue;
		word = name ? name(opaque, bit) : NULL;
		if (!word)
			word = common_name(bit);
		if (!word) {
			snprintf(number, sizeof(number), "bit-%u", bit);
			word = number;
		}
		if (used + strlen(word) + 2 > size)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "", word);
	}
}
