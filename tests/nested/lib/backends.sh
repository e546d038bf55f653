# SPDX-License-Identifier: GPL-2.0-or-later
#
# Vhost-user backends from Debian's packages, for the cases whose header asks for them ("# backends: virtiofsd"): their programs
# and libraries in dom0, and in the guests' initramfs the drivers' modules. Other boots have nothing of it: a MiB of
# initramfs costs an emulated machine time.
#
# Sets backends_cpio[KERNEL+BACKENDS], a part to append to a guest's initramfs. Knows nothing of who connects to a backend.

declare -A backends_cpio=()

# What of each goes to dom0, and what looks at its work from there.
declare -A backend_programs=(
	[virtiofsd]="usr/libexec/virtiofsd"
	[qemu-storage-daemon]="usr/bin/qemu-storage-daemon usr/sbin/mke2fs usr/sbin/e2fsck"
)
# The guests' modules; what a kernel has built in is none. ext4 asks for the checksum by an alias, which insmod cannot follow.
declare -A backend_modules=(
	[virtiofsd]="virtiofs"
	[qemu-storage-daemon]="virtio_blk crc32c_generic ext4"
)

# backends_known BACKEND...: or lab ends.
backends_known()
{
	local name
	for name; do
		[ -n "${backend_programs[$name]:-}" ] || die "no such backend: $name (there are: ${!backend_programs[*]})"
	done
}

# build_backends DEB BACKEND... OUT: of the kernel in DEB each one's modules, with a list of them in the order to load.
build_backends()
{
	local deb=$1 out=${*: -1} name file dir
	dpkg -x "$deb" "$out/kernel"
	dir=$out/tree/lib/modules
	mkdir -p "$dir" "$out/tree/bin"
	cp "$lab_nested/guest/tree.sh" "$out/tree/bin/"
	for name in "${@:2:$# - 2}"; do
		: >"$dir/$name-order"
		# shellcheck disable=SC2086
		module_closure "$(echo "$out"/kernel/lib/modules/*)" ${backend_modules[$name]} >"$out/list"
		while read -r file; do
			unpack_module "$file" "$dir" >>"$dir/$name-order"
		done <"$out/list"
	done
	make_cpio "$out/tree" "$out/guest.cpio"
	rm -rf "$out"/{kernel,tree,list}
}

# backends_prepare KERNEL BACKENDS: BACKENDS as case_backends says them.
backends_prepare()
{
	local kernel=$1 names deb
	IFS=+ read -ra names <<<"$2"
	backends_known "${names[@]}"
	deb=$(downloaded "linux-image-${kernel_release[$kernel]}")
	artifact "guest-backends-$kernel" "$(hash_of "linux-image-${kernel_release[$kernel]}" "${names[@]}" "$(declare -p backend_modules)" "$lab_nested/guest/tree.sh" \
			"$(declare -f build_backends module_closure unpack_module make_cpio)")" \
		"packing the guests' modules for ${names[*]} (${kernel_release[$kernel]})" build_backends "$deb" "${names[@]}"
	backends_cpio[$1+$2]=$artifact_dir/guest.cpio
}

# backends_overlay TREE KERNEL BACKENDS
backends_overlay()
{
	local tree=$1 names name program programs=()
	[ "$3" != none ] || return 0
	IFS=+ read -ra names <<<"$3"
	for name in "${names[@]}"; do
		for program in ${backend_programs[$name]}; do
			mkdir -p "$tree/${program%/*}"
			cp "$sysroot/$program" "$tree/$program"
			programs+=("$tree/$program")
		done
	done
	add_libraries "$sysroot" "$tree" "${programs[@]}"
	cp "$lab_nested"/{dom0/backends,guest/tree}.sh "$tree/xv/"
	cp "${backends_cpio[$2+$3]}" "$tree/xv/guest-backends.cpio"
}
