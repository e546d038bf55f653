#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab's runner without a machine, as TAP: results that two boots have at the same time, the verdict on a case, when a machine is
# taken for hung, which boots a plan has, which kernels are the newest, what becomes of the patches, what a fuzz target came to.
# Functions that look at the world are replaced here; the files of tests/nested/lib are those of the lab.

set -u
shopt -s nullglob

top=$(cd "${top_srcdir:-$(dirname "$0")/../../..}" && pwd)
lab_top=$top
lab_nested=$top/tests/nested
# shellcheck source=tests/unit/tap.sh
. "$top/tests/unit/tap.sh"
lab_cache=$tmp/cache
mkdir -p "$lab_cache"
for part in ui cases kasan plan score results watch boots pool kernels newest newest-modules backends patches fuzz; do
	# shellcheck source=/dev/null
	. "$lab_nested/lib/$part.sh"
done
trap 'rm -rf "$tmp"' EXIT

# same GOT WANTED TEXT
same()
{
	printf 'got:\n%s\nwanted:\n%s\n' "$1" "$2" >"$tmp/log"
	[ "$1" = "$2" ]
	result $? "$3"
}

begin_score()
{
	score_begin
	trap 'rm -rf "$tmp"' EXIT
	score_planned=$1
}

# --- results of boots beside each other ---

details()
{
	for ((i = 0; i < 2000; i++)); do
		echo "      | detail of $1"
	done
}

begin_score 40
for boot in a b; do
	for n in {1..20}; do
		score_case FAILED $((n * 100)) "$boot$n" "  FAILED  $boot$n" "$(details "$boot$n")"
	done >>"$tmp/shown" &
done
wait
same "$(awk '/FAILED/ { name = $2; sub(/,.*/, "", name) } /detail/ && $NF != name' "$tmp/shown" | head -n 3)" "" \
	"what belongs to a failure stays with it"
same "$(sed -n 's/.*FAILED.*, \([0-9]*\) left$/\1/p' "$tmp/shown" | tr '\n' ' ')" "$(seq 39 -1 0 | tr '\n' ' ')" \
	"how many are left, one less each time"
same "$(score_count FAILED) $(score_count ok)" "40 0" "all are counted"
score_end

begin_score 3
score_case ok 1500 fast "" >"$tmp/log"
score_case FAILED 61000 slow-one "" >>"$tmp/log"
score_case ok 5 quick "" >>"$tmp/log"
for n in 1 2 3 4; do
	score_step $((n * 10000)) "step $n"
done
same "$(score_summary)" "failed: slow-one
slowest:
    61.0 s  slow-one
    40.0 s  step 4
    30.0 s  step 3
    20.0 s  step 2
    10.0 s  step 1" "what failed and the slowest five"
score_has fast && ! score_has fas
result $? "a case that is over is known by its whole name"
score_end

begin_score 3
boot_cases=(" one two three")
score_case ok 10 one "" >"$tmp/log"
job_over 0 >>"$tmp/log"
same "$(score_count ok) $(score_count FAILED)" "1 2" "a boot whose process died: what it left has failed"
score_end

# --- boots that end before their time ---

make_boot() { :; }
machine_start() { :; }
machine_stop() { :; }
kasan_judge() { :; }
group="icount 612 2G ours plain stock none shared"

