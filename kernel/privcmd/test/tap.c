// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counts of tap.h, for all sources of a program.
 */
#include "tap.h"

unsigned int tap_run, tap_failed;
