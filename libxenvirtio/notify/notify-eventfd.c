// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Notification by eventfds: ioeventfds for kicks, an irqfd for interrupts, and, where the kernel
 * does that, InterruptStatus kept by it, so that an interrupt costs us no access of a register.
 *
 *   [not armed] --first queue_enable--> [armed] --last queue_disable--> [not armed]
 *                          | the host refuses something
 *                          v
 *               a slower path, for as long as this object lives
 *
 * While not armed, and for what eventfds cannot do, an event-channel notify does the work. Nothing
 * is lost in a change: kick eventfds stay in the epoll set until the end, so what they count is
 * seen, and interrupts that were pending are raised again.
 *
 * A held line has no irqfd: without the register, interrupts are the event-channel notify's work.
 *
 * While the kernel has the register, our word for it says both bits: a process that goes on after
 * us cannot know which the driver has not acknowledged, and one too many costs it a look. So does the bit of used buffers
 * with an irqfd that another process writes to (struct notify_lent): we hear of none of its interrupts.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/shared-eventfd.h"
#include "notify/notify-fields.h"
#include "notify/notify.h"

/* a queue's number fits the tag, and what is armed a word */
#define QUEUES_MAX 64u
/*
 * How long to stay on the CPU after a kick: as long as KVM waits for a guest that has halted. A
 * driver that has not come back in so many waits in a row is asked now and then only.
 */
#define WAIT_IDLE_US 200u
#define WAITS_IN_VAIN 4u
#define WAIT_EVERY 32u
/* InterruptStatus, virtio 1.2, 4.2.2 */
#define STATUS_USED 1u
#define STATUS_CONFIG 2u

enum call {
	CALL_USED, /* or any, through the irqfd */
	CALL_CONFIG,
	NR_CALLS,
};

/**
 * struct notify_eventfd
 * @plain:   what works always
 * @way:     the path now
 * @kick_fd: of each queue that was ever enabled; -1
 * @call_fd: written to interrupt; -1
 * @fields:  what the host answers of the configuration space
 * @armed:   queues that have an ioeventfd, a bit each
 * @irqfd:   CALL_USED is an irqfd
 * @regs:    the kernel has InterruptStatus
 * @can_wait: the host has kick_wait
 * @holding: an interrupt may be kept back
 * @held:    one is
 * @vain:    waits without a kick since the last one with
 * @skipped: times not waited since the last wait
 */
struct notify_eventfd {
	struct notify notify;
	struct notify *plain;
	struct xenvirtio_hv *hv;
	struct xenvirtio_gpa base;
	uint32_t irq;
	enum notify_line line;
	enum xenvirtio_notify_path way;
	int kick_fd[QUEUES_MAX];
	int call_fd[NR_CALLS];
	struct notify_fields fields;
	uint64_t armed;
	bool irqfd;
	bool regs;
	bool can_wait;
	bool holding;
	bool held;
	uint32_t vain;
	uint32_t skipped;
	int epoll_fd;
	uint32_t tag;
};

static struct notify_eventfd *to_self(struct notify *notify)
{
	return (struct notify_eventfd *)notify;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void eventfd_free(struct notify *notify)
{
	struct notify_eventfd *self = to_self(notify);

	for (unsigned int i = 0; i < QUEUES_MAX; i++)
		close_fd(&self->kick_fd[i]);
	for (unsigned int i = 0; i < NR_CALLS; i++)
		close_fd(&self->call_fd[i]);
	notify_fields_close(&self->fields);
	notify_close(self->plain);
	free(self);
}

static const char *eventfd_path(const struct notify *notify)
{
	return xenvirtio_notify_path_name(((const struct notify_eventfd *)notify)->way);
}

static int kick_fd(const struct notify_eventfd *self, unsigned int index)
{
	return self->notify.lent ? self->notify.lent->kick_fd[index] : self->kick_fd[index];
}

static bool is_lent(const struct notify_eventfd *self, enum call which)
{
	return self->notify.lent && which == CALL_USED;
}

static int call_fd(const struct notify_eventfd *self, enum call which)
{
	return is_lent(self, which) ? self->notify.lent->call_fd : self->call_fd[which];
}

/* What is not there need not be taken away. */
static int forgive_absence(int ret)
{
	return ret == -ENODEV ? 0 : ret;
}

static void use_path(struct notify_eventfd *self, enum xenvirtio_notify_path way, int why)
{
	self->way = way;
	if (self->notify.changed)
		self->notify.changed(self->notify.opaque, why);
}

/* --- kicks --- */

static int watch_queue(struct notify_eventfd *self, unsigned int index)
{
	struct epoll_event event = {
		/* Never read: each signal is told once, whatever the count is. */
		.events = EPOLLIN | EPOLLET,
		.data.u32 = self->tag | index,
	};

	if (self->epoll_fd < 0 || self->kick_fd[index] < 0)
		return 0;
	return epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, self->kick_fd[index], &event) ? -errno : 0;
}

