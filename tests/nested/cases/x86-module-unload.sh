# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
# notify: own
# modules: ours
# boot: own
#
# What module-unload.sh is about, in a PV dom0: the page that the kernel maps for itself is gone with the last ioeventfd, or
# the module could not be unloaded and its guest's frame would stay mapped.

export UNLOAD_ALONE='kill $(cat /run/xenconsoled.pid /run/xenstored.pid); sleep 1; umount /proc/xen && rmmod xenfs'
export UNLOAD_LOAD='insmod /xv/modules/xen-evtchn.ko && insmod /xv/modules/xen-privcmd.ko'
kernel_tests eventfd-unload

insmod /xv/modules/xenfs.ko 2>/dev/null || insmod /lib/modules/xenfs.ko
mount -t xenfs xenfs /proc/xen
xenstored --pid-file=/run/xenstored.pid
xen-init-dom0
for id in $(xl list | awk 'NR > 1 && $2 > 0 { print $2 }'); do
	check "the guest is destroyed" xl destroy "$id"
	check "without a trace" wait_for '! xen-dominfo "$id" >/dev/null 2>&1' 10
done
