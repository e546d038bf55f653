# SPDX-License-Identifier: GPL-2.0-or-later
#
# The DKMS packages on a machine that goes from kernel to kernel, as Debian's users do: its release's, the next release's where
# there is one, that of its backports. On each the modules are built where there is a source, else skipped with a line that says
# so; apt never fails, and no kernel is left unconfigured. Needs package.sh.
#
# "machine" is a copy of the root in which nothing is installed by hand; "build" and "rebuild" make the packages. No kernel is booted.

dkms_modules="xenvirtio-privcmd xenvirtio-balloon"

in_machine()
{
	in_copy machine root / "$1"
}

dkms_keep_roots()
{
	local name
	for name in build machine; do
		package_copy_root "$name" || die "no copy of the root could be made"
	done
}

# dkms_packages COPY: both packages, for the machine: as its release's users would make them, but without the tests.
dkms_packages()
{
	package_prepare "$1" && rm -rf "$fresh_root$fresh_roots/$1$fresh_clone" && (fresh_root=$fresh_root$fresh_roots/$1 make_clone) &&
		in_copy "$1" user "$fresh_clone" "DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -us -uc -A" &&
		rm -rf "$fresh_root$fresh_roots/machine/srv/packages" && mkdir "$fresh_root$fresh_roots/machine/srv/packages" &&
		find "$fresh_root$fresh_roots/$1$fresh_home" -maxdepth 1 -name '*-dkms_*.deb' \
			-exec cp -t "$fresh_root$fresh_roots/machine/srv/packages" {} +
}

# dkms_sources RELEASE...: the machine's sources of packages: its own file, with the suites of these.
dkms_sources()
{
	local file=$fresh_root$fresh_roots/machine/etc/apt/sources.list release
	[ -e "$file.first" ] || cp "$file" "$file.first"
	for release; do
		case $release in
		*-backports) sed -n "s, $fresh_suite main\$, $release main,p" "$file.first" ;;
		*) sed "s, $fresh_suite\([ -]\), $release\1," "$file.first" ;;
		esac
	done >"$file"
	in_machine "apt-get update"
}

# dkms_kernel [SUITE]: image and headers that the metapackages there stand for.
dkms_kernel()
{
	in_machine "apt-get install ${1:+-t $1} linux-image-\$(dpkg --print-architecture) linux-headers-\$(dpkg --print-architecture)" &&
		dkms_no_harm
}

# Packages are what apt thinks they are, each kernel has its initramfs, and a module that is there is of its kernel.
dkms_no_harm()
{
	in_machine '
		audit=$(dpkg --audit)
		[ -z "$audit" ] || { echo "dpkg --audit: $audit"; exit 1; }
		for image in /boot/vmlinuz-*; do
			[ -e "/boot/initrd.img-${image#/boot/vmlinuz-}" ] || { echo "$image was not configured"; exit 1; }
		done
		for module in $(find /lib/modules/*/updates -name "*.ko*" 2>/dev/null); do
			kernel=${module#/lib/modules/}; kernel=${kernel%%/*}
			modinfo -F vermagic "$module" | grep -q "^$kernel " || { echo "$module is of another kernel"; exit 1; }
		done'
}

# dkms_newest: the kernel of the highest version that is installed.
dkms_newest()
{
	find "$fresh_root$fresh_roots/machine/boot" -name 'vmlinuz-*' -printf '%f\n' | sed 's/^vmlinuz-//' | sort -V | tail -n 1
}

# dkms_has KERNEL WHAT: are the modules "installed", or are there "none"?
dkms_has()
{
	local module found
	for module in $dkms_modules; do
		found=$(in_machine "dkms status -m $module -k $1" | sed -n 's/.*: *\(installed\).*/\1/p')
		[ "${found:-none}" = "$2" ] || { echo "$module for $1: ${found:-none}, not $2"; in_machine "dkms status"; return 1; }
	done
	[ "$2" = installed ] || return 0
	for module in xen-privcmd xen-evtchn virtio_balloon; do
		in_machine "modinfo -k $1 -n $module" | grep "/updates/dkms/$module\.ko" || return
	done
	in_machine "modinfo -k $1 -F parm virtio_balloon" | grep page_chunks
}

# dkms_said LOG KERNEL: what cannot be built is skipped in so many words.
dkms_said()
{
	local module
	for module in $dkms_modules; do
		grep -F "Autoinstall on $2 was skipped for module" "$1" | grep -w -m 1 "$module" || return
	done
}

dkms_check()
{
	local next log
	dkms_keep_roots
	need "both packages, of $fresh_suite" dkms_packages build
	need "the release's kernel, and both packages" eval 'dkms_sources $fresh_suite && dkms_kernel && in_machine "apt-get install /srv/packages/*.deb" && dkms_no_harm'
	step "$(dkms_newest): the modules are built" dkms_has "$(dkms_newest)" installed || :
	if [ "$fresh_suite" = bookworm ]; then
		next=trixie
		need "apt-get full-upgrade to $next" eval 'dkms_sources trixie && in_machine "apt-get full-upgrade" && dkms_kernel'
		log=$step_log
		step "$(dkms_newest): skipped, as the packages have no source of it" dkms_has "$(dkms_newest)" none || :
		step "in a line that says so" dkms_said "$log" "$(dkms_newest)" || :
		package_copy_root rebuild machine || die "no copy of the machine could be made"
		need "both packages, of $next" dkms_packages rebuild
		need "they replace the others" eval 'in_machine "apt-get install --reinstall /srv/packages/*.deb" && dkms_no_harm'
		step "$(dkms_newest): the modules are built" dkms_has "$(dkms_newest)" installed || :
	else
		next=$fresh_suite
	fi
	need "the kernel of $next-backports" eval "dkms_sources $next $next-backports && dkms_kernel $next-backports"
	log=$step_log
	step "$(dkms_newest): skipped, as the packages have no source of it" dkms_has "$(dkms_newest)" none || :
	step "in a line that says so" dkms_said "$log" "$(dkms_newest)" || :
	need "its linux-source" in_machine "apt-get install -t $next-backports linux-source-$(dkms_newest | cut -d . -f 1,2)"
	step "dkms autoinstall" in_machine "dkms autoinstall -k $(dkms_newest)" || :
	# Backports move on: a series that there are no hooks for yet is still skipped.
	if [ -d "$fresh_top/kernel/privcmd/hooks/$(dkms_newest | cut -d . -f 1,2)" ]; then
		step "$(dkms_newest): the modules are built" dkms_has "$(dkms_newest)" installed || :
	else
		step "$(dkms_newest): skipped, as there are no hooks for it" dkms_has "$(dkms_newest)" none || :
	fi
	need "apt-get purge of both" in_machine "apt-get purge xen-privcmd-eventfd-dkms xen-vballoon-guest-dkms"
	step "nothing of theirs is left" dkms_left_nothing || :
	step "and apt has no complaint" dkms_no_harm || :
}

dkms_left_nothing()
{
	! in_machine 'find /var/lib/dkms /usr/src /lib/modules/*/updates /etc/modprobe.d \
		-name "*xenvirtio*" -o -name "xen-*.ko*" -o -name "virtio*.ko*" -o -name "virtio-balloon*"' | grep .
}
