# SPDX-License-Identifier: GPL-2.0-or-later
#
# Packages of other suites and architectures, through a private apt for each architecture: its own state, lists, cache, empty dpkg status.
#
# The mirror is the one this machine's own apt uses, as apt itself reports it (so any format of sources does);
# signatures are checked by apt against Debian's keyrings and every file against its checksum. Nothing is
# installed: files end in $lab_cache/downloads. The machine's apt is only read.

foreign_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# The other platform (platform-x86.sh) has these two of its own.
foreign_arch=arm64
foreign_dir=$lab_cache/apt
foreign_suites_wanted="trixie bookworm bookworm-backports"

foreign_apt()
{
	local verb=$1
	shift
	APT_CONFIG=$foreign_dir/apt.conf "$verb" "$@"
}

# machine_mirror RELEASE: the address this machine's apt uses for a Debian 12 suite.
machine_mirror()
{
	apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v release="$1" '$2 == release && $3 == "main" { print $1; exit }'
}

foreign_configure()
{
	local dir=$foreign_dir main security suite
	[ -r "$foreign_keyring" ] && [ -e /usr/share/keyrings/debian-archive-trixie-stable.gpg ] || {
		echo "$foreign_keyring has no key for Debian 13: upgrade the package debian-archive-keyring"
		return 1
	}
	main=$(machine_mirror bookworm)
	security=$(machine_mirror bookworm-security)
	[ -n "$main" ] || {
		echo "no apt source of Debian 12 (suite bookworm, component main) on this machine:"
		echo "'apt-get indextargets' shows none, so there is no mirror to take packages from"
		return 1
	}
	mkdir -p "$dir"/{state/lists/partial,cache/archives/partial,etc/preferences.d}
	: >"$dir/status"
	{
		for suite in $foreign_suites_wanted; do
			echo "deb [signed-by=$foreign_keyring] $main $suite main"
		done
		echo "deb-src [signed-by=$foreign_keyring] $main $pin_xen_suite main"
		if [ -n "$security" ]; then
			echo "deb [signed-by=$foreign_keyring] $security bookworm-security main"
		fi
	} >"$dir/etc/sources.list"
	{
		# How this machine reaches its mirror (proxies, time-outs), and nothing else of its set-up.
		apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|Check-|ForceIPv|By-Hash)' || true
		cat <<-CONF
		Dir "$dir";
		Dir::Etc "$dir/etc";
		Dir::Etc::parts "/dev/null";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::netrc "/etc/apt/auth.conf";
		Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
		Dir::Etc::trusted "/dev/null";
		Dir::Etc::trustedparts "/dev/null";
		Dir::State "$dir/state";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		APT::Architecture "$foreign_arch";
		APT::Architectures { "$foreign_arch"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
		CONF
	} >"$dir/apt.conf"
}

