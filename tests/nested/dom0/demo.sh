# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# timeout: 180
#
# ./lab demo: a stock guest gives 128 MiB back to Xen and takes them again, watched from three sides: Xen's own
# count, what the daemon publishes, and what the guest says of itself. Its seconds are the nested machine's, whose
# clock counts instructions: they say how much work it was, on any machine.

mib()
{
	echo "$(($1 / 256)).$(($1 % 256 * 100 / 256 / 10))$(($1 % 256 * 100 / 256 % 10))"
}

# seconds_since CENTISECONDS
seconds_since()
{
	local cs=$(($(now_cs) - $1))
	echo "$((cs / 100)).$((cs % 100 / 10))"
}

# show TEXT: the three views, now.
show()
{
	local pages id=$domid
	pages=$(xen_pages "$id")
	say ""
	say "--- $1"
	say "$(xl list)"
	say "Xen counts         $pages pages = $(mib "$pages") MiB (free in Xen: $(dominfo "$id" free_pages) pages)"
	say "xen-vballoond      target $(xs "$id" target) KiB, ballooned $(xs "$id" ballooned) KiB; the driver says $(xs "$id" actual) KiB"
	say "the guest itself   MemTotal $(guest_meminfo demo MemTotal) KiB, MemFree $(guest_meminfo demo MemFree) KiB"
	shown_pages=$pages
}

say "Xen $(xl info | sed -n 's/^xen_version *: //p') on arm64, dom0 and guest: Debian's $(uname -r)"
start_guest demo 256
say "domain $domid: xl create -p, xen-vballoond --domid $domid, xl unpause; notification by $(xs "$domid" path)"
static=$(xs "$domid" target)
wait_for '[ -n "$(xs "$domid" stats/free-memory)" ]' 20
show "before"
say "statistics say     free-memory $(xs "$domid" stats/free-memory) bytes"
free=$(xs "$domid" stats/free-memory)
before=$shown_pages

start=$(now_cs)
set_target "$domid" $((static - 131072))
wait_pages "$domid" $((before - 32768)) 60
show "inflated by 128 MiB, $(seconds_since "$start") s of the machine's own time after the target was written"
is "$((before - shown_pages))" 32768 "Xen got exactly 32768 pages (128 MiB) back"
wait_for '[ "$(xs "$domid" stats/free-memory)" -lt $((free - 100000000)) ]' 20
say "statistics, from xenstore ($(backend_node "$domid")/stats):"
for key in $(xenstore-list "$(backend_node "$domid")/stats"); do
	say "    $key = $(xs "$domid" "stats/$key")"
done
is "$(xs "$domid" ballooned)" 131072 "the daemon publishes 131072 KiB as ballooned"

start=$(now_cs)
set_target "$domid" "$static"
wait_pages "$domid" "$before" 60
show "deflated, $(seconds_since "$start") s of the machine's own time after the target was written"
is "$shown_pages" "$before" "the guest has every page again"
