# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# modules: ours
# guest: 6.12
# backends: qemu-storage-daemon
# timeout: 400
#
# Debian's qemu-storage-daemon, unmodified, serves a stock guest an image of dom0's as a disk: a file system that dom0 made is
# mounted and written to; after the guest has gone it has no fault, and each file is there.

dir=/run/xen-vhost-blk
image=$XV_STATE/disk

check "the front-end's service starts" start_service xen-vhost-user $dir --type=blk "--socket=$XV_STATE/blk-%d-%i"
front=$service
truncate -s 64M "$image"
check "dom0 makes a file system" /usr/sbin/mke2fs -q -t ext4 -F "$image"
XV_VIRTIO='"backend=0,type=virtio,device2,transport=mmio,grant_usage=0"'
create_guest g 256 >/dev/null || bail "xl create -p"
domid=$(domid g)
check "qemu-storage-daemon listens" start_storage_daemon "$XV_STATE/blk-$domid-0" "$image"
disk=$backend
check "the device is served" wait_for '[ -n "$(xs "$domid" path)" ]' 20
unpause g
wait_guest g || bail "the guest boots"
check "its drivers" guest_modules g qemu-storage-daemon
is "$(guest_run g 'cat /sys/block/vda/size')" 131072 "the disk is as large as the image"
check "the guest mounts it" guest_run g 'mkdir /mnt && mount -t ext4 /dev/vda /mnt' 60
check "and writes 1,000 files" guest_sh g 'write_tree /mnt/tree 1000 tree' 120
check "and one of 16 MiB" guest_run g 'yes 0123456789abcde | head -c 16777216 >/mnt/large' 120
write_tree "$XV_STATE/meant" 1000 tree
meant=$(tree_sum "$XV_STATE/meant")
large=$(yes 0123456789abcde | head -c 16777216 | md5sum)
is "$(guest_sh g 'forget_pages; tree_sum /mnt/tree')" "$meant" "read back from the disk, each is what was meant"
is "$(guest_run g 'md5sum </mnt/large')" "$large" "the large one too"
check "unmounted" guest_run g 'umount /mnt' 60
check "the file system has no fault" e2fsck -f -n "$image"
check "mounted again" guest_run g 'mount -t ext4 /dev/vda /mnt' 60
is "$(guest_sh g 'tree_sum /mnt/tree')" "$meant" "all is there"

# A guest that goes without a word.
check "more is written, and synced" guest_sh g 'write_tree /mnt/more 200 more; sync' 60
check "the guest is destroyed" xl destroy g
check "and gone" wait_for '[ -z "$(zombies)$(xen_pages "$domid")" ]' 15
check "its device process has ended" wait_for '[ "$(started xen-vhost-user)" = $front ]' 10
check "qemu-storage-daemon lives, for the next one" pid_alive $disk
check "and ends when it is told to" stop_backend $disk
# 1: the journal was replayed
e2fsck -f -p "$image" >"$XV_LOGS/e2fsck.log" 2>&1
check "what the journal has makes it whole" [ $? -le 1 ]
check "for good" e2fsck -f -n "$image"
is "$(ls $dir | grep -vc '^service[.]')" 0 "no file is left"
kill -TERM $front
check "the service ends" wait_for "! pid_alive $front" 10
