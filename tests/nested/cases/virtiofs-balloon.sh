# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# modules: ours
# guest: 6.12
# backends: virtiofsd
# timeout: 900
#
# virtiofsd has all of a guest's memory mapped, and the guest a balloon beside it, which moves 64 MiB out and in, again and again,
# while files are written, read back from dom0 and compared: none is ever wrong, and Xen's count is exact each time.

rounds=50
share=$XV_STATE/share
mkdir "$share"

check "the balloon's service starts" start_service xen-vballoond /run/xen-vballoon
balloons=$service
check "the front-end's beside it" start_service xen-vhost-user /run/xen-vhost-fs --type=fs --tag=share "--socket=$XV_STATE/fs-%d-%i"
front=$service
XV_VIRTIO='"backend=0,type=virtio,device5,transport=mmio,grant_usage=0",
"backend=0,type=virtio,device1a,transport=mmio,grant_usage=0"'
create_guest g 256 >/dev/null || bail "xl create -p"
domid=$(domid g)
check "virtiofsd listens" start_virtiofsd "$XV_STATE/fs-$domid-1" "$share"
files=$backend
check "the balloon is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
check "and the directory" wait_for '[ -n "$(xenstore-read "$(backend_node "$domid" 1)/path" 2>/dev/null)" ]' 20
unpause g
wait_guest g || bail "the guest boots"
check "its drivers" guest_modules g virtiofsd
check "the guest mounts it" guest_run g 'mkdir /mnt && mount -t virtiofs share /mnt' 60

# Until dom0 says stop. Each round is written to memory as well, and compared when it was read back.
request=$(guest_send g '. /bin/tree.sh; n=0
while [ ! -e /mnt/stop ]; do
	write_tree /mnt/t 40 $n && write_tree /tmp/t 40 $n || exit 1
	head -c 1048576 /dev/urandom >/tmp/t/large && cp /tmp/t/large /mnt/t/large || exit 2
	forget_pages
	[ $(tree_sum /mnt/t) = $(tree_sum /tmp/t) ] || exit 3
	echo $n >/mnt/round; n=$((n + 1))
done; echo $n rounds')
check "files are written" wait_for '[ -s "$share/round" ]' 60
before=$(xen_pages "$domid")
exact=0 moved=0
while [ $moved -lt $rounds ]; do
	set_target "$domid" 196608
	wait_pages "$domid" $((before - 16384)) || break
	set_target "$domid" 262144
	wait_pages "$domid" "$before" || break
	moved=$((moved + 1))
done
is $moved $rounds "64 MiB go and come back, $rounds times, exactly"
written=$(cat "$share/round")
check "and files were written all the time" [ "${written:-0}" -ge 5 ]
: >"$share/stop"
said=$(guest_result g "$request" 120)
is "$?" 0 "none of them was ever another than was meant"
diag "$said"
is "$(guest_sh g 'tree_sum /tmp/t')" "$(tree_sum "$share/t")" "dom0 has the last ones"
check "nothing is ballooned at the end" wait_ballooned "$domid" 0 5
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG|unable to handle|external abort")"' 30
check "virtiofsd lives" pid_alive $files
check "the guest is destroyed, mounted as it is" xl destroy g
check "and gone" wait_for '[ -z "$(zombies)$(xen_pages "$domid")" ]' 15
check "virtiofsd has ended" wait_for "! pid_alive $files" 10
check "the device processes too" wait_for '[ "$(started xen-vhost-user)" = $front ] && [ "$(started xen-vballoond)" = $balloons ]' 10
kill -TERM $front $balloons
check "the services end" wait_for "! pid_alive $front && ! pid_alive $balloons" 10
