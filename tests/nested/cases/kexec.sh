# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 240
#
# A guest with memory in its balloon starts another kernel by kexec, on Arm, where Xen has no soft reset. The old kernel resets its
# devices, and so has all of its memory back. The next one ends in its first Xen call but one: Xen has the address of its vcpu's state from
# the kernel before, and takes no other (VCPUOP_register_vcpu_info: -EBUSY; Linux: BUG). Then the guest boots as after any panic.

mkdir -p "$XV_STATE/part/next"
cp "/guest/Image-$XV_KERNEL" "$XV_STATE/part/next/kernel"
cp "/guest/initrd-$XV_KERNEL" "$XV_STATE/part/next/initrd"
(cd "$XV_STATE/part" && find next | cpio -o -H newc) >"$XV_STATE/next.cpio" || bail "an initramfs is made"
cat "/guest/initrd-$XV_KERNEL" /xv/kexec.cpio "$XV_STATE/next.cpio" >"$XV_STATE/initrd"
rm -rf "$XV_STATE/part" "$XV_STATE/next.cpio"
XV_INITRD=$XV_STATE/initrd
XV_APPEND="panic=3"
check "the service starts" start_service xen-vballoond /run/xen-vballoon
create_guest g 448 >/dev/null || bail "xl create -p g"
first=$(domid g)
check "it is served" xen-vballoonctl wait g
unpause g
wait_guest g || bail "the guest boots"
before=$(xen_pages "$first")
check "set to 384M" xen-vballoonctl set g 384M --wait --timeout 30
check "64 MiB are in the balloon" wait_ballooned "$first" 65536 5
guest_run g 'kexec load /next/kernel /next/initrd -' >&2
is $? 0 "the next kernel is loaded"
guest_send g 'kexec go' >/dev/null
check "it starts, and ends where it meets Xen" wait_for 'grep -q "kernel BUG at .*arm/xen/enlighten.c" "$(console_log g)"' 60
is "$(xen_pages "$first") $(xs "$first" ballooned)" "$before 0" "what was in the balloon was back before"
check "xl makes a new domain" wait_for '[ -n "$(domid g)" ] && [ "$(domid g)" != "$first" ]' 60
check "the guest boots" wait_for 'guest_ready g 2' 60
second=$(domid g)
is "$(xs "$second" target)" 393216 "with the size that was named"
check "which it comes to" wait_ballooned "$second" 65536 30
is "$(xen_pages "$second")" $((before - 16384)) "to the page"
kill -TERM "$service"
check "the service ends" wait_for "! pid_alive $service" 15
