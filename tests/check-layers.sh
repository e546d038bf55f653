#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Layers of the sources, as TAP: a file includes headers of its own layer and of those it stands on,
# Xen is behind the seam only, and the time behind the clock only. Then violations are planted in a copy of the tree, one by one: a
# check that finds none of them would be worth nothing.
#
# What is looked at are include lines and identifiers outside comments; files are not compiled.

set -u

root=${1:-${top_srcdir:-$(dirname "$0")/..}}

# The library's folders, each with those whose headers it may include. A public header belongs to the folder whose objects it describes.
library_floors='
base                 base
confine              base confine
hv                   base hv
hv/xen               base hv hv/xen
memory               base hv memory
balloon              base hv memory balloon
virtqueue            base hv memory virtqueue
notify               base hv notify
device               base hv memory virtqueue notify device
transport            base hv memory virtqueue notify device transport
xenstore             base xenstore
run                  base confine hv memory virtqueue notify device transport xenstore run
'

# The programs' folders, on the installed headers of the library. A program's main() may see all that is below it.
program_floors='
backend/base                    backend/base
backend/options                 backend/base backend/options
backend/xenstore                backend/base backend/options backend/xenstore
backend/broker                  backend/base backend/broker
backend/figures                 backend/base backend/figures
backend/control                 backend/base backend/figures backend/control
backend/metrics                 backend/base backend/figures backend/metrics
backend/vhost                   backend/base backend/vhost
backend/device                  backend/base backend/options backend/xenstore backend/figures backend/control backend/device
backend/process                 backend/base backend/options backend/xenstore backend/figures backend/control backend/metrics backend/device backend/process
backend/service                 backend/base backend/options backend/xenstore backend/service
backend/starter                 backend/base backend/options backend/service backend/starter
backend/devices/balloon         backend/base backend/devices/balloon
backend/devices/balloon/figures backend/base backend/figures backend/metrics backend/devices/balloon backend/devices/balloon/figures
backend/devices/balloon/sizing  backend/base backend/xenstore backend/devices/balloon/figures backend/devices/balloon/sizing
backend/devices/balloon/daemon  backend/base backend/options backend/xenstore backend/control backend/device backend/devices/balloon backend/devices/balloon/figures backend/devices/balloon/sizing backend/devices/balloon/daemon
backend/devices/rng             backend/base backend/devices/rng
backend/devices/rng/daemon      backend/base backend/options backend/xenstore backend/figures backend/device backend/devices/rng backend/devices/rng/daemon
backend/devices/vhost-user      backend/base backend/vhost backend/devices/vhost-user
backend/devices/vhost-user/daemon backend/base backend/options backend/xenstore backend/figures backend/device backend/vhost backend/devices/vhost-user backend/devices/vhost-user/daemon
backend                         backend backend/base backend/broker backend/options backend/figures backend/metrics backend/device backend/process backend/service backend/starter backend/devices/balloon/daemon backend/devices/rng/daemon backend/devices/vhost-user/daemon
tools/acpi                      backend/base tools/acpi
tools/ctl                       backend/base backend/control backend/devices/balloon/figures tools/ctl
tools/copy                      backend/base backend/devices/balloon/figures tools/ctl tools/copy
examples                        examples
'

# below FLOORS FOLDER: the folders that FOLDER may include, and itself
below()
{
	while read -r folder_of_line floors_of_line; do
		[ "$folder_of_line" != "$2" ] || echo "$floors_of_line"
	done <<-EOT
		$1
	EOT
}

# folder_of_public HEADER
folder_of_public()
{
	case ${1#xenvirtio/} in
	error.h | types.h) echo base ;;
	confine.h) echo confine ;;
	hv.h | registers.h) echo hv ;;
	extent.h | gmem.h | memory-files.h) echo memory ;;
	balloon.h | balloon-bulk.h) echo balloon ;;
	queue.h | view.h) echo virtqueue ;;
	notify-path.h) echo notify ;;
	device.h) echo device ;;
	placement.h | server.h) echo transport ;;
	store.h) echo xenstore ;;
	run.h) echo run ;;
	esac
}

