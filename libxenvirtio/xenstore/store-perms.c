// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Permissions as text, see store-perms.h. Strict: what is not exactly of the form is refused, since
 * a permission misread is a permission given away.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xenstore/store-perms.h"

/* a domid has 16 bits */
#define DOMID_MAX 0xffffu

int store_perms_parse(const char *text, struct store_perm *perm, size_t *nr)
{
	size_t n = 0;

	for (;;) {
		uint32_t domid = 0;
		const char *digits;
		char how = *text;

		if (n == STORE_PERMS_MAX || !how || !strchr("nrwb", how))
			return -EINVAL;
		for (digits = ++text; *text >= '0' && *text <= '9'; text++) {
			domid = domid * 10 + (uint32_t)(*text - '0');
			if (domid > DOMID_MAX)
				return -EINVAL;
		}
		if (text == digits)
			return -EINVAL;
		perm[n++] = (struct store_perm){ .domid = domid, .how = how };
		if (!*text)
			break;
		if (*text++ != ',')
			return -EINVAL;
	}
	*nr = n;
	return 0;
}

int store_perms_format(const struct store_perm *perm, size_t nr, char *text, size_t size)
{
	size_t used = 0;

	if (!size)
		return -EMSGSIZE;
	text[0] = '\0';
	for (size_t i = 0; i < nr; i++) {
		int n = snprintf(text + used, size - used, "%s%c%u", i ? "," : "", perm[i].how,
				 perm[i].domid);

		if (n < 0 || (size_t)n >= size - used)
			return -EMSGSIZE;
		used += (size_t)n;
	}
	return 0;
}
