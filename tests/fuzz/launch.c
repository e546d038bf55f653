// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The launcher's protocol. Input: steps of seven bytes, one after the other: what is done, and for a question its operation is in the low
 * bits: domain, device, flags, handle (two), value. 0xfd: the watcher dies and another comes; 0xfe: processes end whose number has the next
 * byte for a remainder; 0xff: all that is left is the message as it is. Bit 6: the metrics ask.
 *
 * libFuzzer: -max_len=256
 */
#include "fuzz.h"

#include "backend/service/launch-server.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STEP 7
#define ENDS 4 /* descriptors that all processes share: a system call for each would be too many */
#define PROCESSES 256
#define FIRST_PID 1000

static int ends[ENDS];
static struct {
	uint32_t domid, devid;
	bool here; /* the launcher has not been told its end, or has not let go */
} process[PROCESSES];
static unsigned int nr;
static int pauses[256];
static bool meter_asks;

static int start(void *opaque, uint32_t domid, uint32_t devid, unsigned int flags, struct process *p)
{
	unsigned int same = 0;

	MUST(!meter_asks && domid && domid <= 0x7fef && devid <= UINT16_MAX && !(flags & ~LAUNCH_FLAGS));
	for (unsigned int i = 0; i < nr; i++)
		same += process[i].here && process[i].domid == domid && process[i].devid == devid;
	MUST(same < LAUNCH_OF_ONE_MAX);
	if (nr == PROCESSES)
		return -EAGAIN;
	process[nr].domid = domid;
	process[nr].devid = devid;
	process[nr].here = true;
	*p = (struct process){.pid = (pid_t)(FIRST_PID + nr), .fd = ends[nr % ENDS]};
	nr++;
	return 0;
}

/* The newest that there is of the device. */
static int attach(void *opaque, uint32_t domid, uint32_t devid, struct process *p)
{
	MUST(!meter_asks && domid && domid <= 0x7fef && devid <= UINT16_MAX);
	for (unsigned int i = nr; i--;) {
		if (process[i].here && process[i].domid == domid && process[i].devid == devid) {
			*p = (struct process){.pid = (pid_t)(FIRST_PID + i), .fd = ends[i % ENDS]};
			return 0;
		}
	}
	return XENVIRTIO_E_EMPTY;
}

static enum launcher_runs runs(void *opaque, const struct process *p)
{
	MUST(!meter_asks && p->pid >= FIRST_PID && p->pid < (pid_t)(FIRST_PID + nr) && process[p->pid - FIRST_PID].here);
	return LAUNCHER_RUNS_KEPT;
}

static void send_signal(void *opaque, const struct process *p, int signal)
{
	MUST(!meter_asks && (signal == SIGTERM || signal == SIGABRT || signal == SIGKILL));
	MUST(p->pid >= FIRST_PID && p->pid < (pid_t)(FIRST_PID + nr) && process[p->pid - FIRST_PID].here);
}

static void reap(void *opaque, struct process *p, struct process_end *end)
{
	MUST(process[p->pid - FIRST_PID].here);
	process[p->pid - FIRST_PID].here = false;
	*end = (struct process_end){.known = true};
	p->fd = -1;
}

static void detach(void *opaque, struct process *p)
{
	p->fd = -1;
}

static int pause_domain(void *opaque, uint32_t domid, struct log *log)
{
	MUST(!meter_asks && domid && domid <= 0x7fef);
	pauses[domid & 255]++;
	return 0;
}

static int unpause_domain(void *opaque, uint32_t domid, struct log *log)
{
	MUST(!meter_asks && domid && domid <= 0x7fef);
	/* of a domain of one byte: of others only the raw message asks, once */
	MUST(--pauses[domid & 255] >= -(int)LAUNCH_INHERITED_MAX - 1);
	return 0;
}

static int host_free(void *opaque, uint64_t *kib)
{
	*kib = 1;
	return 0;
}

static int listener(void *opaque, enum launch_listener which)
{
	MUST(meter_asks ? which == LAUNCH_LISTENER_METRICS : which == LAUNCH_LISTENER_SERVICE || which == LAUNCH_LISTENER_UPGRADE);
	return ends[0];
}

