# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kernel modules built from kernel/ for the very kernels the machine and its guests boot.
#
# dom0's: xen-privcmd and xen-evtchn with ioeventfd and irqfd, and for comparison the same two of the unpatched source with
# upstream's CONFIG_XEN_PRIVCMD_EVENTFD; and kernel/privcmd/test's programs. The guests': virtio_balloon with bulk messages.
#
# Sets: modules_dir, with ours/, upstream/ and test/; balloon_cpio[612], a part to append to a guest's initramfs, where a
# boot of the plan wants it. A boot says which modules dom0 has: "ours" (what a user has who installed the DKMS package),
# "stock" (Debian's, without these ioctls) or "upstream". Headers and source have the very version of the image; kbuild's
# programs are those of lab's root.

declare -A balloon_cpio=()

# fetch_kernel_devel RELEASE OUT: the headers' packages and of the source what modules are built from here.
fetch_kernel_devel()
{
	local release=$1 out=$2
	kernel_files "$release" | grep -v /linux-source- | xargs ln -s -t "$out"
	mkdir "$out/source"
	dpkg-deb --fsys-tarfile "$(kernel_files "$release" | grep /linux-source-)" | tar -x -O --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -x -J -C "$out/source" --strip-components=1 --wildcards --no-wildcards-match-slash \
			'*/Makefile' '*/MAINTAINERS' '*/Documentation/userspace-api/ioctl/ioctl-number.rst' \
			'*/Documentation/virt/index.rst' '*/drivers/virtio' '*/drivers/xen' '*/include/xen' '*/include/uapi/xen'
}

# kernel_devel SERIES IMAGE: sets devel_dir and devel_release.
kernel_devel()
{
	devel_release=${2#linux-image-}
	artifact "kernel-devel-$1" "$(hash_of "$(kernel_files "$devel_release")" "$(declare -f fetch_kernel_devel)")" \
		"unpacking headers and source of $devel_release" fetch_kernel_devel "$devel_release"
	devel_dir=$artifact_dir
}

# module_sources MODULE SERIES: sets module_files to what the modules of that directory are made from.
module_sources()
{
	local dir=$lab_top/kernel/$1
	mapfile -t module_files < <(find "$dir/hooks/$2" "$dir/src" "$dir/include" "$dir/dkms" "$lab_top/kernel/take-stock" -type f \
		\( -name '*.[ch]' -o -name '*.patch' -o -name '*.conf' -o -name Makefile -o -name prepare -o -name take-stock \) | sort)
}

# build_upstream_modules KDIR SOURCE OUT: what CONFIG_XEN_PRIVCMD_EVENTFD=y would have made of Debian's own source.
build_upstream_modules()
{
	local file
	mkdir "$3/src"
	cp "$2"/drivers/xen/{evtchn.c,privcmd.c,privcmd-buf.c,privcmd.h} "$3/src/"
	cat >"$3/src/Kbuild" <<-'KBUILD'
	ccflags-y := -DCONFIG_XEN_PRIVCMD_EVENTFD=1
	obj-m := xen-evtchn.o xen-privcmd.o
	xen-evtchn-y := evtchn.o
	xen-privcmd-y := privcmd.o privcmd-buf.o
	KBUILD
	make -C "$1" M="$3/src" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- modules
	for file in evtchn privcmd; do
		aarch64-linux-gnu-strip --strip-debug -o "$3/xen-$file.ko" "$3/src/xen-$file.ko"
	done
	rm -rf "$3/src"
}

# build_modules DEVEL OUT
build_modules()
{
	local devel=$1 out=$2 kdir file
	mkdir -p "$out"/{ours,upstream,test,headers,build}
	kdir=$("$lab_top/kernel/unpack-headers" "$out/headers" "$devel"/*.deb)
	make -C "$lab_top/kernel/privcmd" modules KDIR="$kdir" KSRC="$devel/source" O="$out/build"
	for file in evtchn privcmd; do
		aarch64-linux-gnu-strip --strip-debug -o "$out/ours/xen-$file.ko" "$out/build/xen-$file.ko"
	done
	build_upstream_modules "$kdir" "$devel/source" "$out/upstream"
	make -C "$lab_top/kernel/privcmd" tests O="$out/test" XEN_INCLUDE="$sysroot/usr/include" \
		UPSTREAM_UAPI="$(echo "$out"/headers/usr/src/linux-headers-*-common/include/uapi)"
	rm -rf "$out"/{headers,build} "$out"/test/*.elf
}

modules_prepare()
{
	kernel_devel 612 "$(resolved_kernel 6.12)"
	module_sources privcmd 6.12
	artifact modules "$(hash_of "$devel_dir" "${module_files[@]}" "$lab_top"/kernel/privcmd/test/{Makefile,run.sh,*.[chS]} \
			"$(declare -f build_modules build_upstream_modules)")" \
		"building dom0's modules ($devel_release)" build_modules "$devel_dir"
	modules_dir=$artifact_dir
}

# build_guest_balloon DEVEL OUT: beside the stock module in a guest's initramfs, with the parameters of the DKMS package.
build_guest_balloon()
{
	local devel=$1 out=$2 kdir tree=$2/tree/lib/modules/ours
	mkdir -p "$out"/{headers,build} "$tree"
	kdir=$("$lab_top/kernel/unpack-headers" "$out/headers" "$devel"/*.deb)
	make -C "$lab_top/kernel/balloon" modules KDIR="$kdir" KSRC="$devel/source" O="$out/build"
	aarch64-linux-gnu-strip --strip-debug -o "$tree/virtio_balloon.ko" "$out/build/virtio_balloon.ko"
	sed -n 's/^options virtio_balloon //p' "$lab_top/kernel/balloon/dkms/virtio-balloon-bulk.conf" >"$tree/virtio_balloon.args"
	make_cpio "$out/tree" "$out/balloon.cpio"
	rm -rf "$out"/{headers,build,tree}
}

# balloon_prepare KERNEL: for guests with that kernel.
balloon_prepare()
{
	local kernel=$1 series
	case $kernel in
	612) series=6.12 ;;
	61) series=6.1 ;;
	esac
	kernel_devel "$kernel" "linux-image-${kernel_release[$kernel]}"
	module_sources balloon "$series"
	artifact "guest-balloon-$kernel" "$(hash_of "$devel_dir" "${module_files[@]}" "$(declare -f build_guest_balloon make_cpio)")" \
		"building the guests' virtio_balloon ($devel_release)" build_guest_balloon "$devel_dir"
	balloon_cpio[$kernel]=$artifact_dir/balloon.cpio
}

# modules_overlay TREE WHICH: init prefers what is in /xv/modules.
modules_overlay()
{
	mkdir -p "$1/xv/modules" "$1/xv/kernel-test"
	case $2 in
	stock) return ;;
	kasan) kasan_overlay "$1" ;;
	*) cp "$modules_dir/$2"/*.ko "$1/xv/modules/" ;;
	esac
	cp "$modules_dir"/test/* "$1/xv/kernel-test/"
}

# balloon_overlay TREE KERNEL WHICH: create_guest adds what is in /xv/guest-balloon.cpio to its guests' initramfs.
balloon_overlay()
{
	[ "$3" = ours ] || return 0
	cp "${balloon_cpio[$2]}" "$1/xv/guest-balloon.cpio"
}
