# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# notify: own
# modules: stock
#
# On the modules Debian ships there is the event channel, and a path that is asked for by name is refused with a reason.

start_guest g 256
before=$(xen_pages "$domid")
is "$(xs "$domid" path)" event-channel "the event channel is what there is"
stop_daemon "$domid"
for path in eventfd-regs eventfd upstream; do
	xen-vballoond --domid "$domid" --notify=$path 2>"$XV_STATE/err"
	is $? 6 "$path: refused as unsuitable"
	check "$path: with a reason" grep -q -e "--notify $path" "$XV_STATE/err"
done
check "auto goes on" start_daemon "$domid"
set_target "$domid" 196608
check "64 MiB given back" wait_pages "$domid" $((before - 16384))
