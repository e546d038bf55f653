# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
#
# Unused memory of a real guest: the stock driver tells it by free page hints, a copy of the guest's memory leaves it out,
# and every page a program in the guest wrote is in the copy all the same, those it took after the hint by the last round.
# Sourced by unused-ours too, for our driver's answers on the host request queue.

via=${via:-free-page-hint}
ram_mib=512
keep_mib=16

# figure KEY FILE: a number of a line of JSON.
figure()
{
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$2"
}

# pages_of GENERATION: how many of the checker's pages the copy holds.
pages_of()
{
	memory-checker find $keep_mib "$1" "$copy"
}

generation()
{
	guest_run g 'cat /tmp/status' | sed 's/^generation=\([0-9]*\) .*/\1/'
}

copy=$XV_STATE/copy
cat "$(guest_initrd)" /xv/memory-checker.cpio >"$XV_STATE/initrd"
XV_INITRD=$XV_STATE/initrd
start_guest g "$ram_mib"

free=$(guest_meminfo g MemFree)
xen-vballoonctl unused g --json >"$XV_LOGS/unused.json" 2>&1
is "$?" 0 "the guest tells its unused memory"
unused=$(figure unused_kib "$XV_LOGS/unused.json")
check "by $via" grep -q "\"via\":\"$via\"" "$XV_LOGS/unused.json"
check "which is no more than is free, and has no use" [ "$unused" -le "$free" ]
check "and most of that" [ "$unused" -ge $((free / 4 * 3)) ]
diag "unused: $unused KiB of $free KiB free, answered in $(figure took_ns "$XV_LOGS/unused.json") ns"
# A moment later the guest has it back, and the driver can be asked again.
check "the guest has its memory back" wait_for '[ "$(guest_meminfo g MemFree)" -ge $((free - 8192)) ]' 10
check "and tells again" xen-vballoonctl unused g

# Of a copy whose reader is slow each request keeps the hold, for our driver not for ever.
# slowly TIMES: 2 MiB each 20 seconds.
slowly()
{
	local i
	for i in $(seq "$1"); do
		head -c 2097152 <&8 >/dev/null
		sleep 20
	done
}

begin_copy()
{
	xenvirtio-copy g - >"$XV_STATE/slow" 2>>"$XV_LOGS/slow" &
	copier=$!
	exec 8<"$XV_STATE/slow"
}

# end_copy TEXT
end_copy()
{
	cat <&8 >/dev/null
	wait $copier
	is "$?" 0 "$1"
	exec 8<&-
}

if [ "$via" = host-request ]; then
	mkfifo "$XV_STATE/slow"
	begin_copy
	slowly 5
	check "unused memory is held for who copies slowly" [ "$(guest_meminfo g MemFree)" -lt $((free / 2)) ]
	slowly 2
	check "but for no more than two minutes" [ "$(guest_meminfo g MemFree)" -ge $((free - 8192)) ]
	end_copy "the copy goes on"
	# by the shrinker alone: nobody is out of memory
	begin_copy
	slowly 1
	check "held for another copy" [ "$(guest_meminfo g MemFree)" -lt $((free / 2)) ]
	check "who shrinks what can be shrunk has it back" guest_run g 'echo 2 >/proc/sys/vm/drop_caches'
	check "all of it" [ "$(guest_meminfo g MemFree)" -ge $((free - 8192)) ]
	end_copy "and that copy goes on"
	begin_copy
	slowly 1
	check "held for a third" [ "$(guest_meminfo g MemFree)" -lt $((free / 2)) ]
	check "who needs memory has it" guest_run g "dd if=/dev/zero of=/tmp/fill bs=1M count=$((free * 3 / 4096)) 2>/dev/null" 60
	check "and nobody is killed for it" guest_run g 'rm /tmp/fill; test -z "$(dmesg | grep -i "killed process")"'
	end_copy "and that copy goes on as well"
fi

xenvirtio-copy g - --no-skip --json 2>"$XV_LOGS/all.json" | cat >/dev/null
xenvirtio-copy g - --json 2>"$XV_LOGS/skipped.json" | cat >/dev/null
for run in all skipped; do
	eval "${run}_bytes=$(figure file_bytes "$XV_LOGS/$run.json") ${run}_us=$(($(figure took_ns "$XV_LOGS/$run.json") / 1000))"
