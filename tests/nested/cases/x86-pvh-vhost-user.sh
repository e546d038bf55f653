# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# dom0: pvh
# mode: icount
# modules: ours
# backends: qemu-storage-daemon virtiofsd
# run: named
# timeout: 400
#
# In a PVH dom0 on x86, on Debian's own Xen, Debian's backends serve stock HVM guests, unmodified: a file system on
# qemu-storage-daemon's disk, and a directory of virtiofsd's. What guests write is in dom0 as it was meant, and no page is lost.

is "$(cat /sys/hypervisor/guest_type)" PVH "dom0 is a PVH domain"

write_large='yes 0123456789abcde | head -c 1048576 >/large && dd if=/large of=/mnt/large bs=64k 2>/dev/null'
large=$(yes 0123456789abcde | head -c 1048576 | md5sum)

# well NAME
well()
{
	guest_run "$1" 'test -z "$(dmesg | grep -iE "oops|BUG:|nobody cared|unable to handle")"' 30
}

# ends NAME DOMID FRONT DIRECTORY: the guest goes, with all that was its
ends()
{
	check "the guest $1 is destroyed" xl destroy "$1"
	check "and gone" wait_for "[ -z \"\$(zombies)\$(xen_pages $2)\" ]" 15
	check "its device process has ended" wait_for "[ \"\$(started xen-vhost-user)\" = $3 ]" 10
	is "$(ls "$4" | grep -vc '^service[.]')" 0 "no file is left"
	kill -TERM "$3"
	check "the service ends" wait_for "! pid_alive $3" 10
}

# --- a disk ---

dir=/run/xen-vhost-blk
image=$XV_STATE/disk
check "the disks' service starts" start_service xen-vhost-user $dir --type=blk "--socket=$XV_STATE/blk-%d-%i"
front=$service
truncate -s 32M "$image"
check "dom0 makes a file system" /usr/sbin/mke2fs -q -t ext4 -F "$image"
export XV_TYPE=virtio,device2
domid=$(create_guest d 192) || bail "a guest with a disk"
check "qemu-storage-daemon listens" start_storage_daemon "$XV_STATE/blk-$domid-0" "$image"
disk=$backend
check "the device is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
is "$(xs "$domid" path)" eventfd-regs "by the best path"
unpause d
wait_guest d || bail "the guest boots"
pages=$(xen_pages "$domid")
check "its drivers" guest_modules d qemu-storage-daemon
is "$(guest_run d 'cat /sys/block/vda/size')" 65536 "the disk is as large as the image"
check "the guest mounts it" guest_run d 'mkdir /mnt && mount -t ext4 /dev/vda /mnt' 60
check "and writes 60 files" guest_sh d 'write_tree /mnt/tree 60 tree' 120
check "and one of 1 MiB" guest_run d "$write_large" 60
write_tree "$XV_STATE/meant" 60 tree
meant=$(tree_sum "$XV_STATE/meant")
is "$(guest_sh d 'forget_pages; tree_sum /mnt/tree')" "$meant" "read back from the disk, each is what was meant"
is "$(guest_run d 'md5sum </mnt/large')" "$large" "the large one too"
check "unmounted" guest_run d 'umount /mnt' 60
check "the file system has no fault" e2fsck -f -n "$image"
check "the guest is well" well d
is "$(xen_pages "$domid")" "$pages" "and has as many pages as before"
check "qemu-storage-daemon lives" pid_alive $disk
ends d "$domid" $front $dir
check "qemu-storage-daemon ends when it is told to" stop_backend $disk

# --- a directory ---

dir=/run/xen-vhost-fs
share=$XV_STATE/share
mkdir "$share"
check "the directories' service starts" start_service xen-vhost-user $dir --type=fs --tag=share "--socket=$XV_STATE/fs-%d-%i"
front=$service
export XV_TYPE=virtio,device1a
domid=$(create_guest f 192) || bail "a guest with a directory"
check "virtiofsd listens" start_virtiofsd "$XV_STATE/fs-$domid-0" "$share"
files=$backend
check "the device is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
unpause f
wait_guest f || bail "the guest boots"
check "its drivers" guest_modules f virtiofsd
check "the guest mounts it" guest_run f 'mkdir /mnt && mount -t virtiofs share /mnt' 60
check "and writes 60 files" guest_sh f 'write_tree /mnt/tree 60 tree' 120
is "$(tree_sum "$share/tree")" "$meant" "each is in dom0 as it was meant"
is "$(guest_sh f 'forget_pages; tree_sum /mnt/tree')" "$meant" "and in the guest, from dom0 again"
check "a file of 1 MiB" guest_run f "$write_large" 60
is "$(md5sum <"$share/large")" "$large" "is whole in dom0"
check "the guest gives it back" guest_run f 'umount /mnt' 60
check "and is well" well f
ends f "$domid" $front $dir
check "virtiofsd has ended, as its connection has" wait_for "! pid_alive $files" 10