# of each boot one case, then it is gone
watch_run()
{
	local first
	boots=$((boots + 1))
	done_cases=()
	[ "${1:-}" = icount ] || return 0
	first=$(awk '{ print $1 }' <<<"$waiting")
	[ $boots -le "$good" ] || return 0
	done_cases=("$first")
	waiting=${waiting#"$first"}
	waiting=${waiting# }
	score_case ok 10 "$first" ""
}

begin_score 3
boots=0 good=9 waiting="a b c"
run_group "$group" a b c >"$tmp/log"
same "$boots $(score_count ok) $(score_count FAILED)" "3 3 0" "what a boot has not come to gets another, and nothing runs twice"
score_end
begin_score 3
boots=0 good=1 waiting="a b c"
run_group "$group" a b c >"$tmp/log"
same "$boots $(score_count ok) $(score_count FAILED)" "3 1 2" "two boots that end before any case: the rest has failed"
score_end

# --- whose cases they are, with KASAN ---

same "$(lab_kasan=x86_64; case_platform "$(case_file detectors)"; case_xen "$(case_file x86-ioctls)"; case_xen "$(case_file stress)")" \
	"x86_64
x86_64
x86_64" "check kasan --x86: its own cases are of that platform too"
same "$(lab_kasan=arm64; case_platform "$(case_file detectors)"; case_xen "$(case_file stress)")" "arm64
plain" "and of arm64 without"
for words in "" "detectors ioctls" "--x86" "--x86 stress x86-ioctls"; do
	# shellcheck disable=SC2086
	(kasan_arguments $words) >"$tmp/log" 2>&1
	result $? "check kasan $words"
done
for words in "x86-ioctls" "--x86 ioctls" "--x86 memory" "--arm" "no-such-case"; do
	# shellcheck disable=SC2086
	(kasan_arguments $words) >"$tmp/log" 2>&1
	[ $? -ne 0 ]
	result $? "not: check kasan $words"
done

# --- the verdict on a case ---

# verdict STATUS WANTED TEXT LINE...
verdict()
{
	local why results status=$1 wanted=$2 text=$3
	shift 3
	case_tap=("$@")
	find_fault "$status"
	same "$why" "$wanted" "a case: $text"
}

verdict 0 "" "a whole one" "ok 1 - a" "# said" "ok 2 - b" "1..2"
verdict 0 "1 results but a plan of none" "no plan" "ok 1 - a"
verdict 0 "1 results but a plan of 2" "fewer than planned" "ok 1 - a" "1..2"
verdict 0 "1 of 2 results not ok" "one that is not ok" "ok 1 - a" "not ok 2 - b" "1..2"
verdict 0 "status 0 with 0 results" "nothing at all" "1..0"
verdict 1 "status 1 with 1 results" "a status without a reason" "ok 1 - a" "1..1"
verdict 137 "timed out, killed in dom0" "one that took too long" "ok 1 - a"
lab_notify=upstream verdict 0 "nothing shows that it went by upstream" "another path" "ok 1 - every daemon went by eventfd" "1..1"
lab_notify=upstream verdict 0 "" "the path that was forced" "ok 1 - every daemon went by upstream" "1..1"

# --- is the machine hung? ---

run_dir=$tmp/run
mkdir "$run_dir"
machine_used_ms() { echo "$processor_ms"; }

# look TIMES USED_MS BEAT...: as many looks, each after USED_MS of processor time more; after each the clock has one more of the
# beats, if there are any. Says why it stopped, and after how many.
look()
{
	local times=$1 step=$2 n
	shift 2
	for ((n = 1; n <= times; n++)); do
		processor_ms=$((processor_ms + step))
		[ $# -eq 0 ] || { echo "$1" >>"$run_dir/clock.log"; shift; }
		if find_hung; then
			echo "$why at $n"
			return
		fi
	done
	echo "lives"
}

# watched MODE LIMIT LOOK-ARGUMENTS...
watched()
{
	local mode=$1 limit=$2 why='' patience=${patience:-1} processor_ms=0
	local machine_now=0 since=0 beats_heard=0 heard_at=0 last_used=-1 silent_looks=0 idle_looks=0
	: >"$run_dir/clock.log"
	shift 2
	look "$@"
}

same "$(watched icount "" 100 1000)" "lives" "a machine that works, before its clock goes"
same "$(watched icount "" 1000 1000)" "hung: its clock stands still at 301" "five minutes of its processor time without a beat"
same "$(watched icount 1000 600 1000 $(seq 5 5 3000))" "hung: no end after 1005 s of its own time at 201" "more than its limit by its clock"
same "$(watched icount 3000 600 1000 $(seq 5 5 3000))" "lives" "its clock goes, within its limit"
same "$(watched icount 3000 1200 20)" "lives" "on a host that gives it next to nothing, for twenty minutes"
same "$(watched icount 3000 1200 0)" "hung: nothing moves in the machine at 122" "it uses no processor at all"
same "$(watched smp 3000 1200 1)" "hung: its clock stands still at 301" "two CPUs, both idle, and no beat"
same "$(patience=4 watched smp 3000 1200 1)" "lives" "the same with four times the patience"
same "$(watched smp 6000 1000 100 $(seq 5 5 5000))" "lives" "two CPUs that do little, and the clock goes"

# --- the plan ---

mkdir -p "$tmp/nested/cases"
lab_nested=$tmp/nested
for n in 1 2 3 4 5; do
	echo "# mode: icount" >"$tmp/nested/cases/c$n.sh"
done
printf '# modules: ours\n' >"$tmp/nested/cases/needs-ours.sh"
printf '# guest-balloon: ours\n' >"$tmp/nested/cases/balloon.sh"
printf '# guest: 6.1\n' >"$tmp/nested/cases/old.sh"
printf '# boot: own\n' >"$tmp/nested/cases/alone.sh"
printf '# backends: virtiofsd\n' >"$tmp/nested/cases/files.sh"
printf '# backends: virtiofsd qemu-storage-daemon\n' >"$tmp/nested/cases/both.sh"
printf '# backends:  qemu-storage-daemon  virtiofsd \n' >"$tmp/nested/cases/both-again.sh"
plan_boots c1 c2 alone c3 c4 c5
same "$(printf '%s;' "${boot_cases[@]}")" " c1 c2 c3 c4; alone; c5;" "four to a boot, and one alone"
plan_boots c1 files both both-again
same "$(printf '%s;' "${boot_cases[@]}")" " c1; files; both both-again;" "boots have the backends their cases ask for, and no others"
same "${boot_group[0]}" "icount 612 2G ours plain stock none shared" "without a header none"
same "$(describe_boot "${boot_group[2]}")" "icount, ours modules, kernel 612, qemu-storage-daemon, virtiofsd" "which are said"
(backends_known virtiofsd qemu-storage-daemon) >"$tmp/log" 2>&1
result $? "those that there are"
(backends_known virtiofsd nobody) >"$tmp/log" 2>&1 && bad=yes || bad=no
same "$bad $(grep -c 'no such backend: nobody' "$tmp/log")" "no 1" "one that there is not is refused by name"
arm64_stock=yes
begin_score 2
leave_out c1 files >"$tmp/said"
score_end
same "${kept_cases[*]} $(grep -c 'cannot run: files ' "$tmp/said")" "c1 1" "without modules of ours there are no backends"
unset arm64_stock
leave_out c1 needs-ours balloon old files >"$tmp/log"
same "${kept_cases[*]}" "c1 needs-ours balloon old files" "all apply"
lab_newest=trixie
platform_arch=arm64
leave_out c1 needs-ours balloon old files >"$tmp/said"
same "${kept_cases[*]} $(grep -c 'not applicable with trixie: ' "$tmp/said")" "c1 4" "what does not is named, with a reason"
plan_boots c1
same "${boot_group[0]}" "icount trixie 2G stock plain stock none shared" "that kernel, and its own modules"
same "$(case_label c1)" "c1@trixie" "the result says which kernel"
mkdir -p "$lab_cache/newest-arm64"
echo "6.12.118+deb13-arm64" >"$lab_cache/newest-arm64/trixie"
leave_out c1 needs-ours balloon old files >"$tmp/said"
same "${kept_cases[*]} $(grep -c 'not applicable with trixie: ' "$tmp/said")" "c1 needs-ours balloon 2" "with hooks for its series there are modules of ours"
echo "66.6.1+deb13-arm64" >"$lab_cache/newest-arm64/trixie"
same "$(newest_modules trixie)" stock "without them its own"
platform_arch=amd64
same "$(newest_modules trixie)" stock "and on x86"
unset lab_newest platform_arch
lab_nested=$top/tests/nested

# --- the newest kernels ---

mirror_apt()
{
	case "$*" in
	"apt-cache madison linux-image-arm64")
		cat <<-'LIST'
		linux-image-arm64 | 7.3.4-1~bpo13+1 | http://mirror/debian trixie-backports/main arm64 Packages
		linux-image-arm64 | 6.12.118-1 | http://mirror/security trixie-security/main arm64 Packages
		linux-image-arm64 | 6.12.117-1 | http://mirror/debian trixie/main arm64 Packages
		LIST
		;;
	*=6.12.118-1) echo "Depends: linux-image-6.12.118+deb13-arm64 (= 6.12.118-1)" ;;
	*=7.3.4-1~bpo13+1) echo "Depends: linux-base-arm64 (= 7), linux-image-7.3.4+deb13-arm64 (= 7), linux-modules-arm64 (= 7)" ;;
	esac
}

