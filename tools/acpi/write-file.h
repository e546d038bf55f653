/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is whole or as it was before.
 */
#ifndef TOOLS_ACPI_WRITE_FILE_H
#define TOOLS_ACPI_WRITE_FILE_H

#include <stddef.h>

/**
 * write_file() - put @bytes at @path: written beside it, then renamed
 *
 * A regular file of that name is replaced; anything else of that name stays untouched. On failure
 * what was there is there, and nothing else is left.
 * Return: 0; -EEXIST there is something at @path that is no regular file; -ENAMETOOLONG; -errno
 */
int write_file(const char *path, const void *bytes, size_t len);

#endif /* TOOLS_ACPI_WRITE_FILE_H */
