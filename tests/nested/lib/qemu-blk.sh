# SPDX-License-Identifier: GPL-2.0-or-later
#
# QEMU's vhost-user-blk (contrib/vhost-user-blk), for the cases whose header has "# backends: vhost-user-blk": a vhost-user backend that
# keeps a record of what is in flight (INFLIGHT). Of those that Debian has as packages none does. This one is in its source
# of QEMU, whose build makes it and installs it nowhere; here it is built from that source, unchanged: three files, and glib. What they
# want to know of the machine is in four lines that QEMU's own configuration would write as well.
#
# The newest version of the platform's suite, fetched when a case that is run by its name wants it: nobody else waits for 40 MB.
#
# Sets qemu_blk.

qemu_blk_packages="libglib2.0-dev libgio-2.0-dev"

qemu_blk_files="contrib/vhost-user-blk/vhost-user-blk.c subprojects/libvhost-user/libvhost-user.c
	subprojects/libvhost-user/libvhost-user-glib.c"

# build_qemu_blk OUT
build_qemu_blk()
{
	local out=$1 file src=$1/src glib=$1/glib lib=$1/glib/usr/lib/$lab_triplet
	mkdir "$src" "$glib" "$out/config"
	mirror_update
	cd "$out"
	# shellcheck disable=SC2086
	mirror_apt apt-get -q download $qemu_blk_packages
	mirror_apt apt-get -q --download-only --only-source source qemu/trixie
	for file in "$out"/*.deb; do
		dpkg -x "$file" "$glib"
	done
	tar -x -f "$(echo "$out"/qemu_*.orig.tar.xz)" -C "$src" --strip-components=1
	cd "$src"
	printf '#define %s 1\n' CONFIG_LINUX CONFIG_POSIX CONFIG_IOVEC CONFIG_PREADV >"$out/config/config-host.h"
	touch "$out/config/config-poison.h"
	# shellcheck disable=SC2086
	aarch64-linux-gnu-gcc -O2 -std=gnu11 -D_GNU_SOURCE -I"$out/config" -Iinclude -Isubprojects/libvhost-user -Ilinux-headers -I. \
		-isystem "$glib/usr/include/glib-2.0" -isystem "$lib/glib-2.0/include" $qemu_blk_files \
		"$sysroot/usr/lib/$lab_triplet/libglib-2.0.so.0" -Wl,--allow-shlib-undefined -pthread -o "$out/vhost-user-blk"
	cd /
	rm -rf "$src" "$glib" "$out"/config "$out"/*.deb "$out"/qemu_*
}

qemu_blk_prepare()
{
	artifact qemu-blk "$(hash_of "$sysroot" "$qemu_blk_packages" "$qemu_blk_files" "$(declare -f build_qemu_blk)")" \
		"building QEMU's vhost-user-blk" build_qemu_blk
	qemu_blk=$artifact_dir/vhost-user-blk
}
