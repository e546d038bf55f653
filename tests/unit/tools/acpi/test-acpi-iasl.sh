#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# xen-virtio-acpi against ACPI's own compiler, as TAP: for each set of options the table's AML is, byte for byte, what iasl
# makes of the same devices written in ACPI's source language; iasl takes it apart again without a complaint; and wrong
# usage leaves no file. iasl is in the package acpica-tools.

if ! command -v iasl >/dev/null; then
	echo "1..0 # SKIP iasl is missing: install acpica-tools"
	exit 0
fi
program=$PWD/tools/xen-virtio-acpi
. "${srcdir:-.}/tests/unit/tap.sh"

# source BASE GSI...: the devices in source language.
source_of()
{
	local base=$1 i=0 gsi
	shift
	echo 'DefinitionBlock ("", "SSDT", 2, "XENVIO", "VIRTMMIO", 1) { Scope (\_SB) {'
	for gsi; do
		printf 'Device (VIO%X) { Name (_HID, "LNRO0005") Name (_UID, %d) Name (_CRS, ResourceTemplate () {\n' $i $i
		printf 'Memory32Fixed (ReadWrite, 0x%x, 0x200)\n' $((base + i * 512))
		printf 'Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { %d } }) }\n' "$gsi"
		i=$((i + 1))
	done
	echo '} }'
}

# compare OPTIONS BASE GSI...
compare()
{
	local options=$1
	shift
	rm -f "$tmp"/*
	source_of "$@" >"$tmp/want.asl"
	# shellcheck disable=SC2086
	{ "$program" $options --output "$tmp/got.aml" && iasl -p "$tmp/want" "$tmp/want.asl"; } >"$tmp/log" 2>&1
	# The compiler's name and version are the last 8 bytes of the header; the checksum, at 9, counts them.
	for file in got want; do
		head -c 9 "$tmp/$file.aml"
		tail -c +11 "$tmp/$file.aml" | head -c 18
		tail -c +37 "$tmp/$file.aml"
	done >"$tmp/both" 2>>"$tmp/log"
	size=$(wc -c <"$tmp/got.aml")
	[ "$(wc -c <"$tmp/want.aml")" -eq "$size" ] && [ $(($(wc -c <"$tmp/both") / 2)) -eq $((size - 9)) ] &&
		head -c $((size - 9)) "$tmp/both" >"$tmp/a" && tail -c $((size - 9)) "$tmp/both" | cmp - "$tmp/a" >>"$tmp/log" 2>&1
	result $? "'$options': the bytes iasl makes"
	iasl -p "$tmp/again" -d "$tmp/got.aml" >"$tmp/log" 2>&1 && ! grep -iE 'error|warning' "$tmp/log" >"$tmp/bad" &&
		[ "$(grep -c LNRO0005 "$tmp/again.dsl")" -eq $(($# - 1)) ]
	result $? "'$options': taken apart again"
}

compare "" 0xfea00000 47
compare "--devices 8" 0xfea00000 47 43 39 35 31 27 23 19
compare "--devices 2 --base d0000000 --irq 7,140" 0xd0000000 7 47
compare "--devices 16 --base 200 --irq 3,4,5,6,7,10,11,12,14,15,16,17,18,19,142,143" 0x200 \
	3 4 5 6 7 10 11 12 14 15 16 17 18 19 17 18

rm -f "$tmp"/*
"$program" --devices 2 --irq 7 --output "$tmp/x" >"$tmp/log" 2>&1
[ $? -eq 2 ] && [ ! -e "$tmp/x" ] && [ "$(wc -l <"$tmp/log")" -eq 1 ]
result $? "wrong usage: one line, status 2, no file"
"$program" --output "$tmp/no/such" >"$tmp/log" 2>&1
[ $? -eq 1 ] && [ "$(wc -l <"$tmp/log")" -eq 1 ]
result $? "a file that cannot be made: one line, status 1"
"$program" >/dev/full 2>"$tmp/log"
[ $? -eq 1 ] && [ "$(wc -l <"$tmp/log")" -eq 1 ]
result $? "a full disk: one line, status 1"
tap_done
