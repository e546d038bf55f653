# SPDX-License-Identifier: GPL-2.0-or-later
#
# Below the lock: what to take when a locked file is gone from the mirror. Each rung is tried before it counts.
#
#   1  the lock, by path (lock.sh)
#   2  the newest version of the same series of which all files are there
#   3  Xen only: tools and hypervisor source of two point releases, when the versions of Xen's own interfaces (domctl, sysctl)
#      say that they fit. A mirror can have a new version's binaries before its source, and keep an old one's source longer.
#   4  no source at all: the x86_64 platform, which has Xen as a package (the caller's: groups_try)
#
# A kernel counts only when the project's patches fit its source. What the mirror has is read from its signed lists, and tried:
# a file that is listed may be missing all the same.

xen_series=4.20

# ladder_index: $lab_cache/index, one line a file that tests/nested/platform could mean, in the lock's form, without a group,
# the suite first.
ladder_index()
{
	local index=$lab_cache/index
	if [ -n "$(find "$index" -mmin -20 2>/dev/null)" ] && [ "$index" -nt "$lab_cache/apt/etc/sources.list" ]; then
		return 0
	fi
	mirror_update
	ladder_names >"$lab_cache/index.names"
	: >"$index.new"
	mirror_apt apt-get indextargets --format '$(RELEASE) $(ARCHITECTURE) $(FILENAME)' 'Created-By: Packages' |
		while read -r suite arch file; do
			mirror_apt /usr/lib/apt/apt-helper cat-file "$file" |
				awk -v suite="$suite" -v archive="$(ladder_archive "$suite")" -v names="$lab_cache/index.names" '
					BEGIN { while ((getline line < names) > 0) wanted[line] = 1 }
					function out() {
						plain = package
						sub(/[0-9]+\.[0-9]+\.[0-9]+[^-]*(-[0-9]+)?/, "@", plain)
						if (package in wanted || plain in wanted)
							print suite, arch, package, version, archive, path, size, sum
						package = ""
					}
					/^Package: /	{ package = $2 }
					/^Version: /	{ version = $2 }
					/^Architecture: /	{ arch = $2 }
					/^Filename: /	{ path = $2 }
					/^Size: /	{ size = $2 }
					/^SHA256: /	{ sum = $2 }
					/^$/		{ if (package != "") out() }
					END		{ if (package != "") out() }'
		done | sort -u >>"$index.new"
	mirror_apt apt-get indextargets --format '$(RELEASE) $(FILENAME)' 'Created-By: Sources' |
		while read -r suite file; do
			mirror_apt /usr/lib/apt/apt-helper cat-file "$file" |
				awk -v suite="$suite" -v archive="$(ladder_archive "$suite")" -v series="$xen_series" '
					function out() {
						if (package == "xen" && index(version, series ".") == 1 && tarball != "")
							print suite, "source", "xen-" series, version, archive, dir "/" tarball, size, sum
						package = tarball = ""
					}
					/^Package: /	{ package = $2 }
					/^Version: /	{ version = $2 }
					/^Directory: /	{ dir = $2 }
					/^[A-Z]/	{ sums = /^Checksums-Sha256:/ }
					sums && / xen_.*\.orig\.tar\.xz$/ { sum = $1; size = $2; tarball = $3 }
					/^$/		{ out() }
					END		{ out() }'
		done | sort -u >>"$index.new"
	mv "$index.new" "$index"
}

# ladder_names: the packages of tests/nested/platform, by name or with @ for a kernel's release.
ladder_names()
{
	awk '/^[a-z]/ && $3 != "source" { print $4 }' "$lab_nested/platform" | sort -u
}

ladder_archive()
{
	mirror_suites | awk -v suite="$1" '$2 == suite { print $1 }'
}

# ladder_listed GROUP: lines of the index of the suites that group is from, their security and updates included.
ladder_listed()
{
	awk -v suites="$(lock_wanted "$1" | awk '{ print $2; exit }')" '
		BEGIN {
			n = split(suites, name, ",")
			for (i = 1; i <= n; i++)
				want[name[i]] = want[name[i] "-security"] = want[name[i] "-updates"] = 1
		}
		$1 in want' "$lab_cache/index"
}

# newest_first: versions on stdin.
newest_first()
{
	sort -u | sort -Vr
}

# ladder_releases GROUP: a kernel's releases that are listed, newest first.
ladder_releases()
{
	local pattern
	pattern=$(lock_wanted "$1" | awk '$4 ~ /^linux-image-/ { print $4; exit }')
	ladder_listed "$1" | awk -v group="$1" -v head="${pattern%@*}" -v tail="${pattern#*@}" '
		BEGIN { split(group, part, "-"); series = part[2] "." }
		index($3, head series) == 1 && substr($3, length($3) - length(tail) + 1) == tail {
			print substr($3, length(head) + 1, length($3) - length(head) - length(tail)) }' |
		grep -E '^[0-9.]+(-[0-9]+)?(\+[a-z0-9]+)?$' | newest_first
}

