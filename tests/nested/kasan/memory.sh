# SPDX-License-Identifier: GPL-2.0-or-later
# platform: arm64
# notify: own
# timeout: 200
#
# A guest's memory as a file descriptor: all there is to it, and 1,000 changes under three threads that look at it.

export MEMORY_CHANGES=1000
kernel_tests memory memory-stress
