# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# device-model: qemu
# mode: icount
# timeout: 300
#
# The whole way of a user on x86: xl with a virtio entry and acpi_firmware=, hvmloader, SeaBIOS, QEMU as device model beside
# our ioreq server; the stock guest gives 64 MiB back and takes them again, exactly.

xen-virtio-acpi --output "$XV_STATE/virtio.aml" || bail "xen-virtio-acpi writes the table"
XV_IMAGE=bzImage
start_guest g 256 1 "type = \"hvm\"
acpi_firmware = \"$XV_STATE/virtio.aml\"
vga = \"none\"
vnc = 0
usb = 0"
is "$(xs "$domid" base) $(xs "$domid" irq)" "0 0" "xl chose no place"
diag "$(guest_run g 'grep virtio0 /proc/interrupts')"
# the first target is all of the memory, less what QEMU has of it
before=$(xen_pages "$domid")
target=$(xs "$domid" target)
set_target "$domid" $((target - 65536))
check "inflates" wait_pages "$domid" $((before - 16384))
set_target "$domid" "$target"
check "deflates" wait_pages "$domid" "$before"
check "nothing is ballooned at the end" wait_ballooned "$domid" 0 5
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|nobody cared|unable to handle")"'
