# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
#
# The second device type where most users are: a PV dom0, a stock guest, an entropy device at the place of xen-virtio-acpi's table.

export XV_DAEMON=xen-vrngd XV_TYPE=virtio,device4
start_guest g 256
check "the stock driver takes the device" guest_run g 'for m in $(cat /lib/modules/spare-order); do insmod /lib/modules/$m || exit 1; done'
is "$(guest_run g 'cat /sys/class/misc/hw_random/rng_current')" virtio_rng.0 "and the guest's kernel uses it"
one=$(guest_run g "dd if=/dev/hwrng bs=64 count=1 iflag=fullblock 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; echo")
two=$(guest_run g "dd if=/dev/hwrng bs=64 count=1 iflag=fullblock 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; echo")
is "${#one} ${#two}" "128 128" "as many bytes as asked for"
check "and others the second time" [ "$one" != "$two" ]
check "the daemon counts them" wait_for '[ "$(xs "$domid" given)" -ge 128 ]' 5
stop_daemon "$domid" KILL
check "killed, another adopts" start_daemon "$domid"
three=$(guest_run g "dd if=/dev/hwrng bs=64 count=1 iflag=fullblock 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; echo")
check "and the guest reads on" [ ${#three} = 128 ]
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|nobody cared|unable to handle")"'