static void tell(void *opaque, enum launch_word word)
{
	MUST(!meter_asks && (word == LAUNCH_READY || word == LAUNCH_STOPPING));
}

static void say_nothing(struct log *log, enum log_level level, int err, const char *text)
{
}

/* Return: false: the connection would be closed */
static bool ask(struct launch_peer *peer, bool meter, const void *bytes, size_t len)
{
	struct launch_answer answer;
	int fd, rc;

	memset(&answer, 0xa5, sizeof(answer));
	meter_asks = meter;
	rc = launch_server_answer(peer, bytes, len, &answer, &fd);
	MUST(rc == 0 || rc == -EPROTO);
	if (rc) {
		MUST(fd == -1);
		return false;
	}
	MUST(answer.op && answer.op < LAUNCH_OPS && !answer.zero);
	MUST(fd == -1 || (!answer.ret && (answer.op == LAUNCH_START || answer.op == LAUNCH_ATTACH || answer.op == LAUNCH_LISTENER)));
	MUST(!answer.ret || !(answer.handle | answer.value | answer.known));
	return true;
}

static struct launch_peer *greeted(struct launch_server *s, unsigned int may)
{
	const struct launch_request hello = {.op = LAUNCH_HELLO, .value = LAUNCH_VERSION};
	/* nothing is read from it: the loop sees a socket that is no one's */
	struct launch_peer *peer = launch_server_peer(s, dup(ends[0]), may);

	MUST(peer && ask(peer, false, &hello, sizeof(hello)));
	return peer;
}

static void end_some(struct event_base *base, unsigned int which)
{
	uint64_t count = 1;

	/* the first is what connections look at */
	which = 1 + which % (ENDS - 1);
	MUST(write(ends[which], &count, sizeof(count)) == sizeof(count));
	event_base_loop(base, EVLOOP_NONBLOCK);
	MUST(read(ends[which], &count, sizeof(count)) == sizeof(count));
}

static void go_through(struct launch_server *s, struct event_base *base, const uint8_t *data, size_t size)
{
	struct launch_peer *watcher = greeted(s, LAUNCH_MAY_WATCH), *meter = greeted(s, LAUNCH_MAY_METER);

	for (; size >= STEP; data += STEP, size -= STEP) {
		struct launch_request req = {.op = data[0] & 15, .domid = data[1], .devid = data[2], .flags = data[3], .value = data[6]};
		bool by_meter = data[0] & 64;

		req.handle = (uint64_t)data[4] << 8 | data[5];
		if (data[0] == 0xff) {
			ask(watcher, false, data + 1, size - 1);
			return;
		}
		if (data[0] == 0xfe) {
			end_some(base, data[1]);
		} else if (data[0] == 0xfd || (!ask(by_meter ? meter : watcher, by_meter, &req, sizeof(req)) && !by_meter)) {
			launch_server_drop(watcher);
			watcher = greeted(s, LAUNCH_MAY_WATCH);
		}
		MUST(launch_server_processes(s) <= PROCESSES);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	static struct launcher launcher = {.start = start, .attach = attach, .runs = runs, .signal = send_signal, .reap = reap, .detach = detach};
	struct launch_server *s;
	struct log log;
	struct launch_server_config cfg = {
		.log = &log,
		.launcher = &launcher,
		.pause = pause_domain,
		.unpause = unpause_domain,
		.host_free = host_free,
		.listener = listener,
		.tell = tell,
	};

	if (!base) {
		base = event_base_new();
		for (unsigned int i = 0; i < ENDS; i++)
			ends[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		MUST(base && ends[ENDS - 1] >= 0);
	}
	nr = 0;
	memset(process, 0, sizeof(process));
	memset(pauses, 0, sizeof(pauses));
	log_open_emit(&log, LOG_LEVEL_ERROR, say_nothing);
	cfg.base = base;
	MUST(!launch_server_new(&s, &cfg));
	go_through(s, base, data, size);
	launch_server_free(s);
	return 0;
}
