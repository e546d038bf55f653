# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# notify: own
#
# What tests/contract asserts of the seam's fake holds on real Xen: the unit tests stand on that. The guest never runs.

id=$(create_guest g 128) || bail "xl create -p"
contract-xen "$id" >"$XV_LOGS/contract.tap" 2>"$XV_LOGS/contract.err"
is "$?" 0 "contract-xen succeeds"
relay_tap "$XV_LOGS/contract.tap" contract
is "$(cat "$XV_LOGS/contract.err")" "" "and complains of nothing"
