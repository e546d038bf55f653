/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole of a daemon but its device type.
 */
#ifndef BACKEND_DAEMON_H
#define BACKEND_DAEMON_H

#include "backend/device/device-type.h"

/** daemon_main() - what main() does. Return: what it returns */
int daemon_main(const struct device_type *type, int argc, char **argv);

#endif /* BACKEND_DAEMON_H */
