# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# modules: ours
#
# A guest gets the number of one that is gone, whose daemon was killed: it is another guest. Nothing that was assigned for
# the old one, counted for it or kept about it is taken for the new one's. First the ioctls alone, then the daemon.

export CHOOSE_DOMID="env LD_PRELOAD=/xv/choose-domid.so"
kernel_tests eventfd-reuse

start_guest g 256
before=$(xen_pages "$domid")
set_target "$domid" 196608
check "64 MiB given back" wait_pages "$domid" $((before - 16384))
stop_daemon "$domid" KILL
check "killed, then its guest destroyed" xl destroy "$domid"
check "without a trace" wait_for '! xen-dominfo "$domid" >/dev/null 2>&1' 10

is "$(create_again h "$domid")" "$domid" "another guest has that number"
check "a daemon serves it" start_daemon "$domid"
is "$(xs "$domid" ballooned)" 0 "it has given nothing back"
unpause h
check "it boots" wait_guest h
before=$(xen_pages "$domid")
set_target "$domid" 229376
check "32 MiB given back" wait_pages "$domid" $((before - 8192))
set_target "$domid" 262144
check "and taken again" wait_pages "$domid" "$before"
check "exactly" wait_ballooned "$domid" 0 5
check "the guest is well" guest_run h 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"'
