# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a case whose header names backends may use as well (busybox sh): Debian's vhost-user backends in dom0, Xen's own disk, the guests'
# modules for their devices, and trees of files to compare (guest/tree.sh). Knows nothing of who connects to a backend.
#
# A backend's log is $XV_LOGS/NAME.log. One that the case leaves running is ended by lib.sh's cleanup, and counts as left behind.

# start_backend SOCKET PROGRAM [ARGUMENTS]: until it listens; sets backend to its process.
start_backend()
{
	local socket=$1 log
	shift
	log=$XV_LOGS/${1##*/}.log
	echo "-- $*" >>"$log"
	"$@" >>"$log" 2>&1 </dev/null &
	backend=$!
	wait_for "[ -S '$socket' ] || ! pid_alive $backend" 20
	pid_alive $backend && [ -S "$socket" ] && return 0
	diag "$1 does not listen on $socket:"
	diag "$(tail -n 5 "$log")"
	return 1
}

# start_virtiofsd SOCKET DIRECTORY [ARGUMENTS]: it ends when who connected to it has gone. Its other sandbox, a namespace, wants to
# exchange the root, which cannot be done to an initramfs.
start_virtiofsd()
{
	local socket=$1 dir=$2
	shift 2
	start_backend "$socket" /usr/libexec/virtiofsd --socket-path="$socket" --shared-dir="$dir" --sandbox=chroot "$@"
}

# start_storage_daemon SOCKET IMAGE [ARGUMENTS]: the raw image as a disk. A guest's memory that is mapped from Xen cannot be read
# into past the page cache.
start_storage_daemon()
{
	local socket=$1 image=$2
	shift 2
	start_backend "$socket" qemu-storage-daemon \
		--blockdev "driver=file,node-name=file,filename=$image,cache.direct=off" \
		--blockdev driver=raw,node-name=disk,file=file \
		--export "type=vhost-user-blk,id=export,node-name=disk,addr.type=unix,addr.path=$socket,writable=on,num-queues=1" "$@"
}

# start_vhost_user_blk SOCKET IMAGE: QEMU's example, which keeps a record of what is in flight; for one that connects, once
start_vhost_user_blk()
{
	start_backend "$1" vhost-user-blk --socket-path="$1" --blk-file="$2"
}

# --- a guest g with a disk of xen-vhost-user's service, whose backend comes and goes: $disk is its process, $front the service's

blk_dir=/run/xen-vhost-blk

# blk_status KEY: a number of the device process's status
blk_status()
{
	echo '{"cmd":"status"}' | unix-say "$blk_dir/$domid-0.sock" | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p"
}

# serve_disk: another backend for the guest as it is now
serve_disk()
{
	rm -f "$XV_STATE/blk-$domid-0"
	"$blk_start" "$XV_STATE/blk-$domid-0" "$image" || return 1
	disk=$backend
}

# create_blk_guest: paused; served, with a backend
create_blk_guest()
{
	XV_VIRTIO='"backend=0,type=virtio,device2,transport=mmio,grant_usage=0"'
	create_guest g 256 >/dev/null || bail "xl create -p"
	domid=$(domid g)
	serve_disk || bail "the backend listens"
	wait_for '[ -n "$(xs "$domid" path)" ]' 20 || bail "the device is served"
}

# start_blk_guest START: the service, a file system on $image, and the guest, started; START, of SOCKET IMAGE, starts a backend
start_blk_guest()
{
	blk_start=$1
	image=$XV_STATE/disk
	start_service xen-vhost-user $blk_dir --type=blk "--socket=$XV_STATE/blk-%d-%i" || bail "the front-end's service starts"
	front=$service
	truncate -s 64M "$image"
	/usr/sbin/mke2fs -q -t ext4 -F "$image" || bail "dom0 makes a file system"
	create_blk_guest
	unpause g
}

# stop_backend PROCESS [SECONDS]: 1 when it does not end.
stop_backend()
{
	kill -TERM "$1" 2>/dev/null
	wait_for "! pid_alive $1" "${2:-10}" || return 1
	wait "$1"
	return 0
}

# blkback_modules: dom0's, with a disk of 96 MiB in memory
blkback_modules()
{
	local module
	for module in $(cat /xv/backends/blkback-order); do
		[ ! -d "/sys/module/$(echo "${module%.ko}" | tr - _)" ] || continue
		case $module in
		brd.ko) insmod "/xv/backends/$module" rd_nr=1 rd_size=98304 ;;
		*) insmod "/xv/backends/$module" ;;
		esac || return 1
	done
}

# blkback_disk IMAGE: sets disk to what a guest's xl.cfg has for it as xvda, read-only, by Xen's own backend. xl's script for that
# wants bash and udev; this one does what that does for a loop device.
blkback_disk()
{
	local loop script=$XV_STATE/disk-hotplug
	loop=$(losetup -f) && losetup -r "$loop" "$1" || return 1
	cat >"$script" <<-'EOT'
		#!/bin/busybox sh
		[ "$1" = add ] || exit 0
		device=$(xenstore-read "$XENBUS_PATH/params")
		xenstore-write "$XENBUS_PATH/physical-device" "$(stat -c %t:%T "$device")"
		xenstore-write "$XENBUS_PATH/physical-device-path" "$device"
		xenstore-write "$XENBUS_PATH/hotplug-status" connected
	EOT
	chmod 755 "$script"
	disk="disk = [ \"format=raw,vdev=xvda,access=ro,backendtype=phy,script=$script,target=$loop\" ]"
}

# guest_modules NAME BACKEND: the guest loads what it needs for that backend's device.
guest_modules()
{
	guest_run "$1" "for m in \$(cat /lib/modules/$2-order); do insmod /lib/modules/\$m || exit 1; done" 60
}

. /xv/tree.sh

# guest_sh NAME COMMAND [SECONDS]: as guest_run, with the functions of tree.sh.
guest_sh()
{
	guest_run "$1" ". /bin/tree.sh; $2" "${3:-240}"
}
