# SPDX-License-Identifier: GPL-2.0-or-later
#
# Modules of ours for the newest kernels Debian has: dom0's, and on Arm the guests'. These kernels are built with a compiler that
# lab's root, which is Debian 12's, does not have: modules for them are made in a root of Debian 13, in the cache.
#
# Sets what kernel-modules.sh does, for the kernel that newest.sh has found.

newest_toolchain_suite=trixie

# newest_series NAME ARCHITECTURE: 7.3, of the kernel that was found.
newest_series()
{
	sed -n 1p "$lab_cache/newest-$2/$1" 2>/dev/null | cut -d . -f 1,2
}

# newest_modules NAME ARCHITECTURE: ours, if there are hooks for that series; else the kernel's own.
newest_modules()
{
	local series
	series=$(newest_series "$1" "$2")
	if [ -n "$series" ] && [ -d "$lab_top/kernel/privcmd/hooks/$series" ] && [ -d "$lab_top/kernel/balloon/hooks/$series" ]; then
		echo ours
	else
		echo stock
	fi
}

# newest_make_toolchain OUT
newest_make_toolchain()
{
	local packages=bc,dwarves,gcc,kmod,make,patch,perl,xz-utils
	[ "$(dpkg --print-architecture)" = arm64 ] || packages+=,gcc-aarch64-linux-gnu
	mirror_of_note
	mirror_sources "$newest_toolchain_suite" "$mirror_keyring" |
		mmdebstrap --mode=root --variant=minbase --format=directory --include="$packages" --aptopt="$lab_cache/apt.host.conf" \
			--aptopt='APT::Sandbox::User "root"' "$newest_toolchain_suite" "$1/root" -
}

# newest_in_toolchain ROOT COMMAND...: with the cache and the checkout where they are.
newest_in_toolchain()
{
	mkdir -p "$1$lab_cache" "$1$lab_top"
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -euc '
		root=$1 cache=$2 top=$3
		shift 3
		mount --bind "$cache" "$root$cache"
		mount --bind "$top" "$root$top"
		mount -t proc proc "$root/proc"
		exec chroot "$root" "$@"' - "$1" "$lab_cache" "$lab_top" "${@:2}"
}

# newest_fetch_devel LIST OUT: headers, and the source package of the same version.
newest_fetch_devel()
{
	local release version common
	release=$(sed -n 1p "$1")
	version=$(sed -n '2s/.*=//p' "$1")
	common=${release%-"$platform_arch"}
	(cd "$2" && mirror_apt apt-get -q download "linux-headers-$release:$platform_arch=$version" "linux-headers-$common-common=$version" \
		"linux-kbuild-$common:$(dpkg --print-architecture)=$version" "linux-source-$(echo "$release" | cut -d . -f 1,2)=$version")
	mkdir "$2/source"
	dpkg-deb --fsys-tarfile "$2"/linux-source-*.deb | tar -x -O --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -x -J -C "$2/source" --strip-components=1 --wildcards --no-wildcards-match-slash '*/Makefile' '*/drivers/virtio' '*/drivers/xen'
	rm "$2"/linux-source-*.deb
}

# newest_build_module ROOT DEVEL MODULE OUT: in OUT/MODULE.
newest_build_module()
{
	mkdir "$4/$3"
	newest_in_toolchain "$1" make -C "$lab_top/kernel/$3" modules KDIR="$(echo "$4"/headers/usr/src/linux-headers-*-"$platform_arch")" \
		KSRC="$2/source" O="$4/$3"
}

# newest_build_dom0_modules ROOT DEVEL OUT: in OUT/ours, and their tests.
newest_build_dom0_modules()
{
	local out=$3 file tool=$lab_triplet- cc=()
	mkdir -p "$out"/{ours,test,headers}
	"$lab_top/kernel/unpack-headers" "$out/headers" "$2"/*.deb
	newest_build_module "$1" "$2" privcmd "$out"
	if [ "$platform_arch" = amd64 ]; then
		tool=
		cc=(CC=gcc)
	fi
	for file in evtchn privcmd; do
		"${tool}strip" --strip-debug -o "$out/ours/xen-$file.ko" "$out/privcmd/xen-$file.ko"
	done
	make -C "$lab_top/kernel/privcmd" tests O="$out/test" "${cc[@]}" XEN_INCLUDE="$sysroot/usr/include" \
		UPSTREAM_UAPI="$(echo "$out"/headers/usr/src/linux-headers-*-common/include/uapi)"
	rm -rf "$out"/privcmd "$out"/test/*.elf
}

# newest_build_modules ROOT DEVEL OUT: dom0's, and the guests' virtio_balloon; on x86 guests have the kernel's.
newest_build_modules()
{
	local out=$3 tree=$3/tree/lib/modules/ours
	newest_build_dom0_modules "$@"
	if [ "$platform_arch" = amd64 ]; then
		rm -rf "$out/headers"
		return
	fi
	newest_build_module "$1" "$2" balloon "$out"
	mkdir -p "$tree"
	aarch64-linux-gnu-strip --strip-debug -o "$tree/virtio_balloon.ko" "$out/balloon/virtio_balloon.ko"
	sed -n 's/^options virtio_balloon //p' "$lab_top/kernel/balloon/dkms/virtio-balloon-bulk.conf" >"$tree/virtio_balloon.args"
	make_cpio "$out/tree" "$out/balloon.cpio"
	rm -rf "$out"/{headers,balloon,tree}
}

# newest_modules_prepare NAME: of the platform that is being put together
newest_modules_prepare()
{
	local list=$lab_cache/newest-$platform_arch/$1 series toolchain devel privcmd_files
	series=$(newest_series "$1" "$platform_arch")
	artifact "toolchain-$newest_toolchain_suite" "$(hash_of "$(dpkg --print-architecture)" "$(declare -f newest_make_toolchain)" "$(date +%G-%V)")" \
		"making a root with Debian 13's compiler" newest_make_toolchain
	toolchain=$artifact_dir/root
	artifact "newest-devel-$1${platform_suffix:-}" "$(hash_of "$list" "$(declare -f newest_fetch_devel)")" \
		"downloading headers and source of $newest_release" newest_fetch_devel "$list"
	devel=$artifact_dir
	module_sources privcmd "$series"
	privcmd_files=("${module_files[@]}")
	module_sources balloon "$series"
	artifact "newest-modules-$1${platform_suffix:-}" "$(hash_of "$devel" "${privcmd_files[@]}" "${module_files[@]}" \
			"$lab_top"/kernel/privcmd/test/{Makefile,run.sh,*.[chS]} "$(declare -f newest_build_modules newest_build_module newest_build_dom0_modules make_cpio)")" \
		"building modules for $newest_release" newest_build_modules "$toolchain" "$devel"
	modules_dir=$artifact_dir
	[ "$platform_arch" = amd64 ] || balloon_cpio[$1]=$artifact_dir/balloon.cpio
}