# ladder_candidates GROUP: "version release" of what could be taken, newest first; "newest -" where versions need not agree.
ladder_candidates()
{
	local release
	case $1 in
	userland-*)
		echo "newest -" ;;
	linux-*)
		for release in $(ladder_releases "$1"); do
			ladder_listed "$1" | awk -v p="$(lock_wanted "$1" | awk '$4 ~ /^linux-image-/ { print $4; exit }' | sed "s/@/$release/")" \
				-v release="$release" '$3 == p { print $4, release }' | sort -u
		done ;;
	*)
		ladder_listed "$1" | awk -v p="$(lock_wanted "$1" | awk '{ print $4; exit }')" '$3 == p { print $4 }' |
			newest_first | sed 's/$/ -/' ;;
	esac
}

# ladder_lines GROUP VERSION RELEASE: that version's files in the lock's form; 1 if one of them is not listed.
ladder_lines()
{
	local group=$1 version=$2 release=$3 arch package line
	while read -r _ _ arch package; do
		package=${package/@/$release}
		line=$(ladder_listed "$group" | awk -v arch="${arch%/host}" -v package="$package" -v version="$version" '
			$3 == package && ($2 == arch || $2 == "all") && (version == "newest" || $4 == version) {
				print $4, $2, $3, $5, $6, $7, $8 }' | sort -k1,1Vr -k4,4 | head -n 1)
		[ -n "$line" ] || return 1
		# shellcheck disable=SC2086
		set -- $line
		echo "$group $2 $3 $1 $4 $5 $6 $7"
	done < <(lock_wanted "$group")
}

# ladder_take GROUP VERSION RELEASE WORDS [UNFIT]: fetch it, try it, note it. Returns 2 where it will not do. UNFIT: a kernel
# will do without modules of ours.
ladder_take()
{
	local lines status=0
	lines=$(ladder_lines "$1" "$2" "$3") || return 2
	lock_for_host <<<"$lines" | lock_fetch_lines || status=$?
	[ "$status" -eq 0 ] || return "$status"
	case $1 in
	linux-*)
		if ! linux_patches_fit "$1" <<<"$lines"; then
			[ -n "${5:-}" ] || { echo "the project's patches do not fit $1 $3"; return 2; }
			set -- "$1" "$2" "$3" "$4; $kernel_without_modules"
		fi ;;
	esac
	group_note "$1" "$4" <<<"$lines"
}

# ladder_down GROUP: 3 when nothing on the mirror will do.
ladder_down()
{
	local status
	ladder_index
	case $1 in
	xen-source|xen-arm64)
		ladder_xen
		return ;;
	esac
	status=0
	ladder_walk "$1" || status=$?
	if [ "$status" -eq 3 ] && [ "${1#linux-}" != "$1" ]; then
		status=0
		ladder_walk "$1" unfit || status=$?
	fi
	return "$status"
}

# ladder_walk GROUP [UNFIT]: its candidates, newest first; 3 when none will do.
ladder_walk()
{
	local version release status
	while read -r version release; do
		status=0
		ladder_take "$1" "$version" "$release" "$(ladder_words "$1" "${release#-}" "$version")" "${@:2}" || status=$?
		case $status in
		0)	return 0 ;;
		2)	continue ;;
		*)	return 1 ;;
		esac
	done < <(ladder_candidates "$1")
	return 3
}

# ladder_words GROUP RELEASE VERSION: what is said of it.
ladder_words()
{
	case $1 in
	userland-*) echo "locked files are gone from the mirror: the newest of all its packages instead" ;;
	*) echo "the locked version is gone from the mirror: ${2:-$3} instead" ;;
	esac
}

# ladder_xen: tools and hypervisor source for arm64, together.
ladder_xen()
{
	local version source status tools=() sources=()
	mapfile -t tools < <(ladder_candidates xen-arm64 | cut -d' ' -f1)
	mapfile -t sources < <(ladder_candidates xen-source | cut -d' ' -f1)
	for version in "${tools[@]}"; do
		status=0
		ladder_xen_pair "$version" "$version" || status=$?
		[ "$status" -eq 2 ] || return "$status"
	done
	for version in "${tools[@]}" locked; do
		for source in locked "${sources[@]}"; do
			[ "$source" != "$version" ] || continue
			status=0
			ladder_xen_pair "$version" "$source" || status=$?
			[ "$status" -eq 2 ] || return "$status"
		done
	done
	return 3
}

# ladder_xen_lines GROUP VERSION: VERSION may be "locked".
ladder_xen_lines()
{
	if [ "$2" = locked ]; then
		locked_lines "$1"
	else
		ladder_lines "$1" "$2" -
	fi
}

