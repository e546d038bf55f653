# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
# boot: own
# notify: own
#
# The example of sixty lines: a device in two processes, of which one can do nothing to the host. It is killed over and over, and the
# guest's stock driver goes on; it ends with its signal and with its guest.

log=$XV_LOGS/example.log

# random BYTES: what the guest reads from its device, as hex
random()
{
	guest_run g "dd if=/dev/hwrng bs=$1 count=1 iflag=fullblock 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; echo" 60
}

# status_of PID KEY: a line of the process's status
status_of()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# start_example OPTION...: in the background; sets parent
start_example()
{
	mkfifo "$XV_STATE/ready"
	virtio-rng --domid "$domid" --ready-fd 3 "$@" >>"$log" 2>&1 3>"$XV_STATE/ready" &
	parent=$!
	read -r _ <"$XV_STATE/ready"
	rm "$XV_STATE/ready"
}

XV_VIRTIO='"backend=0,type=virtio,device4,transport=mmio,grant_usage=0"'
create_guest g 256 >/dev/null || bail "xl create -p"
domid=$(domid g)
start_example --sandbox=require
device=$(device_of "$parent")
check "the device is served, confined by all there is" [ -n "$device" ]
is "$(xenstore-read "$(backend_node "$domid")/state")" 4 "xenstore says that it is connected"
unpause g
wait_guest g || bail "the guest boots"
check "the stock driver takes the device" guest_run g 'for m in $(cat /lib/modules/spare-order); do insmod /lib/modules/$m || exit 1; done'
one=$(random 64)
two=$(random 64)
is "${#one} ${#two}" "128 128" "as many bytes as asked for"
check "and others the second time" [ "$one" != "$two" ]

is "$(status_of "$device" CapPrm)" 0000000000000000 "the device has no capability"
is "$(status_of "$device" NoNewPrivs)" 1 "and gets none"
is "$(status_of "$device" Seccomp)" 2 "its system calls are filtered"
nobody=$((1879080960 + domid))
is "$(status_of "$device" Uid | tr '\t' ' ')" "$nobody $nobody $nobody $nobody" "it is a user of its own"
is "$(status_of "$device" NSpid | tr '\t' ' ')" "$device 1" "it is the first of its pid namespace"
is "$(ls -A "/proc/$device/root/" | wc -l)" 0 "its root is empty"
for ns in ipc mnt net pid uts; do
	check "it has a namespace of its own: $ns" [ "$(readlink "/proc/$device/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
done
is "$(readlink "/proc/$device/fd/"* | grep -vcE '^(/dev/xen/.*|/dev/null|socket:.*|anon_inode:.*)$|^'"$XV_LOGS")" 0 "and no descriptor that it has no need of"
rights-xen "$device" "$domid" 0 >"$XV_LOGS/rights.tap" 2>"$XV_LOGS/rights.err"
is $? 0 "rights-xen finds nothing that should be refused"
relay_tap "$XV_LOGS/rights.tap" rights

guest_send g 'dd if=/dev/hwrng of=/dev/null bs=4096 count=16 iflag=fullblock 2>/dev/null; echo done' >"$XV_STATE/request"
for i in 1 2 3; do
	old=$(device_of "$parent")
	kill -KILL "$old"
	check "killed, another is started ($i)" \
		wait_for 'replaced '"$old"' "$(device_of "$parent")"' 20
done
is "$(guest_result g "$(cat "$XV_STATE/request")" 60)" done "the guest's read goes on"
three=$(random 64)
is "${#three}" 128 "and it reads again"
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30

xl destroy g
check "it ends with its guest" wait_for "! pid_alive $parent" 10
wait $parent
is $? 0 "and says so"

create_guest h 256 >/dev/null || bail "xl create -p"
domid=$(domid h)
start_example
kill -TERM $parent
check "it ends with a signal" wait_for "! pid_alive $parent" 10
wait $parent
is $? 0 "and says so"
is "$(xenstore-read "$(backend_node "$domid")/state")" 6 "xenstore says that it is closed"
start_example
check "and took its ioreq server along: another begins" [ -n "$(device_of "$parent")" ]
kill -TERM $parent
wait_for "! pid_alive $parent" 10
xl destroy h
