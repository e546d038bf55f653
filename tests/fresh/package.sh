# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's packages, each step in a copy of the root as it was in the beginning, so that nothing of README.md's fills in for
# what debian/control forgot. "build": built from a clone, with all tests. "again": built from the source package under other
# circumstances, and the same to the bit. "test": installed and tested. The first root has the tools for that.

fresh_roots=/srv/fresh

# package_copy_root NAME [OF]: of the first root, or of one that is a copy already. The archive of packages is the first root's;
# whatever else is mounted there is not copied.
package_copy_root()
{
	local copy=$fresh_root$fresh_roots/$1
	mkdir -p "$copy"
	tar -C "$fresh_root${2:+$fresh_roots/$2}" --one-file-system --exclude=".$fresh_roots" --exclude=./var/cache/apt/archives -cf - . |
		tar -C "$copy" -xpf -
	mkdir -p "$copy/var/cache/apt/archives"
	mount --bind "$fresh_root/var/cache/apt/archives" "$copy/var/cache/apt/archives"
	fresh_root=$copy root_mount
}

# Before anything is installed.
package_keep_roots()
{
	local name
	for name in build again test; do
		package_copy_root "$name" || die "no copy of the root could be made"
	done
}

# in_copy NAME WHO DIR COMMAND
in_copy()
{
	local fresh_root=$fresh_root$fresh_roots/$1
	shift
	in_root "$@"
}

package_prepare()
{
	local fresh_root=$fresh_root$fresh_roots/$1
	in_root root / "apt-get update && apt-get install $(packages_for builder)" &&
		cp -r "$fresh_top/debian" "$fresh_root/root/debian" && in_root root /root "apt-get build-dep ./"
}

# package_products NAME DIR: from a copy to a directory where the first root's user has them.
package_products()
{
	local products=$fresh_root$fresh_home/$1
	mkdir "$products"
	find "$fresh_root$fresh_roots/$1$2" -maxdepth 1 -type f -exec cp -t "$products" {} +
	chroot "$fresh_root" chown -R "$fresh_user:" "$fresh_home/$1"
}

package_build()
{
	(fresh_root=$fresh_root$fresh_roots/build make_clone) &&
		in_copy build user "$fresh_clone" "dpkg-buildpackage -us -uc" && package_products build "$fresh_home"
}

# What is neither in git nor ignored by it would be in the next source package.
package_clean()
{
	local clone=$fresh_root$fresh_roots/build$fresh_clone
	in_copy build user "$fresh_clone" "debian/rules clean" &&
		git -c safe.directory='*' -C "$clone" status --porcelain && [ -z "$(git -c safe.directory='*' -C "$clone" status --porcelain)" ]
}

# Other user, path, umask, locale, time zone, host name, number of processes, and a year later.
package_build_again()
{
	local dir=/root/another/place
	mkdir -p "$fresh_root$fresh_roots/again$dir"
	cp "$fresh_root$fresh_home/build"/*.dsc "$fresh_root$fresh_home/build"/*.tar.* "$fresh_root$fresh_roots/again$dir/"
	unshare --uts bash -c 'hostname another && "$@"' - \
		env fresh_root="$fresh_root" bash -c '. "$1" && . "$2" && in_copy again root "$3" "$4"' - \
		"$fresh_here/root.sh" "$fresh_here/package.sh" "$dir" '
			export LC_ALL=C.UTF-8 TZ=ABC+11:30 MAKEFLAGS= DEB_BUILD_OPTIONS="nocheck parallel=1"
			dpkg-source -x *.dsc xenvirtio && cd xenvirtio && umask 077 && faketime -f +400d dpkg-buildpackage -us -uc' &&
		package_products again "$dir"
}

package_compare()
{
	local file status=0 count=0
	for file in "$fresh_root$fresh_home/build"/*.{deb,dsc,tar.*}; do
		cmp "$file" "$fresh_root$fresh_home/again/${file##*/}" || status=1
		count=$((count + 1))
	done
	echo "$count files compared"
	[ "$count" -ge 7 ] && return $status
}

package_check()
{
	local lintian="lintian --pedantic --fail-on error,warning,pedantic"
	need "what a build of the packages takes" package_prepare build
	need "dpkg-buildpackage" package_build
	step "debian/rules clean leaves the clone as it was" package_clean || :
	step "and for the second build" package_prepare again &&
		step "dpkg-buildpackage elsewhere" package_build_again &&
		step "both made the same, bit by bit" package_compare || :
	need "tools to check them with" in_root root / "apt-get update && apt-get install $(packages_for package)"
	step "lintian" in_root user "$fresh_home/build" "$lintian *.changes" || :
	grep -E '^[EWPI]:' "$step_log" | sed 's/^/# /' || :
	step "autopkgtest" in_root root "$fresh_home/build" "autopkgtest -U *.changes -- chroot $fresh_roots/test" || :
	sed -nE 's/^([a-z]+) +(PASS|FAIL|SKIP|FLAKY)/# \1: \2/p' "$step_log" | sort -u
}
