/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures for people: tables and paragraphs of plain text. What a guest or a domain's configuration
 * made up was cleaned when it was read.
 */
#ifndef TOOLS_CTL_PRINT_H
#define TOOLS_CTL_PRINT_H

#include "backend/devices/balloon/figures/balloon-figures.h"

#include <stdio.h>

/** ctl_print_head() - the table's first line; @wide: with the guest's own memory figures */
void ctl_print_head(FILE *out, bool wide);
/** ctl_print_row() - one guest */
void ctl_print_row(FILE *out, const struct balloon_figures *f, bool wide);
/** ctl_print_status() - everything of one guest */
void ctl_print_status(FILE *out, const struct balloon_figures *f);
/** ctl_print_stats() - its statistics */
void ctl_print_stats(FILE *out, const struct balloon_figures *f);
void ctl_print_unused(FILE *out, const struct balloon_figures *f);

/**
 * ctl_print_why() - why a balloon may stand still, in words, with what to do
 * @text: out; @size bytes
 */
const char *ctl_print_why(const struct balloon_figures *f, char *text, size_t size);

#endif /* TOOLS_CTL_PRINT_H */
