#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The completion for bash against the programs, as TAP: it offers each option that --help lists and no other, each value it
# offers is taken, options go with the commands that take them, and all of it behind "=" as well, where readline breaks words.
# Controls: a program with other options gets those; a value that is not offered is refused.

. "${srcdir:-.}/tests/unit/tap.sh"
. "${srcdir:-.}/tools/completion/programs.bash"

# offered LINE: what TAB offers at its end, one a line. readline gives the function the program, and the line.
offered()
{
	local COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY
	_xenvirtio "${1%% *}"
	[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
}

# offers LINE [WORD...]: these and no other.
offers()
{
	offered "$1" >"$tmp/offered"
	shift
	printf '%s' "${@/%/$'\n'}" | diff - "$tmp/offered" >"$tmp/log"
}

# helped PROGRAM: its options, as --help has them.
helped()
{
	"$1" --help | sed -n 's/^  \(--[a-z-]*=\{0,1\}\).*/\1/p'
}

# taken PROGRAM OPTION=VALUE: --version counts whatever else the line says, if that can be understood.
taken()
{
	"$1" "$2" --version >/dev/null 2>"$tmp/log"
}

# each_value PROGRAM: every value that is offered for any of its options is taken.
each_value()
{
	local option value
	: >"$tmp/values"
	for option in $(helped "$1" | grep =); do
		case $option in
		--backend=|--state-dir=|--record=|--output=|--domid=) continue ;;
		esac
		for value in $(offered "$1 $option"); do
			echo "$option$value" >>"$tmp/values"
			taken "$1" "$option$value" || return
		done
	done
}

programs=
for program in backend/xen-vballoond backend/xen-vhost-user backend/xen-vrngd tools/xen-vballoonctl tools/xenvirtio-copy tools/xen-virtio-acpi tests/conformance/xenvirtio-conformance; do
	if [ -e $program ]; then
		programs="$programs $program"
	else
		tap_skip "${program##*/}: it is built without Xen, so there is none"
	fi
	grep -q "^complete -F _xenvirtio .*\b${program##*/}\b" "${srcdir:-.}/tools/completion/programs.bash"
	result $? "${program##*/} is completed"
done

# the one script among them, which builds nothing
program=$tmp/bin/xenvirtio-new
mkdir "$tmp/bin"
cp "${srcdir:-.}/tools/new/xenvirtio-new" "$program"
chmod +x "$program"
programs="$programs $program"
grep -q "^complete -F _xenvirtio .*\bxenvirtio-new\b" "${srcdir:-.}/tools/completion/programs.bash"
result $? "xenvirtio-new is completed"

for program in $programs; do
	name=${program##*/}
	if [ $name != xen-vballoonctl ]; then
		helped $program >"$tmp/helped"
		offered "$program --" | diff "$tmp/helped" - >"$tmp/log" && [ -s "$tmp/helped" ]
		result $? "$name: what --help lists is offered, and no other"
	fi
	each_value $program
	result $? "$name: each value that is offered is taken"
	sed 's/^/# /' "$tmp/values"
done

# has LINE WORD...: as offers, of a program that may not be built.
has()
{
	[ -e "${1%% *}" ] || { tap_skip "$1: it is built without Xen"; return; }
	offers "$@"
	result $? "$1: ${*:2}"
}
daemon=backend/xen-vballoond
has "$daemon --log-level=" error warning notice info debug
has "$daemon --log-level " error warning notice info debug
has "$daemon --syslog --log-level=n" notice
has "$daemon --notify=" auto eventfd-regs eventfd upstream event-channel
has "$daemon --mem-set=" follow ignore
has "$daemon --bulk=" none bitmap chunks host-request
has "$daemon --metrics=" none
has "$daemon --ready-fd=" none
has "$daemon --mem" --mem-set=
has "backend/xen-vrngd --rate=" none
has "backend/xen-vhost-user --type=" fs blk net vsock rng i2c gpio snd
has "$daemon x"
if [ -e $daemon ]; then
	! taken $daemon --log-level=verbose
	result $? "a value that is not offered is refused"
fi

# What a command takes is the program's own word: status 2, which is a wrong command line.
ctl=tools/xen-vballoonctl
has "$ctl " list status set auto stats unused top wait free upgrade
has "$ctl s" status set stats
if [ -e $ctl ]; then
	wrong=0
	for line in list "status 1" "set 1 64M" "auto 1" "stats 1" "unused 1" top "wait 1" "free 1G" upgrade "upgrade 1"; do
		offered "$ctl $line --" >"$tmp/offered"
		for option in $(helped $ctl); do
			case $option in
			--help|--version|--state-dir=) continue ;;
			--timeout=) words="${option}1 $(case $line in set* | free*) echo --wait ;; esac)" ;;
			*=) words=${option}1 ;;
			*) words=$option ;;
			esac
			case ${line%% *} in
			wait) words="$words --timeout=1" ;;
			top) words="$words --count=1" ;;
			esac
			status=0
			# shellcheck disable=SC2086 # lists of words
			$ctl $line $words --state-dir="$tmp/none" >/dev/null 2>&1 </dev/null || status=$?
			taken=no
			[ $status -eq 2 ] || taken=yes
			told=no
			! grep -qx -e "$option" "$tmp/offered" || told=yes
			[ $taken = $told ] || { echo "$line $option: taken: $taken, offered: $told"; wrong=1; }
		done
	done >"$tmp/log"
	[ ! -s "$tmp/log" ]
	result $? "xen-vballoonctl: options are offered with the commands that take them"
fi

# Guests, files and directories.
mkdir "$tmp/here" "$tmp/here/dir"
touch "$tmp/here/file"
printf '#!/bin/sh\necho "ID NAME"\necho "3 db"\necho "12 -"\n' >"$tmp/bin/xen-vballoonctl"
printf '#!/bin/sh\necho "Name ID Mem"\necho "Domain-0 0 9"\necho "db 3 9"\necho "new 14 9"\n' >"$tmp/bin/xl"
chmod +x "$tmp/bin"/*
PATH=$tmp/bin:$PATH
has "$ctl status " 3 db 12
has "$ctl set d" db
has "$ctl set 3 "
has "$ctl upgrade " 3 db 12
has "$ctl upgrade 3 "
has "$ctl --state-dir $tmp --json status " 3 db 12
has "tools/xenvirtio-copy " 3 db 12
has "tools/xenvirtio-copy 3 $tmp/here/f" "$tmp/here/file"
has "$daemon --domid " 3 14
has "$daemon --domid=1" 14
has "$daemon --state-dir=$tmp/here/" "$tmp/here/dir"
has "$daemon --state-dir $tmp/here/" "$tmp/here/dir"
has "tools/xen-virtio-acpi --output=$tmp/here/f" "$tmp/here/file"
has "tests/conformance/xenvirtio-conformance $tmp/here/f" "$tmp/here/file"

# It is the program that is asked.
cat >"$tmp/bin/other" <<'END'
#!/bin/sh
echo "usage: other [OPTION...]

  --frob=yes|no        do it
  --knob=KIND          which one: red (default), green
                       or blue
  --plain              nothing"
END
chmod +x "$tmp/bin/other"
offers "other --" --frob= --knob= --plain
result $? "another program gets its own options"
offers "other --frob=" yes no
result $? "and values"
offers "other --knob=g" green && offers "other --knob=" red green blue
result $? "those on a second line too"
offers "no-such-program --"
result $? "one that is not there gets none"
tap_done
