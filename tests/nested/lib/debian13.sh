# SPDX-License-Identifier: GPL-2.0-or-later
#
# A dom0 as a user has it: Debian 13 with systemd, its own kernel and initrd, its packages of Xen, and the project's packages, built
# from this checkout in a root of Debian 13 and installed with dpkg. What cases bring is on a disk of its own, /xv.
#
# The roots are of what Debian has this week, as those of lab check fresh are, and are locked nowhere: a user gets Debian's newest.
#
# Sets debian13_*.

# What a user asks apt for, and what a dom0 takes that has no installer: no boot loader, and an initrd for QEMU's disk.
debian13_packages="systemd-sysv udev dbus procps kmod zstd initramfs-tools linux-image-amd64 xen-system-amd64 xen-utils-common"
debian13_packages+=" qemu-system-xen"
# and what the project's packages depend on besides
debian13_libraries="libevent-core-2.1-7t64 libevent-extra-2.1-7t64 libjson-c5 libseccomp2"
# of the project's packages, those that a PV dom0 has a use for
debian13_ours="libxenvirtio0 xen-vballoon xen-vrng"

# debian13_bootstrap OUT VARIANT PACKAGES [OPTION...]: a root of Debian 13 as OUT/root.tar.
debian13_bootstrap()
{
	mirror_of_note
	mirror_sources trixie "$mirror_keyring" |
		mmdebstrap --mode=root --variant="$2" --format=tar --include="$3" --architectures=amd64 --aptopt="$lab_cache/apt.host.conf" \
			--aptopt='APT::Sandbox::User "root"' --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
			--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
			"${@:4}" trixie "$1/root.tar" -
}

debian13_make_builder()
{
	debian13_bootstrap "$1" buildd "debhelper dh-dkms $(awk '$1 ~ /^(clone|compiler|build|test|probes)$/ { print $2 }' \
		"$lab_top/tests/packages" | sort -u | tr '\n' ' ')"
}

# debian13_make_root OUT: the initrd has drivers of QEMU's disk, and not of all there is.
# shellcheck disable=SC2016 # mmdebstrap's
debian13_make_root()
{
	debian13_bootstrap "$1" minbase "$debian13_packages $debian13_libraries" \
		--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"' \
		--essential-hook='echo MODULES=list >"$1/etc/initramfs-tools/conf.d/lab"' \
		--essential-hook='printf "%s\n" virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"'
}

# debian13_sources: what the packages are built from, as it is here, as a tar archive. What no package has is left out: it may change.
debian13_sources()
{
	local name no=()
	for name in .git autom4te.cache configure aclocal.m4 lab HACKING.md SECURITY.md tests/nested tests/lab tests/fresh; do
		no+=("--exclude=./$name")
	done
	tar -C "$lab_top" -cf - --sort=name --owner=0 --group=0 --mtime=@0 "${no[@]}" --exclude=Makefile.in --exclude=config.h.in .
}

# debian13_enter ROOT COMMAND: in a mount name space that is gone afterwards.
debian13_enter()
{
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --propagation private bash -ec '
		mount --rbind /proc "$0/proc"
		mount --rbind /dev "$0/dev"
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
			chroot "$0" sh -ec "$1"' "$1" "$2"
}

# debian13_build BUILDER OUT: this version's packages in OUT/now, and in OUT/next the same as a later version.
debian13_build()
{
	local root=$2/root deb name
	mkdir -p "$root" "$2"/{now,next}
	tar -x -p -f "$1/root.tar" -C "$root" --numeric-owner
	mkdir "$root/src"
	debian13_sources | tar -x -f - -C "$root/src"
	debian13_enter "$root" "cd /src && DEB_BUILD_OPTIONS='nocheck parallel=$(nproc)' dpkg-buildpackage -us -uc -B"
	for name in $debian13_ours; do
		deb=$(echo "$root/${name}"_*_amd64.deb)
		mv "$deb" "$2/now/$name.deb"
		# The same but for the version: what is another version to the service is another file.
		dpkg-deb -R "$2/now/$name.deb" "$2/unpacked"
		sed -i 's/^Version: .*/&+later1/' "$2/unpacked/DEBIAN/control"
		dpkg-deb --root-owner-group -Znone -b "$2/unpacked" "$2/next/$name.deb"
		rm -rf "$2/unpacked"
	done
	rm -rf --one-file-system "$root"
}

