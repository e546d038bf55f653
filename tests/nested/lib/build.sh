# SPDX-License-Identifier: GPL-2.0-or-later
#
# Building the project, out of tree: one directory of the cache for each checkout and configuration.
#
# configure runs again only when it or its arguments changed; make decides the rest. The checkout gets nothing but
# what autoreconf writes there, which git ignores.

build_root()
{
	echo "$lab_cache/build/$(hash_of "$lab_shown_top")"
}

autoreconf_needed()
{
	local input
	[ -x "$lab_top/configure" ] && [ -e "$lab_top/Makefile.in" ] || return 0
	for input in "$lab_top"/configure.ac "$lab_top"/m4/*.m4; do
		case $input in
		*/libtool.m4|*/lt*.m4) ;;
		*) [ "$input" -nt "$lab_top/configure" ] && return 0 ;;
		esac
	done
	return 1
}

run_autoreconf()
{
	cd "$lab_top"
	# Its files are those of whoever has the checkout.
	setpriv --reuid="$(stat -c %u .)" --regid="$(stat -c %g .)" --clear-groups sh -c 'autoreconf -fi && touch configure'
}

build_sources()
{
	if autoreconf_needed; then
		need "autoreconf failed" "autoreconf" run_autoreconf
	fi
}

run_configure()
{
	local dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	cd "$dir"
	"$lab_top/configure" "$@"
	printf '%s\n' "$@" >"$dir/lab-arguments"
}

# build_configure NAME ARGUMENT...: sets build_dir and step_status.
build_configure()
{
	local name=$1
	shift
	build_dir=$(build_root)/$name
	step_status=0
	if [ -e "$build_dir/config.status" ] && [ "$(cat "$build_dir/lab-arguments" 2>/dev/null)" = "$(printf '%s\n' "$@")" ]; then
		return 0
	fi
	step "configuring ($name)" run_configure "$build_dir" "$@"
}

run_make()
{
	make -C "$1" -j"$(nproc)" "${@:2}"
}

run_install()
{
	rm -rf "$1/stage"
	make -C "$1" install DESTDIR="$1/stage"
	touch "$1/lab-installed"
}

run_dominfo()
{
	# Static: it is started at every look while a case waits, and loading seven libraries is most of its work.
	aarch64-linux-gnu-gcc --sysroot="$sysroot" -O2 -Wall -static -o "$1/xen-dominfo" "$lab_nested/dom0/xen-dominfo.c" \
		-Wl,--start-group -lxenctrl -lxen{devicemodel,call,foreignmemory,evtchn,gnttab,toollog,toolcore} -Wl,--end-group
	# Xen's headers of this version, and nothing else of the sysroot's.
	ln -s "$sysroot/usr/include/xen" "$1/xen"
	aarch64-linux-gnu-gcc -O2 -Wall -Wextra -std=gnu11 -static -I "$1" -o "$1/reservation" "$lab_top"/kernel/xen/test/reservation*.c
	rm "$1/xen"
	aarch64-linux-gnu-gcc --sysroot="$sysroot" -O2 -Wall -o "$1/unix-say" "$lab_nested/dom0/unix-say.c"
	aarch64-linux-gnu-gcc --sysroot="$sysroot" -O2 -Wall -o "$1/delegate" "$lab_nested/dom0/delegate.c" &&
	aarch64-linux-gnu-gcc --sysroot="$sysroot" -O2 -Wall -D_GNU_SOURCE -o "$1/absence" "$lab_nested/dom0/absence.c" -lxenstore -Wl,--allow-shlib-undefined
	aarch64-linux-gnu-gcc --sysroot="$sysroot" -O2 -Wall -D_GNU_SOURCE -shared -fPIC -o "$1/choose-domid.so" \
		"$lab_nested/dom0/choose-domid.c"
}

# Guests that are one C file, for xl's kernel=.
build_bare_guests()
{
	local src=$lab_top/tests program
	for program in bench/kick-guest guest/bare-balloon; do
		aarch64-linux-gnu-gcc -O2 -Wall -std=gnu11 -ffreestanding -fpie -mstrict-align -mgeneral-regs-only \
			-fno-stack-protector -nostdlib -static -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
			-Wl,-T,"$src/guest/bare.lds" -o "$1/${program##*/}.elf" "$src/guest/bare-start.S" "$src/$program.c"
		aarch64-linux-gnu-objcopy -O binary -j .text "$1/${program##*/}.elf" "$1/${program##*/}.img"
	done
}

