# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# modules: ours
# guest: 6.12
# backends: qemu-storage-daemon
# timeout: 600
#
# qemu-storage-daemon is killed with signal 9, twenty times. While nothing is under way the guest notices nothing: what it asks for
# meanwhile waits for the next one. Under load requests are lost, for this backend keeps no record of them (INFLIGHT): that is
# said and counted, the guest is made again, and of what it had synced nothing is missing: the file system has its journal to
# replay, and no fault.

kills=20

start_blk_guest start_storage_daemon
wait_guest g || bail "the guest boots"
check "its drivers" guest_modules g qemu-storage-daemon
check "the guest mounts it" guest_run g 'mkdir /mnt && mount -t ext4 -o noinit_itable,commit=300 /dev/vda /mnt' 60

killed=0
while [ $killed -lt $kills ]; do
	guest_sh g "write_tree /mnt/$killed 10 $killed && sync" 60 || break
	kill -KILL "$disk"
	wait "$disk" 2>/dev/null
	killed=$((killed + 1))
	# asked of nobody, half of the times
	[ $((killed % 2)) -eq 0 ] || request=$(guest_send g ". /bin/tree.sh; write_tree /mnt/$killed-alone 10 alone && sync")
	serve_disk || break
	wait_for "[ \"\$(blk_status backend_connections)\" = $((killed + 1)) ]" 10 || break
	[ $((killed % 2)) -eq 0 ] || guest_result g "$request" 60 || break
done
is "$killed, $(blk_status backend_connections)" "$kills, $((kills + 1))" "killed, and another is connected to, twenty times"
is "$(blk_status backend_lost)" 0 "no request is lost"
killed=0
while [ $killed -lt $kills ]; do
	write_tree "$XV_STATE/meant/$killed" 10 $killed
	killed=$((killed + 1))
	[ $((killed % 2)) -eq 0 ] || write_tree "$XV_STATE/meant/$killed-alone" 10 alone
done
meant=$(tree_sum "$XV_STATE/meant")
is "$(guest_sh g 'forget_pages; tree_sum /mnt')" "$meant" "each file is what was meant"
is "$(guest_run g 'dmesg | grep -cE "I/O error|EXT4-fs (error|warning)|oops|BUG|unable to handle"')" 0 "and its kernel has nothing to say"

guest_send g 'mkdir /mnt/load; while :; do dd if=/dev/zero of=/mnt/load/$((i % 8)) bs=64k count=8 conv=fsync 2>/dev/null; i=$((i + 1)); done' >/dev/null
tries=0
while [ "$(blk_status backend_lost)" = 0 ] && [ $tries -lt 20 ]; do
	sleep 0.5
	kill -KILL "$disk"
	wait "$disk" 2>/dev/null
	tries=$((tries + 1))
	serve_disk || break
	wait_for "[ \"\$(blk_status backend_connections)\" = $((kills + tries + 1)) ]" 10 || break
done
is "$(blk_status backend_lost)" 1 "under load a request is"
diag "the $tries. time"
check "the backend ends when it is told to" stop_backend "$disk"
check "the guest is destroyed" xl destroy g
check "and gone" wait_for '[ -z "$(zombies)$(xen_pages "$domid")" ]' 15
e2fsck -f -p "$image" >"$XV_LOGS/e2fsck.log" 2>&1
is $(($? & 254)) 0 "what the journal has makes the file system whole"
check "without a fault" e2fsck -f -n "$image"

create_blk_guest
unpause g
wait_guest g 240 2 || bail "the guest boots again"
guest_modules g qemu-storage-daemon
check "it mounts the disk" guest_run g 'mkdir /mnt && mount -t ext4 /dev/vda /mnt' 60
is "$(guest_sh g 'rm -r /mnt/load; tree_sum /mnt')" "$meant" "and all that was synced is there"
check "it gives it back" guest_run g 'umount /mnt' 60
check "without a fault" e2fsck -f -n "$image"

check "the guest is destroyed" xl destroy g
check "and gone" wait_for '[ -z "$(zombies)$(xen_pages "$domid")" ]' 15
check "the device processes have ended" wait_for '[ "$(started xen-vhost-user)" = $front ]' 10
check "so does the backend" stop_backend "$disk"
is "$(ls $blk_dir | grep -vc '^service[.]')" 0 "no file is left"
kill -TERM $front
check "the service ends" wait_for "! pid_alive $front" 10
