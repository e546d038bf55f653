# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab check ladder: down every rung of lib/ladder.sh, on a mirror that hides files (hiding-mirror), with a cache of its own.
#
# Invariants: while the lock's files are there the mirror is asked for nothing else; what is taken instead is whole, was tried and
# is said; what is not what its checksum says is never kept; and where arm64 cannot be had x86_64 is shown, in words.
# Sourced by lab, inside its root.

# ladder_is GOT WANTED TEXT
ladder_is()
{
	if [ "$1" = "$2" ]; then
		score_more ok "ladder: $3" "  ok      $3"
	else
		score_more FAILED "ladder: $3" "  FAILED  $3" "      | got:    $1" "      | wanted: $2"
	fi
}

ladder_has()
{
	if grep -qE -- "$2" <<<"$1"; then
		score_more ok "ladder: $3" "  ok      $3"
	else
		score_more FAILED "ladder: $3" "  FAILED  $3" "      | got:    $1" "      | wanted: $2"
	fi
}

# ladder_mirror LIST PATTERN...: what the mirror does to which paths from now on ("hide", "spoil", "cut").
ladder_mirror()
{
	local list=$1
	shift
	printf '%s\n' "$@" >"$ladder_state/$list"
}

# ladder_fresh [KEEP]: an empty cache; what the mirror does is forgotten. KEEP: its lists stay.
ladder_fresh()
{
	rm -rf "$lab_cache/downloads" "$lab_cache/resolved"
	rm -f "$ladder_state"/{hide,spoil,cut,log}
	[ $# -gt 0 ] || rm -rf "$lab_cache/apt" "$lab_cache/index"
	mkdir -p "$lab_cache/resolved" "$lab_cache/logs"
}

# ladder_fetch GROUP: sets ladder_status and ladder_out, with the rung last.
ladder_fetch()
{
	ladder_status=0
	ladder_out=$( (set -e; group_fetch "$1") 2>&1) && ladder_status=0 || ladder_status=$?
	if [ "$ladder_status" -eq 0 ]; then
		ladder_rung=$(head -n 1 "$(group_file "$1")")
	else
		ladder_rung="status $ladder_status"
	fi
}

# ladder_path GROUP PACKAGE-PATTERN: what the lock has.
ladder_path()
{
	locked_lines "$1" | awk -v p="$2" '$3 ~ p { print $6; exit }'
}

ladder_escape()
{
	sed 's/[.+]/\\&/g' <<<"$1"
}

ladder_rung_lock()
{
	ladder_fresh
	ladder_fetch xen-arm64
	ladder_is "$ladder_rung" locked "all files there: the lock"
	ladder_is "$(grep -c dists/ "$ladder_state/log")" 0 "the mirror is asked for nothing but the files"
	ladder_is "$(group_complete xen-arm64 && echo complete)" complete "the group is complete"
	: >"$ladder_state/log"
	group_complete xen-arm64
	ladder_is "$(wc -l <"$ladder_state/log")" 0 "a complete group asks nothing"
}

# A kernel that is gone, with one other release listed: that one, with modules of ours where they fit it.
ladder_rung_kernel()
{
	local image release
	ladder_fresh
	ladder_index >/dev/null 2>&1
	image=$(basename "$(ladder_path linux-6.12-arm64 '^linux-image-')")
	release=$(ladder_releases linux-6.12-arm64 | grep -vxF "$(sed 's/^linux-image-\(.*\)-arm64_.*/\1/' <<<"$image")" | head -n 1)
	awk -v keep="linux-image-$release-arm64" '$3 !~ /^linux-image-/ || $3 == keep' "$lab_cache/index" >"$ladder_state/index"
	cp "$ladder_state/index" "$lab_cache/index"
	ladder_mirror hide "$(ladder_escape "$image")"
	ladder_fetch linux-6.12-arm64
	ladder_has "$ladder_rung" "gone from the mirror: $(ladder_escape "$release") instead" \
		"a kernel that is gone: another of its series ($release), and lab says so"
	ladder_is "$(resolved_lines linux-6.12-arm64 | awk '{ print $4 }' | sort -u | wc -l)" 1 "all files of one version"
	if grep -q "patches do not fit" <<<"$ladder_out"; then
		ladder_has "$ladder_rung" "the project's modules do not fit it" "that modules of ours do not fit it is said"
		ladder_is "$(kernel_takes_modules || echo stock)" stock "and it boots with Debian's own"
	else
		ladder_is "$(kernel_takes_modules && echo ours)" ours "modules of ours fit it: they were tried"
	fi
}

# A new version is listed, and its files are not there yet.
ladder_rung_listed()
{
	local version
	ladder_fresh lists
	ladder_index >/dev/null 2>&1
	version=$(ladder_candidates xen-amd64 | cut -d' ' -f1 | head -n 1)
	awk -v version="$version" '$4 == version && $2 == "amd64" {
		$4 = "4.20.99-1"
		sub("_[^_]*_amd64", "_4.20.99-1_amd64", $6)
		print }' "$lab_cache/index" >"$ladder_state/newer"
	cat "$ladder_state/newer" >>"$lab_cache/index"
	ladder_is "$(ladder_candidates xen-amd64 | cut -d' ' -f1 | head -n 1)" 4.20.99-1 "a newer version is listed"
	ladder_mirror hide "$(ladder_escape "$(basename "$(ladder_path xen-amd64 '^xen-utils')")")XX"
	(ladder_down xen-amd64) >"$ladder_state/out" 2>&1 || true
	ladder_has "$(head -n 1 "$(group_file xen-amd64)")" "$(ladder_escape "$version") instead" "its files are missing: the newest that is there"
	ladder_has "$(cat "$ladder_state/out")" "gone: .*4.20.99-1" "the log says what was missing"
}