done
check "all memory is copied" [ "$all_bytes" -ge $((ram_mib * 1048576 / 100 * 99)) ]
check "without the unused a third at most" [ $((skipped_bytes * 3)) -le "$all_bytes" ]
check "in half of the time at most" [ $((skipped_us * 2)) -le "$all_us" ]
say "copy of an idle guest of $ram_mib MiB, unused pages by $via: all $((all_bytes / 1048576)) MiB in $((all_us / 1000)) ms," \
	"without them $((skipped_bytes / 1048576)) MiB in $((skipped_us / 1000)) ms: bytes $((all_bytes * 10 / skipped_bytes))/10," \
	"time $((all_us * 10 / skipped_us))/10 (of which the guest's answer $(($(figure answer_ns "$XV_LOGS/skipped.json") / 1000)) us)"

guest_run g "memory-checker $keep_mib /tmp/status >/tmp/lost 2>&1 & echo \$! >/tmp/pid"
guest_run g 'until test -s /tmp/status; do sleep 0.1; done; kill -STOP $(cat /tmp/pid)'
first=$(generation)
xenvirtio-copy g "$copy" --checksums --json >"$XV_LOGS/first.json" 2>&1
is "$?" 0 "a copy with checksums of what is left out"
check "which is most of it" [ "$(figure unused_kib "$XV_LOGS/first.json")" -gt $((free / 2)) ]
is "$(pages_of "$first")" $((keep_mib * 256)) "every page that was in use is in the copy"

guest_run g "kill -CONT \$(cat /tmp/pid); until grep -q '^generation=$((first + 2)) ' /tmp/status; do sleep 0.1; done; kill -STOP \$(cat /tmp/pid)"
second=$(generation)
# what was free in large blocks is taken now, and written
guest_run g "memory-checker hog 64"
xenvirtio-copy g "$copy" --verify >"$XV_LOGS/running" 2>&1
is "$?" 6 "a guest that runs is not verified"
xl pause g
xenvirtio-copy g "$copy" --verify --json >"$XV_LOGS/verify.json" 2>&1
is "$?" 0 "the last round, of the paused guest"
diag "$(cat "$XV_LOGS/verify.json")"
check "pages that were left out and used since are found" [ "$(figure used_kib "$XV_LOGS/verify.json")" -ge 1024 ]
check "so are those that were written" [ "$(figure written_kib "$XV_LOGS/verify.json")" -ge $((keep_mib * 1024)) ]
is "$(pages_of "$second")" $((keep_mib * 256)) "every page written since is in the copy"
rm -f "$copy"
xl unpause g
guest_run g 'kill -CONT $(cat /tmp/pid); kill $(cat /tmp/pid); while kill -0 $(cat /tmp/pid) 2>/dev/null; do sleep 0.1; done'
check "the guest lost nothing" guest_run g "grep -q 'lost=0$' /tmp/status"

set_target "$domid" $((ram_mib * 512))
wait_ballooned "$domid" $((ram_mib * 512)) 30
xenvirtio-copy g - --json 2>"$XV_LOGS/ballooned.json" | cat >/dev/null
check "what is in the balloon is not there" [ "$(figure absent_kib "$XV_LOGS/ballooned.json")" -ge $((ram_mib * 512)) ]
guest_run g 'rmmod virtio_balloon'
xen-vballoonctl unused g >"$XV_LOGS/no-driver" 2>&1
is "$?" 5 "without a driver nobody tells"
check "and that is said" grep -q 'its driver is not there' "$XV_LOGS/no-driver"

# Whoever reads the copy stands still, and the guest goes.
mkfifo "$XV_STATE/pipe"
xenvirtio-copy g - --no-skip >"$XV_STATE/pipe" 2>"$XV_LOGS/destroyed" &
copier=$!
exec 8<"$XV_STATE/pipe"
sleep 1
check "a guest that is being copied can be destroyed" timeout 20 xl destroy g
check "it leaves no zombie" wait_for '[ -z "$(zombies)" ]' 10
cat <&8 >/dev/null
wait $copier
is "$?" 5 "the copy ends"
check "and says why" grep -q 'it was destroyed meanwhile' "$XV_LOGS/destroyed"
exec 8<&-
