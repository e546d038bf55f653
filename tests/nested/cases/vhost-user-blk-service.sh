# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# modules: ours
# guest: 6.12
# backends: qemu-storage-daemon
# boot: own
# timeout: 500
#
# The service starts Debian's qemu-storage-daemon for a guest's disk, which locks the image: of a guest that reboots with its disk mounted and
# under load, the old domain's must have let go in time for the new domain's. Nobody starts anything by hand.

dir=/run/xen-vhost-blk
config=$XV_STATE/blk.conf
image=$XV_STATE/g-0.img
reboots=2

mkdir -p /etc
echo 'xen-vhost-user:x:990:990::/:/bin/false' >>/etc/passwd
echo 'xen-vhost-user:x:990:' >>/etc/group
chmod 755 "$XV_STATE"
cat >"$config" <<-EOT
	command = /usr/bin/qemu-storage-daemon
	    --blockdev driver=file,node-name=file,filename=$XV_STATE/%n-%i.img,cache.direct=off
	    --blockdev driver=raw,node-name=disk,file=file
	    --export type=vhost-user-blk,id=export,node-name=disk,addr.type=unix,addr.path=%s,writable=on,num-queues=1
	log = $XV_LOGS/disk-%d.log
EOT
truncate -s 64M "$image"
/usr/sbin/mke2fs -q -t ext4 -F "$image" || bail "dom0 makes a file system"
chown 990:990 "$image"
check "the service starts" start_service xen-vhost-user $dir --type=blk "--backend=$config"
front=$service
XV_VIRTIO='"backend=0,type=virtio,device2,transport=mmio,grant_usage=0"'
create_guest g 256 >/dev/null || bail "xl create -p"
domid=$(domid g)
check "the device is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
unpause g

boot=1
while [ $boot -le $reboots ]; do
	check "boot $boot: the guest is up" wait_guest g 240 $boot
	domid=$(domid g)
	guest_modules g qemu-storage-daemon || bail "its drivers"
	check "it mounts its disk" guest_run g 'mkdir /mnt && mount -t ext4 /dev/vda /mnt' 60
	mkdir -p "$XV_STATE/meant"
	is "$(guest_sh g 'rm -rf /mnt/load /mnt/lost+found; tree_sum /mnt')" "$(tree_sum "$XV_STATE/meant")" "all that was synced before is there"
	check "writes and syncs more" guest_sh g "write_tree /mnt/$boot 50 $boot && sync" 60
	write_tree "$XV_STATE/meant/$boot" 50 $boot
	guest_send g 'while :; do dd if=/dev/zero of=/mnt/load bs=64k count=8 conv=fsync 2>/dev/null; done & sleep 2; reboot -f' >/dev/null
	old=$domid
	check "another domain has it" wait_for '[ -n "$(domid g)" ] && [ "$(domid g)" != "$old" ]' 60
	boot=$((boot + 1))
done
check "boot $boot: the guest is up" wait_guest g 240 $boot
domid=$(domid g)
is "$(pidof qemu-storage-daemon | wc -w)" 1 "one backend is there"
guest_modules g qemu-storage-daemon
check "it mounts its disk" guest_run g 'mkdir /mnt && mount -t ext4 /dev/vda /mnt' 60
is "$(guest_sh g 'rm -rf /mnt/load; tree_sum /mnt')" "$(tree_sum "$XV_STATE/meant")" "all that was synced is there"
# an upgrade of the processes between guest and backend, under load
guest_send g 'for i in 1 2 3 4 5 6; do dd if=/dev/zero of=/mnt/load bs=64k count=8 conv=fsync 2>/dev/null || exit; done; echo done' >"$XV_STATE/request"
pid=$(device_process xen-vhost-user "$domid")
took=$(absence "$domid" run xen-vballoonctl upgrade --force --state-dir $dir)
is $? 0 "its device goes over to another process"
diag "$took"
check "which serves" [ "$(device_process xen-vhost-user "$domid")" != "$pid" ]
is "$(guest_result g "$(cat "$XV_STATE/request")" 120)" done "and the guest's writes go on"
is "$(pidof qemu-storage-daemon | wc -w)" 1 "to one backend"
is "$(guest_sh g 'rm -rf /mnt/load; tree_sum /mnt')" "$(tree_sum "$XV_STATE/meant")" "and what was synced before is there still"
check "it gives it back" guest_run g 'umount /mnt' 60
check "the guest is destroyed" xl destroy g
check "nothing is left of it" wait_for '[ -z "$(pidof qemu-storage-daemon)$(ls $dir | grep -v "^service[.]")$(ls /run/vhost-user)" ]' 15
check "and the file system has no fault" e2fsck -f -n "$image"
diag "$(grep -hc 'write. lock' "$XV_LOGS"/disk-*.log | tr '\n' ' ')times a lock was waited for, by domain"
kill -TERM $front
check "the service ends" wait_for "! pid_alive $front" 10