# ladder_other_xen: a line of the index for a source with other interface versions, put where the mirror finds it.
ladder_other_xen()
{
	local dir=$ladder_state/other name=xen_4.20.9.orig.tar.xz file=$ladder_state/kept/debian/pool/main/x/xen/xen_4.20.9.orig.tar.xz
	mkdir -p "$dir/xen-4.20.9/xen/include/public" "${file%/*}"
	echo '#define XEN_DOMCTL_INTERFACE_VERSION 0x00000099' >"$dir/xen-4.20.9/xen/include/public/domctl.h"
	echo '#define XEN_SYSCTL_INTERFACE_VERSION 0x00000099' >"$dir/xen-4.20.9/xen/include/public/sysctl.h"
	tar -c -J -f "$file" -C "$dir" xen-4.20.9
	echo "trixie source xen-4.20 4.20.9-1 debian pool/main/x/xen/$name $(stat -c %s "$file") $(sha256sum "$file" | cut -d' ' -f1)"
}

# The mirror's lists say today what they say; here they are given other words, so that each rung is met on every day.
ladder_rung_xen()
{
	local tools source locked
	ladder_fresh
	ladder_index >/dev/null 2>&1
	tools=$(ladder_candidates xen-arm64 | cut -d' ' -f1 | head -n 1)
	locked=$(locked_lines xen-source)
	source=$(awk '{ print $5, $6, $7, $8 }' <<<"$locked")
	sed -i '/ source /d' "$lab_cache/index"

	# 2: a source of the tools' version is listed, and there. What is in it does not matter here.
	ladder_mirror hide "$(ladder_escape "$(basename "$(ladder_path xen-arm64 '^xen-utils')")")XX"
	cp "$lab_cache/index" "$ladder_state/index"
	echo "trixie source xen-4.20 $tools ${source/ xen_/ }" >>"$lab_cache/index"
	(ladder_xen) >/dev/null 2>&1
	ladder_has "$(head -n 1 "$(group_file xen-source)")" "tools $(ladder_escape "$tools"), hypervisor from the source of $(ladder_escape "$tools")" \
		"Xen: the newest version of which tools and source are there"

	# 3: its source is listed and missing, the locked one is there and fits
	ladder_fresh lists
	cp "$ladder_state/index" "$lab_cache/index"
	echo "trixie source xen-4.20 $tools debian pool/main/x/xen/xen_missing.orig.tar.xz 1 0000" >>"$lab_cache/index"
	ladder_fetch_xen
	ladder_has "$ladder_rung" "tools $(ladder_escape "$tools"), hypervisor from the source of $(awk '{ print $4 }' <<<"$locked" | sed 's/[.+]/\\&/g')" \
		"Xen: the source of another point release, whose interfaces fit"

	# The locked source is gone, and another one does not fit: nothing is taken.
	ladder_fresh lists
	cp "$ladder_state/index" "$lab_cache/index"
	ladder_other_xen >>"$lab_cache/index"
	ladder_mirror hide "$(ladder_escape "$(awk '{ print $6 }' <<<"$locked")")"
	ladder_fetch xen-source
	ladder_is "$ladder_rung" "status 3" "Xen: a source whose interfaces do not fit is not taken"
	ladder_has "$ladder_out" "have other versions of Xen's interfaces" "and lab says why"

	# 4
	groups_missing=
	groups_try xen-source >"$ladder_state/out" 2>&1
	ladder_is "$groups_missing" xen-source "no source at all: lab goes on without arm64"
	platform_probe >"$ladder_state/out" 2>&1
	ladder_has "$(cat "$ladder_state/out")" "arm64 platform cannot be made today: .* x86_64 can" "and says that x86_64 is shown instead"
	ladder_fetch xen-amd64
	ladder_is "$ladder_rung" locked "x86_64's files are there"
}

