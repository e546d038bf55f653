/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The features that a device and its driver have agreed on, by name: the specification's, in small
 * letters with dashes. What only one device type has, that type names.
 */
#ifndef BACKEND_FEATURE_NAMES_H
#define BACKEND_FEATURE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/**
 * feature_names() - of the bits set in @features, in their order
 * @text: out; with blanks between. What does not fit is left out, name by name
 * @name: the device type's; its NULL: not one of its own. NULL: it has none
 *
 * One that nobody names is "bit-" and its number.
 */
void feature_names(char *text, size_t size, uint64_t features,
		   const char *(*name)(const void *opaque, unsigned int bit), const void *opaque);

#endif /* BACKEND_FEATURE_NAMES_H */
