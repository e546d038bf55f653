# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab check kasan: dom0's modules in a kernel that watches itself (KASAN, lockdep, DEBUG_ATOMIC_SLEEP and what else is in
# tests/nested/kasan/config), under the programs of kernel/privcmd/test, a long stress and daemons that are killed: on arm64, or
# with --x86 in a PV dom0 (lab_kasan: arm64 or x86_64).
#
# The kernel is Debian's linux-source of the nested dom0's version. It takes many minutes once, so it is built under a lock
# of its own: other labs go on meanwhile. Its built tree is kept for building modules against, so that a change to
# kernel/privcmd costs seconds. Whether the kernel complained is judged here, from Xen's console, which nothing in dom0 can silence; and
# that a complaint would be seen is a case of its own, in which all of them must be (kasan/detectors.sh).

kasan_dir=$lab_nested/kasan

# What a kernel says that has found something. Not "WARNING" alone: Xen says that of its own command line.
kasan_complaints='BUG:|KASAN:|WARNING: |INFO: (possible|suspicious|trying|task)|sleeping function|ODEBUG|refcount_t: |list_(add|del) corruption'
kasan_complaints+='|unreferenced object|Unable to handle|Oops|leaking [0-9]+ pages|Call trace|detected (expedited )?stall|scheduling while atomic'

# The source of the dom0 kernel's very version.
fetch_kasan_source()
{
	dpkg-deb --fsys-tarfile "$(kernel_files "$devel_release" | grep /linux-source-)" | tar -x -C "$1" --wildcards './usr/src/linux-source-*.tar.xz'
	mv "$1"/usr/src/linux-source-*.tar.xz "$1/"
	rm -r "${1:?}/usr"
}

# What the configuration asks for must be what came out: an option that a dependency silently dropped watches nothing.
check_kasan_config()
{
	local line missing=
	while IFS= read -r line; do
		grep -qxF -e "$line" "$1" || missing+=" ${line#\# }"
	done < <(cat "$kasan_dir/config" "$kasan_dir/config-$lab_kasan" | grep -E '^(# )?CONFIG_')
	[ -z "$missing" ] || { echo "the kernel's configuration did not take:$missing"; return 1; }
}

# kasan_make: sets args, what make is told for the kernel's tree $1 and for modules built against it.
kasan_make()
{
	args=(-C "$1" KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab)
	case $lab_kasan in
	arm64) args+=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-) ;;
	*) args+=(ARCH=x86_64) ;;
	esac
}

build_kasan_kernel()
{
	local out=$1 src=$1/kdir arch=arm64 image=arch/arm64/boot/Image args
	# Xen starts the ELF file itself: nothing is unpacked under TCG.
	[ "$lab_kasan" = arm64 ] || { arch=x86; image=vmlinux; }
	kasan_make "$src"
	mkdir "$src"
	tar -x -f "$(echo "$kasan_source"/linux-source-*.tar.xz)" -C "$src" --strip-components=1
	patch -d "$src" -p1 -s -f -F0 <"$kasan_dir/gntdev.patch"
	if [ "$lab_kasan" = x86_64 ]; then
		patch -d "$src" -p1 -s -f -F0 <"$kasan_dir/pv/arch.patch"
		cp "$kasan_dir/pv/kasan_pv.c" "$src/arch/x86/xen/"
	fi
	cat "$kasan_dir/config" "$kasan_dir/config-$lab_kasan" >"$out/wanted"
	make "${args[@]}" KCONFIG_ALLCONFIG="$out/wanted" allnoconfig
	check_kasan_config "$src/.config"
	nice make -j"$(nproc)" "${args[@]}" "${image##*/}" modules
	cp "$src/$image" "$out/Image"
	cp "$src/drivers/xen/xenfs/xenfs.ko" "$src/.config" "$out/"
	# What modules are built with stays.
	find "$src" \( -name '*.[ao]' -o -name '*.ko' -o -name '.*.cmd' -o -name vmlinux -o -name '.tmp_vmlinux*' -o -name 'Image*' \) \
		! -path '*/scripts/*' -type f -delete
	find "$src" -mindepth 1 -maxdepth 1 -type d ! -name arch ! -name include ! -name scripts ! -name drivers ! -name tools \
		-exec rm -rf {} +
	find "$src/drivers" -mindepth 1 -maxdepth 1 ! -name xen -exec rm -rf {} +
	find "$src/tools" -mindepth 1 -maxdepth 1 ! -name objtool -exec rm -rf {} +
	find "$src/arch" -mindepth 1 -maxdepth 1 ! -name $arch -exec rm -rf {} +
}

