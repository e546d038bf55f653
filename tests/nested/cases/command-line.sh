# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
# boot: own
#
# What is wrong with a start is said in one line, in words one can act on, with an exit status that says which kind of
# wrong, and nothing is left behind by it. The boot is not shared: /dev/xen is taken away for a moment.

# judge STATUS WORDS TEXT RESULT: of the output in $XV_LOGS/refused.
judge()
{
	is "$4 $(wc -l <"$XV_LOGS/refused")" "$1 1" "$3: status $1, one line"
	check "$3: it says '$2'" grep -q -e "$2" "$XV_LOGS/refused"
	diag "$(head -n 2 "$XV_LOGS/refused")"
}

# refused STATUS WORDS TEXT ARGUMENTS...
refused()
{
	local want=$1 words=$2 text=$3
	shift 3
	timeout 60 xen-vballoond "$@" >"$XV_LOGS/refused" 2>&1 </dev/null
	judge "$want" "$words" "$text" "$?"
}

refused 2 "--target without --domid" "an option of one guest, and no guest" --target 64M
refused 2 "--bogus" "an option that is none" --domid 1 --bogus
refused 2 "extra" "an argument too many" --domid 1 extra
refused 2 "--domid twelve" "a domain id that is none" --domid twelve
refused 2 "--domid 70000" "a domain id out of range" --domid 70000
refused 2 "--domid 0" "dom0" --domid 0
refused 2 "--domid" "an option without its value" --domid
refused 2 "--devid x" "a device id that is none" --domid 1 --devid x
refused 2 "--target 12Q" "a size that is none" --domid 1 --target 12Q
refused 2 "--target -5M" "a size that is negative" --domid 1 --target -5M
refused 2 "--target 99999999999999999999G" "a size beyond every number" --domid 1 --target 99999999999999999999G
refused 2 "--mem-set banana" "a mem-set mode that is none" --domid 1 --mem-set=banana
refused 2 "--base and --irq" "half an address" --domid 1 --base 0x2000000
refused 2 "--irq 7" "an interrupt that is none" --domid 1 --base 0x2000000 --irq 7
refused 2 "--base 0x2000001" "an address that is crooked" --domid 1 --base 0x2000001 --irq 33
refused 2 "absolute path" "a state directory that is relative" --domid 1 --state-dir here
refused 2 "--log-level" "a log level that is none" --domid 1 --log-level loud
refused 3 "domain 99" "a domain that does not exist" --domid 99
refused 3 "domain 99" "a domain that does not exist, by address" --domid 99 --base 0x2000000 --irq 33
check "--help succeeds" xen-vballoond --help
check "--version succeeds" xen-vballoond --version

one=$(create_guest g 128)
refused 3 "device 7" "no such device" --domid "$one" --devid 7
refused 6 "static-max" "a target beyond what the guest can have" --domid "$one" --target 1G
start_daemon "$one" || bail "a right one starts"
refused 5 "process" "a device that is served already" --domid "$one"
refused 5 "ioreq server" "an ioreq server that exists already" --domid "$one" --state-dir /run/other
check "the first one lives" daemon_alive "$one"
check "stops" stop_daemon "$one"

start_daemon "$one" --state-dir /run/mortal || bail "a right one starts again"
stop_daemon "$one" KILL
rm -r /run/mortal || bail "the state is kept in --state-dir"
refused 5 "ioreq server" "an ioreq server whose daemon died, its state lost" --domid "$one"
xl destroy g
one=$(create_guest g 128)
node=$(backend_node "$one")

# wrong_key KEY VALUE STATUS WORDS TEXT: VALUE "-": the key is not there.
wrong_key()
{
	local right
	right=$(xenstore-read "$node/$1")
	if [ "$2" = - ]; then
		xenstore-rm "$node/$1"
	else
		xenstore-write "$node/$1" "$2"
	fi
	refused "$3" "$4" "$5" --domid "$one" --devid 0
	xenstore-write "$node/$1" "$right"
}

wrong_key grant_usage 1 6 "grant_usage=0" "grant_usage=1"
wrong_key type virtio,device2 3 "virtio,device5" "a device of another type"
wrong_key transport pci 6 "transport" "a transport that is not mmio"
wrong_key base nonsense 6 "base" "an address that is none"
wrong_key irq 5000000000 6 "irq" "an interrupt that is none"
for key in base irq type transport frontend-id; do
	wrong_key $key - 6 "$key is not there yet" "a node half written: no $key"
done

timeout 60 su -s /bin/sh nobody -c "xen-vballoond --domid $one" >"$XV_LOGS/refused" 2>&1 </dev/null
judge 4 "root" "no privileges" "$?"
mv /dev/xen /dev/xen.away
refused 4 "/dev/xen" "/dev/xen is absent" --domid "$one"
refused 4 "/dev/xen" "/dev/xen is absent, by address" --domid "$one" --base 0x2000000 --irq 33
timeout 60 xenvirtio-copy "$one" /run/copy >"$XV_LOGS/refused" 2>&1 </dev/null
judge 4 "/dev/xen" "/dev/xen is absent, and a copy is wanted" "$?"
mv /dev/xen.away /dev/xen
mkdir /run/file-system && mount -t tmpfs -o ro tmpfs /run/file-system
refused 1 "/run/file-system" "a state directory that cannot be written" --domid "$one" --state-dir /run/file-system/s
umount /run/file-system
refused 2 "is not open" "a descriptor to be told by that nobody opened" --domid "$one" --ready-fd 97
mkfifo "$XV_STATE/ready" && exec 8<>"$XV_STATE/ready"
start_daemon "$one" --ready-fd 8 || bail "a right one starts after all that"
ok "a right one starts after all that"
is "$(timeout 10 head -n 1 <&8 | od -An -tx1 | tr -d ' ')" 0a "and tells whoever waits, by a newline"
exec 8>&-
