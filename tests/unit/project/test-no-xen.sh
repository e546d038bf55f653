#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where there is no Xen, all programs end with the same exit status and one sentence that says what to do, as TAP; the table
# of exit status in xenvirtio(7) names them all. xen-virtio-acpi needs no Xen.
#
# Nothing is served here and nothing stays: on a Xen host, where something would be, all but the table is skipped.

. "${srcdir:-.}/tests/unit/tap.sh"
no_xen=4

# refused TEXT COMMAND...
refused()
{
	text=$1 status=0
	shift
	"$@" >"$tmp/out" 2>"$tmp/log" </dev/null || status=$?
	[ "$status" -eq $no_xen ] && grep -qF -e "$text" "$tmp/log" && [ "$(wc -l <"$tmp/log")" -eq 1 ] &&
		grep -q 'run it as root, in dom0\|run it in dom0' "$tmp/log" && [ ! -s "$tmp/out" ] && return
	echo "status $status, and not $no_xen with one line that says \"$text\"" >>"$tmp/log"
	return 1
}

table()
{
	sed -n '/^# EXIT STATUS/,/^# /p' "${srcdir:-.}/man/xenvirtio.7.scd"
}

for program in xen-vballoond xen-vhost-user xen-vrngd xen-vballoonctl xenvirtio-copy xen-virtio-acpi; do
	table | grep -q "[*]$program[*]" 2>"$tmp/log"
	result $? "the table has $program"
done
table | grep -qx "|  $no_xen" 2>"$tmp/log"
result $? "and $no_xen"

if [ ! -e backend/xen-vballoond ]; then
	tap_skip "no program is built without Xen"
	tap_done
elif [ -e /dev/xen/privcmd ]; then
	tap_skip "this is a Xen host: nothing would be refused"
	tap_done
fi
for daemon in xen-vballoond xen-vrngd; do
	refused "not on Xen" "backend/$daemon" --domid 1 --state-dir "$tmp/state"
	result $? "$daemon for one guest"
	refused "xenstore cannot be reached" "backend/$daemon" --state-dir "$tmp/state"
	result $? "$daemon for all"
done
refused "not on Xen" backend/xen-vhost-user --type fs --domid 1 --state-dir "$tmp/state"
result $? "xen-vhost-user for one guest"
refused "xenstore cannot be reached" backend/xen-vhost-user --type blk --state-dir "$tmp/state"
result $? "xen-vhost-user for all"
# who ignores it hands that on, and the kernel tells nobody how a child ended
refused "not on Xen" env --ignore-signal=CHLD backend/xen-vballoond --domid 1 --state-dir "$tmp/state"
result $? "xen-vballoond for one guest, started with SIGCHLD ignored"
for command in list "list --json" "top --count 1" "status 1" "status guest" "set 1 64M" "wait 1" "unused 1" "auto 1" "free 1G"; do
	# shellcheck disable=SC2086 # a list of words
	refused "xenstore cannot be reached" tools/xen-vballoonctl $command --state-dir "$tmp/state"
	result $? "xen-vballoonctl $command"
done
refused "not on Xen" tools/xenvirtio-copy 1 "$tmp/image" --state-dir "$tmp/state"
result $? "xenvirtio-copy"
refused "xenstore cannot be reached" tools/xenvirtio-copy guest "$tmp/image" --state-dir "$tmp/state"
result $? "xenvirtio-copy of a name"

# Who waits for a daemon learns that it will never serve: the end of the file, and no newline.
mkfifo "$tmp/ready"
backend/xen-vballoond --state-dir "$tmp/state" --ready-fd 3 3>"$tmp/ready" 2>"$tmp/log" &
! read -r line <"$tmp/ready" && [ "$line" = '' ]
result $? "--ready-fd finds the end of the file"
wait

! refused "" tools/xen-virtio-acpi --list
result $? "xen-virtio-acpi is not refused"
tap_done
