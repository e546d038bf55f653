# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# modules: ours
# guest: 6.12
# backends: vhost-user-blk
# run: named
# timeout: 600
#
# A backend that keeps a record of what is in flight (INFLIGHT) is killed with signal 9 twenty times while the guest writes and
# syncs without a pause, and the guest notices nothing: no request is lost or done twice, each file is what was meant, the file system
# is without a fault. QEMU's vhost-user-blk, built from Debian's source; of what Debian installs none keeps a record: with
# that, see vhost-user-blk-killed.

kills=20

start_blk_guest start_vhost_user_blk
wait_guest g || bail "the guest boots"
check "its drivers" guest_modules g vhost-user-blk
check "the guest mounts it" guest_run g 'mkdir /mnt && mount -t ext4 /dev/vda /mnt' 60

# Eight files again and again, each synced: what it is killed in is a write of data or of the journal, or a flush.
guest_run g 'yes 0123456789abcde | head -c 262144 >/large'
large=$(yes 0123456789abcde | head -c 262144 | md5sum)
guest_run g '{ i=0; while [ ! -e /stop ]; do dd if=/large of=/mnt/$((i % 8)) bs=64k conv=fsync 2>/dev/null || break; i=$((i + 1)); done
	echo $i >/turns; } >/dev/null 2>&1 &'
killed=0
while [ $killed -lt $kills ]; do
	# at another moment of a turn each time
	sleep 0.$((20 + killed * 7))
	kill -KILL "$disk"
	wait "$disk" 2>/dev/null
	killed=$((killed + 1))
	serve_disk || break
	wait_for "[ \"\$(blk_status backend_connections)\" = $((killed + 1)) ]" 10 || break
done
is "$killed, $(blk_status backend_connections)" "$kills, $((kills + 1))" "killed under load, and another is connected to, twenty times"
is "$(blk_status backend_lost)" 0 "no request is lost"
turns=$(guest_run g 'touch /stop; while [ ! -e /turns ]; do sleep 0.1; done; cat /turns' 60)
diag "files written: $turns"
check "the guest has gone on all the time" [ "$turns" -gt $kills ]
i=0
sums=
while [ $i -lt 8 ]; do
	sums="$sums$large
"
	i=$((i + 1))
done
is "$(guest_sh g 'forget_pages; for i in 0 1 2 3 4 5 6 7; do md5sum </mnt/$i; done')
" "$sums" "each file is what was meant"
is "$(guest_run g 'dmesg | grep -cE "I/O error|EXT4-fs (error|warning)|oops|BUG|unable to handle|blocked for more"')" 0 "and its kernel has nothing to say"
check "it gives the disk back" guest_run g 'umount /mnt' 60
check "the guest is destroyed" xl destroy g
check "and gone" wait_for '[ -z "$(zombies)$(xen_pages "$domid")" ]' 15
check "the file system is without a fault" e2fsck -f -n "$image"
check "the backend has ended with its device" wait_for "! pid_alive $disk" 10
check "so has the device process" wait_for '[ "$(started xen-vhost-user)" = $front ]' 10
is "$(ls $blk_dir | grep -vc '^service[.]')" 0 "no file is left"
kill -TERM $front
check "the service ends" wait_for "! pid_alive $front" 10
