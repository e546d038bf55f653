# SPDX-License-Identifier: GPL-2.0-or-later
#
# Vhost-user backends from Debian's packages, for the cases whose header asks for them ("# backends: virtiofsd"): their programs
# and libraries in dom0, and in the guests' initramfs the drivers' modules. Xen's own disk counts as one (blkback), to compare with, and a
# compiler on such a disk as another (compiler.sh). One is built from Debian's source, as no package has it (qemu-blk.sh).
# Other boots have nothing of it: a MiB of initramfs costs an emulated machine time.
#
# Sets backends_dir[KERNEL+BACKENDS], on x86 KERNEL-amd64+BACKENDS: guest.cpio, a part to append to a guest's initramfs, and dom0/, modules of dom0's. Knows nothing
# of who connects to a backend.

declare -A backends_dir=()

# What of each goes to dom0, and what looks at its work from there.
declare -A backend_programs=(
	[virtiofsd]="usr/libexec/virtiofsd"
	[qemu-storage-daemon]="usr/bin/qemu-storage-daemon usr/sbin/mke2fs usr/sbin/e2fsck"
	[passt]="usr/bin/passt"
	[vhost-user-blk]="usr/sbin/mke2fs usr/sbin/e2fsck"
	[blkback]=
	[compiler]=
)
# The guests' modules; what a kernel has built in is none. ext4 asks for the checksum by an alias, which insmod cannot follow.
declare -A backend_modules=(
	[virtiofsd]="virtiofs"
	[qemu-storage-daemon]="virtio_blk crc32c_generic ext4"
	[passt]="virtio_net"
	[vhost-user-blk]="virtio_blk crc32c_generic ext4"
	[blkback]="xen_blkfront"
	[compiler]="xen_blkfront crc32c_generic ext4"
)
# Dom0's: for those that are in its kernel, and a file system on a disk in memory for images that are read as on a host of a user's.
declare -A backend_dom0_modules=([blkback]="loop xen_blkback brd crc32c_generic ext4")

# backends_known BACKEND...: or lab ends.
backends_known()
{
	local name
	for name; do
		[ -n "${backend_programs[$name]+known}" ] || die "no such backend: $name (there are: ${!backend_programs[*]})"
	done
}

# backend_take NAME KERNEL DIRECTORY MODULE...: what they need of an unpacked kernel, with a list of it in the order to load.
backend_take()
{
	local order=$3/$1-order file
	module_closure "$(echo "$2"/lib/modules/*)" "${@:4}" >"$3/list"
	: >"$order"
	while read -r file; do
		unpack_module "$file" "$3" >>"$order"
	done <"$3/list"
	rm "$3/list"
}

# build_backends GUEST_DEB DOM0_DEB BACKEND... OUT: each one's modules, of the kernel that is in GUEST_DEB and of dom0's.
build_backends()
{
	local out=${*: -1} name
	dpkg -x "$1" "$out/kernel"
	dpkg -x "$2" "$out/kernel0"
	mkdir -p "$out"/{tree/lib/modules,tree/bin,dom0}
	cp "$lab_nested/guest/tree.sh" "$out/tree/bin/"
	for name in "${@:3:$# - 3}"; do
		# shellcheck disable=SC2086
		backend_take "$name" "$out/kernel" "$out/tree/lib/modules" ${backend_modules[$name]}
		# shellcheck disable=SC2086
		[ -z "${backend_dom0_modules[$name]:-}" ] || backend_take "$name" "$out/kernel0" "$out/dom0" ${backend_dom0_modules[$name]}
	done
	make_cpio "$out/tree" "$out/guest.cpio"
	rm -rf "$out"/{kernel,kernel0,tree}
}

# backends_prepare KERNEL BACKENDS: BACKENDS as case_backends says them.
backends_prepare()
{
	local kernel=$1 names deb deb0
	IFS=+ read -ra names <<<"$2"
	backends_known "${names[@]}"
	[[ "+$2+" != *+compiler+* ]] || compiler_prepare
	[[ "+$2+" != *+vhost-user-blk+* ]] || qemu_blk_prepare
	deb=$(downloaded "linux-image-${kernel_release[$kernel]}")
	deb0=$(downloaded "linux-image-${kernel_release[$lab_kernel]}")
	artifact "guest-backends-$kernel${platform_suffix:-}" "$(hash_of "linux-image-${kernel_release[$kernel]}" "linux-image-${kernel_release[$lab_kernel]}" "${names[@]}" \
			"$(declare -p backend_modules backend_dom0_modules)" "$lab_nested/guest/tree.sh" \
			"$(declare -f build_backends backend_take module_closure unpack_module make_cpio)")" \
		"packing the modules for ${names[*]} (${kernel_release[$kernel]})" build_backends "$deb" "$deb0" "${names[@]}"
	backends_dir[$1${platform_suffix:-}+$2]=$artifact_dir
}

# backends_overlay TREE KERNEL BACKENDS
backends_overlay()
{
	local tree=$1 names name program programs=() dir
	[ "$3" != none ] || return 0
	dir=${backends_dir[$2${platform_suffix:-}+$3]}
	IFS=+ read -ra names <<<"$3"
	for name in "${names[@]}"; do
		for program in ${backend_programs[$name]}; do
			mkdir -p "$tree/${program%/*}"
			cp "$sysroot/$program" "$tree/$program"
			programs+=("$tree/$program")
		done
	done
	[[ "+$3+" != *+compiler+* ]] || cp "$compiler_image" "$tree/xv/compiler.img"
	if [[ "+$3+" == *+vhost-user-blk+* ]]; then
		cp "$qemu_blk" "$tree/usr/bin/vhost-user-blk"
		programs+=("$tree/usr/bin/vhost-user-blk")
	fi
	[ ${#programs[@]} -eq 0 ] || add_libraries "$sysroot" "$tree" "${programs[@]}"
	cp "$lab_nested"/{dom0/backends,guest/tree}.sh "$tree/xv/"
	cp "$dir/guest.cpio" "$tree/xv/guest-backends.cpio"
	cp -r "$dir/dom0" "$tree/xv/backends"
}
