# SPDX-License-Identifier: GPL-2.0-or-later
#
# The second platform: Debian's own Xen for amd64 with a PV dom0, and HVM guests. The parts are made by the functions of
# lock.sh, platform.sh, kernel-modules.sh and build.sh, which find in local variables of x86_prepare and
# x86_make_boot what is other than on arm64: architecture, packages, the place of libraries. Nothing is cross-built, and Xen is
# not built at all.
#
# Kernels are booted as the ELF file that is inside Debian's bzImage: unpacking it is most of a second here and most of ten
# under TCG. Guests are of two kinds: made by hvm-guest, without a device model, or by xl, with hvmloader, SeaBIOS and QEMU,
# for which a boot takes another part of initramfs.
#
# Sets x86_*. Known to work with qemu64 and SVM in QEMU 7.2: "max" crashes a PV dom0.

x86_triplet=x86_64-linux-gnu
x86_interpreter=usr/lib64/ld-linux-x86-64.so.2
# drivers of what QEMU has are built in
x86_dom0_modules="xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs"

# x86_vmlinux BZIMAGE OUT: Linux, Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length.
x86_vmlinux()
{
	local sectors offset length
	sectors=$(od -An -tu1 -j 497 -N 1 "$1")
	offset=$(od -An -tu4 -j 584 -N 4 "$1")
	length=$(od -An -tu4 -j 588 -N 4 "$1")
	# The last four bytes are the size it unpacks to.
	dd if="$1" bs=64K iflag=skip_bytes,count_bytes skip="$(((sectors + 1) * 512 + offset))" count="$((length - 4))" \
		status=none | zstd -q -dc >"$2"
	readelf -h "$2" >/dev/null
}

# x86_build_kernel DEB... OUT
x86_build_kernel()
{
	local out=${*: -1}
	build_kernel "$@"
	mv "$out/Image" "$out/bzImage"
	x86_vmlinux "$out/bzImage" "$out/Image"
}

x86_build_xen()
{
	dpkg-deb --fsys-tarfile "$(downloaded xen-hypervisor-4.20-amd64)" | tar -x -O --wildcards './boot/xen-*-amd64.gz' |
		gunzip >"$1/xen"
	[ -s "$1/xen" ]
}

# x86_build_qemu OUT: hvmloader, firmware, QEMU and a kernel that a BIOS can start, as a part of dom0's initramfs.
x86_build_qemu()
{
	local tree=$1/tree file
	mkdir -p "$tree"/{guest,usr/libexec,usr/share/qemu/keymaps,usr/share/seabios,usr/lib/xen/boot,"usr/lib/$lab_triplet"}
	cp "$sysroot/usr/libexec/xen-qemu-system-i386" "$tree/usr/libexec/"
	cp "$sysroot/usr/lib/xen-$xen_series/boot/hvmloader" "$tree/usr/lib/xen/boot/"
	cp "$sysroot/usr/share/seabios/bios-256k.bin" "$tree/usr/share/seabios/"
	for file in kvmvapic.bin linuxboot.bin linuxboot_dma.bin keymaps/en-us; do
		cp "$sysroot/usr/share/qemu/$file" "$tree/usr/share/qemu/$file"
	done
	cp "${kernel_dir[$lab_kernel]}/bzImage" "$tree/guest/bzImage-$lab_kernel"
	add_libraries "$sysroot" "$tree" "$tree/usr/libexec/xen-qemu-system-i386"
	make_cpio "$tree" "$1/qemu.cpio"
	rm -rf "$tree"
}

x86_build_helpers()
{
	local name flags=(-O2 -Wall "-I$sysroot/usr/include" "-L$sysroot/usr/lib/$lab_triplet" -Wl,--allow-shlib-undefined)
	for name in xen-dominfo unix-say; do
		gcc "${flags[@]}" -o "$1/$name" "$lab_nested/dom0/$name.c" -lxenctrl -lxendevicemodel
	done
	gcc "${flags[@]}" -o "$1/hvm-guest" "$lab_nested/dom0/hvm-guest.c" -lxenguest -lxenctrl -lxenstore
	gcc "${flags[@]}" -D_GNU_SOURCE -shared -fPIC -o "$1/choose-domid.so" "$lab_nested/dom0/choose-domid.c"
}

