/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many descriptors a process has open, for tests that lose none.
 */
#ifndef UNIT_RIGS_DESCRIPTORS_H
#define UNIT_RIGS_DESCRIPTORS_H

#include <assert.h>
#include <dirent.h>
#include <stddef.h>

/** count_descriptors() - of this process; one more than there are without it, each time alike */
static inline size_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t nr = 0;

	assert(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

#endif /* UNIT_RIGS_DESCRIPTORS_H */
