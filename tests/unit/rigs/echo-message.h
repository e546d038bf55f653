/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to a device for tests that answers each byte plus one: what the conformance suite is told of such a device. On each
 * queue one, with other bytes each time.
 */
#ifndef ECHO_MESSAGE_H
#define ECHO_MESSAGE_H

#include "conformance/conformance.h"

/** echo_fill, echo_check - hooks of struct conformance_device */
int echo_fill(void *opaque, struct driver *d, unsigned int step, struct conformance_message *m);
int echo_check(void *opaque, unsigned int step, const struct conformance_message *m, uint32_t used_bytes);

#endif /* ECHO_MESSAGE_H */
