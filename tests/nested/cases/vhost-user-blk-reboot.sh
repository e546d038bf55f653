# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# modules: ours
# guest: 6.12
# backends: qemu-storage-daemon
# timeout: 400
#
# A guest reboots with its disk mounted, three times: to dom0 it is another domain each time, with another socket. The service lets go of
# the old one's memory and serves the new one; what was synced is there, and the file system has its journal to replay and no fault.

reboots=3

start_blk_guest start_storage_daemon

boot=1
while [ $boot -le $reboots ]; do
	check "boot $boot: the guest is up" wait_guest g 240 $boot
	guest_modules g qemu-storage-daemon || bail "its drivers"
	check "it mounts its disk" guest_run g 'mkdir /mnt && mount -t ext4 /dev/vda /mnt' 60
	is "$(guest_sh g 'rm -f /mnt/load; tree_sum /mnt')" "$(write_tree "$XV_STATE/meant/$((boot - 1))" $((boot > 1 ? 100 : 0)) $((boot - 1)); tree_sum "$XV_STATE/meant")" \
		"all that was synced before is there"
	check "writes and syncs more" guest_sh g "write_tree /mnt/$boot 100 $boot && sync" 60
	# under way when it goes
	guest_send g 'while :; do dd if=/dev/zero of=/mnt/load bs=64k count=8 conv=fsync 2>/dev/null; done & sleep 2; reboot -f' >/dev/null
	old=$domid
	# There is no pause this time: the backend has five seconds from here. wait_for looks too seldom for that.
	tries=0
	domid=
	while { [ -z "$domid" ] || [ "$domid" = "$old" ]; } && [ $tries -lt 400 ]; do
		sleep 0.2
		domid=$(domid g)
		tries=$((tries + 1))
	done
	check "xl makes a new domain" [ -n "$domid" -a "$domid" != "$old" ]
	check "the old one's backend ends when it is told to" stop_backend "$disk"
	serve_disk || bail "qemu-storage-daemon listens again"
	check "the new one is served" wait_for '[ -n "$(xs "$domid" path)" ]' 10
	check "the old one is gone" wait_for '[ -z "$(zombies)$(xen_pages "$old")" ]' 15
	boot=$((boot + 1))
done
check "boot $boot: the guest is up" wait_guest g 240 $boot
guest_modules g qemu-storage-daemon
check "the guest is destroyed" xl destroy g
check "and gone" wait_for '[ -z "$(zombies)$(xen_pages "$domid")" ]' 15
check "the backend ends" stop_backend "$disk"
e2fsck -f -p "$image" >"$XV_LOGS/e2fsck.log" 2>&1
check "what the journal has makes the file system whole" [ $? -le 1 ]
check "without a fault" e2fsck -f -n "$image"
check "the device processes have ended" wait_for '[ "$(started xen-vhost-user)" = $front ]' 10
is "$(ls $blk_dir | grep -vc '^service[.]')" 0 "no file is left"
kill -TERM $front
check "the service ends" wait_for "! pid_alive $front" 10
