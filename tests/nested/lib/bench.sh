# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab bench: which there are, and what every one on Xen has. Such a bench is a case of its own (tests/bench/NAME.sh), booted with what it asks for; its
# results are lines "# bench {...}". Under -icount time counts instructions, 4 ns each, and repeats exactly.
#
# A bench sets bench_name, bench_order (what its case is told, in /xv/bench) and bench_fill, a function that adds files to
# the tree of a boot.

bench_ns_per_instruction=4

# bench_overlay TREE: what a boot for the bench has besides.
bench_overlay()
{
	[ -n "${bench_order:-}" ] || return 0
	echo "$bench_order" >"$1/xv/bench"
	cp "$lab_top/tests/bench/$bench_name.sh" "$1/xv/cases/bench.sh"
	"$bench_fill" "$1"
}

# bench_build PROGRAM: of this checkout, without Xen or QEMU; it is in $build_dir then.
bench_build()
{
	local fd
	lab_lock
	build_sources
	mkdir -p "$(build_root)"
	lab_unlock
	# The builds are this checkout's alone, see check_unit.
	exec {fd}>"$(build_root)/lock"
	flock "$fd"
	build_configure plain --enable-werror
	[ "$step_status" -eq 0 ] || die "configure failed"
	need "make failed" "make (plain)" run_make "$build_dir" "$1"
	exec {fd}>&-
}

lab_bench()
{
	local what=${1:-} arguments=("$@")
	[ $# -eq 0 ] || shift
	score_begin
	case $what in
	-h|--help) usage | grep '/lab bench'; return ;;
	notify|balloon|vhost-user|policy|turns) in_root bench "${arguments[@]}" ;;
	esac
	case $what in
	notify) lab_bench_notify "$@" ;;
	balloon) lab_bench_balloon "$@" ;;
	vhost-user) lab_bench_vhost_user "$@" ;;
	policy) lab_bench_policy "$@" ;;
	turns) lab_bench_turns "$@" ;;
	*) die "bench notify, balloon, vhost-user, policy or turns, not: bench $what" ;;
	esac
}