# library_folder FILE: empty where the table has none
library_folder()
{
	inside=${1#"$tree/libxenvirtio/"}
	case $inside in
	include/xenvirtio/*) folder_of_public "${inside##*/}" ;;
	*/*) [ -z "$(below "$library_floors" "${inside%/*}")" ] || echo "${inside%/*}" ;;
	esac
}

# The source without comments, line by line.
strip_comments()
{
	awk '{
		line = $0; out = ""
		while (line != "") {
			if (inside) {
				at = index(line, "*/")
				if (!at) break
				line = substr(line, at + 2); inside = 0
				continue
			}
			block = index(line, "/*"); rest = index(line, "//")
			# // inside an include or a string is no comment that hides anything we look for
			if (rest && (!block || rest < block)) { out = out substr(line, 1, rest - 1); break }
			if (!block) { out = out line; break }
			out = out substr(line, 1, block - 1)
			line = substr(line, block + 2); inside = 1
		}
		print out
	}' "$1"
}

includes_of()
{
	sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]\([^>"]*\)[>"].*/\1/p'
}

# check_library FILE HEADER...: the floors of libxenvirtio
check_library()
{
	file=$1
	shift
	folder=$(library_folder "$file")
	if [ "$file" = "$tree/libxenvirtio/include/xenvirtio.h" ]; then
		return
	elif [ -z "$folder" ]; then
		echo "$file: in no folder of the table in $(basename "$0")"
		return
	fi
	for header in "$@"; do
		case $header in
		config.h) continue ;;
		xenvirtio.h) echo "$file: includes the header for users, $header" && continue ;;
		backend/* | tools/* | tests/* | libxenvirtio/* | ../*) echo "$file: includes $header" && continue ;;
		xenvirtio/*) of=$(folder_of_public "$header") ;;
		*/*)
			[ -f "$tree/libxenvirtio/$header" ] || continue
			of=${header%/*}
			;;
		*)
			[ ! -f "$(dirname "$file")/$header" ] || echo "$file: includes $header without its folder"
			continue
			;;
		esac
		case " $(below "$library_floors" "$folder") " in
		*" $of "*) ;;
		*) echo "$file: $folder/ includes $header of ${of:-no folder}" ;;
		esac
	done
}

# check_program FILE HEADER...: programs use what is installed, and their own headers, from the floors below
check_program()
{
	file=$1
	shift
	folder=${file#"$tree/"}
	folder=${folder%/*}
	floors=$(below "$program_floors" "$folder")
	if [ -z "$floors" ]; then
		echo "$file: in no folder of the table in $(basename "$0")"
		return
	fi
	for header in "$@"; do
		case $header in
		xenvirtio.h | xenvirtio/* | config.h) ;;
		libxenvirtio/* | tests/* | ../*) echo "$file: includes $header" ;;
		*)
			if [ -f "$tree/libxenvirtio/$header" ]; then
				echo "$file: includes $header, which is not installed"
			elif [ -f "$(dirname "$file")/$header" ]; then
				echo "$file: includes $header without its folder"
			elif [ -f "$tree/$header" ]; then
				case " $floors " in
				*" ${header%/*} "*) ;;
				*) echo "$file: $folder/ includes $header" ;;
				esac
			fi
			;;
		esac
	done
}

xen_headers='^(xen/.*|xenctrl[^/]*|xendevicemodel|xenevtchn|xenforeignmemory|xengnttab|xencall|xenguest|xenstore[^/]*|xs|xs_lib|xenhypfs|xenstat|xentoolcore|libxl[^/]*)\.h$'
xen_symbols='(^|[^[:alnum:]_])(xc_[a-z]|xs_[a-z]|xendevicemodel_|xenevtchn_|xenforeignmemory_|xengnttab_|xencall[0-9_]|xentoolcore_|libxl_)'
log_symbols='(^|[^[:alnum:]_])(xtl_[a-z]|xentoollog_level)'

# inside_xen FILE: behind the seam
inside_xen()
{
	case $1 in
	*/libxenvirtio/hv/xen/* | */libxenvirtio/xenstore/store-xen.c) return 0 ;;
	esac
	return 1
}

