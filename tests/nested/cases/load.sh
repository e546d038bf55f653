# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# guest-balloon: ours
# xen: patched
# timeout: 300
#
# Memory under load: the balloon goes up and down while a program in the guest fills, checks and frees memory, forces
# compaction each round, and now and then the guest is out of memory. Nothing the program wrote is lost, and Xen, the daemon
# and the target agree to the page each time. At the end the program is made to lose a page, which it must notice.
# `./lab check soak` does it 200 times. Sourced by load-stock too, for the kernel's own driver and the hypervisor as it is.

cycles=$(cat /xv/cycles 2>/dev/null || echo 3)
status=/tmp/status
whole_kib=131072

bad()
{
	failed="$failed
cycle $cycle: $*: Xen has $(xen_pages "$domid") of $before pages, published $(xs "$domid" ballooned) KiB, target $(xs "$domid" target) KiB"
}

# move KIB: to that size, waiting for the daemon's word; and then Xen must count exactly that. Nothing polls meanwhile.
move()
{
	xen-vballoonctl set "$domid" "$1K" --wait --timeout 120 >"$XV_LOGS/ctl.log" 2>&1 || bad "$(tail -n 1 "$XV_LOGS/ctl.log")"
	# compaction moves a page of the balloon by taking the new one first: one may be out for a moment
	wait_pages "$domid" $((before - (whole_kib - $1) / 4)) 10 || bad "$1 KiB, not exact"
	echo "cycle $cycle: $1 KiB at $(now_cs)"
}

# The guest was out of memory: it has taken some of the balloon back, and that is what is published.
took_back()
{
	[ "$(xen_pages "$domid")" -gt $((before - (whole_kib - low) / 4)) ] && ooms=$((ooms + 1))
	wait_for '[ "$(xs "$domid" ballooned)" = $(((before - $(xen_pages "$domid")) * 4)) ]' 10 || bad "out of memory"
}

vmstat()
{
	guest_run g "grep -E '^$1 ' /proc/vmstat" | cut -d' ' -f2
}

# said KEY: a figure of the checker's last status
said()
{
	echo "$result" | sed -n "s/.*\<$1=\([0-9]*\).*/\1/p"
}

cat "$(guest_initrd)" /xv/memory-checker.cpio >"$XV_STATE/initrd"
XV_INITRD=$XV_STATE/initrd
# As it comes the kernel keeps half of the memory for contiguous buffers, and Linux 7 does not come up in the rest.
XV_APPEND=cma=16M
start_guest g $((whole_kib / 1024))
before=$(xen_pages "$domid")
# Nobody is to be killed where the balloon could have given memory back; what is forced asks nobody else.
guest_run g 'echo -1000 >/proc/1/oom_score_adj'
guest_run g "memory-checker 8 $status >/tmp/lost 2>&1 & echo \$! >/tmp/pid"
check "the checker checks" guest_run g "until test -s $status; do sleep 0.1; done"
diag "$(guest_run g 'grep -E "^Mem(Total|Free):" /proc/meminfo' | tr -s ' \n' ' ')"

failed= ooms=0 cycle=0
while [ $cycle -lt "$cycles" ] && [ -z "$failed" ]; do
	cycle=$((cycle + 1))
	# a little more or less than 32 MiB, odd numbers of pages too
	low=$((whole_kib - 32768 + cycle * 37 % 97 * 4))
	move $low
	if [ $((cycle % 8)) = 1 ]; then
		guest_run g 'echo f >/proc/sysrq-trigger'
		took_back
	fi
	if [ $((cycle % 40)) = 2 ]; then
		guest_run g "memory-checker hog \$((\$(sed -n 's/^MemFree: *\([0-9]*\) .*/\1/p' /proc/meminfo) / 1024 + 8))" ||
			bad "what took memory back from the balloon"
		took_back
	fi
	move $whole_kib
	[ $((cycle % 25)) != 0 ] || diag "$cycle cycles: $(guest_run g "cat $status")"
done
diag "$failed"
is "$cycle:$failed" "$cycles:" "$cycles times up and down, exact each time"
check "out of memory the guest took pages back from the balloon" [ $ooms -gt 0 ]
result=$(guest_run g "cat $status")
diag "the checker: $result; $ooms times out of memory; moved by compaction: $(vmstat pgmigrate_success) pages," \
	"$(vmstat balloon_migrate) of them in the balloon"
is "$(said lost)" 0 "no page was lost"
is "$(guest_run g 'cat /tmp/lost')" "" "the checker had nothing to say"
check "it went through its memory in each cycle" [ "$(said rounds)" -ge "$cycles" ]
check "and through more page frames than it uses at a time" [ "$(said frames)" -gt 4096 ]
check "compaction moved pages" [ "$(vmstat pgmigrate_success)" -gt 0 ]
check "pages of the balloon too" [ "$(vmstat balloon_migrate)" -gt 0 ]
is "$(xenstore-ls -f "$(backend_node "$domid")/guest-errors" 2>/dev/null | grep -v ' = "0"')" "" "no guest error was counted"
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|WARNING|unable to handle|external abort")"'

# The control: what has been said above must have been able to be otherwise.
guest_run g 'kill -USR1 $(cat /tmp/pid)'
check "a page that is lost" guest_run g "until grep -q 'lost=1$' $status; do sleep 0.1; done" 20
check "is found and named" guest_run g "grep -q 'is lost' /tmp/lost"
guest_run g 'kill $(cat /tmp/pid); while kill -0 $(cat /tmp/pid) 2>/dev/null; do sleep 0.1; done'
