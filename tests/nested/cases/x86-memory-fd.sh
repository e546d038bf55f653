# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
# notify: own
# modules: ours
# timeout: 200
#
# A PV dom0 has no files of a guest's memory, and says so.

is "$(cat /sys/hypervisor/guest_type)" PV "dom0 is a PV domain"
kernel_tests memory

# So there is nothing to give to a vhost-user backend, which is said before one is waited for.
export XV_TYPE=virtio,device2
domid=$(create_guest g 128) || bail "a guest with a disk"
xen-vhost-user --type=blk --domid "$domid" --no-restart "--socket=$XV_STATE/none" 2>"$XV_STATE/err"
is $? 6 "a device for a backend cannot be served on this host"
check "which is said, and where it is not" grep -q "modules of kernel/privcmd, in a dom0 that is PVH or on Arm" "$XV_STATE/err"
check "the guest is destroyed" xl destroy g
