// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the options of all daemons say, see options.h.
 */
#include "backend/options/options.h"
#include "backend/base/ready-fd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <xenvirtio/placement.h>
#include <xenvirtio/server.h>

/** the first of the numbers that systemd's table of users leaves to nobody; 32751 after it are still */
#define SANDBOX_UID 1879048192u
/** DOMID_FIRST_RESERVED, xen/xen.h */
#define DOMID_MAX 0x7fefu
#if defined(__x86_64__) || defined(__i386__)
/** ISA lines, then pins of PCI slots; placement.h knows which of them are for devices */
#define IRQ_MIN 1u
#define IRQ_MAX (XENVIRTIO_X86_LINES_MAX - 1)
#define IRQ_KIND "a line, 3 to 15 of ISA or 16 + 4 * slot + pin of PCI"
static bool irq_usable(uint32_t irq)
{
	uint32_t gsi;

	return !xenvirtio_placement_x86_gsi(irq, &gsi);
}
#else
/** Arm's SPIs */
#define IRQ_MIN 32u
#define IRQ_MAX 1019u
#define IRQ_KIND "the number of an SPI"
static bool irq_usable(uint32_t irq)
{
	return true;
}
#endif

int options_take_domid(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	uint64_t v;

	if (command_line_number(arg, 10, DOMID_MAX, &v) || v == 0) {
		snprintf(why, why_size,
			 "--domid %s: not a guest: give its number, 1 to %u, as xl list "
			 "shows it",
			 arg, DOMID_MAX);
		return -1;
	}
	/* of two guests one would be without its device, and nobody told */
	if (opts->domid) {
		snprintf(why, why_size,
			 "--domid %s: another is named already: a process serves one guest", arg);
		return -1;
	}
	opts->domid = (uint32_t)v;
	return 0;
}

int options_take_devid(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	uint64_t v;

	if (command_line_number(arg, 10, UINT16_MAX, &v)) {
		snprintf(why, why_size,
			 "--devid %s: not a device: give its number, 0 for the first of "
			 "virtio=[...]",
			 arg);
		return -1;
	}
	if (opts->devid_given) {
		snprintf(why, why_size,
			 "--devid %s: another is named already: a process serves one device", arg);
		return -1;
	}
	opts->devid = (uint32_t)v;
	opts->devid_given = true;
	return 0;
}

int options_take_base(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	uint64_t v;

	if (command_line_number(arg, 16, UINT64_MAX - XENVIRTIO_MMIO_BYTES, &v) || !v || v % 4) {
		snprintf(why, why_size,
			 "--base %s: not an address: give hexadecimal, a multiple of 4 "
			 "above 0, such as 0x2000000",
			 arg);
		return -1;
	}
	opts->base = xenvirtio_gpa(v);
	opts->base_given = true;
	return 0;
}

int options_take_irq(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	uint64_t v;

	if (command_line_number(arg, 10, IRQ_MAX, &v) || v < IRQ_MIN || !irq_usable((uint32_t)v)) {
		snprintf(why, why_size,
			 "--irq %s: not an interrupt for a device: give " IRQ_KIND ", %u to %u",
			 arg, IRQ_MIN, IRQ_MAX);
		return -1;
	}
	opts->irq = (uint32_t)v;
	opts->irq_given = true;
	return 0;
}

int options_take_notify(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	if (!xenvirtio_notify_path_parse(arg, &opts->notify))
		return 0;
	snprintf(why, why_size,
		 "--notify %s: give auto, eventfd-regs, eventfd, upstream or event-channel", arg);
	return -1;
}

int options_take_state_dir(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	return command_line_take_directory("state-dir", arg, &opts->state_dir, why, why_size);
}

int options_take_metrics(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	const char *wrong;

	opts->metrics.len = 0;
	if (strcmp(arg, "none") == 0)
		return 0;
	if (metrics_address_parse(arg, &opts->metrics, &wrong)) {
		snprintf(why, why_size, "--metrics %s: %s", arg, wrong);
		return -1;
	}
	return 0;
}

int options_take_ready_fd(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	uint64_t v;

	opts->ready_fd = 0;
	if (strcmp(arg, "none") == 0)
		return 0;
	if (command_line_number(arg, 10, INT_MAX, &v) || v < READY_FD_MIN) {
		snprintf(why, why_size,
			 "--ready-fd %s: not a descriptor for this: give the number of one that is "
			 "open, %d or more, or none",
			 arg, READY_FD_MIN);
		return -1;
	}
	opts->ready_fd = (int)v;
	return 0;
}

