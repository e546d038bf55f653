# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which processes serve a device: a part of lib.sh.

# started PROGRAM: services and brokers. Each broker has a child, which is of the same program, and has another name; so has a
# keeper, the parent of a broker that was started by hand. The parts of the service have names, too: what counts is its launcher.
started()
{
	local pid
	for pid in $(pidof "$1"); do
		case $(cat "/proc/$pid/comm" 2>/dev/null) in
		xenvirtio-dev|xenvirtio-keep|xenvirtio-watch|xenvirtio-meter) ;;
		*) echo "$pid" ;;
		esac
	done
}

# device_of PID: the child of a broker, which reads what the guest says
device_of()
{
	# shellcheck disable=SC2046
	echo $(cat "/proc/$1/task/$1/children" 2>/dev/null)
}

# broker_of DOMID: of a daemon that start_daemon started
broker_of()
{
	device_of "$(daemon_pid "$1")"
}

# device_process PROGRAM DOMID: its process that serves the domain: the broker, whose number everybody is told
device_process()
{
	local pid
	for pid in $(started "$1"); do
		case " $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) " in
		*" --domid=$2 "*|*" --domid $2 "*) echo "$pid" ;;
		esac
	done
}

# replaced OLD NEW: NEW is a process, and another one. In a condition that is waited for: asked for twice in it, the old one may be
# there the first time and none the second.
replaced()
{
	[ -n "$2" ] && [ "$2" != "$1" ]
}

# family_of PID: the keeper's broker, and the broker's device; they die with it, a moment later
family_of()
{
	local child
	for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		echo "$child"
		family_of "$child"
	done
}

none_alive()
{
	local pid
	for pid; do
		! pid_alive "$pid" || return 1
	done
}
