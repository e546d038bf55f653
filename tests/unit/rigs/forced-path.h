/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FAKE_NOTIFY_PATH in the environment: the notification path of devices whose test asks for none.
 */
#ifndef FORCED_PATH_H
#define FORCED_PATH_H

#include <stdlib.h>

#include <xenvirtio/notify-path.h>

static inline enum xenvirtio_notify_path forced_path(enum xenvirtio_notify_path wanted)
{
	const char *name = getenv("FAKE_NOTIFY_PATH");

	if (wanted == XENVIRTIO_NOTIFY_AUTO && name)
		xenvirtio_notify_path_parse(name, &wanted);
	return wanted;
}

#endif /* FORCED_PATH_H */
