# SPDX-License-Identifier: GPL-2.0-or-later
#
# The parts a nested machine is put together from, each an artifact of the cache: the hypervisor, kernels (kernels.sh), dom0's
# initramfs, guests' initramfs, and the sysroot the project is cross-built against.
#
# Sets: xen_image[plain], guest_cpio[] of each kernel, dom0_cpio, sysroot; and, where a boot of the plan wants it
# (platform_prepare_xen), xen_image[patched].
# Knows nothing about the project's programs, cases or how the machine is started.

# The platform that is being put together; platform-x86.sh has others of its own.
platform_arch=arm64
lab_triplet=aarch64-linux-gnu
lab_interpreter=usr/lib/ld-linux-aarch64.so.1

dom0_xen_programs="xl xenstored xenconsoled xenconsole xen-init-dom0 libxl-save-helper"

declare -A xen_image=() guest_cpio=()

# build_xen [PATCH...] OUT
build_xen()
{
	local out=${*: -1} patch src args=(-C xen XEN_TARGET_ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
	src=$out/src
	mkdir "$src"
	tar -x -f "$(xen_tarball)" -C "$src" --strip-components=1
	cd "$src"
	for patch in "${@:1:$# - 1}"; do
		patch -p1 -s -f <"$patch"
	done
	make "${args[@]}" defconfig
	# ioreq servers are "tech preview" on Arm: Debian's binary answers their calls with ENOSYS.
	printf '%s\n' CONFIG_EXPERT=y CONFIG_UNSUPPORTED=y CONFIG_IOREQ_SERVER=y >>xen/.config
	make "${args[@]}" olddefconfig
	grep -q '^CONFIG_IOREQ_SERVER=y' xen/.config
	make -j"$(nproc)" "${args[@]}" build
	cp xen/xen xen/.config "$out/"
	cd /
	rm -rf "$src"
}

# unpack_debs OUT NAME...
unpack_debs()
{
	local out=$1 name deb
	shift
	for name in "$@"; do
		deb=$(downloaded "$name")
		dpkg -x "$deb" "$out"
	done
}

# A root to link against: headers, link libraries and pkg-config files of what runs in dom0.
build_sysroot()
{
	# shellcheck disable=SC2046
	unpack_debs "$1" $(awk '$1 ~ /^(xen|userland)-/ && $2 != "source" { print $3 }' "$lab_resolved")
	[ -e "$1/lib" ] || ln -s usr/lib "$1/lib"
	rm -rf "$1"/usr/share/{doc,man,locale,gconv} "$1/usr/lib/$lab_triplet/gconv"
}

# needed_closure ROOT TREE FILE...: file names of the shared libraries the programs need and TREE does not have yet,
# found in ROOT's library directory.
needed_closure()
{
	local root=$1 have=$2/usr/lib/$lab_triplet lib todo=("${@:3}") file name
	declare -A seen=()
	while [ ${#todo[@]} -gt 0 ]; do
		file=${todo[0]}
		todo=("${todo[@]:1}")
		# a script needs none
		[ "$(head -c 4 "$file" | tail -c 3)" = ELF ] || continue
		for name in $(readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
			[ -z "${seen[$name]:-}" ] || continue
			seen[$name]=1
			if [ -e "$have/$name" ]; then
				todo+=("$have/$name")
				continue
			fi
			lib=$root/usr/lib/$lab_triplet/$name
			[ -e "$lib" ] || { echo "needed_closure: $file needs $name, which is not in the sysroot" >&2; return 1; }
			echo "$name"
			todo+=("$lib")
		done
	done
}

# add_libraries ROOT TREE FILE...: copy the closure of FILEs into TREE.
add_libraries()
{
	local root=$1 tree=$2 name
	shift 2
	mkdir -p "$tree/usr/lib/$lab_triplet"
	needed_closure "$root" "$tree" "$@" >"$tree.libs"
	while read -r name; do
		cp -L "$root/usr/lib/$lab_triplet/$name" "$tree/usr/lib/$lab_triplet/$name"
	done <"$tree.libs"
	rm -f "$tree.libs"
}

# make_cpio TREE OUT: an initramfs part; several of them one after the other make one initramfs.
make_cpio()
{
	(cd "$1" && find . -mindepth 1 | LC_ALL=C sort |
		cpio --quiet -o -H newc -R 0:0 --reproducible) >"$2"
}

build_dom0()
{
	local tree=$1/tree bin program
	mkdir -p "$tree"/{bin,etc/xen,usr/sbin,usr/bin,usr/lib/modules,usr/lib/xen/bin} "$tree/usr/lib/$lab_triplet" \
		"$tree/${lab_interpreter%/*}"
	[ ! -d "$tree/usr/lib64" ] || ln -s usr/lib64 "$tree/lib64"
	ln -s usr/lib "$tree/lib"
	ln -s xen "$tree/usr/lib/xen-$xen_series"
	cp "$sysroot/usr/bin/busybox" "$tree/bin/"
	cp -L "$sysroot/$lab_interpreter" "$tree/$lab_interpreter"
	bin=$tree/usr/lib/xen/bin
	for program in $dom0_xen_programs; do
		cp "$sysroot/usr/lib/xen-$xen_series/bin/$program" "$bin/"
	done
	for program in read write rm list ls exists chmod watch; do
		cp "$sysroot/usr/bin/xenstore-$program" "$tree/usr/bin/"
	done
	add_libraries "$sysroot" "$tree" "$bin"/* "$tree"/usr/bin/xenstore-*
	# Opened at run time by pthread_cancel: without it xl aborts.
	cp -L "$sysroot/usr/lib/$lab_triplet/libgcc_s.so.1" "$tree/usr/lib/$lab_triplet/"
	echo 'autoballoon="off"' >"$tree/etc/xen/xl.conf"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
	echo 'nobody:x:65534:65534:nobody:/nonexistent:/bin/false' >>"$tree/etc/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: >"$tree/etc/group"
	cp "${kernel_dir[$lab_kernel]}"/dom0/* "$tree/usr/lib/modules/"
	cp "$lab_nested/dom0/init" "$tree/init"
	chmod 755 "$tree/init"
	make_cpio "$tree" "$1/dom0.cpio"
	rm -rf "$tree"
}

# build_guest KERNEL OUT: the guest's own initramfs, and the part of dom0's that carries guest kernel and initramfs.
build_guest()
{
	local tree=$2/tree kernel=$1
	mkdir -p "$tree"/{bin,lib/modules}
	cp "$sysroot/usr/bin/busybox" "$tree/bin/"
	cp "${kernel_dir[$kernel]}"/guest/* "$tree/lib/modules/"
	cp "$lab_nested/guest/init" "$tree/init"
	chmod 755 "$tree/init"
	mkdir -p "$2/part/guest"
	make_cpio "$tree" "$2/part/guest/initrd-$kernel"
	cp "${kernel_dir[$kernel]}/Image" "$2/part/guest/Image-$kernel"
	make_cpio "$2/part" "$2/guest.cpio"
	rm -rf "$tree" "$2/part"
}

# platform_prepare_xen: the same Xen with the project's patches (kernel/xen).
platform_prepare_xen()
{
	local patches=("$lab_top/kernel/xen/patches/$xen_series"/*.patch)
	[ ${#patches[@]} -gt 0 ] || die "no patches for Xen $xen_series in kernel/xen/patches"
	artifact xen-patched "$(hash_of "$(xen_tarball)" "${patches[@]}" "$(declare -f build_xen)")" \
		"building Xen with kernel/xen's patches" build_xen "${patches[@]}"
	xen_image[patched]=$artifact_dir/xen
}

# platform_resolve NAME GROUP...: these groups' files here; sets lab_resolved, which says which they are.
platform_resolve()
{
	lab_resolved=$lab_cache/resolved/$1
	shift
	groups_prepare "$@"
	resolved_lines "$@" >"$lab_resolved.new"
	mv "$lab_resolved.new" "$lab_resolved"
}

arm64_groups="xen-arm64 xen-source userland-arm64 linux-6.12-arm64"

# platform_probe: can the arm64 platform be made from what the mirror has? Sets arm64_missing and arm64_older_missing (guests
# with Linux 6.1) to what cannot be had, arm64_stock when modules of ours do not fit the kernel. The last rung of the ladder is x86_64, which needs no source.
platform_probe()
{
	lab_lock
	# shellcheck disable=SC2086
	groups_try $arm64_groups
	arm64_missing=$groups_missing
	arm64_older_missing=
	if [ -z "$arm64_missing" ] && [ $# -gt 0 ]; then
		groups_try linux-6.1-arm64
		arm64_older_missing=$groups_missing
	fi
	arm64_stock=
	if [ -z "$arm64_missing" ] && [ "$lab_kernel" = 612 ] && ! kernel_takes_modules; then
		arm64_stock=yes
	fi
	lab_unlock
	[ -z "$arm64_missing" ] || say "  the arm64 platform cannot be made today: nothing on the mirror will do for $arm64_missing. x86_64 can: its Xen is a package"
}

# platform_dom0: dom0's initramfs.
platform_dom0()
{
	artifact "dom0${platform_suffix:-}" "$(hash_of "$sysroot" "${kernel_dir[$lab_kernel]}" "$lab_nested/dom0/init" "$dom0_xen_programs" \
			"$(declare -f build_dom0 add_libraries needed_closure make_cpio)")" \
		"making dom0's initramfs" build_dom0
	dom0_cpio=$artifact_dir/dom0.cpio
}

# platform_guest KERNEL: its guests'.
platform_guest()
{
	artifact "guest-$1${platform_suffix:-}" "$(hash_of "$sysroot" "${kernel_dir[$1]}" "$lab_nested/guest/init" \
			"$(declare -f build_guest make_cpio)")" \
		"making the guest's initramfs (kernel $1)" build_guest "$1"
	guest_cpio[$1]=$artifact_dir/guest.cpio
}

# platform_prepare [61]: 61: with guests that have Linux 6.1.
platform_prepare()
{
	local kernel kernels=(612 "$@") groups=$arm64_groups
	[ $# -eq 0 ] || groups+=" linux-6.1-arm64"
	if [ "$lab_kernel" != 612 ]; then
		kernels=("$lab_kernel")
		groups=${groups/ linux-6.12-arm64}
	fi
	# shellcheck disable=SC2086
	platform_resolve arm64 $groups
	artifact sysroot "$(hash_of "$lab_resolved" "$(declare -f build_sysroot unpack_debs)")" \
		"unpacking the arm64 sysroot" build_sysroot
	sysroot=$artifact_dir
	artifact xen "$(hash_of "$(xen_tarball)" "$(declare -f build_xen)")" \
		"building Xen (arm64, ioreq servers)" build_xen
	xen_image[plain]=$artifact_dir/xen
	for kernel in "${kernels[@]}"; do
		platform_kernel "$kernel" build_kernel
	done
	platform_dom0
	for kernel in "${kernels[@]}"; do
		platform_guest "$kernel"
	done
}
