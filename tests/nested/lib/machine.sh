# SPDX-License-Identifier: GPL-2.0-or-later
#
# One nested machine: QEMU with Xen, dom0 and guests' files, started for one purpose, ended with it.
#
# Four ways out of it, all files of the run directory: console.log (Xen's and dom0's console), results.log (what
# /xv/main writes to the virtio port "results": nothing else ever gets between its lines), clock.log (dom0's uptime every few
# seconds of it, the port "clock") and logs.tar (the port "logs"). What the boot is for is in its initramfs. No input: runs under -icount stay
# deterministic. machine_interactive is the exception, with this terminal as the console; and machine_explain, which asks
# Xen and QEMU what a machine with two CPUs is doing that does not go on any more.

# What a stock kernel spends half of its boot on under TCG and no case looks at: its tests of itself (ciphers, the jitter
# entropy source), reading its certificates, its own types and its trace events. Nobody's, neither dom0's nor a guest's, but the
# bench's. It never has a comma, which QEMU would take for its own.
machine_quick_boot="cryptomgr.notests initcall_blacklist=load_system_certificate_list initcall_blacklist=jent_mod_init"
machine_quick_boot+=" initcall_blacklist=init_kprobe_trace initcall_blacklist=bpf_tcp_ca_kfunc_init"
machine_quick_boot+=" initcall_blacklist=bpf_dummy_struct_ops_init"

# dom0_arguments: for dom0's kernel. Without kpti=off it has page tables of its own, as its addresses are random, and every
# system call would empty the TLB that QEMU has: dom0 is half as fast. A bench's counts are those of the kernel as it comes.
dom0_arguments()
{
	if [ -n "${machine_bootargs:-}" ]; then
		echo "$machine_bootargs"
	elif [ -n "${bench_name:-}" ]; then
		echo "loglevel=4"
	else
		echo "loglevel=4 kpti=off $machine_quick_boot"
	fi
}

# machine_arguments DIR MODE [MEMORY [XEN]]: the QEMU command line in machine_argv; needs DIR/dom0.cpio.
machine_arguments()
{
	local dir=$1 mode=$2 memory=${3:-2G} xen=${4:-plain} accel vcpus=1 sched=
	case $mode in
	icount)
		accel=(-accel "tcg,thread=single" -icount "shift=2,sleep=off" -rtc "base=2026-01-01,clock=vm" -seed 42) ;;
	smp)
		accel=(-accel "tcg,thread=multi")
		# Xen 4.20's default can leave a processor idle for good with a vcpu to run (README.md, "Two CPUs").
		sched=sched=credit
		vcpus=2 ;;
	*)	die "no such mode: $mode" ;;
	esac
	case $xen in
	x86_64*)
		x86_arguments "$dir" "$xen" "$memory" "$vcpus" "${accel[@]}"
		return ;;
	esac
	# cortex-a57: newer models are pathologically slow under TCG with two vcpus.
	machine_argv=(qemu-system-aarch64 "${accel[@]}" -M "virt,virtualization=on,gic-version=3" -cpu cortex-a57
		-m "$memory" -smp "$vcpus" -display none -nodefaults -monitor none -no-reboot
		-global virtio-mmio.force-legacy=false
		-kernel "${xen_image[$xen]}"
		-append "console=dtuart dtuart=/pl011@9000000 dom0_mem=${machine_dom0_mem:-512M} dom0_max_vcpus=$vcpus${sched:+ $sched} ${machine_xen_log-loglvl=info guest_loglvl=all}"
		-device "guest-loader,addr=0x50000000,kernel=${machine_kernel:-${kernel_dir[$lab_kernel]}/Image},bootargs=console=hvc0 rdinit=/init panic=1 $(dom0_arguments)"
		-device "guest-loader,addr=0x58000000,initrd=$dir/dom0.cpio"
		-device virtio-serial-device)
	machine_ports "$dir"
}

# machine_ports DIR: the ways out, behind the command line's virtio-serial device.
machine_ports()
{
	local port
	for port in results.log logs.tar clock.log; do
		machine_argv+=(-chardev "file,id=${port%.*},path=$1/$port" -device "virtserialport,chardev=${port%.*},name=${port%.*}")
		: >"$1/$port"
	done
}

# machine_initramfs DIR PART...: one initramfs of the base and the parts.
machine_initramfs()
{
	local dir=$1
	shift
	cat "$dom0_cpio" "$@" >"$dir/dom0.cpio"
}

# machine_start DIR MODE [MEMORY [XEN]]: sets machine_pid.
machine_start()
{
	machine_mode=$2
	machine_arguments "$@"
	: >"$1/console.log"
	set -m
	if [ "$2" = smp ]; then
		mkfifo "$1"/{keys,monitor.in,monitor.out}
		"${machine_argv[@]}" -chardev "stdio,id=console,signal=off,logfile=$1/console.log" -serial chardev:console \
			-chardev "pipe,id=monitor,path=$1/monitor" -mon monitor >/dev/null 2>"$1/qemu.log" 0<>"$1/keys" &
	else
		"${machine_argv[@]}" -serial "file:$1/console.log" >"$1/qemu.log" 2>&1 </dev/null &
	fi
	machine_pid=$!
	set +m
	lab_jobs[$machine_pid]=1
}

# machine_explain DIR: what Xen knows of its processors, domains and event channels goes to the console, what QEMU knows of the
# processors to qemu.log. Only with two CPUs: under -icount the same run can be had again.
machine_explain()
{
	local key
	if [ "$machine_mode" != smp ] || ! machine_running; then
		return 0
	fi
	timeout 5 cat "$1/monitor.out" >>"$1/qemu.log" &
	printf 'info registers -a\n' 1<>"$1/monitor.in"
	# Three times ^A: what is typed is Xen's and not dom0's.
	printf '\001\001\001' 1<>"$1/keys"
	for key in q e r 0 d; do
		sleep 1
		printf %s "$key" 1<>"$1/keys"
	done
	wait $! || true
}

machine_running()
{
	kill -0 "$machine_pid" 2>/dev/null
}

# machine_used_ms: the processor time the machine has used.
machine_used_ms()
{
	local stat
	read -r stat 2>/dev/null <"/proc/$machine_pid/stat" || stat="x) 0 0 0 0 0 0 0 0 0 0 0 0 0"
	# utime and stime, in hundredths of a second, counted from behind the name
	read -ra stat <<<"${stat##*) }"
	echo $(((stat[11] + stat[12]) * 10))
}

machine_stop()
{
	kill -TERM -- "-$machine_pid" 2>/dev/null || true
	wait "$machine_pid" 2>/dev/null || true
	unset "lab_jobs[$machine_pid]"
}

machine_interactive()
{
	machine_bootargs="quiet loglevel=1 kpti=off $machine_quick_boot"
	machine_xen_log="loglvl=none guest_loglvl=none"
	machine_arguments "$@"
	local saved
	saved=$(stty -g)
	stty raw -echo
	"${machine_argv[@]}" -serial stdio || true
	stty "$saved"
}
