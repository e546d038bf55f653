# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.1
#
# The same with Debian 12's own kernel.

start_guest g 256
is "$(guest_run g 'uname -r' | cut -d. -f1,2)" 6.1 "the guest runs Linux 6.1"
before=$(xen_pages "$domid")
set_target "$domid" 131072
check "inflates" wait_pages "$domid" $((before - 32768))
check "the daemon publishes it" wait_ballooned "$domid" 131072 5
check "statistics come" wait_for '[ -n "$(xs "$domid" stats/free-memory)" ]' 30
set_target "$domid" 262144
check "deflates" wait_pages "$domid" "$before"
check "nothing is ballooned at the end" wait_ballooned "$domid" 0 5
check "the guest can use it" guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=160 2>/dev/null && rm /tmp/fill'
