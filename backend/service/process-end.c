// SPDX-License-Identifier: GPL-2.0-or-later
/* How a process ended, in words. */
#include "config.h"

#include "backend/service/launcher.h"

#include <stdio.h>
#include <string.h>

void process_end_text(const struct process_end *end, char text[PROCESS_END_TEXT_MAX])
{
	if (!end->known)
		snprintf(text, PROCESS_END_TEXT_MAX, "ended");
	else if (end->signalled)
		snprintf(text, PROCESS_END_TEXT_MAX, "died of signal %d (%s)", end->value, strsignal(end->value));
	else
		snprintf(text, PROCESS_END_TEXT_MAX, "ended with exit code %d", end->value);
}
