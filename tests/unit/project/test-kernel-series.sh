#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The patch series of kernel/ are made from hooks and new files, and hooks from a series, as TAP: with a module made up here, of
# which every line of the result is known, and with those there are. Whether a series applies is kernel/check-series' to say.
# DKMS gets both.

srcdir=${srcdir:-.}
. "$srcdir/tests/unit/tap.sh"
: >"$tmp/log"

cp "$srcdir/kernel/make-series" "$srcdir/kernel/make-hooks" "$tmp/"
toy=$tmp/toy
mkdir -p "$toy/src/drivers" "$toy/include" "$toy/hooks/6.0"
printf 'int b;\n\n++ c;\n' >"$toy/src/drivers/b.c"
printf '#define B\n#define BB\n' >"$toy/include/b.h"
cat >"$toy/hooks/6.0/0001-b.patch" <<'HOOK'
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
Subject: [PATCH 1/1] b: new

Why.
---
new: drivers/b.c
new: include/b.h

diff --git a/drivers/Makefile b/drivers/Makefile
--- a/drivers/Makefile
+++ b/drivers/Makefile
@@ -1 +1,2 @@
 obj-y := a.o
+obj-y += b.o
diff --git a/drivers/c.c b/drivers/c.c
--- a/drivers/c.c
+++ b/drivers/c.c
@@ -1 +1 @@
-int c;
+int c = 1;
HOOK
cat >"$tmp/expected" <<'SERIES'
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
Subject: [PATCH 1/1] b: new

Why.
---

diff --git a/drivers/Makefile b/drivers/Makefile
--- a/drivers/Makefile
+++ b/drivers/Makefile
@@ -1 +1,2 @@
 obj-y := a.o
+obj-y += b.o
diff --git a/drivers/b.c b/drivers/b.c
new file mode 100644
--- /dev/null
+++ b/drivers/b.c
@@ -0,0 +1,3 @@
+int b;
+
+++ c;
diff --git a/drivers/c.c b/drivers/c.c
--- a/drivers/c.c
+++ b/drivers/c.c
@@ -1 +1 @@
-int c;
+int c = 1;
diff --git a/include/b.h b/include/b.h
new file mode 100644
--- /dev/null
+++ b/include/b.h
@@ -0,0 +1,2 @@
+#define B
+#define BB
SERIES

series() { "$tmp/make-series" toy "$tmp/out" >"$tmp/log" 2>&1; }
hooks() { "$tmp/make-hooks" toy "$1" "$tmp/out/6.0" >"$tmp/log" 2>&1; }

series && diff "$tmp/expected" "$tmp/out/6.0/0001-b.patch" >"$tmp/log"
result $? "new files stand between the changes of a hook, in git's order"
# What git says besides: statistics, and objects' names.
sed -i 's/^---$/&\n drivers\/Makefile | 1 +/; s/^new file mode.*/&\nindex 000..123/; s/^diff.*Makefile$/&\nindex 123..456/' \
	"$tmp/out/6.0/0001-b.patch"
hooks 6.1 && diff -r "$toy/hooks/6.0" "$toy/hooks/6.1" >"$tmp/log"
result $? "and back, without statistics and names of objects"
rm -r "$toy/hooks/6.1"

sed -i 's/^+#define BB/+#define C/' "$tmp/out/6.0/0001-b.patch"
! hooks 6.0 && grep -q 'include/b.h is not what it is' "$tmp/log"
result $? "a new file that is another in a series is found"
series
cat >"$tmp/out/6.0/0002-later.patch" <<'LATER'
Subject: [PATCH 2/2] b: again

---
diff --git a/drivers/b.c b/drivers/b.c
--- a/drivers/b.c
+++ b/drivers/b.c
@@ -1 +1 @@
-int b;
+int d;
LATER
! hooks 6.0 && grep -q 'a later patch changes drivers/b.c' "$tmp/log"
result $? "a later patch that changes it, too"

echo 'int e;' >"$toy/src/drivers/e.c"
! series && grep -q 'bring other files' "$tmp/log"
result $? "a new file that no hook brings is found"
rm "$toy/src/drivers/e.c" "$toy/src/drivers/b.c"
! series && grep -q 'bring other files' "$tmp/log"
result $? "a hook that brings what is not there is found"
! "$tmp/make-series" toy "$tmp/out" 5.9 >"$tmp/log" 2>&1 && grep -q 'no hooks for Linux 5.9' "$tmp/log"
result $? "a version without hooks is refused"

for hooks in "$srcdir"/kernel/*/hooks/*; do
	version=${hooks##*/}
	name=${hooks%/hooks/*}
	name=${name##*/}
	mkdir -p "$tmp/$name"
	cp -r "$srcdir/kernel/$name/src" "$srcdir/kernel/$name/include" "$srcdir/kernel/$name/test" "$tmp/$name/"
	chmod -R u+w "$tmp/$name"
	"$srcdir/kernel/make-series" "$name" "$tmp/out/$name" "$version" >"$tmp/log" 2>&1 &&
		"$tmp/make-hooks" "$name" "$version" "$tmp/out/$name/$version" >"$tmp/log" 2>&1 &&
		diff -r "$hooks" "$tmp/$name/hooks/$version" >"$tmp/log"
	result $? "kernel/$name: the series for Linux $version has all new files, and what is left of it are the hooks"
done