# x86_build_project: against the libraries of Xen 4.20, with this machine's own compiler and libc, which is older than
# theirs: dom0 has the newer one. check unit builds the same against Xen 4.17, this machine's.
x86_build_project()
{
	local pkgconfig=$sysroot/usr/lib/$lab_triplet/pkgconfig:$sysroot/usr/share/pkgconfig
	build_sources
	build_configure amd64 --prefix=/usr "--libdir=/usr/lib/$lab_triplet" --sysconfdir=/etc --localstatedir=/var \
		LDFLAGS=-Wl,--allow-shlib-undefined PKG_CONFIG=pkg-config "PKG_CONFIG_LIBDIR=$pkgconfig" \
		"PKG_CONFIG_SYSROOT_DIR=$sysroot" SCDOC=
	[ "$step_status" -eq 0 ] || die "configure failed"
	need "the project did not build for amd64 with Xen $xen_series" "make (amd64, Xen $xen_series)" \
		run_make "$build_dir"
	if [ ! -e "$build_dir/lab-installed" ] ||
	   [ -n "$(find "$build_dir" -path "$build_dir/stage" -prune -o -type f -newer "$build_dir/lab-installed" -print -quit)" ]; then
		need "make install failed" "make install (amd64)" run_install "$build_dir"
	fi
	x86_build=$build_dir
}

