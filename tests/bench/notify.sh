# SPDX-License-Identifier: GPL-2.0-or-later
# notify: own
# timeout: 900
#
# In dom0: kick-guest in front of kick-backend, once for each path of /xv/bench ("KICKS VCPUS PATH..."). Each result is a
# line "# bench {...}".

# On x86 the guest is an HVM domain without a device model, for which hvm-guest wants an initramfs and a table.
create_kick_guest()
{
	echo kick >>"$XV_STATE/guests"
	if [ "$(uname -m)" = x86_64 ]; then
		xen-virtio-acpi --output "$XV_STATE/kick.aml" >&2 &&
			hvm-guest kick 16 "$vcpus" /xv/kick-guest.img /xv/bench "$XV_STATE/kick.aml" - "" >&2
		return
	fi
	cat >"$XV_STATE/kick.cfg" <<-EOT
	name = "kick"
	kernel = "/xv/kick-guest.img"
	memory = 16
	vcpus = $vcpus
	nr_spis = 16
	acpi = 0
	EOT
	xl create -p "$XV_STATE/kick.cfg"
}

read -r kicks vcpus paths </xv/bench
for path in $paths; do
	create_kick_guest || bail "creating the guest"
	out=$XV_STATE/result.$path
	kick-backend "$(domid kick)" "$path" "$kicks" >"$out" 2>"$XV_LOGS/backend-$path.log" &
	pid=$!
	wait_for "grep -q serving '$out' || ! pid_alive $pid" 20
	unpause kick
	wait $pid
	is "$?" 0 "$path: $kicks kicks"
	grep '^{' "$out" | while read -r line; do tap "# bench $line"; done
	[ ! -s "$XV_LOGS/backend-$path.log" ] || diag "$(tail -n 3 "$XV_LOGS/backend-$path.log")"
	xl destroy kick
done
