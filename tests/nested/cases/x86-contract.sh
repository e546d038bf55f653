# SPDX-License-Identifier: GPL-2.0-or-later
# platform: x86_64
# run: named
# mode: icount
# notify: own
#
# What tests/contract asserts of the seam's fake holds on Xen for x86, from a PV dom0. The guest never runs.

id=$(create_guest g 128) || bail "a guest is made"
contract-xen "$id" >"$XV_LOGS/contract.tap" 2>"$XV_LOGS/contract.err"
is "$?" 0 "contract-xen succeeds"
relay_tap "$XV_LOGS/contract.tap" contract
is "$(cat "$XV_LOGS/contract.err")" "" "and complains of nothing"
