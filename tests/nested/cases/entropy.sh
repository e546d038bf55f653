# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
# boot: own
#
# A second device type on the same core: a guest with a balloon and an entropy device, each served by its own service. The guest's
# stock driver reads random bytes, at the rate it is given; kill -9, rmmod, a control socket and metrics are as for the balloon.

dir=/run/xen-vrng

# key KEY: of the entropy device's node
key()
{
	xenstore-read "$(backend_node "$domid" 1)/$1" 2>/dev/null
}

# random BYTES: what the guest reads from its device, as hex
random()
{
	guest_run g "dd if=/dev/hwrng bs=$1 count=1 iflag=fullblock 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; echo" 60
}

# status KEY: a number of the device process's status
status()
{
	echo '{"cmd":"status"}' | unix-say "$dir/$domid-1.sock" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

check "the balloon's service starts" start_service xen-vballoond /run/xen-vballoon
balloons=$service
check "the entropy device's beside it" start_service xen-vrngd $dir --rate=64K --metrics=unix:$XV_STATE/metrics
entropy=$service
XV_VIRTIO='"backend=0,type=virtio,device5,transport=mmio,grant_usage=0",
"backend=0,type=virtio,device4,transport=mmio,grant_usage=0"'
create_guest g 256 >/dev/null || bail "xl create -p"
domid=$(domid g)
check "the balloon is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
check "and the entropy device" wait_for '[ -n "$(key path)" ]' 20
unpause g
wait_guest g || bail "the guest boots"
check "the stock driver takes the device" guest_run g 'for m in $(cat /lib/modules/spare-order); do insmod /lib/modules/$m || exit 1; done'
is "$(guest_run g 'cat /sys/class/misc/hw_random/rng_current')" virtio_rng.0 "and the guest's kernel uses it"

one=$(random 64)
two=$(random 64)
is "${#one} ${#two}" "128 128" "as many bytes as asked for"
check "and others the second time" [ "$one" != "$two" ]
check "not zeroes" [ "$(echo "$one$two" | tr -d 0 | wc -c)" -gt 200 ]
check "the daemon counts them" wait_for '[ "$(key given)" -ge 128 ]' 5
check "the control socket says so" [ "$(status given_bytes)" -ge 128 ]
printf 'GET /metrics HTTP/1.0\r\n\r\n' | unix-say "$XV_STATE/metrics" >"$XV_LOGS/metrics"
check "and the service's metrics" grep -q "^xen_vrng_given_bytes_total{domid=\"$domid\",devid=\"1\",name=\"g\"} [0-9]" "$XV_LOGS/metrics"
check "in which there is no balloon" [ "$(grep -c xen_vballoon "$XV_LOGS/metrics")" = 0 ]

# 128 KiB at 64 KiB a second, in periods of which the first is full
begin=$(now_cs)
guest_run g 'dd if=/dev/hwrng of=/dev/null bs=4096 count=32 iflag=fullblock' 60 >/dev/null
took=$(($(now_cs) - begin))
check "a guest gets its rate and no more" [ $took -ge 170 ]
check "and not much less" [ $took -le 600 ]
diag "128 KiB at 64 KiB a second in $((took / 100)).$((took % 100 / 10)) s"
check "it had to wait" [ "$(status waits)" -gt 5 ]

xen-vhost-user --type=rng --domid="$domid" --devid=1 --socket="$XV_STATE/none" >"$XV_LOGS/rival" 2>&1
is "$?" 5 "another program does not get the device as well"
check "and says who has it" grep -q "device 1 of domain $domid is served already, by process [1-9]" "$XV_LOGS/rival"
is "$(ls /run/xen-vhost-rng)" "" "and leaves nothing"

given=$(key given)
pid=$(device_process xen-vrngd "$domid")
guest_send g 'dd if=/dev/hwrng of=/dev/null bs=4096 count=8 iflag=fullblock 2>/dev/null; echo done' >"$XV_STATE/request"
kill -KILL "$pid"
check "a device process that is killed is started again" \
	wait_for 'replaced "$pid" "$(device_process xen-vrngd "$domid")" && [ -n "$(key path)" ]' 20
is "$(guest_result g "$(cat "$XV_STATE/request")" 60)" done "the guest's read goes on"
check "and what it was given before counts still" [ "$(key given)" -gt "$given" ]

pid=$(device_process xen-vrngd "$domid")
guest_send g 'dd if=/dev/hwrng of=/dev/null bs=4096 count=8 iflag=fullblock 2>/dev/null; echo done' >"$XV_STATE/request"
is "$(xen-vballoonctl upgrade --force --state-dir $dir 2>&1)" "domain $domid, device 1: upgraded" "it goes over to another, as for an upgrade"
check "which serves" [ "$(device_process xen-vrngd "$domid")" != "$pid" ]
is "$(guest_result g "$(cat "$XV_STATE/request")" 60)" done "and the guest's read goes on"

before=$(xen_pages "$domid")
set_target "$domid" 229376
check "the balloon beside it works" wait_pages "$domid" $((before - 8192))
check "the driver goes" guest_run g 'rmmod virtio_rng'
check "and comes again" guest_run g 'insmod /lib/modules/virtio-rng.ko'
three=$(random 64)
check "to other bytes" [ ${#three}-$([ "$three" = "$one" ] || echo new) = 128-new ]
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30

check "the guest is destroyed" xl destroy g
check "its processes have ended" wait_for '[ "$(started xen-vrngd)" = $entropy ] && [ "$(started xen-vballoond)" = $balloons ]' 10
is "$(ls $dir | grep -vc '^service[.]')" 0 "no file is left"
kill -TERM $entropy $balloons
check "the services end" wait_for "! pid_alive $entropy && ! pid_alive $balloons" 10