# debian13_configure ROOT: what an administrator sets, and the lab: guests' consoles in files, and a unit that starts cases.
debian13_configure()
{
	local root=$1
	printf '%s\n' '/dev/vda / ext4 defaults 0 0' '/dev/vdb /xv ext4 ro 0 0' >"$root/etc/fstab"
	echo debian13 >"$root/etc/hostname"
	# as for an image that is to be copied: the first boot makes one
	: >"$root/etc/machine-id"
	echo 'XENCONSOLED_ARGS="--log=guest"' >>"$root/etc/default/xen"
	mkdir -p "$root/xv" "$root/var/log/xen/console"
	ln -s xv/guest "$root/guest"
	cp "$lab_nested/dom0/debian13.service" "$root/etc/systemd/system/xv.service"
}

# debian13_make_image ROOT PACKAGES OUT: the disk, with Debian's kernel and initrd beside it.
debian13_make_image()
{
	local root=$3/root
	mkdir "$root"
	tar -x -p -f "$1/root.tar" -C "$root" --numeric-owner
	debian13_configure "$root"
	cp "$2"/now/*.deb "$root/root/"
	debian13_enter "$root" "dpkg -i /root/*.deb; rm /root/*.deb; systemctl enable xv.service"
	x86_vmlinux "$(echo "$root"/boot/vmlinuz-*)" "$3/vmlinux"
	cp "$root"/boot/initrd.img-* "$3/initrd"
	gunzip -c "$root"/boot/xen-*-amd64.gz >"$3/xen"
	mke2fs -q -t ext4 -O ^has_journal -L root -d "$root" "$3/root.img" 1500M >/dev/null
	rm -rf --one-file-system "$root"
}

# debian13_prepare: after x86_prepare, whose guests and helpers it has.
debian13_prepare()
{
	local week builder root packages
	week=$(date +%G-%V)
	artifact debian13-root "$(hash_of "$week" "$debian13_packages $debian13_libraries" "$(declare -f debian13_bootstrap debian13_make_root)")" \
		"making a root of Debian 13 with Xen" debian13_make_root
	root=$artifact_dir
	artifact debian13-builder "$(hash_of "$week" "$lab_top/tests/packages" "$(declare -f debian13_bootstrap debian13_make_builder)")" \
		"making a root of Debian 13 to build in" debian13_make_builder
	builder=$artifact_dir
	artifact debian13-packages "$(hash_of "$builder" "$(debian13_sources | sha256sum)" "$debian13_ours" "$(declare -f debian13_build debian13_enter)")" \
		"building the project's packages (Debian 13)" debian13_build "$builder"
	packages=$artifact_dir
	artifact debian13-image "$(hash_of "$root" "$packages" "$lab_nested/dom0/debian13.service" \
			"$(declare -f debian13_make_image debian13_configure debian13_enter)")" \
		"installing them: dom0's disk" debian13_make_image "$root" "$packages"
	debian13_dir=$artifact_dir
	debian13_next=$packages/next
}

# debian13_make_boot RUN KERNEL: the disk /xv of one boot, in run_dir.
debian13_make_boot()
{
	local tree=$run_dir/xv
	mkdir -p "$tree"/{cases,bin,next}
	cp "$lab_nested"/dom0/{main,lib.sh,processes.sh,run-case} "$lab_nested"/cases/debian13*.sh "$tree/"
	mv "$tree"/debian13*.sh "$tree/cases/"
	printf '%s\n' "$1" >"$tree/run"
	echo "$2" >"$tree/kernel"
	echo "$machine_quick_boot" >"$tree/quick-boot"
	cp "$x86_helpers"/{xen-dominfo,unix-say} "$x86_build/tests/contract/rights-xen" "$tree/bin/"
	cp "$debian13_next"/*.deb "$tree/next/"
	(cd "$tree" && cpio --quiet -i -d 'guest/initrd-*' <"$x86_guest_cpio" && cpio --quiet -i -d 'guest/bzImage-*' <"$x86_qemu_cpio")
	mke2fs -q -t ext4 -O ^has_journal -L xv -d "$tree" "$run_dir/xv.img" 128M >/dev/null
	rm -rf "$tree"
}

# debian13_arguments DIR MEMORY VCPUS ACCELERATOR...: the QEMU command line in machine_argv.
debian13_arguments()
{
	machine_argv=(qemu-system-x86_64 "${@:4}" -cpu "qemu64,+svm,+npt,+vgif" -m "$2" -smp "$3"
		-display none -nodefaults -monitor none -no-reboot -kernel "$debian13_dir/xen"
		-append "console=com1 com1=115200,8n1 dom0_mem=768M dom0_max_vcpus=$3 ${machine_xen_log-loglvl=info guest_loglvl=all}"
		-initrd "$debian13_dir/vmlinux console=hvc0 root=/dev/vda rw panic=1 $(dom0_arguments),$debian13_dir/initrd"
		-drive "file=$debian13_dir/root.img,format=raw,if=virtio,snapshot=on"
		-drive "file=$1/xv.img,format=raw,if=virtio,snapshot=on"
		-device virtio-serial-pci)
	machine_ports "$1"
}
