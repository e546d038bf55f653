# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# boot: own
#
# What is wrong with a start is said in one line, with an exit status that says which kind of wrong. The boot is not
# shared: /dev/xen is taken away for a moment.

# refused STATUS TEXT ARGUMENTS...
refused()
{
	local want=$1 text=$2 status lines
	shift 2
	timeout 10 xen-vballoond "$@" >"$XV_LOGS/refused" 2>&1 </dev/null
	status=$?
	lines=$(wc -l <"$XV_LOGS/refused")
	is "$status $lines" "$want 1" "$text: status $want, one line"
	diag "xen-vballoond $*: $(head -n 2 "$XV_LOGS/refused")"
}

refused 2 "no domain" --target 64M
refused 2 "an option that is none" --bogus
refused 2 "a domain id that is none" --domid twelve
refused 2 "a domain id out of range" --domid 70000
refused 2 "a device id that is none" --domid 1 --devid x
refused 2 "a size that is none" --domid 1 --target 12Q
refused 2 "a size that is negative" --domid 1 --target -5M
refused 2 "a mem-set mode that is none" --domid 1 --mem-set=banana
refused 3 "a domain that does not exist" --domid 99
check "--help succeeds" xen-vballoond --help
check "--version succeeds" xen-vballoond --version

one=$(create_guest g 128)
refused 3 "no such device" --domid "$one" --devid 7
start_daemon "$one" || bail "a right one starts"
refused 5 "a device that is served already" --domid "$one"
check "the first one lives" daemon_alive "$one"
check "stops" stop_daemon "$one"

xenstore-write "$(backend_node "$one")/grant_usage" 1
refused 6 "grant_usage=1" --domid "$one"
xenstore-write "$(backend_node "$one")/grant_usage" 0
xenstore-write "$(backend_node "$one")/type" virtio,device2
refused 3 "a device of another type" --domid "$one"
xenstore-write "$(backend_node "$one")/type" virtio,device5
xenstore-write "$(backend_node "$one")/base" nonsense
refused 6 "an address that is none" --domid "$one"
xenstore-write "$(backend_node "$one")/base" 0x2000000

su -s /bin/sh nobody -c "xen-vballoond --domid $one" >"$XV_LOGS/refused" 2>&1 </dev/null
is "$? $(wc -l <"$XV_LOGS/refused")" "4 1" "no privileges: status 4, one line"
diag "$(head -n 2 "$XV_LOGS/refused")"
mv /dev/xen /dev/xen.away
refused 4 "/dev/xen is absent" --domid "$one"
mv /dev/xen.away /dev/xen
start_daemon "$one" || bail "a right one starts after all that"
ok "a right one starts after all that"
