# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for all programs of xenvirtio. What there is to complete is asked of the program itself, by --help, so it is
# always that of the program which is installed. Values come from its words there:
#
#   --log-level=LEVEL      error, warning, notice, info or debug (default: notice)    what is a list of words
#   --mem-set=follow|ignore  obey ...                                                 words instead of a placeholder
#   --record=FILE, --state-dir=DIR, --domid=D                                         files, directories, guests
#   --count=N              stats --watch, top: end after ...                          an option for these commands
#
# A value may stand in a word of its own or behind "=", where readline has a word break.

# Sets the arrays names, arguments and helps, a row each option and command; and operands, the words the program takes.
_xenvirtio_ask()
{
	local line
	names=() arguments=() helps=() operands=()
	while IFS= read -r line; do
		if [[ $line =~ ^'usage: '[^\ ]+\ ([A-Z][^\[]*)\[ ]]; then
			read -ra operands <<<"${BASH_REMATCH[1]}"
		elif [[ $line =~ ^\ \ (--[a-z-]+)=?([^\ ]*)\ +(.*)$ ]]; then
			names+=("${BASH_REMATCH[1]}") arguments+=("${BASH_REMATCH[2]}") helps+=("${BASH_REMATCH[3]}")
		elif [[ $line =~ ^\ \ ([a-z]+)([][A-Z\ ]*)\ \ +(.*)$ ]]; then
			names+=("${BASH_REMATCH[1]}") arguments+=("${BASH_REMATCH[2]}") helps+=("${BASH_REMATCH[3]}")
		elif [[ $line =~ ^\ {8,}([^\ ].*)$ && ${#names[@]} -gt 0 ]]; then
			helps[-1]+=" ${BASH_REMATCH[1]}"
		fi
	done < <(PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin "$1" --help 2>/dev/null)
}

# Sets row to that of a name; fails where there is none.
_xenvirtio_row()
{
	for row in "${!names[@]}"; do
		[[ ${names[row]} != "$1" ]] || return 0
	done
	return 1
}

# Sets list to the words that a text lists: "PATH: auto (default), eventfd or x", "follow|ignore".
_xenvirtio_list()
{
	local text=$1 item
	list=()
	while [[ $text =~ ^(.*)\([^\)]*\)(.*)$ ]]; do
		text=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
	done
	text=${text##*: }
	text=${text// or /, }
	text=${text//|/, }
	while [[ $text ]]; do
		item=${text%%, *}
		[[ $text == *', '* ]] && text=${text#*, } || text=
		item=${item#"${item%%[! ]*}"}
		item=${item%"${item##*[! ]}"}
		[[ ! $item =~ ^[a-z][a-z0-9-]*$ ]] || list+=("$item")
	done
}

# Completes one value: of what kind, what its help says, what is typed already.
_xenvirtio_value()
{
	local list
	case $1 in
	FILE | 'FILE|-')
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$3") ;;
	DIR)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$3") ;;
	D)
		mapfile -t COMPREPLY < <(compgen -W "$2" -- "$3") ;;
	*)
		_xenvirtio_list "$2"
		local -a words=("${list[@]}")
		_xenvirtio_list "$1"
		mapfile -t COMPREPLY < <(compgen -W "${list[*]} ${words[*]}" -- "$3") ;;
	esac
}

# Guests by number and name; those that are served, or all that run: a daemon is started for others.
_xenvirtio_served()
{
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin xen-vballoonctl list 2>/dev/null |
		awk 'NR > 1 { print $1; if ($2 != "-") print $2 }'
}

_xenvirtio_running()
{
	PATH=$PATH:/usr/sbin:/sbin xl list 2>/dev/null | awk 'NR > 1 && $2 > 0 { print $2 }'
}

# Whether an option is for the command; what its help says before a colon are commands, if the first is one.
_xenvirtio_for()
{
	local option=$1 command=$2 row before
	_xenvirtio_row "$command" || return 0
	[[ $option != --devid || ${arguments[row]} == *' D'* ]] || return 1
	_xenvirtio_row "$option" && before=${helps[row]%%: *}
	_xenvirtio_row "${before%%[ ,]*}" || return 0
	[[ ", $before," == *", $command,"* || ", $before," == *", $command --"* ]]
}

_xenvirtio_options()
{
	local cur=$1 command=$2 row
	local -a words=()
	for row in "${!names[@]}"; do
		[[ ${names[row]} == --* ]] && _xenvirtio_for "${names[row]}" "$command" || continue
		words+=("${names[row]}${arguments[row]:+=}")
	done
	mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$cur")
	[[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
}

_xenvirtio()
{
	local line=${COMP_LINE:0:COMP_POINT} cur option='' i row command=
	local -a names arguments helps operands words given=()
	COMPREPLY=()
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=('')
	cur=${words[-1]}
	_xenvirtio_ask "$1"
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		option=
		if [[ ${words[i]} != -?* ]]; then
			given+=("${words[i]}")
		elif _xenvirtio_row "${words[i]}" && [[ ${arguments[row]} ]]; then
			option=${words[i]}
			i=$((i + 1))
		fi
	done
	# the last one is the value of the one before only if that was not passed over
	((i == ${#words[@]})) || option=
	[[ ! ${given[0]} || ${operands[0]} != COMMAND ]] || command=${given[0]}
	if [[ ! $option && $cur == --*=* ]]; then
		option=${cur%%=*}
		cur=${cur#*=}
	fi
	if [[ $option ]]; then
		_xenvirtio_row "$option" || return 0
		[[ ${arguments[row]} != D ]] || helps[row]=$(_xenvirtio_running)
		_xenvirtio_value "${arguments[row]}" "${helps[row]}" "$cur"
	elif [[ $cur == -* ]]; then
		_xenvirtio_options "$cur" "$command"
	elif [[ ${operands[0]} == COMMAND && ! $command ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(printf '%s\n' "${names[@]}" | grep -v '^-')" -- "$cur")
	else
		[[ ! $command ]] || { _xenvirtio_row "$command" && read -ra operands <<<"COMMAND ${arguments[row]//[][]/}"; }
		case ${operands[${#given[@]}]} in
		D) _xenvirtio_value D "$(_xenvirtio_served)" "$cur" ;;
		FILE*) _xenvirtio_value FILE '' "$cur" ;;
		esac
	fi
}

complete -F _xenvirtio xen-vballoond xen-vhost-user xen-vrngd xen-vballoonctl xenvirtio-copy xenvirtio-conformance xenvirtio-new xen-virtio-acpi
