/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all programs say, and tell the shell, where there is no Xen for them: not booted on it, no
 * xenstored, a guest instead of dom0, a user who may not. One sentence for each, with what to do.
 *
 * Knows nothing of who asks, nor how it prints.
 */
#ifndef BACKEND_NO_XEN_H
#define BACKEND_NO_XEN_H

/** of all programs; a promise, as the others of each */
#define NO_XEN_EXIT_CODE 4

#define NO_XEN_TEXT_MAX 160

/** no_xen_hypervisor() - @rc: what opening it answered. Return: @text, no line's end in it */
const char *no_xen_hypervisor(int rc, char text[NO_XEN_TEXT_MAX]);
/** no_xen_store() - @rc: what opening xenstore answered. Return: @text, likewise */
const char *no_xen_store(int rc, char text[NO_XEN_TEXT_MAX]);

#endif /* BACKEND_NO_XEN_H */
