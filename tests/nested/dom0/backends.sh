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
