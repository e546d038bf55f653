#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cmocka-tap.sh PROGRAM WORD...: run a test, with its results as TAP means them. cmocka 1.1.5, Debian 12's, says "not ok"
# of a test that calls skip(), which automake takes for a failure whatever follows.

skipped='s/^not ok \([0-9][0-9]*\) # SKIP/ok \1 # SKIP/'

# the program's exit code goes past sed, by 3; its lines go by 4
exec 4>&1
code=$({ { "$@" 2>&1 3>&- 4>&-; echo $? >&3; } | sed "$skipped" >&4; } 3>&1)
exit "$code"
