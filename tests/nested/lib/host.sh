# SPDX-License-Identifier: GPL-2.0-or-later
#
# What this machine must have: Debian 12 packages, a QEMU of the right series, the keys of Debian's archive.
#
# Installs what is missing as root or through sudo -n, otherwise says the one command to run. It changes
# nothing else on the machine and adds no foreign architecture.

# Building the project natively.
host_packages_unit="autoconf automake libtool make gcc libc6-dev pkg-config libevent-dev libjson-c-dev libcmocka-dev scdoc
	libxen-dev valgrind xz-utils acpica-tools systemd"
# The nested platform besides.
host_packages_nested="qemu-system-arm qemu-system-x86 gcc-aarch64-linux-gnu libc6-dev-arm64-cross flex bison
	device-tree-compiler cpio bc kmod zstd debian-archive-keyring"

as_root=()

# missing_packages NAME...: those not installed (virtual ones count when provided).
missing_packages()
{
	local p
	for p in "$@"; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
		installed) ;;
		*) printf '%s ' "$p" ;;
		esac
	done
}

find_root()
{
	as_root=()
	[ "$(id -u)" -eq 0 ] && return 0
	command -v sudo >/dev/null && sudo -n true 2>/dev/null && as_root=(sudo -n)
}

apt_lists_present()
{
	# Without --no-release-info only those that were fetched are shown.
	[ -n "$(apt-get indextargets --format '$(RELEASE)' 'Created-By: Packages' 2>/dev/null)" ]
}

update_lists()
{
	"${as_root[@]}" apt-get -q update
}

install_packages()
{
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
}

host_prepare()
{
	local missing
	[ -r /etc/debian_version ] && command -v apt-get >/dev/null ||
		die "this needs a Debian 12 (bookworm) machine: there is no apt-get here"
	# shellcheck disable=SC2086 # lists of words
	missing=$(missing_packages $1)
	[ -z "$missing" ] && return 0
	if [ "$(id -u)" -ne 0 ] && ! find_root; then
		say "lab: packages are missing, and this is neither root nor a user with sudo -n. Run this, then lab again:" >&2
		say "    sudo sh -c 'apt-get update && apt-get install --no-install-recommends -y ${missing% }'" >&2
		exit 1
	fi
	if ! apt_lists_present; then
		need "apt-get update failed: is this machine on the network, and are its apt sources right?" \
			"apt-get update" update_lists
	fi
	# shellcheck disable=SC2086
	step "installing: ${missing:0:44}" install_packages $missing
	if [ "$step_status" -ne 0 ]; then
		# Lists that name files the mirror has dropped: once more with new ones.
		need "apt-get update failed: is this machine on the network?" "apt-get update" update_lists
		# shellcheck disable=SC2086
		need "packages could not be installed: $missing" "installing again" install_packages $missing
	fi
}

host_check_qemu()
{
	local version
	# both programs are of one source package
	version=$(qemu-system-aarch64 --version 2>/dev/null | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
	case $version in
	"$pin_qemu_series"|"$pin_qemu_series".*) ;;
	*)
		[ -n "${XENVIRTIO_ANY_QEMU:-}" ] ||
			die "QEMU ${version:-is missing}${version:+ is not of the $pin_qemu_series series}:" \
			    "Xen under TCG is only known to work with Debian 12's qemu-system-arm ($pin_qemu_series)." \
			    "XENVIRTIO_ANY_QEMU=1 tries it all the same." ;;
	esac
}
