# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab check fresh: what README.md says, on machines that never saw the project: minimal roots of Debian 12 and 13 (tests/fresh).
#
# check fresh [WHAT...]: WHAT is quick (README's commands, unit tests: plain "check" runs this), packages, dkms (the modules, from
# kernel to kernel: plain "check" does that from bookworm on), full, or demo and check, which are ./lab's own from an empty cache;
# bookworm or trixie among the words: only that. A root is made once and unpacked for each use; packages that were fetched are kept for the next.

fresh_suites="bookworm trixie"

# fresh_arguments WORD...: sets fresh_extents and fresh_wanted; lab ends where a word is none.
fresh_arguments()
{
	local word
	fresh_extents=
	fresh_wanted=
	for word; do
		case $word in
		quick|packages|dkms|full|demo|check) fresh_extents+=" $word" ;;
		bookworm|trixie) fresh_wanted+=" $word" ;;
		*) die "check fresh [quick|packages|dkms|full|demo|check] [bookworm|trixie], not: $word" ;;
		esac
	done
	fresh_extents=${fresh_extents:-quick}
	fresh_wanted=${fresh_wanted:-$fresh_suites}
}

# fresh_make_root SUITE OUT
fresh_make_root()
{
	mirror_of_note
	mirror_sources "$1" "$mirror_keyring" |
		mmdebstrap --mode=root --variant=minbase --format=tar --aptopt="$lab_cache/apt.host.conf" \
			--aptopt='APT::Sandbox::User "root"' "$1" "$2/root.tar" -
}

# fresh_run SUITE EXTENT ROOT: tests/fresh/run; its results are ours, told as they come.
fresh_run()
{
	local line fd pid logs=$lab_cache/logs/fresh-$1-$2
	rm -rf "$logs"
	mkdir -p "$logs"
	# before anybody reads it: who came first would find no file, and each result would be lost
	: >"$logs/tap"
	set -m
	FRESH_LOGS=$logs "$lab_top/tests/fresh/run" "$3" "$1" "$2" >>"$logs/tap" 2>&1 </dev/null &
	pid=$!
	set +m
	lab_jobs[$pid]=1
	exec {fd}< <(tail -n +1 -f --pid="$pid" "$logs/tap")
	while IFS= read -r -u "$fd" line; do
		case $line in
		"ok "*)	score_more ok "${line#ok * - }" "  ok      ${line#ok * - }" ;;
		"not ok "*) score_more FAILED "${line#not ok * - }" "  FAILED  ${line#not ok * - }" "      logs: $lab_shown_cache/logs/fresh-$1-$2" ;;
		"# "*)	say "          ${line#\# }" ;;
		esac
	done
	exec {fd}<&-
	wait "$pid" || fresh_status=$?
	unset "lab_jobs[$pid]"
}

check_fresh()
{
	local suite extent root base start fresh_status
	local fresh_extents fresh_wanted
	fresh_arguments "$@"
	if [ ! -e "$lab_top/.git" ]; then
		score_more SKIPPED fresh "  cannot run: fresh (this checkout is not a git clone)"
		return 0
	fi
	git config --global --add safe.directory '*'
	for suite in $fresh_wanted; do
		lab_lock
		artifact "fresh-$suite" "$(hash_of "$suite" "$(dpkg --print-architecture)" "$(declare -f fresh_make_root)" "$(date +%G-%V)")" \
			"making a minimal root ($suite)" fresh_make_root "$suite"
		base=$artifact_dir/root.tar
		lab_unlock
		for extent in $fresh_extents; do
			say "fresh: $extent in a minimal root of $suite, a clone of what is committed"
			start=$(now_ms)
			root=$(mktemp -d "$lab_cache/fresh-use.XXXXXX")
			tar -x -p -f "$base" -C "$root" --numeric-owner
			mkdir -p "$lab_cache/fresh-archives/$suite/partial"
			fresh_status=0
			# A mount name space of its own: the archive of packages is gone from it with the run.
			FRESH_ARCHIVES=$lab_cache/fresh-archives/$suite fresh_run "$suite" "$extent" "$root"
			if [ "$fresh_status" -ne 0 ] && ! grep -q '^not ok ' "$lab_cache/logs/fresh-$suite-$extent/tap"; then
				score_more FAILED "fresh $extent $suite" "  FAILED  fresh $extent $suite ended by itself:" \
					"$(tail -n 5 "$lab_cache/logs/fresh-$suite-$extent/tap" | sed 's/^/      | /')"
			fi
			rm -rf --one-file-system "$root"
			score_step $(($(now_ms) - start)) "fresh $extent ($suite)"
		done
	done
}