int options_take_record(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	if (!arg[0]) {
		snprintf(why, why_size, "--record: give the name of a file");
		return -1;
	}
	opts->record = arg;
	return 0;
}

int options_take_sandbox(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	opts->sandbox_required = strcmp(arg, "require") == 0;
	if (opts->sandbox_required || strcmp(arg, "auto") == 0)
		return 0;
	snprintf(why, why_size, "--sandbox %s: give auto or require", arg);
	return -1;
}

int options_take_sandbox_uid(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;
	uint64_t v;

	/* the last number but one is no user's */
	if (!command_line_number(arg, 10, UINT32_MAX - 1 - DOMID_MAX, &v) && v) {
		opts->sandbox_uid = (uid_t)v;
		return 0;
	}
	snprintf(why, why_size,
		 "--sandbox-uid %s: not the first of a range of users: give a number, 1 to %u, after which %u are nobody's", arg,
		 UINT32_MAX - 1 - DOMID_MAX, DOMID_MAX);
	return -1;
}

int options_take_role(void *opaque, const char *arg, char *why, size_t why_size)
{
	static const struct {
		const char *name;
		enum role role;
		int fd;
	} roles[] = {
		{"all", ROLE_ALL, 0},	  {"launch", ROLE_LAUNCH, 0}, {"watch", ROLE_WATCH, 0},
		/* of the launcher's children */
		{"watch:3", ROLE_WATCH, 3}, {"meter:3", ROLE_METER, 3},
	};
	struct options *opts = opaque;

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(arg, roles[i].name) == 0) {
			opts->role = roles[i].role;
			opts->role_fd = roles[i].fd;
			return 0;
		}
	}
	snprintf(why, why_size, "--role %s: give all, launch or watch", arg);
	return -1;
}

int options_take_log_level(void *opaque, const char *arg, char *why, size_t why_size)
{
	struct options *opts = opaque;

	if (log_level_parse(arg, &opts->log_level)) {
		snprintf(why, why_size,
			 "--log-level %s: give error, warning, notice, info or debug", arg);
		return -1;
	}
	return 0;
}

void options_default(struct options *opts, const struct program *program)
{
	*opts = (struct options){
		.program = program,
		.state_dir = program->state_dir,
		.log_level = LOG_LEVEL_NOTICE,
		.sandbox_uid = SANDBOX_UID,
	};
}

/* The last word counts: only what it names must be there. */
static int check_ready_fd(int fd, char *why, size_t why_size)
{
	int rc = fd ? ready_fd_check(fd) : 0;

	if (!rc)
		return 0;
	snprintf(why, why_size,
		 rc == -EINVAL ? "--ready-fd %d: it is open for reading only: open it with %d>FILE"
			       : "--ready-fd %d: it is not open: open it with %d>FILE",
		 fd, fd);
	return -1;
}

int options_check(const struct options *opts, const char *of_one, char *why, size_t why_size)
{
	if (opts->devid_given)
		of_one = "--devid";
	else if (opts->base_given || opts->irq_given)
		of_one = "--base and --irq";
	else if (!of_one && opts->record)
		of_one = "--record";
	if (!opts->domid && of_one) {
		snprintf(why, why_size,
			 "%s without --domid: it is for one guest: say which, as xl list shows it",
			 of_one);
		return -1;
	}
	if (opts->domid && opts->role != ROLE_ALL) {
		snprintf(why, why_size, "--role and --domid: the service has parts, a device has none: give one of them");
		return -1;
	}
	if (opts->sandbox_required && opts->no_sandbox) {
		snprintf(why, why_size, "--sandbox=require and --no-sandbox: give one of them");
		return -1;
	}
	if (opts->take_over && (!opts->domid || !opts->no_restart || opts->no_sandbox || opts->metrics.len)) {
		snprintf(why, why_size,
			 "--take-over: it is how a keeper or the service has one device go over to another process: it wants "
			 "--domid and --no-restart, and neither --no-sandbox nor --metrics");
		return -1;
	}
	if (opts->base_given != opts->irq_given) {
		snprintf(why, why_size,
			 "--base and --irq go together: give both, or neither to look in xenstore");
		return -1;
	}
	return check_ready_fd(opts->ready_fd, why, why_size);
}