static int open_kick(struct notify_eventfd *self, unsigned int index)
{
	int ret;

	if (kick_fd(self, index) >= 0)
		return 0;
	self->kick_fd[index] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (self->kick_fd[index] < 0)
		return -errno;
	ret = watch_queue(self, index);
	if (ret)
		close_fd(&self->kick_fd[index]);
	return ret;
}

static int arm_queue(struct notify_eventfd *self, unsigned int index)
{
	int ret = open_kick(self, index);

	if (!ret)
		ret = self->hv->ops->ioeventfd_add(self->hv, self->base, index, kick_fd(self, index));
	if (!ret)
		self->armed |= UINT64_C(1) << index;
	return ret;
}

static int disarm_queue(struct notify_eventfd *self, unsigned int index)
{
	self->armed &= ~(UINT64_C(1) << index);
	return forgive_absence(
		self->hv->ops->ioeventfd_del(self->hv, self->base, index, kick_fd(self, index)));
}

/* --- interrupts --- */

static int open_calls(struct notify_eventfd *self)
{
	for (unsigned int i = 0; i < NR_CALLS; i++) {
		if (call_fd(self, i) >= 0)
			continue;
		self->call_fd[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (self->call_fd[i] < 0)
			return -errno;
	}
	return 0;
}

static int give_registers(struct notify_eventfd *self, uint32_t *status)
{
	const struct xenvirtio_irq_registers regs = {
		.base = self->base,
		.irq = self->irq,
		.held = self->line == NOTIFY_HOLD,
		.used_fd = call_fd(self, CALL_USED),
		.config_fd = call_fd(self, CALL_CONFIG),
		.status = *status,
	};
	int ret = self->hv->ops->registers_add(self->hv, &regs);

	if (ret)
		return ret;
	self->regs = true;
	*status = STATUS_USED | STATUS_CONFIG;
	return 0;
}

static void cover_unheard(const struct notify_eventfd *self, uint32_t *status)
{
	if (self->irqfd && self->notify.lent)
		*status |= STATUS_USED;
}

/* The path stays what it is: the registers, which are most of it, are answered. */
static void give_fields(struct notify_eventfd *self)
{
	int why = notify_fields_arm(&self->fields, self->notify.field, self->notify.nr_fields);

	if (why && self->notify.changed)
		self->notify.changed(self->notify.opaque, why);
}

static int arm_interrupts(struct notify_eventfd *self, uint32_t *status)
{
	int ret = open_calls(self);

	if (!ret && self->way == XENVIRTIO_NOTIFY_EVENTFD_REGS) {
		ret = give_registers(self, status);
		if (!ret)
			give_fields(self);
		if (!ret || ret == XENVIRTIO_E_GONE)
			return ret;
		use_path(self, XENVIRTIO_NOTIFY_EVENTFD, ret);
		ret = 0;
	}
	/* An irqfd raises the line some time later: if the driver acknowledges before, a held line
	 * would go up for nothing and stay. Only who takes the acknowledgements can do both. */
	if (!ret && self->line == NOTIFY_HOLD)
		return 0;
	if (!ret)
		ret = self->hv->ops->irqfd_add(self->hv, self->irq, call_fd(self, CALL_USED));
	if (!ret)
		self->irqfd = true;
	cover_unheard(self, status);
	return ret;
}

static int signal_own(int fd)
{
	const uint64_t one = 1;

	return write(fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

static int call(struct notify_eventfd *self, enum call which)
{
	int ret = is_lent(self, which) ? shared_eventfd_signal(call_fd(self, which)) : signal_own(self->call_fd[which]);

	/* The counter is full: nobody takes from it. */
	return ret == -EAGAIN ? self->plain->ops->interrupt(self->plain, 0) : ret;
}

static int call_held(struct notify_eventfd *self)
{
	int ret = self->held ? call(self, CALL_USED) : 0;

	self->held = false;
	return ret;
}

static int disarm_interrupts(struct notify_eventfd *self, uint32_t *status)
{
	int held = call_held(self);
	int ret = 0;

	notify_fields_disarm(&self->fields);
	if (self->regs)
		ret = self->hv->ops->registers_del(self->hv, self->base, status);
	else if (self->irqfd)
		ret = self->hv->ops->irqfd_del(self->hv, self->irq, call_fd(self, CALL_USED));
	self->regs = false;
	self->irqfd = false;
	ret = forgive_absence(ret);
	return ret ? ret : held;
}

/* --- all of it --- */

static int disarm(struct notify_eventfd *self, uint32_t *status)
{
	int first = disarm_interrupts(self, status);

	for (unsigned int i = 0; i < QUEUES_MAX; i++) {
		int ret = self->armed >> i & 1 ? disarm_queue(self, i) : 0;

		if (ret && !first)
			first = ret;
	}
	return first;
}

/* Return: 0, the device goes on; else there is no slower path either */
static int fall_back(struct notify_eventfd *self, uint32_t *status, int why)
{
	int ret, raised = 0;

	if (why == XENVIRTIO_E_GONE)
		return why;
	ret = disarm(self, status);
	/* It may have been on its way. */
	if (*status)
		raised = self->plain->ops->interrupt(self->plain, 0);
	use_path(self, XENVIRTIO_NOTIFY_EVENT_CHANNEL, why);
	return ret ? ret : raised;
}

static int eventfd_enable(struct notify *notify, unsigned int index, uint32_t *status)
{
	struct notify_eventfd *self = to_self(notify);
	bool first = !self->armed;
	int ret;

	if (self->way == XENVIRTIO_NOTIFY_EVENT_CHANNEL)
		return 0;
	ret = index < QUEUES_MAX ? arm_queue(self, index) : -E2BIG;
	if (!ret && first)
		ret = arm_interrupts(self, status);
	return ret ? fall_back(self, status, ret) : 0;
}

static int eventfd_disable(struct notify *notify, unsigned int index, uint32_t *status)
{
	struct notify_eventfd *self = to_self(notify);

	if (index >= QUEUES_MAX || !(self->armed >> index & 1))
		return 0;
	return self->armed == UINT64_C(1) << index ? disarm(self, status) : disarm_queue(self, index);
}

static int eventfd_poll(struct notify *notify, int epoll_fd, uint32_t tag)
{
	struct notify_eventfd *self = to_self(notify);
	int ret = 0;

	self->epoll_fd = epoll_fd;
	self->tag = tag;
	for (unsigned int i = 0; !ret && i < QUEUES_MAX; i++)
		ret = watch_queue(self, i);
	notify_fields_poll(&self->fields, epoll_fd, tag);
	return ret;
}

static int call_used(struct notify_eventfd *self)
{
	/* Only the last one waits; who raised the one before is still at work. */
	int ret = self->held || !self->holding ? call(self, CALL_USED) : 0;

	self->held = self->holding;
	return ret;
}

static int eventfd_interrupt(struct notify *notify, uint32_t bits)
{
	struct notify_eventfd *self = to_self(notify);
	int config = 0, used = 0;

	if (self->irqfd)
		return call(self, CALL_USED);
	if (!self->regs)
		return self->plain->ops->interrupt(self->plain, bits);
	if (bits & STATUS_CONFIG)
		config = call(self, CALL_CONFIG);
	if (bits & STATUS_USED || !bits)
		used = call_used(self);
	return config ? config : used;
}

/*
 * With the registers in the kernel's hands this is one that was on its way to us before, or that the kernel left to us because the guest
 * has had its part of a CPU there. The kernel's bits stay; a held line has to go down all the same, or it interrupts until the kernel
 * answers again. What was not acknowledged may have been what held it: that is raised anew.
 */
static int ack_for_kernel(struct notify_eventfd *self, uint32_t left)
{
	uint32_t none = 0;
	int ret;

	if (self->line != NOTIFY_HOLD)
		return 0;
	ret = self->plain->ops->ack(self->plain, &none);
	if (!ret && left & STATUS_USED)
		ret = call(self, CALL_USED);
	if (!ret && left & STATUS_CONFIG)
		ret = call(self, CALL_CONFIG);
	return ret;
}

static int eventfd_ack(struct notify *notify, uint32_t *status)
{
	struct notify_eventfd *self = to_self(notify);
	uint32_t left = *status;
	int ret;

	if (self->regs) {
		*status = STATUS_USED | STATUS_CONFIG;
		return ack_for_kernel(self, left);
	}
	ret = self->plain->ops->ack(self->plain, status);
	cover_unheard(self, status);
	return ret;
}

static void eventfd_hold(struct notify *notify)
{
	struct notify_eventfd *self = to_self(notify);

	self->holding = self->regs && self->can_wait;
}

static int eventfd_release(struct notify *notify)
{
	struct notify_eventfd *self = to_self(notify);

	self->holding = false;
	return call_held(self);
}

static int give_up_wait(struct notify *notify)
{
	int ret = eventfd_release(notify);

	return ret ? ret : XENVIRTIO_E_EMPTY;
}

static bool worth_waiting(struct notify_eventfd *self)
{
	/* Without the registers the driver's next access is a request, which ends a wait. */
	if (!self->regs || !self->can_wait)
		return false;
	return self->vain < WAITS_IN_VAIN || ++self->skipped >= WAIT_EVERY;
}

static int eventfd_wait(struct notify *notify, uint32_t *index)
{
	struct notify_eventfd *self = to_self(notify);
	int fd = self->held ? call_fd(self, CALL_USED) : -1;
	int ret;

	if (!worth_waiting(self))
		return give_up_wait(notify);
	self->skipped = 0;
	ret = self->hv->ops->kick_wait(self->hv, self->base, WAIT_IDLE_US, fd, index);
	self->can_wait = !ret || ret == XENVIRTIO_E_EMPTY;
	/* Better twice than never. */
	if (!self->can_wait)
		return give_up_wait(notify);
	self->held = false;
	self->holding = false;
	if (!ret)
		self->vain = 0;
	else if (self->vain < WAITS_IN_VAIN)
		self->vain++;
	return ret;
}

static bool eventfd_takes_calls(const struct notify *notify)
{
	const struct notify_eventfd *self = (const struct notify_eventfd *)notify;

	return self->regs || self->irqfd;
}

static int eventfd_watch_fields(struct notify *notify)
{
	return notify_fields_watch(&to_self(notify)->fields);
}

static const struct notify_ops eventfd_ops = {
	.path = eventfd_path,
	.free = eventfd_free,
	.interrupt = eventfd_interrupt,
	.ack = eventfd_ack,
	.queue_enable = eventfd_enable,
	.queue_disable = eventfd_disable,
	.poll = eventfd_poll,
	.hold = eventfd_hold,
	.release = eventfd_release,
	.wait = eventfd_wait,
	.takes_calls = eventfd_takes_calls,
	.watch_fields = eventfd_watch_fields,
};

int notify_open_eventfd(struct notify **notify, struct xenvirtio_hv *hv, struct xenvirtio_gpa base,
			uint32_t irq, enum notify_line line, const struct notify_choice *choice)
{
	struct notify_eventfd *self = calloc(1, sizeof(*self));
	int ret;

	if (!self)
		return -ENOMEM;
	ret = notify_open_evtchn(&self->plain, hv, irq, line);
	if (ret) {
		free(self);
		return ret;
	}
	self->notify.ops = &eventfd_ops;
	self->hv = hv;
	self->base = base;
	self->irq = irq;
	self->line = line;
	self->way = choice->path;
	self->can_wait = choice->features & XENVIRTIO_EVENTFD_WAIT && XENVIRTIO_HV_HAS(hv, kick_wait);
	notify_fields_init(&self->fields, hv, base, choice->features);
	self->epoll_fd = -1;
	for (unsigned int i = 0; i < QUEUES_MAX; i++)
		self->kick_fd[i] = -1;
	for (unsigned int i = 0; i < NR_CALLS; i++)
		self->call_fd[i] = -1;
	*notify = &self->notify;
	return 0;
}
