# SPDX-License-Identifier: GPL-2.0-or-later
# mode: smp
# guest: 6.12
# timeout: 900
#
# A guest with two vcpus on two physical ones, both busy with memory, inflates and deflates three times, exactly.
# Real time, so the waits are long: a busy machine may take minutes.

start_guest g 384 2
is "$(guest_run g 'grep -c ^processor /proc/cpuinfo')" 2 "the guest has two vcpus"
before=$(xen_pages "$domid")
guest_run g 'for i in 1 2; do (while true; do dd if=/dev/zero of=/tmp/busy.$i bs=64k count=160 2>/dev/null; rm /tmp/busy.$i; done) >/dev/null 2>&1 & done'
for round in 1 2 3; do
	set_target "$domid" 262144
	check "round $round: 128 MiB given back" wait_pages "$domid" $((before - 32768)) 240
	set_target "$domid" 393216
	check "round $round: and taken again" wait_pages "$domid" "$before" 240
done
check "nothing is ballooned at the end" wait_ballooned "$domid" 0 5
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|synchronous external abort")"'