# show_kasan_progress: a line now and then, for whoever waits; ends by itself with its parent.
show_kasan_progress()
{
	local minutes=0 log=$lab_cache/logs/step-$$.log
	while sleep 60 && kill -0 $$ 2>/dev/null; do
		minutes=$((minutes + 1))
		printf '\n    %3d min, %4d files compiled ' "$minutes" "$(grep -c '^ *CC ' "$log" 2>/dev/null || true)"
	done
}

# kasan_kernel_prepare: sets kasan_kernel. Not under lab_lock, which would keep other labs waiting.
kasan_kernel_prepare()
{
	local fd key progress
	key=$(hash_of "$(kernel_files "$devel_release")" "$kasan_dir"/{config,config-"$lab_kasan",gntdev.patch,pv/*} \
		"$(declare -f build_kasan_kernel kasan_make)")
	exec {fd}>"$lab_cache/lock.kasan"
	flock "$fd"
	rm -rf "$lab_cache"/kasan-tmp.*
	if [ ! -e "$lab_cache/kasan-kernel-$lab_kasan-$key/.complete" ]; then
		say "  the kernel is built once; on two CPUs that takes five to ten minutes, for x86_64 up to thirty"
		set -m
		show_kasan_progress &
		progress=$!
		set +m
		lab_jobs[$progress]=1
	fi
	artifact_tmp=kasan-tmp artifact "kasan-kernel-$lab_kasan" "$key" "building a kernel with KASAN and lockdep" build_kasan_kernel
	kasan_kernel=$artifact_dir
	if [ -n "${progress:-}" ]; then
		kill -TERM -- "-$progress" 2>/dev/null || true
		wait "$progress" 2>/dev/null || true
		unset "lab_jobs[$progress]"
	fi
	flock -u "$fd"
	exec {fd}>&-
}

# Ours and a module that misbehaves, for this kernel.
build_kasan_modules()
{
	local out=$1 args
	kasan_make "$kasan_kernel/kdir"
	mkdir -p "$out"/{build,splat,modules}
	make -C "$lab_top/kernel/privcmd" modules KDIR="$kasan_kernel/kdir" KSRC="$(echo "$kasan_source"/linux-source-*.tar.xz)" O="$out/build"
	cp "$kasan_dir"/splat/{Kbuild,splat.c} "$out/splat/"
	make "${args[@]}" M="$out/splat" modules
	cp "$out"/build/xen-{evtchn,privcmd}.ko "$out/splat/splat.ko" "$kasan_kernel/xenfs.ko" "$out/modules/"
	# In the order to load them.
	printf '%s\n' xen-evtchn.ko xen-privcmd.ko xenfs.ko >"$out/load-order"
	rm -rf "$out/build" "$out/splat"
}

# kasan_prepare: after prepare_nested, of whose platform it is.
kasan_prepare()
{
	local suffix=
	if [ "$lab_kasan" = x86_64 ]; then
		local lab_resolved=$x86_resolved
		suffix=-amd64
	fi
	lab_lock
	kernel_devel "612$suffix" "$(resolved_kernel 6.12)"
	artifact kasan-source "$(hash_of "$(kernel_files "$devel_release" | grep /linux-source-)" "$(declare -f fetch_kasan_source)")" \
		"unpacking the kernel's source" fetch_kasan_source
	kasan_source=$artifact_dir
	lab_unlock
	kasan_kernel_prepare
	lab_lock
	module_sources privcmd 6.12
	artifact "kasan-modules-$lab_kasan" \
		"$(hash_of "$kasan_kernel" "${module_files[@]}" "$kasan_dir"/splat/* "$(declare -f build_kasan_modules kasan_make)")" \
		"building dom0's modules for it" build_kasan_modules
	kasan_modules=$artifact_dir
	lab_unlock
}

# kasan_overlay TREE: what such a boot has instead of Debian's modules.
kasan_overlay()
{
	mkdir -p "$1/usr/lib/modules" "$1/xv/modules"
	cp "$kasan_modules"/modules/*.ko "$1/xv/modules/"
	cp "$kasan_modules/load-order" "$1/usr/lib/modules/"
	cp "$kasan_dir"/*.sh "$1/xv/cases/"
	# Everything takes longer in this kernel.
	echo "$kasan_patience" >"$1/xv/patience"
}

# kasan_judge CONSOLE CASE...: the kernel's own verdict on a boot, one more result of the check.
kasan_judge()
{
	local console=$1 found detectors=
	shift
	[ "$*" != detectors ] || detectors=yes
	found=$(tr -d '\r' <"$console" | grep -aE "$kasan_complaints" || true)
	if [ -n "$detectors" ]; then
		judge_detectors "$found"
	elif [ -z "$found" ]; then
		score_more ok kernel "  ok      the kernel has found nothing: $*"
	else
		cp "$console" "$lab_cache/logs/kasan-console.log"
		score_more FAILED "the kernel in the boot of $*" "  FAILED  the kernel has complained ($*):" \
			"$(printf '%s\n' "$found" | sed -n '1,20s/^/      | /p')" "      whole console: $lab_cache/logs/kasan-console.log"
	fi
}

# judge_detectors FOUND: each kind of complaint that detectors.sh provokes was seen by the very pattern that judges.
judge_detectors()
{
	local what text
	while IFS=: read -r what text; do
		if grep -qF -e "$text" <<<"$1"; then
			score_more ok "$what" "  ok      seen on the console: $what"
		else
			score_more FAILED "$what" "  FAILED  not seen on the console: $what"
		fi
	done <<-'KINDS'
	a line written to the log:BUG: written by a case
	KASAN, use after free:KASAN: slab-use-after-free in splat
	KASAN, out of bounds:KASAN: slab-out-of-bounds in splat
	KASAN, the stack:KASAN: stack-out-of-bounds in splat
	lockdep, two locks in both orders:WARNING: possible circular locking dependency
	a function that sleeps, with preemption off:sleeping function called from invalid context
	debugobjects, freed while queued:ODEBUG: free active
	a reference count:refcount_t: underflow
	kmemleak:unreferenced object
	KINDS
}

# In one boot: every case about the ioctls, the stress, a daemon that is killed and replaced on every path.
kasan_cases="ioctls stress memory notify-paths domid-reuse still-watching module-unload"
# A PV dom0 has no files of a guest's memory, and says so.
kasan_cases_x86="x86-ioctls stress x86-memory-fd x86-notify-paths x86-domid-reuse still-watching x86-module-unload"
# Everything in this kernel takes a few times as long.
kasan_patience=4

# kasan_arguments [--x86] [CASE...]: sets lab_kasan, or lab ends.
kasan_arguments()
{
	local name
	lab_kasan=arm64
	[ "${1:-}" != --x86 ] || { lab_kasan=x86_64; shift; }
	for name; do
		[[ $name != -* ]] || die "check kasan [--x86] [CASE...], not: $name"
		case_known "$name"
		[ "$(case_platform "$(case_file "$name")")" = "$lab_kasan" ] ||
			die "$name is not about $lab_kasan: check kasan has cases of that, and with --x86 of x86_64"
	done
}

check_kasan()
{
	local i
	local -a boot_group boot_cases
	[ "${1:-}" != --x86 ] || shift
	# shellcheck disable=SC2086
	[ $# -gt 0 ] || set -- detectors $([ "$lab_kasan" = arm64 ] && echo $kasan_cases || echo $kasan_cases_x86)
	boot_cases_max=100
	plan_boots "$@"
	say "kasan: the platform ($lab_kasan)"
	prepare_nested "${boot_group[@]}"
	kasan_prepare
	machine_kernel=$kasan_kernel/Image
	# A PV domain has a shadow of what it could grow to as well.
	machine_dom0_mem=$([ "$lab_kasan" = arm64 ] && echo 768M || echo 1G,max:1G)
	machine_bootargs="loglevel=7 log_buf_len=8M kasan_multi_shot rcupdate.rcu_cpu_stall_timeout=300"
	say "kasan: $# case(s) in ${#boot_group[@]} boot(s), two CPUs"
	score_planned=$#
	for i in "${!boot_group[@]}"; do
		# shellcheck disable=SC2086
		run_group "${boot_group[$i]}" ${boot_cases[$i]}
	done
}
