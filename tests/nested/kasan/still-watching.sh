# SPDX-License-Identifier: GPL-2.0-or-later
# notify: own
#
# The last case of a boot: nothing before it has made the kernel stop watching, and no memory has been lost.

check "lockdep is still on" lockdep_is_on
leaks=$(kernel_leaks)
is "$leaks" "" "no memory is lost"
