# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
# boot: own
#
# What all programs say alike, on a host: without Xen each ends with 4; a domain that is named twice is an error; a list of nobody is an empty
# list. And of a real guest: the features that were negotiated, and a size below its floor, by force. The boot is not shared: /dev/xen
# and xenstored are taken away for a moment.

# ends STATUS WORDS PROGRAM [ARGUMENTS...]: with that, in one line that says so
ends()
{
	local want=$1 words=$2
	shift 2
	timeout 20 "$@" >"$XV_LOGS/said" 2>&1 </dev/null
	is "$? $(grep -c -e "$words" "$XV_LOGS/said") $(wc -l <"$XV_LOGS/said")" "$want 1 1" "$*: status $want, a line with '$words'"
}

# xenstored is reached by its socket, or by the kernel, in two places
mv /dev/xen /dev/xen.away && mv /run/xenstored /run/xenstored.away && mount -t tmpfs none /proc/xen || bail "there is a Xen to take away"
ends 4 "/dev/xen" xen-vballoond --domid 1
ends 4 "xenstore" xen-vballoond
ends 4 "/dev/xen" xen-vrngd --domid 1
ends 4 "xenstore" xen-vrngd
ends 4 "/dev/xen" xen-vhost-user --type=blk --socket=/run/none --domid 1
ends 4 "xenstore" xen-vhost-user --type=blk --socket=/run/none-%d-%i
for command in list top "status 1" "stats 1" "wait 1" "set 1 64M" "auto 1" "free 64M"; do
	# shellcheck disable=SC2086
	ends 4 "xenstore" xen-vballoonctl $command
done
ends 4 "/dev/xen" xenvirtio-copy 1 /run/copy
umount /proc/xen && mv /dev/xen.away /dev/xen && mv /run/xenstored.away /run/xenstored

for program in xen-vballoond xen-vrngd "xen-vhost-user --type=blk --socket=/run/none"; do
	# shellcheck disable=SC2086
	ends 2 "--domid" $program --domid 1 --domid 2
	# shellcheck disable=SC2086
	ends 2 "--domid" $program --domid=1 --domid=1
done

check "the service starts" start_service xen-vballoond /run/xen-vballoon
is "$(xen-vballoonctl list --json 2>&1) $?" "[] 0" "a list of nobody is empty, and no error"
xen-vballoonctl list >"$XV_LOGS/list" 2>"$XV_LOGS/list.err"
is "$? $(wc -c <"$XV_LOGS/list.err")" "0 0" "also as text"
check "which has no guest in it" [ "$(wc -l <"$XV_LOGS/list")" -le 1 ]

create_guest g 256 >/dev/null || bail "xl create -p g"
domid=$(domid g)
check "a script waits for its device" xen-vballoonctl wait g
unpause g
wait_guest g || bail "the guest boots"
is "$(xen-vballoonctl list --json | grep -c "\"domid\": *$domid")" 1 "now it is in the list"
xen-vballoonctl status g >"$XV_LOGS/status.txt"
check "status shows what was negotiated" grep -q '^features .*must-tell-host.*version-1' "$XV_LOGS/status.txt"
xen-vballoonctl set g 60M 2>"$XV_LOGS/said"
is $? 5 "60 MiB are a slip"
check "which --force takes" xen-vballoonctl set g 60M --force
is "$(xs "$domid" target)" 61440 "as its target"
check "and back" xen-vballoonctl set g 256M --wait --timeout 60
is "$(xs "$domid" ballooned)" 0 "to the page"
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 15
