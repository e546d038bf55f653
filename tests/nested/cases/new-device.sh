# SPDX-License-Identifier: GPL-2.0-or-later
# mode: icount
# guest: 6.12
# notify: own
#
# What xenvirtio-new writes works as it comes: its script creates a guest, serves it, and the guest's stock driver reads what the
# device has, which is sevens. The script's answer is its command's, and it leaves nothing behind.

XV_VIRTIO='"backend=0,type=virtio,device4,transport=mmio,grant_usage=0"'
create_guest g 256 >/dev/null || bail "xl create -p"
xl destroy g
mkfifo "$XV_STATE/end"

# begin_try: in the background; sets try
begin_try()
{
	/xv/new/try-on-xen "$XV_STATE/g.cfg" sh -c "exit \$(cat $XV_STATE/end)" >>"$XV_LOGS/try.log" 2>&1 &
	try=$!
	wait_for '[ "$(grep -c "^@ready" "$(console_log g)")" -ge '"$1"' ]' 120 || bail "the guest boots"
}

# end_try ANSWER: sets status
end_try()
{
	echo "$1" >"$XV_STATE/end"
	status=0
	wait $try || status=$?
}

begin_try 1
check "the stock driver takes the device" guest_run g 'for m in $(cat /lib/modules/spare-order); do insmod /lib/modules/$m || exit 1; done'
is "$(guest_run g "dd if=/dev/hwrng bs=8 count=1 iflag=fullblock 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; echo")" 0707070707070707 "and reads sevens"
end_try 0
is $status 0 "the script ends well"
is "$(xl domid g 2>/dev/null)" "" "with the guest"
begin_try 2
end_try 3
is $status 3 "and with its command's answer"
is "$(pidof sevens)" "" "no device is left"
