/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The balloon's figures as xenstore shows them. Names and units are a promise, written down in
 * xenvirtio(7).
 */
#ifndef BACKEND_REPORT_H
#define BACKEND_REPORT_H

#include "backend/devices/balloon/balloon.h"
#include "backend/xenstore/publish.h"

/** report_status() - publish what changed; sizes in KiB */
void report_status(struct publish *p, const struct balloon_status *status);
/** report_stats() - likewise, statistics as the guest gave them */
void report_stats(struct publish *p, const struct balloon_status *status);

/** report_stall_text() - why a deflate waits: "max-mem: need 4096 KiB"; NULL when none does */
const char *report_stall_text(const struct balloon_status *status, char *text, size_t size);

#endif /* BACKEND_REPORT_H */