platform_arch=arm64
same "$(newest_find trixie)" "6.12.118+deb13-arm64
linux-image-6.12.118+deb13-arm64=6.12.118-1" "the newest of two suites, one package"
same "$(newest_find backports)" "7.3.4+deb13-arm64
linux-base-7.3.4+deb13-arm64=7.3.4-1~bpo13+1
linux-binary-7.3.4+deb13-arm64=7.3.4-1~bpo13+1
linux-modules-7.3.4+deb13-arm64=7.3.4-1~bpo13+1" "one that is split"
platform_arch=riscv64
same "$(newest_find trixie 2>&1)" "no linux-image-riscv64 in trixie,trixie-security on the mirror" "none at all"

# --- the patches, where the mirror has what they are for, something else, or nothing ---

lab_lock() { :; }
lab_unlock() { :; }
groups_try()
{
	groups_missing=
	case $patches_world in none) groups_missing=$1 ;; esac
}
group_file() { echo "$tmp/note-$1"; }
patches_of() { score_more ok "patches: $1" "  ok      patches: $1"; }
# what else there is to see in such a kernel's source, and Xen's series
sparse_of() { :; }
xen_patches() { :; }
# patches_in WORLD WANTED TEXT: results that are ok, skipped, failed.
patches_in()
{
	patches_world=$1
	echo "locked" | tee "$tmp"/note-{linux-6.12-arm64,linux-6.1-arm64} >/dev/null
	[ "$1" != other ] || echo "gone: another instead; $kernel_without_modules" >"$tmp/note-linux-6.12-arm64"
	begin_score 0
	check_patches >/dev/null
	same "$(score_count ok) $(score_count SKIPPED) $(score_count FAILED)" "$2" "$3"
	score_end
}
patches_in locked "2 0 0" "patches: both kernels"
patches_in other "1 1 0" "a kernel they do not fit, which takes the place of one that is gone, is no failure"
patches_in none "0 2 0" "nor is one that is not to be had"

