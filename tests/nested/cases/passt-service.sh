# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# modules: ours
# guest: 6.12
# backends: passt
# boot: own
# timeout: 500
#
# Debian's passt, started by the service as a user of its own, is the network of a stock guest: a file of some MiB that dom0 serves is in
# the guest as it is. passt is killed, and the network goes on by the next one: what was lost on the way is sent again.

dir=/run/xen-vhost-net
config=$XV_STATE/net.conf

# fetch NAME: have the guest fetch it, and print its sum
fetch()
{
	guest_run g "wget -q -O - http://169.254.2.2:8000/$1 | md5sum" 120
}

status()
{
	echo '{"cmd":"status"}' | unix-say "$dir/$domid-0.sock" | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p"
}

mkdir -p /etc
echo 'xen-vhost-user:x:990:990::/:/bin/false' >>/etc/passwd
echo 'xen-vhost-user:x:990:' >>/etc/group
mkdir "$XV_STATE/www"
yes 0123456789abcde | head -c 4194304 >"$XV_STATE/www/large"
dd if=/dev/urandom of="$XV_STATE/www/random" bs=64k count=16 2>/dev/null
ifconfig lo 127.0.0.1 up
httpd -f -p 127.0.0.1:8000 -h "$XV_STATE/www" &
server=$!
cat >"$config" <<-EOT
	command = /usr/bin/passt --vhost-user --foreground --socket %s --ipv4-only
	    --address 169.254.2.1 --netmask 255.255.0.0 --gateway 169.254.2.2 --map-host-loopback 169.254.2.2 --dns none
	log = $XV_LOGS/passt-%d.log
EOT

# passt makes an empty root for itself, which cannot be done where / is the initramfs: the service has the same tree, mounted on it.
mkdir /run/root
cat >"$XV_STATE/begin" <<-'EOT'
	#!/bin/busybox sh
	mount --rbind / /run/root && cd /run/root && mount --move . / && exec chroot . "$@"
EOT
chmod 755 "$XV_STATE/begin"
unshare -m "$XV_STATE/begin" /usr/sbin/xen-vhost-user --type=net --log-level=info ${XV_NOTIFY:+"--notify=$XV_NOTIFY"} "--backend=$config" \
	>>"$XV_LOGS/xen-vhost-user.log" 2>&1 </dev/null &
front=$!
check "the service starts" wait_for '[ "$(cat $dir/service.lock 2>/dev/null)" = $front ]' 10
XV_VIRTIO='"backend=0,type=virtio,device1,transport=mmio,grant_usage=0"'
create_guest g 256 >/dev/null || bail "xl create -p"
domid=$(domid g)
check "the device is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
network=$(pidof passt)
is "$(sed -n 's/^Uid:[[:space:]]*//p' "/proc/$network/status" | tr '\t' ' ')" "990 990 990 990" "passt is a user of its own"
unpause g
wait_guest g || bail "the guest boots"
check "its drivers" guest_modules g passt
eth=$(guest_run g 'ls /sys/class/net | grep -v lo')
is "$(guest_run g "cat /sys/class/net/$eth/address")" "$(printf '02:16:3e:00:%02x:00' "$domid")" "its address is as the manual page says"
check "it has the network" guest_run g "ifconfig $eth 169.254.2.1 netmask 255.255.0.0 up"
is "$(fetch large)" "$(md5sum <"$XV_STATE/www/large")" "the guest fetches 4 MiB from dom0"
is "$(fetch random)" "$(md5sum <"$XV_STATE/www/random")" "and one of another kind"

kill -KILL "$network"
check "passt is killed: there is another, and the device has it" wait_for '[ "$(status backend_connections)" = 2 ]' 20
is "$(status backend_lost)" 0 "the device needs no reset"
is "$(fetch random)" "$(md5sum <"$XV_STATE/www/random")" "the guest fetches the file again"
# At each moment one of these is on its way; it does not come back when its connection is gone.
guest_run g 'while :; do wget -q -T 3 -O /dev/null http://169.254.2.2:8000/large; done >/dev/null 2>&1 &' >/dev/null
sleep 1
kill -KILL "$(pidof passt)"
check "it is killed while a file is on its way" wait_for '[ "$(status backend_connections)" = 3 ]' 20
is "$(fetch random)" "$(md5sum <"$XV_STATE/www/random")" "and that is the same in the next one's time"
is "$(status backend_lost)" 0 "the device needs no reset then either"
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|NETDEV WATCHDOG")"' 30

check "the guest is destroyed" xl destroy g
check "and gone" wait_for '[ -z "$(zombies)$(xen_pages "$domid")" ]' 15
check "nothing is left of it" wait_for '[ -z "$(pidof passt)$(ls $dir | grep -v "^service[.]")$(ls /run/vhost-user)" ]' 15
kill $server
kill -TERM $front
check "the service ends" wait_for "! pid_alive $front" 10
rmdir /run/root
