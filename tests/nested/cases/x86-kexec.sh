# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# device-model: qemu
# mode: icount
# timeout: 900
#
# A guest with memory in its balloon panics, and its crash kernel starts; later it starts another kernel by kexec, without a reboot.
# Both times Linux asks Xen for a soft reset: xl takes the devices away and makes them again, for the same domain and the same memory.
# What was in the balloon is back before the next kernel begins, and the size that was named is in force again where a driver comes.

xen-virtio-acpi --output "$XV_STATE/virtio.aml" || bail "xen-virtio-acpi writes the table"
mkdir -p "$XV_STATE/part/next"
cp "/guest/bzImage-$XV_KERNEL" "$XV_STATE/part/next/kernel"
cp "/guest/initrd-$XV_KERNEL" "$XV_STATE/part/next/initrd"
(cd "$XV_STATE/part" && find next | cpio -o -H newc) >"$XV_STATE/next.cpio" || bail "an initramfs is made"
cat "/guest/initrd-$XV_KERNEL" /xv/kexec.cpio "$XV_STATE/next.cpio" >"$XV_STATE/initrd"
rm -rf "$XV_STATE/part" "$XV_STATE/next.cpio"
XV_IMAGE=bzImage
XV_INITRD=$XV_STATE/initrd
# Linux draws the place it starts at; where that is the middle, no 160 MiB are left in one piece for the crash kernel.
XV_APPEND="crashkernel=160M nokaslr"
start_service xen-vballoond /run/xen-vballoon || bail "the service starts"
create_guest g 400 1 "type = \"hvm\"
acpi_firmware = \"$XV_STATE/virtio.aml\"
vga = \"none\"
vnc = 0
usb = 0" >/dev/null || bail "xl create -p"
first=$(domid g)
check "it is served" xen-vballoonctl wait g
xl unpause g
wait_guest g || bail "the guest boots"
before=$(xen_pages "$first")
check "set to 336M" xen-vballoonctl set g 336M --wait --timeout 30
check "64 MiB are in the balloon" wait_ballooned "$first" 65536 5

# The initramfs of a crash kernel has no driver that it does not need.
guest_run g 'kexec crash /next/kernel /next/initrd "$(sed "s/crashkernel=[^ ]*/xv.noload/" /proc/cmdline)"' >&2
is $? 0 "a crash kernel is loaded"
guest_send g 'sleep 1; echo c >/proc/sysrq-trigger' >/dev/null
check "it starts" wait_guest g 240 2
is "$(domid g)" "$first" "in the same domain"
is "$(xen_pages "$first")" "$before" "which has all of its memory"
guest_run g 'dd if=/proc/vmcore of=/dev/null bs=1M' 240 >&2
is $? 0 "the dump can be read from end to end"
guest_send g 'reboot -f' >/dev/null
check "xl makes a new domain" wait_for '[ -n "$(domid g)" ] && [ "$(domid g)" != "$first" ]' 60
check "the guest boots" wait_guest g 240 3
second=$(domid g)
check "with the size that was named" wait_ballooned "$second" 65536 60

guest_run g 'kexec load /next/kernel /next/initrd "$(cat /proc/cmdline)"' >&2
is $? 0 "the next kernel is loaded"
guest_send g 'kexec go' >/dev/null
check "it starts" wait_guest g 240 4
is "$(domid g)" "$second" "in the same domain"
check "with the size that was named" wait_for '[ "$(xs $second target)" = 344064 ]' 20
check "which it comes to" wait_ballooned "$second" 65536 60
is "$(xen_pages "$second")" $((before - 16384)) "to the page: nothing was lost on the way"
check "all of it is set" xen-vballoonctl set g 400M --wait --timeout 60
is "$(xen_pages "$second")" "$before" "and there"
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|unable to handle")"' 60
kill -TERM $service
check "the service ends" wait_for "! pid_alive $service" 15