# --- jobs that ended before anybody waited for them ---

for n in 1 2 3; do
	set -m
	(exit 0) &
	pids[n]=$!
	while kill -0 "${pids[n]}" 2>/dev/null; do :; done
	set +m
done
wait_for_ended "${pids[@]}"
same "${ended[*]}" "${pids[*]}" "jobs the shell has forgotten have ended"

# --- fuzz targets that find nothing, something, do nothing, or are ended ---

hash_of() { echo this; }
fuzz_build() { step_status=${build_status:-0}; }
build_sources() { :; }
build_root() { echo "$tmp/build"; }
fuzz_program() { echo "$tmp/fuzz-$1"; }
lab_shown_top=$top
mkdir -p "$tmp/top/tests/fuzz/corpus"/{calm,fatal,idle,killed}
printf '%s\n' '/*' ' * libFuzzer: -max_len=7 -seed=1' ' */' >"$tmp/top/tests/fuzz/calm.c"
touch "$tmp/top/tests/fuzz"/{fatal,idle,killed}.c
lab_top=$tmp/top

# program TARGET LINE...: what runs in its place
program()
{
	printf '%s\n' '#!/bin/bash' "${@:2}" >"$tmp/fuzz-$1"
	chmod +x "$tmp/fuzz-$1"
}
program calm 'echo "$@" >'"$tmp/given" 'echo "#5 pulse"' 'echo "stat::number_of_executed_units: 1234"' \
	'echo "stat::average_exec_per_sec: 56"' 'echo "stat::new_units_added:    7"'
