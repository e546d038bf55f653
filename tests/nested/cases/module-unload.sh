# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# notify: own
# modules: ours
# boot: own
#
# xen-privcmd and xen-evtchn stay while anything leads into them and go when nothing does, and a guest goes on with what is
# loaded next. For that xenstored and xenconsoled must be away for a while, so the boot is not shared.

export UNLOAD_ALONE='kill $(cat /run/xenconsoled.pid /run/xenstored.pid); sleep 1; umount /proc/xen && rmmod xenfs'
export UNLOAD_LOAD='insmod /xv/modules/xen-evtchn.ko && insmod /xv/modules/xen-privcmd.ko'
kernel_tests eventfd-unload

insmod /xv/modules/xenfs.ko 2>/dev/null || insmod /lib/modules/xenfs.ko
mount -t xenfs xenfs /proc/xen
xenstored --pid-file=/run/xenstored.pid
xen-init-dom0
for id in $(xl list | awk 'NR > 1 && $2 > 0 { print $2 }'); do
	check "the guest is destroyed" xl destroy "$id"
done
