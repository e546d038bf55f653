/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SECURITY.md's tables of system calls, for tests that hold them against the lists that are in force.
 */
#ifndef SECURITY_PAGE_H
#define SECURITY_PAGE_H

#include <stddef.h>

/** security_page_read() - all of it, to be freed */
char *security_page_read(void);
/**
 * security_page_table() - the table below the row that begins with @title, which has @nr rows and no more
 *
 * Return: where it begins
 */
const char *security_page_table(const char *page, const char *title, size_t nr);
/** security_page_has() - one of its rows; @other may be NULL, @err 0 */
void security_page_has(const char *table, const char *name, const char *other, int err, const char *args, const char *why);

#endif /* SECURITY_PAGE_H */
