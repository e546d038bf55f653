# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1800
#
# In dom0: reads of one image by one guest, through Xen's own disk (blkback, on a loop device) and through xen-vhost-user, which
# has Debian's qemu-storage-daemon, once as it comes (a pool of threads reads) and once told to use io_uring, and QEMU's example of a
# disk, which reads in the thread that is kicked and does nothing else. /xv/bench has "MIB" and then jobs,
# PATTERN:BYTES:DEPTH:REQUESTS. Each result is a line "# bench {...}".
#
# Processor time of guest and dom0 is what Xen says of both before and after; a job of no request at all, before each, is taken
# off, so that neither the guest's agent nor the shell here counts. A wake-up is a voluntary context switch of a thread.

# wakes PROCESS...: those of all their threads
wakes()
{
	local process
	for process; do
		cat /proc/$process/task/[0-9]*/status 2>/dev/null
	done | awk '/^voluntary_ctxt_switches/ { sum += $2 } END { print sum + 0 }'
}

# bridge: the processes of xen-vhost-user
bridge()
{
	pidof xen-vhost-user xenvirtio-dev
}

# blkback_thread: of the guest's disk
blkback_thread()
{
	grep -l "xvda" /proc/[0-9]*/comm | sed 's/[^0-9]//g'
}

# start_reader NUMBER AIO: a qemu-storage-daemon that only reads, for the guest's disk of that number
start_reader()
{
	local socket=$XV_STATE/blk-$domid-$1
	start_backend "$socket" qemu-storage-daemon \
		--blockdev "driver=file,node-name=file,filename=$image,read-only=on,cache.direct=off,aio=$2" \
		--blockdev driver=raw,node-name=disk,file=file,read-only=on \
		--export "type=vhost-user-blk,id=export,node-name=disk,addr.type=unix,addr.path=$socket,writable=off,num-queues=1"
}

# interrupts NAME: of the guest's device
interrupts()
{
	guest_run g "awk '/$1/ { sum += \$2 } END { print sum + 0 }' /proc/interrupts"
}

# spent: processor time of the guest and of dom0, in ns
spent()
{
	echo "$(dominfo "$domid" cpu_ns) $(dominfo 0 cpu_ns)"
}

# read_disk REQUESTS: of $device; sets guest_ns and dom0_ns to what it took
read_disk()
{
	local before after
	before=$(spent)
	guest_run g "disk-read $pattern $device $bytes $depth $1" 600 >"$XV_STATE/read"
	status=$?
	after=$(spent)
	set -- $before $after
	guest_ns=$(($3 - $1))
	dom0_ns=$(($4 - $2))
}

# measure BACKEND DEVICE INTERRUPT PROCESS
measure()
{
	local backend=$1 device=$2 interrupt=$3 process=$4 none_guest none_dom0 woken bridged raised
	read_disk 0
	is "$status" 0 "$backend: $pattern reads of $bytes bytes, $depth at a time: none"
	none_guest=$guest_ns none_dom0=$dom0_ns
	woken=$(wakes "$process") bridged=$(wakes $(bridge)) raised=$(interrupts "$interrupt")
	read_disk "$requests"
	is "$status $(tr '\n' ' ' <"$XV_STATE/read")" "0 requests $requests wrong 0 " "$backend: $requests of them, each with its own data"
	woken=$(($(wakes "$process") - woken)) bridged=$(($(wakes $(bridge)) - bridged))
	raised=$(($(interrupts "$interrupt") - raised))
	tap "# bench {\"backend\":\"$backend\",\"pattern\":\"$pattern\",\"bytes\":$bytes,\"depth\":$depth,\"requests\":$requests,\"guest_ns\":$((guest_ns - none_guest)),\"dom0_ns\":$((dom0_ns - none_dom0)),\"backend_wakes\":$woken,\"bridge_wakes\":$bridged,\"interrupts\":$raised}"
}

read -r mib jobs </xv/bench
image=$XV_STATE/images/disk
check "dom0 has blkback, and a disk" blkback_modules
/usr/sbin/mke2fs -q -t ext4 -F /dev/ram0 && mkdir "$XV_STATE/images" && mount -t ext4 /dev/ram0 "$XV_STATE/images" || bail "a file system for the image"
disk-read make "$image" "$mib" || bail "the image"
sync
check "the guest's disk" blkback_disk "$image"
check "the front-end's service starts" start_service xen-vhost-user /run/xen-vhost-blk --type=blk "--socket=$XV_STATE/blk-%d-%i"
front=$service
cat "$(guest_initrd)" /xv/disk-read.cpio >"$XV_STATE/initrd"
XV_INITRD=$XV_STATE/initrd
entry='"backend=0,type=virtio,device2,transport=mmio,grant_usage=0"'
XV_VIRTIO="$entry, $entry, $entry"
create_guest g 256 1 "$disk" >/dev/null || bail "xl create -p"
domid=$(domid g)
check "a qemu-storage-daemon listens, with its threads" start_reader 0 threads
threads=$backend
check "and one with io_uring" start_reader 1 io_uring
uring=$backend
check "and QEMU's example" start_vhost_user_blk "$XV_STATE/blk-$domid-2" "$image"
example=$backend
for device in 0 1 2; do
	check "device $device is served" wait_for "[ -n \"\$(xenstore-read \"\$(backend_node $domid $device)/path\" 2>/dev/null)\" ]" 20
done
unpause g
wait_guest g || bail "the guest boots"
check "the drivers of all" guest_modules g qemu-storage-daemon
check "and of Xen's" guest_modules g blkback
check "the guest has its disks" wait_for 'guest_run g "[ -e /dev/vda ] && [ -e /dev/vdb ] && [ -e /dev/vdc ] && [ -e /dev/xvda ]"' 20
size=$((mib * 2048))
is "$(guest_run g 'cat /sys/block/vd[abc]/size /sys/block/xvda/size' | tr '\n' ' ')" "$size $size $size $size " "of the same size"
# which of the three is which is the driver's to say
set --
for device in 0 1 2; do
	set -- "$@" "$(guest_run g "cd /sys/block; for d in vd?; do readlink \$d/device | grep -q 'virtio$device\$' && echo /dev/\$d; done")"
done
# else it reads past the page cache, which a guest's memory cannot be read into
check "QEMU's example takes the page cache" guest_run g "echo 'write back' >/sys/block/${3#/dev/}/cache_type"
for job in $jobs; do
	IFS=: read -r pattern bytes depth requests <<-EOT
		$job
	EOT
	measure blkback /dev/xvda blkif "$(blkback_thread)"
	measure vhost-user $1 virtio0 $threads
	measure vhost-user-io_uring $2 virtio1 $uring
	measure vhost-user-example $3 virtio2 $example
done
check "the guest is destroyed" xl destroy g
for backend in $threads $uring $example; do
	wait_for "! pid_alive $backend" 1 || stop_backend "$backend"
done
kill -TERM $front
check "the service ends" wait_for "! pid_alive $front" 10
losetup -d /dev/loop0
check "the image's file system is free" umount "$XV_STATE/images"
