# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where Debian's packages come from: the mirror this machine's own apt uses, as apt itself reports it (so any format of
# sources does), or XENVIRTIO_MIRROR. No address is written down in this repository.
#
# Outside lab's root mirror_note writes down what inside is needed: $lab_cache/mirror, one line an archive, "debian" and
# "debian-security", with its address; $lab_cache/apt.host.conf, how this machine reaches it (proxies, time-outs). Inside,
# mirror_apt is an apt with a state of its own, which knows every suite and architecture that lab takes packages from.

mirror_debian_suites="bookworm trixie forky sid oldstable stable testing unstable oldoldstable"

# mirror_of_machine: sets mirror_main and mirror_security, empty where there is none.
mirror_of_machine()
{
	local uri suite component
	mirror_main=${XENVIRTIO_MIRROR:-}
	mirror_security=
	while [ -z "$mirror_main" ] && read -r uri suite component; do
		[ "$component" = main ] || continue
		case " $mirror_debian_suites " in
		*" $suite "*) mirror_main=$uri ;;
		esac
	done < <(mirror_targets)
	while [ -z "$mirror_security" ] && [ -z "${XENVIRTIO_MIRROR:-}" ] && read -r uri suite component; do
		case " $mirror_debian_suites " in
		*" ${suite%[-/]*} "*) [ "${suite#*[-/]}" = "$suite" ] || [[ $suite != *security* ]] || mirror_security=$uri ;;
		esac
	done < <(mirror_targets)
	mirror_main=$(mirror_plain "$mirror_main")
	mirror_security=$(mirror_plain "$mirror_security")
	# Where Debian's security archive is beside a mirror that does not name it.
	if [ -n "$mirror_main" ] && [ -z "$mirror_security" ]; then
		mirror_security=$mirror_main-security
	fi
}

mirror_targets()
{
	apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null || true
}

# mirror_plain URI: without the slash at its end; of a list of mirrors ("mirror+file:") its first.
mirror_plain()
{
	local uri=$1
	case $uri in
	mirror+file:*) uri=$(awk '/^[a-z]/ { print $1; exit }' "/${uri#mirror+file:/}" 2>/dev/null || true) ;;
	esac
	uri=${uri%/}
	echo "${uri%/}"
}

# mirror_need: for what cannot be done without a mirror.
mirror_need()
{
	mirror_of_machine
	[ -n "$mirror_main" ] && return 0
	echo "this machine's apt has no source of Debian (component main): set XENVIRTIO_MIRROR to a mirror's address, ending in /debian"
	return 1
}

# mirror_sources SUITE KEYRING: lines of a sources.list for a root of that suite.
mirror_sources()
{
	local key="[signed-by=$2]"
	echo "deb $key $mirror_main $1 main"
	echo "deb $key $mirror_main $1-updates main"
	echo "deb $key $mirror_security $1-security main"
}

mirror_note()
{
	mirror_of_machine
	# Without one a cache that is complete still does.
	printf '%s\n' "debian $mirror_main" "debian-security $mirror_security" >"$lab_cache/mirror.new"
	mv "$lab_cache/mirror.new" "$lab_cache/mirror"
	apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|Check-|ForceIPv|By-Hash)' |
		grep -v Proxy-Auto-Detect >"$lab_cache/apt.host.conf" || true
}

# mirror_address ARCHIVE: inside, as it was written down.
mirror_address()
{
	local address
	address=$(sed -n "s/^$1 //p" "$lab_cache/mirror")
	[ -n "$address" ] || {
		echo "this machine's apt has no source of Debian (component main): set XENVIRTIO_MIRROR to a mirror's address, ending in /debian" >&2
		return 1
	}
	echo "$address"
}

# mirror_of_note: as mirror_of_machine, inside.
mirror_of_note()
{
	mirror_main=$(mirror_address debian)
	mirror_security=$(mirror_address debian-security)
}

mirror_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

mirror_apt()
{
	local verb=$1
	shift
	APT_CONFIG=$lab_cache/apt/apt.conf "$verb" "$@"
}

# mirror_suites: "archive suite", in the order in which a package is looked for.
mirror_suites()
{
	cat <<-'SUITES'
	debian-security bookworm-security
	debian bookworm
	debian bookworm-backports
	debian-security trixie-security
	debian trixie
	debian trixie-updates
	debian trixie-backports
	SUITES
}

mirror_configure()
{
	local dir=$lab_cache/apt archive suite address
	mkdir -p "$dir"/{state/lists/partial,cache/archives/partial,etc/preferences.d}
	: >"$dir/status"
	while read -r archive suite; do
		address=$(mirror_address "$archive")
		echo "deb [signed-by=$mirror_keyring] $address $suite main"
		# Of Xen the source is wanted as well.
		[ "${suite#trixie}" = "$suite" ] || [ "$suite" = trixie-backports ] ||
			echo "deb-src [signed-by=$mirror_keyring] $address $suite main"
	done < <(mirror_suites) >"$dir/etc/sources.list"
	cat "$lab_cache/apt.host.conf" - >"$dir/apt.conf" <<-CONF
	Dir "$dir";
	Dir::Etc "$dir/etc";
	Dir::Etc::parts "/dev/null";
	Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::trusted "/dev/null";
	Dir::Etc::trustedparts "/dev/null";
	Dir::State "$dir/state";
	Dir::State::status "$dir/status";
	Dir::Cache "$dir/cache";
	APT::Architecture "arm64";
	APT::Architectures { "arm64"; "amd64"; };
	APT::Sandbox::User "root";
	Acquire::Languages "none";
	Acquire::Retries "3";
	CONF
}

# mirror_update: its lists, as they are now.
mirror_update()
{
	local lists
	mirror_configure
	# A suite that this mirror lacks is no failure: what is needed from it is looked for in the others.
	mirror_apt apt-get -q update || echo "apt-get update had errors"
	lists=("$lab_cache"/apt/state/lists/*Packages*)
	[ ${#lists[@]} -gt 0 ] || { echo "no package list could be fetched"; return 1; }
}

# mirror_fetch URI FILE [SHA256]: to a name beside it first. Returns 2 when the mirror says that it does not have it.
mirror_fetch()
{
	local uri=$1 file=$2 sum=${3:-} out
	[ -s "$lab_cache/apt/apt.conf" ] || mirror_configure
	if out=$(mirror_apt /usr/lib/apt/apt-helper download-file "$uri" "$file.part" ${sum:+"SHA256:$sum"} 2>&1); then
		mv "$file.part" "$file"
		return 0
	fi
	rm -f "$file.part"*
	printf '%s\n' "$out" | grep -v '^Err:' >&2
	case $out in
	*" 404 "*|*" 410 "*|*"File not found"*) return 2 ;;
	esac
	return 1
}
