# SPDX-License-Identifier: GPL-2.0-or-later
#
# dom0's xen-privcmd and xen-evtchn with ioeventfd and irqfd, built from kernel/ for the kernel the machine boots, and for
# comparison the same two of the unpatched source with upstream's CONFIG_XEN_PRIVCMD_EVENTFD; and kernel/test's programs.
#
# Sets: modules_dir, with ours/, upstream/ and test/. A boot says which modules it wants: "ours" (what a user has who
# installed the DKMS package), "stock" (Debian's, without these ioctls) or "upstream". Headers and source have the very
# version of the image; kbuild's programs are this machine's, so the private apt of this part knows two architectures.

modules_apt()
{
	local verb=$1
	shift
	APT_CONFIG=$lab_cache/apt-modules/apt.conf "$verb" "$@"
}

modules_packages()
{
	local version
	version=$(awk -v p="$modules_image" '$2 == p { print $3 }' "$lab_resolved")
	printf '%s=%s\n' "linux-headers-$modules_release:arm64" "$version" \
		"linux-headers-${modules_release%-arm64}-common" "$version" \
		"linux-kbuild-${modules_release%-arm64}:$(dpkg --print-architecture)" "$version" \
		"linux-source-${modules_release%%.*}.$(echo "$modules_release" | cut -d. -f2)" "$version"
}

# Headers, kbuild and source of the image, as files in OUT.
fetch_modules_packages()
{
	local dir=$lab_cache/apt-modules native package
	native=$(dpkg --print-architecture)
	[ -s "$lab_cache/apt/apt.conf" ] || foreign_configure
	mkdir -p "$dir"/{state/lists/partial,cache/archives/partial,etc/preferences.d}
	: >"$dir/status"
	grep -E '^deb .* bookworm' "$lab_cache/apt/etc/sources.list" >"$dir/etc/sources.list"
	sed "s,$lab_cache/apt\",$dir\",; s,$lab_cache/apt/,$dir/,; s/Architectures { .*/Architectures { \"arm64\"; \"$native\"; };/" \
		"$lab_cache/apt/apt.conf" >"$dir/apt.conf"
	modules_apt apt-get -q update || echo "apt-get update had errors"
	modules_packages >"$1/packages"
	while read -r package; do
		(cd "$1" && modules_apt apt-get -q download "$package") || return 1
	done <"$1/packages"
}

# build_upstream_modules KDIR SOURCE-TARBALL OUT: what CONFIG_XEN_PRIVCMD_EVENTFD=y would have made of Debian's own source.
build_upstream_modules()
{
	local file
	mkdir "$3/src"
	tar -x -f "$2" -C "$3/src" --strip-components=3 --wildcards \
		linux-source-*/drivers/xen/{evtchn.c,privcmd.c,privcmd-buf.c,privcmd.h}
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

build_modules()
{
	local out=$1 kdir source file
	mkdir -p "$out"/{ours,upstream,test,debs,headers,source,build}
	fetch_modules_packages "$out/debs"
	kdir=$("$lab_top/kernel/unpack-headers" "$out/headers" "$out"/debs/linux-{headers,kbuild}-*.deb)
	dpkg-deb --fsys-tarfile "$out"/debs/linux-source-*.deb | tar -x -C "$out/source"
	source=$(echo "$out"/source/usr/src/linux-source-*.tar.xz)
	make -C "$lab_top/kernel" modules KDIR="$kdir" KSRC="$source" O="$out/build"
	for file in evtchn privcmd; do
		aarch64-linux-gnu-strip --strip-debug -o "$out/ours/xen-$file.ko" "$out/build/xen-$file.ko"
	done
	build_upstream_modules "$kdir" "$source" "$out/upstream"
	make -C "$lab_top/kernel" tests O="$out/test" XEN_INCLUDE="$sysroot/usr/include" \
		UPSTREAM_UAPI="$(echo "$out"/headers/usr/src/linux-headers-*-common/include/uapi)"
	rm -rf "$out"/{debs,headers,source,build} "$out"/test/*.elf
}

modules_prepare()
{
	modules_image=$(resolved_kernel 6.12)
	modules_release=${modules_image#linux-image-}
	artifact modules "$(hash_of "$(basename "$(downloaded "$modules_image")")" "$lab_top"/kernel/patches/6.12/*.patch \
			"$lab_top"/kernel/dkms/{Makefile,prepare} "$lab_top"/kernel/test/{Makefile,run,*.[chS]} \
			"$(declare -f build_modules build_upstream_modules)")" \
		"building dom0's modules ($modules_release)" build_modules
	modules_dir=$artifact_dir
}

# modules_overlay TREE WHICH: init prefers what is in /xv/modules.
modules_overlay()
{
	mkdir -p "$1/xv/modules" "$1/xv/kernel-test"
	[ "$2" = stock ] || cp "$modules_dir/$2"/*.ko "$1/xv/modules/"
	cp "$modules_dir"/test/* "$1/xv/kernel-test/"
}