program fatal 'for a; do case $a in -artifact_prefix=*) touch "${a#*=}crash-1f" ;; esac; done' \
	'echo "balloon.c:5: differ <= holes"' 'echo "==1== ERROR: libFuzzer: deadly signal"' \
	'echo "stat::number_of_executed_units: 99"' 'exit 77'
program idle 'echo nothing'
program killed 'kill -KILL $PPID; sleep 1'

# fuzzed WANTED TEXT ARGUMENT...: results that are ok, and failed.
fuzzed()
{
	begin_score 0
	fuzz_seconds=60
	check_fuzz "${@:3}" >"$tmp/said" 2>&1
	same "$(score_count ok) $(score_count FAILED)" "$1" "$2"
	score_end
}
fuzzed "1 3" "fuzz: each target that there is has a result, whatever becomes of it"
same "$(grep -oE 'fuzz calm +1234 executions +56/s +7 new paths' "$tmp/said" | wc -l)" 1 "what a target did is told"
dir=$(fuzz_dir fatal)
same "$(grep -cE "FAILED  fuzz fatal +ERROR: libFuzzer: deadly signal|\| balloon.c:5: differ <= holes|input: $dir/crash/crash-1f$|\
again: ./lab root env ASAN[^ ]* UBSAN[^ ]* $tmp/fuzz-fatal $dir/crash/crash-1f$" "$tmp/said")" 4 "a crash: why, what the target said, the input, and how to have it again"
fuzzed "1 0" "fuzz: a target by its name" --seconds 5 calm
same "$(cat "$tmp/given")" "-max_len=7 -seed=1 -max_total_time=5 -timeout=20 -print_final_stats=1 \
-artifact_prefix=$(fuzz_dir calm)/crash/ $(fuzz_dir calm)/new $tmp/top/tests/fuzz/corpus/calm" \
	"and it is given what its source says, the time, what it found before, and its corpus"
build_status=1 fuzzed "0 4" "fuzz: what cannot be built has failed"
for words in "--seconds" "--seconds 0" "--seconds=x" "nobody" "--fast"; do
	# shellcheck disable=SC2086
	(fuzz_arguments $words) >"$tmp/log" 2>&1 && bad=yes || bad=no
	same "$bad" no "fuzz: $words is refused"
done
lab_top=$top

# --- what says which boot it wants without a case ---

# Each group that is written out has a word for each column of what a case's has.
words=$(case_group inflate-deflate | wc -w)
grep -rhoE '"(icount|smp|\$mode) [^"]*"' "$lab_nested/lib" | sed 's/\$((size + 1536))M/2G/' >"$tmp/groups"
same "$(tr -d '"' <"$tmp/groups" | awk '{ print NF }' | sort -u) $(($(wc -l <"$tmp/groups") >= 7))" "$words 1" "the benches and the shell name their boots in full"
printf '"icount 612 2G ours plain ours bench"\n' >"$tmp/groups"
[ "$(tr -d '"' <"$tmp/groups" | awk '{ print NF }')" != "$words" ]
result $? "one with a word too few would be found"

tap_done
