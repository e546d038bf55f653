# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# xen: patched
# notify: own
# timeout: 900
#
# What releasing and populating give back, on a hypervisor with kernel/xen's patches: counts, errors, which frames are left and what is
# in them, for blocks, pieces, lists, and all that is out of the ordinary. The same program says the same on Xen as it comes
# (xen-reservation-plain). Its guest never runs.

reservation >"$XV_LOGS/reservation.tap" 2>"$XV_LOGS/reservation.err"
is "$?" 0 "reservation succeeds"
relay_tap "$XV_LOGS/reservation.tap" reservation
is "$(cat "$XV_LOGS/reservation.err")" "" "and complains of nothing"
