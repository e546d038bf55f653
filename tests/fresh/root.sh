# SPDX-License-Identifier: GPL-2.0-or-later
#
# The root: what a machine has that debootstrap does not make (/proc, /dev, a user), and how to run something in it.
# Knows nothing of the project.

fresh_user=stranger
fresh_home=/home/$fresh_user

# The devices a container has, of a tmpfs: those in the root itself may not work (in a user namespace, on a nodev mount).
root_mount()
{
	local node
	mount -t proc proc "$fresh_root/proc"
	mount -t tmpfs -o mode=755 dev "$fresh_root/dev"
	for node in null zero full random urandom tty; do
		touch "$fresh_root/dev/$node"
		mount --bind "/dev/$node" "$fresh_root/dev/$node"
	done
	mkdir "$fresh_root/dev/pts" "$fresh_root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$fresh_root/dev/pts"
	mount -t tmpfs -o mode=1777 shm "$fresh_root/dev/shm"
	ln -s pts/ptmx "$fresh_root/dev/ptmx"
	ln -s /proc/self/fd "$fresh_root/dev/fd"
	ln -s fd/0 "$fresh_root/dev/stdin"
	ln -s fd/1 "$fresh_root/dev/stdout"
	ln -s fd/2 "$fresh_root/dev/stderr"
}

# Nobody answers questions here, and a list of packages must do without those that Debian only recommends.
root_configure()
{
	local codename
	codename=$(. "$fresh_root/etc/os-release" && echo "$VERSION_CODENAME")
	[ "$codename" = "$fresh_suite" ] || die "$fresh_root is $codename, not $fresh_suite"
	cat >"$fresh_root/etc/apt/apt.conf.d/99fresh" <<-'APT'
	APT::Get::Assume-Yes "true";
	APT::Install-Recommends "false";
	APT::Keep-Downloaded-Packages "true";
	APT
	[ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$fresh_root/etc/resolv.conf"
	chroot "$fresh_root" /usr/sbin/useradd --create-home --shell /bin/bash "$fresh_user"
}

root_prepare()
{
	[ "$(id -u)" -eq 0 ] || die "this needs root, or a user namespace"
	[ -e "$fresh_root/etc/os-release" ] || die "$fresh_root is not the root directory of a Debian"
	[ ! -e "$fresh_root$fresh_home" ] || die "$fresh_root was used before: give a new one"
	root_mount
	root_configure
}

# in_root WHO DIR COMMAND: by WHO's shell in a login's environment: a user's PATH has no sbin.
in_root()
{
	local who=$1 dir=$2 command=$3 home=/root path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	if [ "$who" != root ]; then
		who=$fresh_user
		home=$fresh_home
		path=/usr/local/bin:/usr/bin:/bin
	fi
	# What is not a user's: no make of this machine's, and as many processes as there are processors.
	env -i HOME="$home" USER="$who" LOGNAME="$who" SHELL=/bin/bash TERM=dumb PATH="$path" DEBIAN_FRONTEND=noninteractive \
		MAKEFLAGS=-j"$(nproc)" "$(command -v chroot)" "$fresh_root" \
		setpriv --reuid "$who" --regid "$who" --init-groups bash -c 'cd "$0" && eval "$1"' "$dir" "$command"
}