foreign_update()
{
	local lists
	foreign_configure
	# A suite that this mirror lacks is no failure: what is needed from it is looked for in the others.
	foreign_apt apt-get -q update || echo "apt-get update had errors"
	lists=("$foreign_dir"/state/lists/*Packages*)
	[ ${#lists[@]} -gt 0 ] || { echo "no package list could be fetched"; return 1; }
}

newest_version()
{
	foreign_apt apt-cache madison "$1" | awk -F '|' -v site="$2" \
		'index($3, site) && $3 ~ /Packages/ { gsub(/ /, "", $2); print $2; exit }'
}

# kernel_package PIN SERIES SUITE:META...: the pinned image, else what the first suite's meta package names.
kernel_package()
{
	local pin=$1 series=$2 place suite meta version name
	shift 2
	if [ -n "$(foreign_apt apt-cache madison "linux-image-$pin")" ]; then
		echo "linux-image-$pin"
		return 0
	fi
	for place in "$@"; do
		suite=${place%:*}
		meta=${place#*:}
		version=$(newest_version "$meta" " $suite/")
		[ -n "$version" ] || continue
		name=$(foreign_apt apt-cache show "$meta=$version" |
			sed -n "s/^Depends:.*\(linux-image-$series[.][^ ,]*\).*/\1/p" | head -n 1)
		if [ -n "$name" ]; then
			echo "note: linux-image-$pin is gone from the mirror: $name instead" >&2
			echo "$name"
			return 0
		fi
	done
	echo "no $foreign_arch kernel image like $pin on the mirror" >&2
	return 1
}

# foreign_resolve OUT: one line a file to fetch: "deb|src NAME VERSION".
foreign_resolve()
{
	local out=$1 xen name version pin series places
	foreign_update
	xen=$pin_xen
	if [ -z "$(foreign_apt apt-cache madison "xen-utils-$pin_xen_series" | grep -F " $pin_xen ")" ]; then
		xen=$(newest_version "xen-utils-$pin_xen_series" " $pin_xen_suite/")
		[ -n "$xen" ] || { echo "no Xen $pin_xen_series in $pin_xen_suite on the mirror"; return 1; }
		echo "note: Xen $pin_xen is gone from the mirror: $xen instead"
	fi
	{
		# what has Xen itself as a package needs no source
		[ "$foreign_arch" = amd64 ] || echo "src xen $xen"
		for name in $platform_packages_xen; do
			echo "deb $name $xen"
		done
		for name in $platform_packages_other; do
			version=$(newest_version "$name" " $pin_xen_suite/")
			[ -n "$version" ] || { echo "no package $name for $foreign_arch in $pin_xen_suite" >&2; exit 1; }
			echo "deb $name $version"
		done
		while read -r pin series places; do
			# shellcheck disable=SC2086
			name=$(kernel_package "$pin" "$series" $places)
			echo "deb $name $(newest_version "$name" "")"
		done < <(platform_kernels)
	} >"$out.new"
	mv "$out.new" "$out"
}

deb_file()
{
	printf '%s_%s_*.deb' "$1" "${2//:/%3a}"
}

# downloaded NAME: the file of a resolved package.
downloaded()
{
	local version file
	version=$(awk -v n="$1" '$1 == "deb" && $2 == n { print $3 }' "$lab_resolved")
	for file in "$lab_cache/downloads/$1_${version//:/%3a}"_{"$foreign_arch",all}.deb; do
		[ -e "$file" ] && echo "$file" && return 0
	done
	return 1
}

xen_tarball()
{
	local version
	version=$(awk '$1 == "src" { print $3 }' "$lab_resolved")
	echo "$lab_cache/downloads/xen_${version%-*}.orig.tar.xz"
}

all_downloaded()
{
	local kind name version
	while read -r kind name version; do
		case $kind in
		deb) downloaded "$name" >/dev/null || return 1 ;;
		src) [ -e "$(xen_tarball)" ] || return 1 ;;
		esac
	done <"$lab_resolved"
}

foreign_fetch()
{
	local kind name version tmp debs=() uri file size sum
	[ -s "$foreign_dir/apt.conf" ] || foreign_update
	mkdir -p "$lab_cache/downloads"
	tmp=$(mktemp -d "$lab_cache/tmp.XXXXXX")
	while read -r kind name version; do
		case $kind in
		deb) downloaded "$name" >/dev/null || debs+=("$name=$version") ;;
		esac
	done <"$lab_resolved"
	if [ ${#debs[@]} -gt 0 ]; then
		(cd "$tmp" && foreign_apt apt-get -q download "${debs[@]}")
		mv "$tmp"/*.deb "$lab_cache/downloads/"
	fi
	if grep -q '^src ' "$lab_resolved" && [ ! -e "$(xen_tarball)" ]; then
		version=$(awk '$1 == "src" { print $3 }' "$lab_resolved")
		# Only the tarball is wanted; some mirrors lack the .dsc beside it.
		foreign_apt apt-get source --print-uris --only-source "xen=$version" |
			grep -F '.orig.tar.xz ' >"$tmp/uri"
		read -r uri file size sum <"$tmp/uri"
		foreign_apt /usr/lib/apt/apt-helper download-file "${uri//\'/}" "$tmp/$file" "$sum"
		mv "$tmp/$file" "$(xen_tarball)"
	fi
	rm -rf "$tmp"
}

# foreign_prepare: every file of the platform in downloads; sets lab_resolved.
foreign_prepare()
{
	lab_resolved=$lab_cache/resolved-$(hash_of "$lab_nested/pins" "$platform_packages_xen $platform_packages_other")
	if [ -s "$lab_resolved" ] && all_downloaded; then
		return 0
	fi
	if [ ! -s "$lab_resolved" ]; then
		need "the package lists of the nested platform could not be fetched" \
			"choosing versions (private apt, $foreign_arch)" foreign_resolve "$lab_resolved"
	fi
	step "downloading packages ($foreign_arch)" foreign_fetch
	if [ "$step_status" -ne 0 ]; then
		# A version that vanished since it was chosen: choose again, once.
		rm -f "$lab_resolved"
		need "the mirror is out of reach: is this machine on the network?" \
			"choosing versions again" foreign_resolve "$lab_resolved"
		need "a download failed. Nothing half-done was kept, lab can be run again" \
			"downloading packages ($foreign_arch)" foreign_fetch
	fi
}
