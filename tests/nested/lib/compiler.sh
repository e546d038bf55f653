# SPDX-License-Identifier: GPL-2.0-or-later
#
# A compiler for guests, for the cases whose header has "# backends: compiler": Debian 13's cc1 with its libraries, and sources of this
# project for it, preprocessed, on a disk image in dom0 (/xv/compiler.img). Its packages are a group of their own, which nobody
# fetches who does not run such a case.
#
# On the image are cc1, usr/lib with its libraries, src/NAME.i of some files, and src/whole.i of as many as go into one unit.
#
# Sets compiler_image.

compiler_group=userland-compiler
compiler_sources="backend/devices/balloon backend/devices/balloon/sizing libxenvirtio/balloon libxenvirtio/confine
	libxenvirtio/hv libxenvirtio/memory libxenvirtio/transport libxenvirtio/xenstore"

# compiler_gcc ARGUMENT...: as the project is built for dom0, without warnings
compiler_gcc()
{
	aarch64-linux-gnu-gcc --sysroot="$sysroot" -std=gnu11 -w -D_GNU_SOURCE -I"$dom0_build" -I"$lab_top/libxenvirtio/include" \
		-I"$lab_top" -include config.h "$@"
}

# compiler_whole OUT: all sources in one unit, but for those that define a name that one before has.
compiler_whole()
{
	local dir file
	: >"$1.c"
	for dir in $compiler_sources; do
		for file in "$lab_top/$dir"/*.c; do
			{ cat "$1.c"; echo "#include \"${file#"$lab_top/"}\""; } >"$1.more.c"
			! compiler_gcc -fsyntax-only "$1.more.c" 2>/dev/null || mv "$1.more.c" "$1.c"
		done
	done
	compiler_gcc -E "$1.c" -o "$1"
	rm -f "$1.c" "$1.more.c"
}

# build_compiler DEB... OUT
build_compiler()
{
	local out=${*: -1} deb file root tree
	root=$out/root
	tree=$out/tree
	mkdir -p "$root/usr/lib/$lab_triplet" "$tree"/{src,usr/lib}
	for deb in "${@:1:$# - 1}"; do
		dpkg -x "$deb" "$root"
	done
	cp -P "$sysroot/usr/lib/$lab_triplet"/*.so* "$root/usr/lib/$lab_triplet/"
	cp "$root"/usr/libexec/gcc/"$lab_triplet"/*/cc1 "$tree/cc1"
	cp -L "$sysroot/$lab_interpreter" "$tree/usr/lib/"
	add_libraries "$root" "$tree" "$tree/cc1"
	for file in "$lab_top"/backend/devices/balloon/{,sizing/}*.c; do
		compiler_gcc -E "$file" -o "$tree/src/$(basename "$file" .c).i"
	done
	compiler_whole "$tree/src/whole.i"
	/sbin/mke2fs -q -t ext4 -O ^has_journal -d "$tree" "$out/compiler.img" $(($(du -sm "$tree" | cut -f1) * 9 / 8 + 4))M
	rm -rf "$root" "$tree"
}

compiler_prepare()
{
	local debs=() sources path sum
	groups_prepare "$compiler_group"
	while read -r _ _ _ _ _ path _ sum; do
		debs+=("$(lock_place "$sum" "$path")")
	done < <(resolved_lines "$compiler_group")
	mapfile -t sources < <(find "$lab_top"/backend "$lab_top"/libxenvirtio -name '*.[ch]' | sort)
	artifact compiler "$(hash_of "$(resolved_lines "$compiler_group")" "$sysroot" "$compiler_sources" "$dom0_build/config.h" "${sources[@]}" \
			"$(declare -f build_compiler compiler_gcc compiler_whole add_libraries needed_closure)")" \
		"packing a compiler for guests" build_compiler "${debs[@]}"
	compiler_image=$artifact_dir/compiler.img
}
