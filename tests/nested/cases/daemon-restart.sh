# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
#
# SIGTERM and SIGINT end the daemon cleanly; the next one goes on where it stopped, and the guest notices nothing.

start_guest g 256
before=$(xen_pages "$domid")
set_target "$domid" 196608
check "64 MiB given back" wait_pages "$domid" $((before - 16384))
for signal in TERM INT; do
	check "SIG$signal ends it within 5 s" stop_daemon "$domid" $signal
	is "$daemon_status" 0 "with status 0"
	is "$(xen_pages "$domid")" $((before - 16384)) "SIG$signal: what was given back stays so"
	check "SIG$signal: another starts" start_daemon "$domid"
	check "SIG$signal: it knows what is ballooned" wait_ballooned "$domid" 65536 5
	check "SIG$signal: the guest goes on" guest_run g true
done
set_target "$domid" 131072
check "and inflates" wait_pages "$domid" $((before - 32768))
set_target "$domid" 262144
check "and deflates" wait_pages "$domid" "$before"