# build_arm64: the project for dom0, installed into a tree of its own; sets dom0_build and dom0_stage.
# The cross compiler's libc is Debian 12's, the libraries of the sysroot want a newer one: dom0 has it.
build_arm64()
{
	local pkgconfig=$sysroot/usr/lib/aarch64-linux-gnu/pkgconfig:$sysroot/usr/share/pkgconfig
	build_sources
	build_configure arm64 --host=aarch64-linux-gnu --prefix=/usr --libdir=/usr/lib/aarch64-linux-gnu \
		--sysconfdir=/etc --localstatedir=/var "CC=aarch64-linux-gnu-gcc --sysroot=$sysroot" \
		LDFLAGS=-Wl,--allow-shlib-undefined PKG_CONFIG=pkg-config "PKG_CONFIG_LIBDIR=$pkgconfig" "PKG_CONFIG_SYSROOT_DIR=$sysroot" SCDOC=
	[ "$step_status" -eq 0 ] || die "configure failed"
	need "the project did not build for arm64" "make (arm64)" run_make "$build_dir"
	if [ ! -e "$build_dir/lab-installed" ] ||
	   [ -n "$(find "$build_dir" -path "$build_dir/stage" -prune -o -type f -newer "$build_dir/lab-installed" -print -quit)" ]; then
		need "make install failed" "make install (arm64)" run_install "$build_dir"
	fi
	dom0_build=$build_dir
	dom0_stage=$build_dir/stage
	need "what xenvirtio-new writes did not build" "xenvirtio-new (arm64)" run_new
	artifact dominfo "$(hash_of "$lab_nested"/dom0/{xen-dominfo,unix-say,choose-domid,absence,delegate}.c "$lab_top"/kernel/xen/test/*.[ch] "$sysroot" "$(declare -f run_dominfo)")" "compiling dom0's helpers" run_dominfo
	dominfo_program=$artifact_dir/xen-dominfo
	artifact bare-guests "$(hash_of "$lab_top"/tests/guest/bare{.lds,-*} "$lab_top"/tests/bench/kick{.h,-guest.c} \
		"$(declare -f build_bare_guests)")" "building the bare guests" build_bare_guests
	bare_guests=$artifact_dir
}

# run_new: what xenvirtio-new writes, built against what was installed, as its author would.
run_new()
{
	rm -rf "$dom0_build/new" &&
	"$lab_top/tools/new/xenvirtio-new" sevens "$dom0_build/new" &&
	make -C "$dom0_build/new" sevens "CC=aarch64-linux-gnu-gcc --sysroot=$sysroot" WARNINGS='-std=gnu11 -Wall -Wextra -Werror' \
		"XENVIRTIO=-I$dom0_stage/usr/include -L$dom0_stage/usr/lib/aarch64-linux-gnu -lxenvirtio -Wl,--allow-shlib-undefined"
}

# fill_overlay TREE RUN KERNEL: what a boot has besides dom0 itself: the project, the helpers, the cases, what to run, and which
# kernel its guests have.
fill_overlay()
{
	local tree=$1 run=$2 program programs
	mkdir -p "$tree"/{xv/cases,usr/sbin,usr/bin} "$tree/usr/lib/$lab_triplet"
	cp "$lab_nested"/dom0/{main,lib.sh,processes.sh,kills.sh,drill.sh,records.sh,run-case} "$tree/xv/"
	chmod 755 "$tree/xv/main"
	cp "$lab_nested"/dom0/shell "$tree/xv/"
	cp "$lab_nested"/cases/*.sh "$lab_nested"/dom0/demo*.sh "$tree/xv/cases/"
	printf '%s\n' "$run" >"$tree/xv/run"
	echo "$3" >"$tree/xv/kernel"
	[ -z "${lab_notify:-}" ] || echo "$lab_notify" >"$tree/xv/notify"
	[ -n "${bench_name:-}" ] || echo "$machine_quick_boot" >"$tree/xv/quick-boot"
	cp "${dominfo_program%/*}"/* "$dom0_build"/tests/contract/{contract,frames,pod,rights}-xen "$tree/usr/bin/"
	cp "$dom0_build"/examples/.libs/virtio-rng "$dom0_build"/tests/drill/.libs/drill-vballoond "$dom0_build"/tests/drill/trace-calls "$tree/usr/bin/"
	cp "$lab_top/SECURITY.md" "$tree/xv/"
	[ ! -e "$tree/usr/bin/choose-domid.so" ] || mv "$tree/usr/bin/choose-domid.so" "$tree/xv/"
	if [ "$lab_triplet" = aarch64-linux-gnu ]; then
		cp "$bare_guests/bare-balloon.img" "$tree/xv/"
		mkdir "$tree/xv/new"
		cp "$dom0_build/new/sevens" "$dom0_build/new/try-on-xen" "$tree/xv/new/"
	fi
	# A part of a guest's initramfs, for the case that adds it.
	mkdir -p "$run_dir/guest-part/bin"
	for program in hostile-guest kexec memory-checker; do
		cp "$dom0_build/tests/guest/$program" "$run_dir/guest-part/bin/"
		make_cpio "$run_dir/guest-part" "$tree/xv/$program.cpio"
		rm "$run_dir/guest-part/bin/$program"
	done
	cp -P "$dom0_stage/usr/lib/$lab_triplet"/*.so* "$tree/usr/lib/$lab_triplet/"
	programs=("$dom0_stage"/usr/sbin/* "$dom0_stage"/usr/bin/*)
	for program in "${programs[@]}"; do
		cp "$program" "$tree/${program#"$dom0_stage/"}"
	done
	add_libraries "$sysroot" "$tree" "${programs[@]}" "$tree/usr/lib/$lab_triplet"/*.so* \
		"$tree"/usr/bin/*
	cp "$dom0_build/tests/guest/memory-checker" "$tree/usr/bin/"
}
