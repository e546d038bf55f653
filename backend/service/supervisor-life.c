// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device process that hangs: it neither ends nor serves, and its guest waits. Each process shows
 * life in its state file as often as it looks at its domain; the supervisor looks as often. One
 * that has stood still for long is ended, and what follows is as after any other death: another
 * goes on from its state. Whoever wants to stop one with a debugger stops the service first.
 *
 * Time is counted in the supervisor's own ticks. So neither a host that was suspended, nor a
 * xenstored that keeps all of us waiting, is held against a process.
 */
#include "backend/service/supervisor-internal.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

/* ticks, two seconds each: see supervisor.c */
#define STILL_TOLD 15u	 /* SIGABRT: with --no-sandbox a core file says where it was */
#define STILL_KILLED 20u /* that was not enough; a process that is stopped ends of SIGKILL only */
#define STILL_STUCK 25u	 /* not even that: it is inside the kernel or the hypervisor */

static void end_process(struct device *dev, int signal, const char *text)
{
	const struct launcher *launcher = dev->sup->env.launcher;

	log_msg(dev->sup->log, LOG_LEVEL_ERROR, 0,
		"device %" PRIu32 " of domain %" PRIu32 ": process %ld %s", dev->devid, dev->domid,
		(long)dev->process.pid, text);
	if (signal)
		launcher->signal(launcher->opaque, &dev->process, signal);
}

/* One that never showed life may be of a version that does not: it is said, and left. */
static void look_at_still(struct device *dev)
{
	switch (dev->life.still) {
	case STILL_TOLD:
		if (dev->life.moved)
			end_process(dev, SIGABRT,
				    "does not come through its loop any more: it is ended "
				    "(SIGABRT), another goes on");
		else
			end_process(dev, 0,
				    "does not show life: if its guest hangs at the device, kill "
				    "it, another goes on");
		break;
	case STILL_KILLED:
		if (dev->life.moved)
			end_process(dev, SIGKILL, "does not end: SIGKILL");
		break;
	case STILL_STUCK:
		if (dev->life.moved)
			end_process(dev, 0,
				    "does not end of SIGKILL: it waits inside the kernel or the "
				    "hypervisor, see its /proc/PID/stack");
		break;
	}
}

static void ask_xenstored(struct device *dev)
{
	char path[64], value[XENVIRTIO_STORE_TEXT_MAX];

	snprintf(path, sizeof(path), SUPERVISOR_TREE "/%" PRIu32 "/%" PRIu32 "/state", dev->domid,
		 dev->devid);
	store_link_read(dev->sup->link, path, value, sizeof(value));
}

static void look_at_device(struct device *dev)
{
	const struct launcher *launcher = dev->sup->env.launcher;
	struct life *life = &dev->life;
	uint64_t mark;

	if (launcher->life(launcher->opaque, dev->domid, dev->devid, &mark))
		return;
	if (mark != life->mark) {
		/* the first mark is only what there was */
		life->moved = life->mark != 0;
		life->mark = mark;
		life->still = 0;
		return;
	}
	if (life->still <= STILL_STUCK)
		life->still++;
	/* Where xenstored keeps everybody waiting, it keeps us: the count stands still as well. */
	if (life->still == STILL_TOLD - 1)
		ask_xenstored(dev);
	look_at_still(dev);
}

void life_look(struct supervisor *sup)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &sup->devices, link)
	{
		if (dev->state == DEVICE_SERVING)
			look_at_device(dev);
	}
}
