# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# notify: own
# modules: ours
# timeout: 400
#
# A guest's memory as a file descriptor of dom0's privcmd, by the program of kernel/privcmd/test: what the guest and a process
# write each other, holes, moved, split and shared mappings, frames that are released under a mapping, a maximum that is too
# small for two guests, and a guest that is destroyed while a process has its memory.

export MEMORY_CHANGES=300
kernel_tests memory memory-stress
