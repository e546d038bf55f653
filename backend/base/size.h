/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes of memory as people and xenstore write them; everything is KiB inside. Pure functions.
 */
#ifndef BACKEND_SIZE_H
#define BACKEND_SIZE_H

#include <stddef.h>
#include <stdint.h>

/** the longest text size_format() makes, with its NUL */
#define SIZE_TEXT_MAX 32

/**
 * size_parse() - a size from the command line, read as xl reads one
 * @text: decimal digits, then nothing or m (MiB), k (KiB), g (GiB), t (TiB), b (bytes, whole KiB
 *        counted), in either case
 * @kib:  out; untouched on failure
 *
 * Return: 0; -EINVAL not a size; -ERANGE too large for KiB in 64 bits
 */
int size_parse(const char *text, uint64_t *kib);

/**
 * size_parse_kib() - a size from xenstore: decimal digits, KiB
 *
 * Return: 0; -EINVAL; -ERANGE
 */
int size_parse_kib(const char *text, uint64_t *kib);

/** size_format() - "256 MiB", or "262148 KiB" where MiB would round; @text: SIZE_TEXT_MAX bytes */
const char *size_format(uint64_t kib, char *text);

#endif /* BACKEND_SIZE_H */
