# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
# boot: own
#
# Limits: the least, the most and the share of a guest that stand in /etc/xen-vballoon/guests are in force when it is created and when
# it boots again; memory/dynamic-min is the later word, for as long as the domain lives; status shows what counts.

guests=/etc/xen-vballoon/guests

# shows WORD VALUE: status has that line
shows()
{
	xen-vballoonctl status g | grep -q "^$1 *$2\$"
}

mkdir -p "${guests%/*}"
printf '# guest least most share\ng 96M 192M 300\n* 1G 1G\n' >$guests
check "the service starts" start_service xen-vballoond /run/xen-vballoon
create_guest g 256 >/dev/null || bail "xl create -p g"
first=$(domid g)
check "it is served" xen-vballoonctl wait g
unpause g
wait_guest g || bail "the guest boots"
is "$(xs "$first" target)" 196608 "it begins with its most"
check "and comes to it" wait_ballooned "$first" 65536 20
check "status shows the least" shows least "96 MiB"
check "the most" shows most "192 MiB"
check "and the share" shows share 300
xen-vballoonctl set g 224M 2>"$XV_STATE/why"
is $? 5 "more than the most is refused"
check "with the most, and the file" grep -q "at most 192 MiB ($guests)" "$XV_STATE/why"
xen-vballoonctl set g 64M 2>"$XV_STATE/why"
is $? 5 "less than the least is refused"
check "with the least, and what to do" grep -q "less than 96 MiB.*--force" "$XV_STATE/why"
check "what lies between is set" xen-vballoonctl set g 128M --wait --timeout 20

xenstore-write "/local/domain/$first/memory/dynamic-min" 114688
check "memory/dynamic-min is the later word" wait_for 'shows least "112 MiB"' 10
xen-vballoonctl set g 104M 2>"$XV_STATE/why"
is $? 5 "and refuses what the file allowed"
xenstore-rm "/local/domain/$first/memory/dynamic-min"
check "taken back, the file counts" wait_for 'shows least "96 MiB"' 10
xenstore-write "/local/domain/$first/memory/dynamic-min" 114688

# again BOOTS: it boots again, as another domain
again()
{
	local before
	before=$(domid g)
	guest_send g 'reboot -f' >/dev/null
	wait_for "[ -n \"\$(domid g)\" ] && [ \"\$(domid g)\" != $before ]" 30 && wait_guest g 60 "$1"
}

check "the guest boots again" again 2
is "$(xs "$(domid g)" target)" 131072 "with the size that was named"
check "the least of the file" shows least "96 MiB"
check "and the most" shows most "192 MiB"
check "a size that the last domain's key refused is set" xen-vballoonctl set g 104M --wait --timeout 20
printf 'g - 100M\n' >$guests
check "what is written now does not count yet" shows most "192 MiB"
check "the guest boots again" again 3
is "$(xs "$(domid g)" target)" 102400 "now it does: the size that was named is cut"
check "status shows it" shows most "100 MiB"
check "and no least" eval '! xen-vballoonctl status g | grep -q "^least"'
rm -r "${guests%/*}"
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 15
