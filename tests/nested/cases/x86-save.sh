# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# device-model: qemu
# mode: icount
# timeout: 600
#
# A guest with memory in its balloon is saved, restored and migrated (to this very host). Saved, its driver takes all of
# it back first; restored, it has the size again that somebody had named, by its UUID. A migration does not carry the size.

# The console's log has the name that the guest had while it came.
migrated_run()
{
	guest_result g--incoming "$(guest_send g "$1")" "${2:-240}"
}

xen-virtio-acpi --output "$XV_STATE/virtio.aml" || bail "xen-virtio-acpi writes the table"
XV_IMAGE=bzImage
start_service xen-vballoond /run/xen-vballoon || bail "the service starts"
create_guest g 192 1 "type = \"hvm\"
acpi_firmware = \"$XV_STATE/virtio.aml\"
vga = \"none\"
vnc = 0
usb = 0" >/dev/null || bail "xl create -p"
domid=$(domid g)
check "it is served" xen-vballoonctl wait g
xl unpause g
wait_guest g || bail "the guest boots"
check "set to 128M" xen-vballoonctl set g 128M --wait --timeout 30
check "64 MiB are in the balloon" wait_ballooned "$domid" 65536 5

xl save g "$XV_STATE/g.save" >"$XV_STATE/save.out" 2>&1
is $? 0 "xl save"
check "its device process has ended" wait_for '[ -z "$(device_process xen-vballoond $domid)" ]' 10
xl restore "$XV_STATE/g.save" >"$XV_STATE/restore.out" 2>&1
is $? 0 "xl restore"
rm -f "$XV_STATE/g.save"
domid=$(domid g)
check "it is served again" wait_for '[ -n "$(xs $domid path)" ]' 20
is "$(xs "$domid" target)" 131072 "with the size that was named"
check "which it comes to, to the page" wait_ballooned "$domid" 65536 60
check "the guest answers" guest_run g true 30
check "set to all of it" xen-vballoonctl set g 192M --wait --timeout 60
check "the balloon is empty" wait_ballooned "$domid" 0 5
check "set to 160M" xen-vballoonctl set g 160M --wait --timeout 60

# The manual's way to take the size along, without jq.
size=$(xen-vballoonctl status g --json | sed 's/.*"target_kib":\([0-9]*\).*/\1/')
is "$size" 163840 "the size can be read"
xl migrate -s '' g 'xl migrate-receive' >"$XV_STATE/migrate.out" 2>&1
rc=$?
is $rc 0 "xl migrate"
[ $rc = 0 ] || diag "$(tail -n 8 "$XV_STATE/migrate.out")"
domid=$(domid g)
check "it is served there" wait_for '[ -n "$(xs $domid path)" ]' 20
is "$(xs "$domid" target)" 196608 "with all of its memory"
check "the guest answers" migrated_run true 30
check "the size is set there" xen-vballoonctl set g "${size}K" --wait --timeout 60
check "to the page" wait_ballooned "$domid" 32768 5
check "the guest is well" migrated_run 'test -z "$(dmesg | grep -iE "oops|BUG:|nobody cared|unable to handle")"'
kill -TERM $service
check "the service ends" wait_for "! pid_alive $service" 15
