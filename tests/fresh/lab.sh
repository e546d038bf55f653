# SPDX-License-Identifier: GPL-2.0-or-later
#
# ./lab itself, by what README.md says before it, with an empty cache: "demo" and "check". What it fetched is told.

# What README.md names for lab.
lab_packages()
{
	in_root root / "apt-get update -q" && in_root root / "apt-get install -q git"
}

lab_command()
{
	in_root root "$fresh_clone" "XENVIRTIO_CACHE=$fresh_home/cache ./lab $1"
}

# lab_run demo|check
lab_run()
{
	need "what README.md names for lab: git" lab_packages
	need "clone" make_clone
	step "./lab $1, from an empty cache" lab_command "$1" || :
	note "$(tail -n 1 "$step_log")"
	note "fetched: $(du -sm "$fresh_root$fresh_home/cache/downloads" | cut -f1) MiB of the platform's files; the cache has \
$(du -sm "$fresh_root$fresh_home/cache" | cut -f1) MiB in all"
}