# What a kernel is built from, and nothing that a build leaves beside it.
for module in privcmd balloon; do
	kernel=$srcdir/kernel/$module
	MAKEFLAGS= make -C "$kernel" dkms-install DESTDIR="$tmp/root" SOURCES="$tmp/none" >"$tmp/log" 2>&1
	tree=$tmp/root/usr/src/xenvirtio-$module-1
	chmod -R u+w "$tmp/root"
	for part in hooks include $(cd "$kernel" && ls -d src/*); do
		diff -r -x '*.o' -x .deps -x .dirstamp "$kernel/$part" "$tree/${part#src/}"
	done >"$tmp/log" 2>&1
	[ ! -s "$tmp/log" ] && (cd "$tree" && [ -x prepare ] && [ -f Makefile ] && [ -f dkms.conf ]) &&
		[ -z "$(find "$tree" -type f ! -name '*.[ch]' ! -name '*.rst' ! -name '*.patch' ! -name Makefile \
			! -name prepare ! -name take-stock ! -name dkms.conf)" ]
	result $? "kernel/$module: DKMS gets all that a module is made of"
	# lintian's repeated-path-segment
	[ -z "$(find "$tree" -name src)" ]
	result $? "kernel/$module: no path there has src twice"
	diff -r "$tmp/out/$module" "$tree/patches" >"$tmp/log" 2>&1
	result $? "kernel/$module: and the series"
	# It finds its parts where there is no checkout: what it has to complain of is the kernel.
	! MAKEFLAGS= make -f "$tree/Makefile" modules KDIR="$tmp/none" ARCH=x86 O="$tmp/build" >"$tmp/log" 2>&1 &&
		grep -q "$tmp/none is not a kernel's build directory" "$tmp/log"
	result $? "kernel/$module: it needs nothing beside it"
done

# DKMS tries kernels whose source there is, and no others: a build that cannot be ends an upgrade of the kernel.
exclusive()
{
	source_tree=$tmp/root/usr/src bash -c '. "$1"; echo "$BUILD_EXCLUSIVE_KERNEL"' sh "$tree/dkms.conf"
}
tries() { echo "$1" | grep -qE "$(exclusive)"; }
for module in privcmd balloon; do
	tree=$tmp/root/usr/src/xenvirtio-$module-1
	rm -f "$tmp/root/usr/src/linux-source"*
	! tries 6.12.117+deb12-amd64 && ! tries 6.1.0-1-amd64 && ! tries 7.3.4+deb13-amd64
	result $? "kernel/$module: without any source DKMS tries no kernel"
	mkdir -p "$tree/stock/6.12"
	tries 6.12.117+deb12-amd64 && ! tries 6.120.1 && ! tries 6.1.0-1-amd64 && ! tries 7.3.4+deb13-amd64
	result $? "kernel/$module: with the stock files of one series it tries that"
	: >"$tmp/root/usr/src/linux-source-6.1.tar.xz"
	tries 6.12.117+deb12-amd64 && tries 6.1.0-1-amd64 && ! tries 7.3.4+deb13-amd64 && ! tries 6.11.1
	result $? "kernel/$module: and that of an installed source"
done

# plant SERIES: a linux-source tarball of the files that the hooks for it change, by the names they have there, each empty, and one more.
plant()
{
	local tree=$tmp/linux-source-$1
	rm -rf "$tree" "$tmp/sources"
	mkdir -p "$tree" "$tmp/sources"
	for file in drivers/virtio/Kconfig drivers/virtio/Makefile drivers/virtio/virtio_balloon.c drivers/xen/privcmd-buf.c kernel/fork.c \
		$(sed -n 's,^--- a/,,p' "$srcdir/kernel/privcmd/hooks/$1"/*.patch); do
		mkdir -p "$(dirname "$tree/$file")"
		: >"$tree/$file"
	done
	printf 'VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 5\n' >"$tree/Makefile"
	tar -cJf "$tmp/sources/linux-source-$1.tar.xz" -C "$tmp" "linux-source-$1"
	cp "$tmp/sources/linux-source-$1.tar.xz" "$tmp/sources/linux-source-5.10.tar.xz"
}

# A build needs no linux-source then, whatever the point release of the kernel is.
plant 6.12
mkdir -p "$tmp/kdir/include/generated/uapi/linux"
printf '#define LINUX_VERSION_MAJOR 6\n#define LINUX_VERSION_PATCHLEVEL 12\n#define LINUX_VERSION_SUBLEVEL 9\n' \
	>"$tmp/kdir/include/generated/uapi/linux/version.h"
for module in privcmd balloon; do
	rm -rf "$tmp/carried"
	MAKEFLAGS= make -C "$srcdir/kernel/$module" dkms-install DESTDIR="$tmp/carried" SOURCES="$tmp/sources" >"$tmp/log" 2>&1
	tree=$tmp/carried/usr/src/xenvirtio-$module-1
	[ "$(ls "$tree/stock")" = 6.12 ] && [ -f "$tree/stock/6.12/Makefile" ] && [ ! -e "$tree/stock/6.12/.changed" ] && [ ! -e "$tree/stock/6.12/kernel/fork.c" ]
	result $? "kernel/$module: DKMS gets the stock files of the series that there are hooks for, and no others"
	! "$tree/prepare" "$tmp/kdir" "" "$tmp/prepared" "$tree" >"$tmp/log" 2>&1 &&
		grep -q 'the kernel is Linux 6.12.9, the stock files are of Linux 6.12.5' "$tmp/log" &&
		grep -q 'does not apply to' "$tmp/log"
	result $? "kernel/$module: they are what is built, also for another point release, which is said"
done
tap_done