# x86_build_modules DEVEL SYSROOT OUT: ours/, dom0's xen-privcmd and xen-evtchn, as a user has them who installed the DKMS
# package, and test/, the programs for them.
x86_build_modules()
{
	local devel=$1 sysroot=$2 out=$3 kdir file
	mkdir -p "$out"/{headers,build,ours,test}
	kdir=$("$lab_top/kernel/unpack-headers" "$out/headers" "$devel"/*.deb)
	make -C "$lab_top/kernel/privcmd" modules KDIR="$kdir" KSRC="$devel/source" O="$out/build"
	for file in evtchn privcmd; do
		strip --strip-debug -o "$out/ours/xen-$file.ko" "$out/build/xen-$file.ko"
	done
	make -C "$lab_top/kernel/privcmd" tests O="$out/test" CC=gcc XEN_INCLUDE="$sysroot/usr/include" \
		UPSTREAM_UAPI="$(echo "$out"/headers/usr/src/linux-headers-*-common/include/uapi)"
	rm -rf "$out"/{headers,build}
}

# x86_build_bare_guests OUT: guests that are one C file.
x86_build_bare_guests()
{
	gcc -m32 -O2 -Wall -std=gnu11 -ffreestanding -fno-pic -no-pie -mgeneral-regs-only -fno-stack-protector -nostdlib -static \
		-Wl,--build-id=none -Wl,-N -Wl,--no-warn-rwx-segments -Wl,-Ttext=0x100000 -Wl,--section-start=.note.Xen=0xff000 \
		-I"$lab_top/tests" -o "$1/kick-guest.img" "$lab_top/tests/guest/bare-start-x86.S" "$lab_top/tests/bench/kick-guest.c"
}

# x86_prepare: everything.
x86_prepare()
{
	local lab_triplet=$x86_triplet lab_interpreter=$x86_interpreter platform_arch=amd64 platform_suffix=-amd64
	local dom0_modules=$x86_dom0_modules sysroot lab_resolved dom0_cpio modules_dir
	local -A kernel_dir=() kernel_release=() guest_cpio=()
	platform_resolve amd64 xen-amd64 userland-amd64 $([ "$lab_kernel" != 612 ] || echo linux-6.12-amd64)
	artifact sysroot-amd64 "$(hash_of "$lab_resolved" "$(declare -f build_sysroot unpack_debs)")" \
		"unpacking the amd64 sysroot" build_sysroot
	sysroot=$artifact_dir
	artifact xen-amd64 "$(hash_of "$lab_resolved" "$(declare -f x86_build_xen)")" "unpacking Xen (amd64)" x86_build_xen
	x86_xen_image=$artifact_dir/xen
	platform_kernel "$lab_kernel" x86_build_kernel
	x86_resolved=$lab_resolved
	x86_release=${kernel_release[$lab_kernel]}
	x86_kernel=${kernel_dir[$lab_kernel]}/Image
	platform_dom0
	x86_dom0_cpio=$dom0_cpio
	platform_guest "$lab_kernel"
	x86_guest_cpio=${guest_cpio[$lab_kernel]}
	artifact qemu-amd64 "$(hash_of "$sysroot" "${kernel_dir[$lab_kernel]}" \
			"$(declare -f x86_build_qemu add_libraries needed_closure)")" \
		"packing the guests' device model" x86_build_qemu
	x86_qemu_cpio=$artifact_dir/qemu.cpio
	artifact helpers-amd64 "$(hash_of "$lab_nested"/dom0/{xen-dominfo,unix-say,hvm-guest,choose-domid}.c "$sysroot" \
			"$(declare -f x86_build_helpers)")" \
		"compiling dom0's helpers (amd64)" x86_build_helpers
	x86_helpers=$artifact_dir
	artifact bare-guests-amd64 "$(hash_of "$lab_top"/tests/guest/bare-{mmio.h,start-x86.S} "$lab_top"/tests/bench/kick{.h,-guest.c} \
			"$(declare -f x86_build_bare_guests)")" \
		"building the bare guests (amd64)" x86_build_bare_guests
	x86_bare_guests=$artifact_dir
	if [ -n "${lab_newest:-}" ] && [ "$(newest_modules "$lab_newest" amd64)" = ours ]; then
		newest_modules_prepare "$lab_newest"
		x86_modules=$modules_dir
	elif kernel_takes_modules linux-6.12-amd64; then
		x86_prepare_modules
	fi
	x86_build_project
	x86_sysroot=$sysroot
}

x86_prepare_modules()
{
	kernel_devel 612-amd64 "$(resolved_kernel 6.12)"
	module_sources privcmd 6.12
	artifact modules-amd64 "$(hash_of "$devel_dir" "$sysroot" "${module_files[@]}" \
			"$lab_top"/kernel/privcmd/test/{Makefile,run.sh,*.[chS]} "$(declare -f x86_build_modules)")" \
		"building dom0's modules ($devel_release)" x86_build_modules "$devel_dir" "$sysroot"
	x86_modules=$artifact_dir
}

# x86_prepare_backends KERNEL BACKENDS: as backends_prepare, after x86_prepare.
x86_prepare_backends()
{
	local lab_resolved=$x86_resolved platform_suffix=-amd64
	local -A kernel_release=([$lab_kernel]=$x86_release)
	[[ "+$2+" != *+compiler+* && "+$2+" != *+passt+* && "+$2+" != *+vhost-user-blk+* ]] ||
		die "${2//+/, }: compiler, passt and vhost-user-blk are packed on arm64 only"
	backends_prepare "$1" "$2"
}

# x86_make_boot RUN WHICH MODULES KERNEL BACKENDS: the initramfs of one boot, in run_dir; WHICH: x86_64, or x86_64-qemu with the device
# model; MODULES of dom0: ours or stock.
x86_make_boot()
{
	local lab_triplet=$x86_triplet platform_suffix=-amd64 sysroot=$x86_sysroot dom0_cpio=$x86_dom0_cpio parts=("$x86_guest_cpio")
	local modules_dir=${x86_modules:-} bare_guests=$x86_bare_guests
	local dom0_build=$x86_build dom0_stage=$x86_build/stage dominfo_program=$x86_helpers/xen-dominfo
	if [ "$2" = x86_64-debian13 ]; then
		debian13_make_boot "$1" "$4"
		return
	fi
	[ "$2" != x86_64-qemu ] || parts+=("$x86_qemu_cpio")
	fill_overlay "$run_dir/overlay" "$1" "$4"
	modules_overlay "$run_dir/overlay" "$3"
	backends_overlay "$run_dir/overlay" "$4" "$5"
	bench_overlay "$run_dir/overlay"
	make_cpio "$run_dir/overlay" "$run_dir/overlay.cpio"
	machine_initramfs "$run_dir" "${parts[@]}" "$run_dir/overlay.cpio"
	rm -rf "$run_dir/overlay" "$run_dir/overlay.cpio"
}

# x86_arguments DIR XEN MEMORY VCPUS ACCELERATOR...: the QEMU command line in machine_argv. A PVH dom0's addresses are not the
# machine's: it needs an IOMMU, and its devices behind it.
x86_arguments()
{
	local dir=$1 memory=$3 vcpus=$4 board=() xen= serial=
	# The other board's interrupt routing is a loop in ACPI's byte code, which such a kernel on a busy host gives up after 30 s.
	[ -z "${lab_kasan:-}" ] || board=(-machine q35)
	case $2 in
	*-debian13)
		debian13_arguments "$dir" "${@:3}"
		return ;;
	*-pvh)
		board=(-machine q35 -device "intel-iommu,intremap=off,aw-bits=48")
		xen="dom0=pvh iommu=no-intremap"
		serial=,iommu_platform=on,disable-legacy=on ;;
	esac
	# As on arm64 (machine.sh).
	[ "$vcpus" -eq 1 ] || xen+=" sched=credit"
	machine_argv=(qemu-system-x86_64 "${board[@]}" "${@:5}" -cpu "qemu64,+svm,+npt,+vgif" -m "$memory" -smp "$vcpus"
		-display none -nodefaults -monitor none -no-reboot -kernel "$x86_xen_image"
		-append "console=com1 com1=115200,8n1 dom0_mem=${machine_dom0_mem:-768M} dom0_max_vcpus=$vcpus $xen ${machine_xen_log-loglvl=info guest_loglvl=all}"
		-initrd "${machine_kernel:-$x86_kernel} console=hvc0 rdinit=/init panic=1 $(dom0_arguments),$dir/dom0.cpio"
		-device "virtio-serial-pci$serial")
	machine_ports "$dir"
}
