# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kernels, from Debian's packages to an image and the few modules wanted. They have names: 612 and 61 are the platform's own; a
# run of lab that is about others (newest.sh) has one, which is dom0's and all guests'.
#
# Sets kernel_dir[] and kernel_release[].

# dom0's kernel
lab_kernel=612

declare -A kernel_dir=() kernel_release=()

dom0_modules="virtio_mmio xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs"
guest_modules="virtio_mmio virtio_balloon"
# there for cases, which load them
guest_spare_modules="virtio_rng"
# And those that make swap, of the guest's own memory: in swap-order.
guest_swap_modules="zram"

# What a kernel's note says when the project's patches do not fit its source.
kernel_without_modules="the project's modules do not fit it"

# kernel_takes_modules [GROUP]: can modules of ours be built for the platform's own kernel?
kernel_takes_modules()
{
	[ "$lab_kernel" = 612 ] && ! grep -qF "$kernel_without_modules" "$(group_file "${1:-linux-6.12-arm64}")" 2>/dev/null
}

# module_closure TREE NAME...: files of the modules and of what they need, in the order to load them. TREE is what is below
# lib/modules/RELEASE.
module_closure()
{
	local tree=$1 name file deps
	shift
	[ -e "$tree/modules.builtin" ] || { echo "no modules.builtin in $tree: a package of the kernel is missing" >&2; return 1; }
	for name in "$@"; do
		file=$(find "$tree" -name "$name.ko*" -o -name "${name//_/-}.ko*" -o -name "${name//-/_}.ko*" | head -n 1)
		if [ -z "$file" ]; then
			grep -Eq "/(${name//_/-}|${name//-/_})\.ko$" "$tree/modules.builtin" && continue
			echo "no module $name in $tree" >&2
			return 1
		fi
		deps=$(/sbin/modinfo -F depends "$file" | tr ',' ' ')
		# shellcheck disable=SC2086
		module_closure "$tree" $deps
		echo "$file"
	done | awk '!seen[$0]++'
}

# unpack_module FILE DIRECTORY: uncompressed; prints its name
unpack_module()
{
	local name
	name=$(basename "$1")
	case $name in
	*.xz)	name=${name%.xz}; xz -dc "$1" >"$2/$name" ;;
	*)	cp "$1" "$2/" ;;
	esac
	echo "$name"
}

# build_kernel DEB... OUT: the image, and the wanted modules uncompressed in OUT/{dom0,guest}. Image and modules are in one package
# or in several, the image in /boot or beside its modules, and these below /lib or /usr/lib.
build_kernel()
{
	local out=${*: -1} deb tree role modules file
	tree=$out/tree
	for deb in "${@:1:$# - 1}"; do
		dpkg -x "$deb" "$tree"
	done
	for file in "$tree"/boot/vmlinuz-* "$tree"/usr/lib/modules/*/vmlinuz; do
		cp "$file" "$out/Image"
	done
	[ -s "$out/Image" ]
	for role in dom0 guest; do
		mkdir "$out/$role"
		modules=${role}_modules
		# shellcheck disable=SC2086
		module_closure "$(echo "$tree"/{,usr/}lib/modules/*)" ${!modules} >"$out/list"
		while read -r file; do
			unpack_module "$file" "$out/$role" >>"$out/$role/load-order"
		done <"$out/list"
	done
	# shellcheck disable=SC2086
	module_closure "$(echo "$tree"/{,usr/}lib/modules/*)" $guest_spare_modules >"$out/list"
	while read -r file; do
		unpack_module "$file" "$out/guest" >>"$out/guest/spare-order"
	done <"$out/list"
	# shellcheck disable=SC2086
	module_closure "$(echo "$tree"/{,usr/}lib/modules/*)" $guest_swap_modules >"$out/list"
	while read -r file; do
		unpack_module "$file" "$out/guest" >>"$out/guest/swap-order"
	done <"$out/list"
	rm -rf "$tree" "$out/list"
}

# platform_kernel KERNEL BUILDER: its image and modules, made from its packages by BUILDER; what the cache calls it ends in
# platform_suffix.
platform_kernel()
{
	local kernel=$1 builder=$2 debs key package
	case $kernel in
	612|61)
		package=$(resolved_kernel "$([ "$kernel" = 612 ] && echo 6.12 || echo 6.1)")
		kernel_release[$kernel]=${package#linux-image-}
		debs=("$(downloaded "$package")")
		key=$package ;;
	*)
		newest_kernel "$kernel"
		kernel_release[$kernel]=$newest_release
		debs=("${newest_debs[@]}")
		key=$artifact_dir ;;
	esac
	artifact "kernel-$kernel${platform_suffix:-}" "$(hash_of "$key" "$dom0_modules" "$guest_modules $guest_spare_modules $guest_swap_modules" \
			"$(declare -f "$builder" build_kernel unpack_module module_closure x86_vmlinux)")" \
		"unpacking Linux ${kernel_release[$kernel]}" "$builder" "${debs[@]}"
	kernel_dir[$kernel]=$artifact_dir
}
