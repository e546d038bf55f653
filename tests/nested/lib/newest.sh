# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab check nested --newest: the newest kernels Debian has, as dom0's and as the guests'. They are looked for each time and
# locked nowhere: what they are today is the question. Where the project has hooks for the series found, dom0 and guests have our
# modules (newest-modules.sh); else cases that need them do not apply, and the others run on the kernel's own.
#
# Knows which packages a kernel is made of, and nothing of the machine they boot in.

# One row a kernel. %a: the architecture, %v: the release, as the image that META depends on has it in its name.
# NAME     SUITES (the newest of them)      META              PACKAGES with image and modules
newest_kernels='
trixie     trixie,trixie-security           linux-image-%a    linux-image-%v
backports  trixie-backports                 linux-image-%a    linux-base-%v linux-binary-%v linux-modules-%v
'

# newest_row NAME: its row without the name; 1 if there is none.
newest_row()
{
	awk -v name="$1" '$1 == name { $1 = ""; print; found = 1 } END { exit !found }' <<<"$newest_kernels"
}

newest_names()
{
	awk 'NF { printf "%s%s", sep, $1; sep = " " }' <<<"$newest_kernels"
}

# newest_version_in META SUITE,...: the newest version of the package in these suites.
newest_version_in()
{
	mirror_apt apt-cache madison "$1" | awk -F '|' -v suites="$2" '
		BEGIN { n = split(suites, suite, ",") }
		{ for (i = 1; i <= n; i++) if (!found && index($3, " " suite[i] "/") && $3 ~ /Packages/) { gsub(/ /, "", $2); found = $2 } }
		END { print found }'
}

# newest_find NAME: its packages as apt names them, PACKAGE=VERSION, below a line with the release.
newest_find()
{
	local suites meta packages version release package
	read -r suites meta packages <<<"$(newest_row "$1")"
	meta=${meta//%a/$platform_arch}
	version=$(newest_version_in "$meta" "$suites")
	[ -n "$version" ] || { echo "no $meta in $suites on the mirror" >&2; return 1; }
	release=$(mirror_apt apt-cache show "$meta=$version" | sed -n 's/^Depends:.*linux-image-\([0-9][^ ,]*\).*/\1/p' | sed -n 1p)
	[ -n "$release" ] || { echo "$meta $version depends on no image" >&2; return 1; }
	echo "$release"
	for package in ${packages//%v/$release}; do
		echo "$package=$version"
	done
}

# newest_resolve OUT: one file a kernel in OUT, as newest_find writes it.
newest_resolve()
{
	local name
	mirror_update
	for name in $(newest_names); do
		newest_find "$name" >"$1/$name"
	done
}

# newest_fetch LIST OUT: the packages of the list.
newest_fetch()
{
	local packages
	mapfile -t packages < <(sed 1d "$1")
	(cd "$2" && mirror_apt apt-get -q -o "APT::Architecture=$platform_arch" download "${packages[@]}")
}

# newest_look: looks for them, once a run of lab.
newest_look()
{
	local found=$lab_cache/newest-$platform_arch tmp
	[ -z "${newest_looked[$platform_arch]:-}" ] || return 0
	tmp=$(mktemp -d "$lab_cache/tmp.XXXXXX")
	step "looking for the newest kernels ($platform_arch)" newest_resolve "$tmp"
	if [ "$step_status" -eq 0 ]; then
		rm -rf "$found"
		mv "$tmp" "$found"
	else
		rm -rf "$tmp"
		[ -d "$found" ] || die "the newest kernels could not be looked for: is this machine on the network?"
		say "    note: the mirror is out of reach; those found on $(date -r "$found" +%F) are taken"
	fi
	newest_looked[$platform_arch]=yes
}

# newest_kernel NAME: fetches it; sets newest_release and newest_debs.
newest_kernel()
{
	local found=$lab_cache/newest-$platform_arch
	newest_look
	newest_release=$(sed -n 1p "$found/$1")
	artifact "newest-$1-$platform_arch" "$(hash_of "$found/$1")" "downloading Linux $newest_release" newest_fetch "$found/$1"
	newest_debs=("$artifact_dir"/*.deb)
}

declare -A newest_looked=()