ladder_fetch_xen()
{
	(ladder_xen) >/dev/null 2>&1 || true
	ladder_rung=$(head -n 1 "$(group_file xen-source)" 2>/dev/null)
}

ladder_bad_mirror()
{
	local name
	name=$(basename "$(ladder_path xen-arm64 '^xen-utils')")
	ladder_fresh
	ladder_mirror spoil "$(ladder_escape "$name")"
	ladder_fetch xen-arm64
	ladder_is "$ladder_status" 1 "a file that is not what its checksum says ends it"
	ladder_has "$ladder_out" "Hash Sum mismatch" "with apt's words for it"
	ladder_is "$(find "$lab_cache/downloads" -name "$name*" | wc -l)" 0 "nothing of it is kept"
	ladder_mirror spoil nothing-at-all
	ladder_mirror cut "$(ladder_escape "$name")"
	ladder_fetch xen-arm64
	ladder_is "$ladder_status" 1 "half a file ends it"
	ladder_is "$(find "$lab_cache/downloads" -name "$name*" | wc -l)" 0 "nothing of it is kept either"
	ladder_mirror cut nothing-at-all
	ladder_fetch xen-arm64
	ladder_is "$ladder_rung" locked "and the next run has it all"
	# A port nobody listens at.
	ladder_fresh
	sed -i 's,127.0.0.1:[0-9]*,127.0.0.1:1,' "$lab_cache/mirror"
	ladder_fetch xen-arm64
	ladder_is "$ladder_status" 1 "no network is not taken for a file that is gone"
	echo "$ladder_out" >"$ladder_state/out"
	ladder_has "$(step_advice "$ladder_state/out" 2>&1)" "does not reach its mirror" "and the advice fits"
	ladder_address
}

# ladder_address: this cache's mirror is the one that hides.
ladder_address()
{
	local port
	port=$(cat "$ladder_state/port")
	printf '%s\n' "debian http://127.0.0.1:$port/debian" "debian-security http://127.0.0.1:$port/debian-security" >"$lab_cache/mirror"
}

check_ladder()
{
	local ladder_state ladder_status ladder_out ladder_rung pid turn lab_real_cache=$lab_cache
	say "ladder: down every rung, on a mirror that hides files"
	# What the real mirror sent is kept for the next time.
	ladder_state=$lab_cache/ladder-mirror
	mkdir -p "$ladder_state/kept"
	find "$ladder_state/kept" -type f -mtime +14 -delete
	rm -rf "$ladder_state/kept/debian/dists" "$ladder_state/kept/debian-security/dists" "$ladder_state/port"
	cp "$lab_cache/mirror" "$ladder_state/upstream"
	mkdir -p "$lab_cache/downloads"
	mirror_configure
	set -m
	APT_CONFIG=$lab_cache/apt/apt.conf python3 "$lab_top/tests/lab/hiding-mirror" "$ladder_state" "$lab_cache/downloads" \
		>"$ladder_state/server.log" 2>&1 </dev/null &
	pid=$!
	set +m
	lab_jobs[$pid]=1
	until [ -e "$ladder_state/port" ]; do
		kill -0 "$pid" || die "hiding-mirror did not start: $(cat "$ladder_state/server.log")"
		sleep 0.1
	done
	lab_cache=$lab_real_cache/ladder
	rm -rf "$lab_cache"
	mkdir -p "$lab_cache"
	grep -v '::Proxy' "$lab_real_cache/apt.host.conf" >"$lab_cache/apt.host.conf" || true
	ladder_address
	for turn in ladder_rung_lock ladder_bad_mirror ladder_rung_xen ladder_rung_listed ladder_rung_kernel; do
		"$turn"
	done
	rm -rf "$lab_cache"
	lab_cache=$lab_real_cache
	kill -TERM -- "-$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	unset "lab_jobs[$pid]"
}