# ladder_xen_pair TOOLS SOURCE: as ladder_take.
ladder_xen_pair()
{
	local tools source words status=0 devel tarball
	tools=$(ladder_xen_lines xen-arm64 "$1") && source=$(ladder_xen_lines xen-source "$2") || return 2
	[ -n "$tools" ] && [ -n "$source" ] || return 2
	lock_fetch_lines <<<"$source" && lock_fetch_lines <<<"$tools" || status=$?
	[ "$status" -eq 0 ] || return "$status"
	devel=$(awk '$3 == "libxen-dev" { print $6, $8 }' <<<"$tools")
	tarball=$(awk '{ print $6, $8; exit }' <<<"$source")
	devel=$(lock_place "${devel#* }" "${devel% *}")
	tarball=$(lock_place "${tarball#* }" "${tarball% *}")
	if ! xen_fits "$devel" "$tarball"; then
		echo "${tarball##*/} and ${devel##*/} have other versions of Xen's interfaces"
		return 2
	fi
	words="the locked version is gone from the mirror: tools $(awk '{ print $4; exit }' <<<"$tools")"
	words+=", hypervisor from the source of $(awk '{ print $4; exit }' <<<"$source") instead"
	group_note xen-arm64 "$words" <<<"$tools"
	group_note xen-source "$words" <<<"$source"
}

# xen_interfaces: on stdin headers of Xen; the versions of its interfaces that are not stable.
xen_interfaces()
{
	sed -n 's/^#define XEN_\(DOMCTL\|SYSCTL\)_INTERFACE_VERSION  *\(0x[0-9a-f]*\).*/\1 \2/p' | sort -u
}

# xen_fits LIBXEN-DEV TARBALL
xen_fits()
{
	local tools source
	tools=$(dpkg-deb --fsys-tarfile "$1" | tar -x -O --wildcards './usr/include/xen/*ctl.h' | xen_interfaces)
	source=$(tar -x -O -f "$2" --wildcards '*/xen/include/public/*ctl.h' | xen_interfaces)
	[ "$(wc -l <<<"$tools")" -eq 2 ] && [ "$tools" = "$source" ]
}

# patches_fit TREE PATCH...: on a tree that may be thrown away.
patches_fit()
{
	local tree=$1 patch
	shift
	for patch; do
		patch -d "$tree" -p1 -s -f --no-backup-if-mismatch <"$patch" || return 1
	done
}

# linux_patches_fit GROUP: the kernel's lines on stdin; tried as a build of the modules would, by what prepares their sources.
linux_patches_fit()
{
	local series lines tree fits=0 kdir source files=()
	series=${1#linux-}
	series=${series%-*}
	lines=$(cat)
	tree=$(mktemp -d "$lab_cache/tmp.XXXXXX")
	mapfile -t files < <(awk '$3 ~ /^linux-headers-/ { print $6, $8 }' <<<"$lines" |
		while read -r path sum; do lock_place "$sum" "$path"; done)
	source=$(awk '$3 ~ /^linux-source-/ { print $6, $8 }' <<<"$lines")
	kdir=$("$lab_top/kernel/unpack-headers" "$tree/headers" "${files[@]}")
	dpkg-deb --fsys-tarfile "$(lock_place "${source#* }" "${source% *}")" | tar -x -C "$tree" --wildcards './usr/src/linux-source-*.tar.xz'
	source=$(echo "$tree"/usr/src/linux-source-*.tar.xz)
	"$lab_top/kernel/privcmd/dkms/prepare" "$kdir" "$source" "$tree/privcmd" "$lab_top/kernel/privcmd" &&
		"$lab_top/kernel/balloon/dkms/prepare" "$kdir" "$source" "$tree/balloon" "$lab_top/kernel/balloon" || fits=1
	rm -rf "$tree"
	return "$fits"
}

# xen_series_fits: as xen_patches_fit, tried once.
xen_series_fits()
{
	if [ -z "${xen_series_tried:-}" ]; then
		xen_series_tried=no
		! lab_resolved=$(group_file xen-source) xen_patches_fit || xen_series_tried=yes
	fi
	[ "$xen_series_tried" = yes ]
}

# xen_patches_fit: those of kernel/xen, the source that this run goes by. A locked source has been tried.
xen_patches_fit()
{
	local tree fits=0
	[ "$(head -n 1 "$(group_file xen-source)")" != locked ] || return 0
	tree=$(mktemp -d "$lab_cache/tmp.XXXXXX")
	tar -x -f "$(xen_tarball)" -C "$tree" --strip-components=1
	patches_fit "$tree" "$lab_top/kernel/xen/patches/$xen_series"/*.patch || fits=1
	rm -rf "$tree"
	return "$fits"
}
