# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# device-model: qemu
# mode: icount
# timeout: 600
#
# memory= below maxmem=, the ordinary way to make a guest with a balloon on x86: its memory is populated on demand, and it must give
# what Xen does not have for it. Whether its own Xen balloon driver does that or ours, sizes are what Xen counts.

xen-virtio-acpi --output "$XV_STATE/virtio.aml" || bail "xen-virtio-acpi writes the table"
XV_IMAGE=bzImage
lines="type = \"hvm\"
maxmem = 384
acpi_firmware = \"$XV_STATE/virtio.aml\"
vga = \"none\"
vnc = 0
usb = 0"

start_guest g 192 1 "$lines"
has=$(xs "$domid" target)
check "the first size is what it was made with, $has KiB: xl keeps a MiB" [ $((has / 4096)) = 47 ]
check "which its Xen balloon driver sees to" wait_ballooned "$domid" 0 60
before=$(xen_pages "$domid")
check "it has about 192 MiB" [ "$before" -gt 48000 ]
check "set to what xl.cfg says" xen-vballoonctl set g 192M --wait --timeout 10
check "and to what it has" xen-vballoonctl set g "${has}K" --wait --timeout 10
is "$(xen_pages "$domid") $(xs "$domid" ballooned)" "$before 0" "does nothing"
check "set to 32 MiB less" xen-vballoonctl set g $((has - 32768))K --wait --timeout 60
is "$(xen_pages "$domid")" $((before - 8192)) "takes that, to the page"
check "and back" xen-vballoonctl set g "${has}K" --wait --timeout 60
is "$(xen_pages "$domid")" "$before" "gives it"
xen-vballoonctl set g 256M 2>"$XV_STATE/why"
is $? 5 "more than it was made with is refused"
check "with who keeps it" grep -q 'Xen balloon driver' "$XV_STATE/why"
check "the guest is well" guest_run g 'test -z "$(dmesg | grep -iE "oops|BUG:|killed process")"'
check "destroyed" xl destroy g
wait_daemon "$domid" 20

start_guest h 192 1 "$lines" --mem-set=follow
has=$(xs "$domid" target)
given=$((393216 - has))
check "without its Xen balloon driver ours gives what Xen does not have" wait_ballooned "$domid" $given 60
before=$(xen_pages "$domid")
check "it has about 192 MiB" [ "$before" -gt 48000 ]
check "it uses what it believes to have" guest_run h 'dd if=/dev/zero of=/tmp/fill bs=1M count=80 2>/dev/null && rm /tmp/fill' 90
check "xl mem-set h 160" xl mem-set h 160
check "takes what is above, to the page" wait_pages "$domid" $((before - (has - 163840) / 4)) 60
check "xl mem-set h 256, above what it was made with" xl mem-set h 256
check "gives that" wait_pages "$domid" $((before + (262144 - has) / 4)) 60
check "the guest is well" guest_run h 'test -z "$(dmesg | grep -iE "oops|BUG:|killed process")"'
