// SPDX-License-Identifier: GPL-2.0-or-later
/* See inputs.h. It must not know what a target makes of an input. */
#include "inputs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_BYTES_MAX (1u << 20)

static int skip_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

bool corpus_open(struct corpus *corpus, int argc, char **argv, const char *prefix)
{
	const char *top = getenv("top_srcdir"), *name = strstr(argv[0], prefix);

	*corpus = (struct corpus){ 0 };
	if (argc > 1)
		snprintf(corpus->dir, sizeof(corpus->dir), "%s", argv[1]);
	else if (top && name)
		snprintf(corpus->dir, sizeof(corpus->dir), "%s/tests/fuzz/corpus/%s", top,
			 name + strlen(prefix));
	else
		return false;
	corpus->nr = scandir(corpus->dir, &corpus->entry, skip_dots, alphasort);
	if (corpus->nr > 0)
		return true;
	printf("Bail out! no corpus in %s\n", corpus->dir);
	return false;
}

void corpus_close(struct corpus *corpus)
{
	for (int i = 0; i < corpus->nr; i++)
		free(corpus->entry[i]);
	free(corpus->entry);
}

const char *corpus_name(const struct corpus *corpus, int index)
{
	return corpus->entry[index]->d_name;
}

bool corpus_replay(const struct corpus *corpus, int index)
{
	uint8_t *data = malloc(INPUT_BYTES_MAX);
	char path[1024];
	FILE *file;
	bool ok = false;

	snprintf(path, sizeof(path), "%s/%s", corpus->dir, corpus_name(corpus, index));
	file = fopen(path, "rb");
	if (data && file) {
		size_t size = fread(data, 1, INPUT_BYTES_MAX, file);
		/* at the end of memory of its own: a byte too far is seen */
		uint8_t *exact = malloc(size ? size : 1);

		ok = exact && !ferror(file);
		if (ok) {
			memcpy(exact, data, size);
			LLVMFuzzerTestOneInput(exact, size);
		}
		free(exact);
	}
	if (file)
		fclose(file);
	free(data);
	return ok;
}
