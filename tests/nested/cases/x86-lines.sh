# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# mode: icount
# modules: stock
#
# Without our modules: by the kernel in a PV dom0 a pirq guest is not interrupted (kernel/privcmd/README.md, "What does not work").
#
# Both kinds of lines, and both ways a guest takes them: an ISA line at the I/O APIC, an ISA line and a PCI slot's as event
# channels (pirq). Each time 32 MiB go and come back exactly, and the line is down at the end: the interrupts' count rests.

# interrupts NAME: of the guest's virtio device.
interrupts()
{
	guest_run "$1" 'awk "/virtio0/ { print \$2 }" /proc/interrupts'
}

# try_line NAME TEXT IRQ HOW
try_line()
{
	local name=$1 id before count
	id=$(XV_ACPI="--irq $3" XV_PIRQ=$4 create_guest "$name" 160) || bail "$2: a guest is made"
	# what xl would leave 0
	xs_set "$id" base 0xfea00000
	xs_set "$id" irq "$3"
	start_daemon "$id" || bail "$2: the device is served"
	unpause "$name"
	wait_guest "$name" || bail "$2: the guest boots"
	diag "$2: $(guest_run "$name" 'grep virtio0 /proc/interrupts')"
	before=$(xen_pages "$id")
	set_target "$id" 131072
	check "$2: inflates" wait_pages "$id" $((before - 8192))
	set_target "$id" 163840
	check "$2: deflates" wait_pages "$id" "$before"
	wait_for "[ \"\$(xs $id actual)\" = 0 ]" 5
	count=$(interrupts "$name")
	check "$2: interrupts came" [ "${count:-0}" -gt 5 ]
	guest_run "$name" 'sleep 1' >/dev/null
	# statistics take one or two
	check "$2: and rest" [ $(($(interrupts "$name") - count)) -lt 10 ]
	check "$2: the guest is well" guest_run "$name" 'test -z "$(dmesg | grep -iE "oops|BUG:|nobody cared|unable to handle")"'
	xl destroy "$name"
}

try_line a "ISA line 7" 7 -
try_line b "ISA line 7, pirq" 7 pirq
try_line c "PCI line 140, pirq" 140 pirq
