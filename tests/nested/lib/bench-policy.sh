# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab bench policy: --auto beside the rules of others, on a simulated host. No Xen and no QEMU: a program of a few seconds
# (tests/bench/policy), which says the same each time. tests/traces/README says what the loads are and the columns mean.

lab_bench_policy()
{
	local fd
	[ $# -eq 0 ] || die "bench policy takes no argument"
	lab_lock
	build_sources
	mkdir -p "$(build_root)"
	lab_unlock
	# The builds are this checkout's alone, see check_unit.
	exec {fd}>"$(build_root)/lock"
	flock "$fd"
	build_configure plain --enable-werror
	[ "$step_status" -eq 0 ] || die "configure failed"
	need "make failed" "make (plain)" run_make "$build_dir" tests/bench/policy-bench
	exec {fd}>&-
	"$build_dir/tests/bench/policy-bench" "$lab_top"/tests/traces/*.load
}
