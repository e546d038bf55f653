/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control tool, without its main(): a command line that was read, in; an exit code out.
 *
 *   ctl-options.c  the command line        ctl-show.c    list, status, stats, unused, top
 *   ctl-find.c     guests and their sockets  ctl-set.c     set, waiting for it; auto
 *   ctl-client.c   the protocol            ctl-progress.c  how far it is
 *   ctl-print.c    figures for people      ctl-wait.c    until a guest is served
 *   ctl-upgrade.c  the installed version     ctl-free.c    room for a guest to come
 *
 * What a command finds goes to `out`; what is wrong goes to `err`, in one line.
 */
#ifndef TOOLS_CTL_H
#define TOOLS_CTL_H

#include "backend/devices/balloon/figures/balloon-figures.h"
#include "tools/ctl/ctl-client.h"
#include "tools/ctl/ctl-exit.h"
#include "tools/ctl/ctl-options.h"

#include <stdio.h>
#include <xenvirtio/store.h>

/** without progress for so long, a guest is stalled */
#define CTL_STALL_MS 15000u

struct json_object;

struct ctl {
	const struct ctl_options *opts;
	FILE *out;
	FILE *err;
	const char *program;   /* for messages; NULL: xen-vballoonctl */
	bool tty;	       /* out is a terminal */
	unsigned int stall_ms; /* 0: CTL_STALL_MS */
	/** open_store - for names: xenvirtio_store_open_xen(), or a fake's */
	int (*open_store)(void *opaque, struct xenvirtio_store **store);
	void *opaque;
};

/** ctl_run() - do what the command line says */
enum ctl_exit ctl_run(struct ctl *ctl);

/* Commands. */
enum ctl_exit ctl_list(struct ctl *ctl);
enum ctl_exit ctl_status(struct ctl *ctl);
enum ctl_exit ctl_set(struct ctl *ctl);
enum ctl_exit ctl_auto(struct ctl *ctl);
enum ctl_exit ctl_stats(struct ctl *ctl);
enum ctl_exit ctl_unused(struct ctl *ctl);
enum ctl_exit ctl_top(struct ctl *ctl);
enum ctl_exit ctl_wait(struct ctl *ctl);
enum ctl_exit ctl_free(struct ctl *ctl);
enum ctl_exit ctl_upgrade(struct ctl *ctl);

/** ctl_say() - one line on `err` */
void ctl_say(struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));
/**
 * ctl_fail() - say what a call of the client answered
 * @who: the guest, for the line
 * @rc:  negative; with -EREMOTEIO @refusal counts
 *
 * Return: what to end with
 */
enum ctl_exit ctl_fail(struct ctl *ctl, const char *who, int rc, const struct ctl_refusal *refusal);

#endif /* TOOLS_CTL_H */
