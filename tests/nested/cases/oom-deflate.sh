# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# A guest that runs out of memory takes pages back from the balloon instead of killing processes.

start_guest g 256
before=$(xen_pages "$domid")
set_target "$domid" 131072
check "128 MiB given back" wait_pages "$domid" $((before - 32768))
check "the guest uses 40 MiB more than it has left" \
	guest_run g 'dd if=/dev/zero of=/tmp/fill bs=1M count=110 2>/dev/null' 90
check "some of the balloon was taken back" [ "$(xen_pages "$domid")" -gt $((before - 32768)) ]
check "nothing was killed in the guest" guest_run g 'test -z "$(dmesg | grep -i "killed process")"'
ballooned=
settled='ballooned=$(xs "$domid" ballooned); [ $((before - ballooned / 4)) -eq "$(xen_pages "$domid")" ]'
check "Xen and the daemon agree to the page" wait_for "$settled" 5
diag "ballooned now: $(xs "$domid" ballooned) KiB"
guest_run g 'rm /tmp/fill'
set_target "$domid" 262144
check "every page is there at the end" wait_pages "$domid" "$before"