# check_xen_headers FILE HEADER...: Xen's headers, in their places only
check_xen_headers()
{
	file=$1
	shift
	name=${file##*/}
	for header in "$@"; do
		if [ "$header" = xenctrl.h ] && [ "$name" != hv-xen-mem.c ]; then
			echo "$file: includes xenctrl.h, which has no stable ABI"
		fi
		case $header:$file in
		xentoollog.h:*/backend/base/log*.[ch]) ;;
		xentoollog.h:*) echo "$file: includes xentoollog.h" ;;
		esac
	done
	if ! inside_xen "$file" && [ $# -gt 0 ]; then
		printf '%s\n' "$@" | grep -E "$xen_headers" | sed "s|.*|$file: includes & of Xen|"
	fi
}

# check_xen_symbols FILE: likewise; the source without comments is in $work/source
check_xen_symbols()
{
	file=$1
	if ! inside_xen "$file" && grep -Eq "$xen_symbols" "$work/source"; then
		echo "$file: uses $(grep -Eo "${xen_symbols}[a-z_]*" "$work/source" | head -n 1) of Xen"
	fi
	case $file in
	*/backend/base/log*.[ch]) ;;
	*)
		if grep -Eq "$log_symbols" "$work/source"; then
			echo "$file: uses xentoollog"
		fi
		;;
	esac
}

# What asks for the time, or waits for it, whichever library it is of.
time_calls='clock_gettime|clock_nanosleep|clock_getres|gettimeofday|time|times|clock|sleep|usleep|nanosleep|alarm|setitimer|timer_create|timerfd_[a-z]+|getrusage|wait3|wait4|evtimer_[a-z]+|event_base_loopexit|event_base_once|bufferevent_set_timeouts|pthread_cond_timedwait|sem_timedwait'
time_types='struct (timeval|timespec|itimerval|itimerspec)'
# poll() may look, or wait for an event; nothing between
poll_calls='(^|[^[:alnum:]_>.])(e?poll|epoll_wait)[[:space:]]*\('

# Most files have none of these, and one look is enough for them.
poll_words='(^|[^[:alnum:]_>.])(e?poll|epoll_wait)'
any_call="$xen_symbols|$log_symbols|(^|[^[:alnum:]_>.])($time_calls)[[:space:]]*\\(|$time_types|$poll_words"
calls_something()
{
	grep -Eq "$any_call" "$work/source"
}

# check_clock FILE: time is behind the clock only; the source without comments is in $work/source
check_clock()
{
	case $1 in
	*/backend/base/clock.c | */backend/base/timer.c | */libxenvirtio/base/clock.c | */tests/fake/timer-fake.c) return ;;
	esac
	if grep -Eq "(^|[^[:alnum:]_>.])($time_calls)[[:space:]]*\\(|$time_types" "$work/source"; then
		echo "$1: goes by a clock of its own: $(
			grep -Eo "(^|[^[:alnum:]_>.])($time_calls)[[:space:]]*\\(|$time_types" "$work/source" | head -n 1)"
	fi
	if grep -E "$poll_calls" "$work/source" | grep -Eqv ', (0|-1)\)'; then
		echo "$1: waits for a time in poll()"
	fi
}

# check_time FILE: of a test, which may reach everywhere
check_time()
{
	strip_comments "$1" >"$work/source"
	! calls_something || check_clock "$1"
}

# check_test FILE: its time; and the clauses for others' devices know no device of ours, nor the library's inside
check_test()
{
	check_time "$1"
	case $1 in
	"$tree"/tests/conformance/*) ;;
	*) return ;;
	esac
	for header in $(includes_of <"$work/source"); do
		case $header in
		conformance/* | fake/hv-fake.h | guest/* | xenvirtio/*) ;;
		*/*) echo "$1: includes $header" ;;
		esac
	done
}

# check_names FILE: what every device's daemon needs knows no device by name; the source without comments is in $work/source
check_names()
{
	case $1 in
	"$tree"/backend/devices/* | "$tree"/backend/xen-*) return ;;
	"$tree"/backend/*) ;;
	*) return ;;
	esac
	for device in "$tree"/backend/devices/*/; do
		device=${device%/}
		echo "${device##*/}"
	done >"$work/devices"
	grep -oif "$work/devices" "$work/source" | sort -u | sed "s|^|$1: names the device |"
}

# check_file FILE: prints one line a violation
check_file()
{
	file=$1
	strip_comments "$file" >"$work/source"
	# headers have no blanks in their names
	# shellcheck disable=SC2046
	set -- $(includes_of <"$work/source")
	case $file in
	"$tree"/libxenvirtio/*) check_library "$file" "$@" ;;
	*) check_program "$file" "$@" ;;
	esac
	check_xen_headers "$file" "$@"
	if calls_something; then
		check_xen_symbols "$file"
		check_clock "$file"
	fi
	check_names "$file"
}

. "$root/tests/unit/tap.sh"
work=$tmp
: >"$tmp/log"

tree=$root
for source in $(find "$tree/libxenvirtio" "$tree/backend" "$tree/tools" "$tree/examples" -name '*.[ch]' | sort); do
	check_file "$source"
done >"$work/found"
sed 's/^/# /' "$work/found"
[ ! -s "$work/found" ]
result $? 'the tree keeps its layers'
# What runs in a guest, or measures, has the machine's time; no other test has.
for source in $(find "$tree/tests/unit" "$tree/tests/fake" "$tree/tests/contract" "$tree/tests/fuzz" "$tree/tests/conformance" \
	-name '*.[ch]' | sort); do
	check_test "$source"
done >"$work/found"
sed 's/^/# /' "$work/found"
[ ! -s "$work/found" ]
result $? 'no test waits for a clock, and the clauses for others stand alone'

tree=$work/tree
mkdir -p "$tree/tests/unit"
for top in libxenvirtio backend tools; do
	(cd "$root" && find "$top" -name '*.[ch]' | tar -c -f - -T -) | tar -x -f - -C "$tree"
done
chmod -R u+w "$tree"

# plant FILE LINE: what is complained of with the line in the file, and was not without
plant()
{
	rm -f "$work/before"
	[ ! -f "$tree/$1" ] || cp "$tree/$1" "$work/before"
	case $1 in
	tests/*) check=check_test ;;
	*) check=check_file ;;
	esac
	mkdir -p "$tree/$(dirname "$1")"
	if [ -f "$work/before" ]; then $check "$tree/$1"; fi >"$work/known"
	printf '%s\n' "$2" >>"$tree/$1"
	$check "$tree/$1" >"$work/planted"
	grep -Fvx -f "$work/known" "$work/planted" >"$work/new"
	rm "$tree/$1"
	[ ! -f "$work/before" ] || mv "$work/before" "$tree/$1"
}

finds()
{
	plant "$1" "$2"
	grep -qF "$tree/$1: " "$work/new"
	result $? "finds $3"
}

allows()
{
	plant "$1" "$2"
	[ ! -s "$work/new" ]
	result $? "allows $3"
}

finds libxenvirtio/hv/hv.c '#include <xenvirtio/gmem.h>' 'the seam on guest memory'
finds libxenvirtio/memory/gmem.c '#include <xenvirtio/queue.h>' 'guest memory on queues'
finds libxenvirtio/virtqueue/queue.c '#include <xenvirtio/device.h>' 'queues on devices'
finds libxenvirtio/virtqueue/queue.c '# include "device/device-internal.h"' 'queues on the inside of devices'
finds libxenvirtio/device/device.c '#include <xenvirtio/server.h>' 'devices on the server'
finds libxenvirtio/device/device.c '#include "hv/xen/hv-xen.h"' 'devices on real Xen'
finds libxenvirtio/device/device.c '#include <xenvirtio/balloon.h>' 'devices on one of their kinds'
finds libxenvirtio/include/xenvirtio/hv.h '#include <xenvirtio/device.h>' 'a public header on a higher one'
finds libxenvirtio/xenstore/xenbus.c '#include <xenvirtio/hv.h>' 'the store on the hypervisor'
finds libxenvirtio/transport/server.c '#include <xenvirtio/store.h>' 'the server on the store'
finds libxenvirtio/transport/server.c '#include "backend/base/log.h"' 'the library on a program'
finds libxenvirtio/virtqueue/queue.c '#include <xenvirtio.h>' 'the library on the header for its users'
finds libxenvirtio/brand-new/brand-new.c 'int brand_new;' 'a folder the table lacks'
finds libxenvirtio/brand-new.c 'int brand_new;' 'a file in no folder'
finds libxenvirtio/device/device.c '#include "device-internal.h"' 'a header without its folder'
finds libxenvirtio/transport/server.c '#include <xen/hvm/ioreq.h>' 'a Xen header outside the seam'
finds libxenvirtio/hv/ioreq-page.c '#include <xendevicemodel.h>' 'a Xen library outside the seam'
finds libxenvirtio/hv/xen/hv-xen.c '#include <xenctrl.h>' 'xenctrl.h in a second file'
finds libxenvirtio/memory/gmem.c 'int f(void) { return xenforeignmemory_unmap(0, 0, 1); }' 'a Xen symbol outside the seam'
finds libxenvirtio/xenstore/xenbus.c 'int g(void) { return xs_rm(0, 0, ""); }' 'a xenstore symbol outside the store'
finds backend/base/planted.c '#include "backend/control/control.h"' 'the lowest floor on a higher one'
finds backend/base/planted.c '#include "backend/devices/balloon/balloon.h"' 'what every device needs on one of them'
finds backend/xenstore/planted.c '#include "backend/process/guest.h"' 'the xenstore link on the process'
finds backend/metrics/planted.c '#include "backend/control/control.h"' 'one room on its neighbour'
finds backend/devices/balloon/planted.c '#include "balloon.h"' 'a header of a program without its folder'
finds backend/vhost/planted.c '#include "backend/xenstore/store-link.h"' 'the front-end of vhost-user on xenstore'
finds backend/process/planted.c 'static const char name[] = "xen-vballoond";' 'what every device needs naming one'
finds backend/service/planted.c 'int rng_look(void);' 'the service naming a device'
finds tools/ctl/planted.c '#include "tools/copy/copy.h"' 'a tool on one that stands on it'
finds tools/acpi/planted.c '#include "backend/process/guest.h"' 'a tool on the daemon'
finds backend/brand-new/planted.c 'int brand_new;' 'a folder of a program that the table lacks'
finds backend/planted.c '#include "hv/ioreq-page.h"' 'a program on an internal header'
finds backend/planted.c '#include "libxenvirtio/virtqueue/queue-ring.h"' 'a program on an internal header by its path'
finds backend/planted.c 'int h(void) { return xc_domain_pause(0, 1); }' 'a program on Xen'
finds backend/planted.c '#include <xentoollog.h>' 'xentoollog outside the log'
finds backend/planted.c 'void i(void) { usleep(1000); }' 'a sleep in a program'
finds backend/planted.c 'long j(void) { return time (0); }' 'the time of day in a program'
finds backend/planted.c 'static const struct timeval later = {1, 0};' 'a timeout in a program'
finds backend/planted.c 'struct event *k(void) { return evtimer_new(0, 0, 0); }' 'a timer of its own in a program'
finds libxenvirtio/virtqueue/queue.c 'int l(struct timespec *t) { return clock_gettime(1, t); }' 'a clock in the library'
finds tests/unit/planted.c 'int m(struct pollfd *p) { return poll(p, 1, 5000); }' 'a wait with a limit in a test'
finds tests/unit/planted.c 'void n(void) { alarm(60); }' 'an alarm in a test'
finds tests/conformance/planted.c '#include "backend/devices/rng/rng.h"' 'the clauses on a device of ours'
finds tests/conformance/planted.c '#include "unit/rigs/rig.h"' 'the clauses on a rig'
finds tests/conformance/planted.c '#include "transport/server-internal.h"' "the clauses on the library's inside"

allows tests/unit/planted.c 'int o(struct pollfd *p) { return poll(p, 1, -1) + poll(p, 1, 0); }' 'a wait for an event in a test'
allows tests/unit/planted.c '/* nanosleep() */ int p(void) { return ops->poll(7, 5) + run_time(3); }' 'what only sounds like time'
allows libxenvirtio/memory/gmem.c '/* as xs_read() and <xen/xen.h> */ // xc_domain_pause()' 'Xen in comments'
allows backend/planted.c '#include <xenvirtio/store.h>' 'a program on public headers'
allows backend/process/planted.c '#include "backend/control/control.h"' 'a room on one below it'
allows backend/base/planted.c '/* a balloon of a kind */' 'a device named in a comment'
allows backend/base/log-planted.c '#include <xentoollog.h>' 'xentoollog in the log'
allows libxenvirtio/hv/xen/hv-xen-planted.c '#include <xen/memory.h>' 'a Xen header behind the seam'

tap_done
