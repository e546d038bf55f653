// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Goes through the files of a directory, as TAP: one input a file. An input that violates something
 * ends the process, which a test driver sees as the end of a plan that was not kept.
 *
 * The directory is corpus/ of the target's name, which the program's own name tells.
 */
#include <dirent.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_BYTES_MAX (1u << 20)

static int skip_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool replay(const char *path)
{
	uint8_t *data = malloc(INPUT_BYTES_MAX);
	FILE *file = fopen(path, "rb");
	bool ok = false;

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

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir"), *name = strstr(argv[0], "replay-");
	struct dirent **entry;
	char dir[512];
	int nr, failed = 0;

	if (argc > 1)
		snprintf(dir, sizeof(dir), "%s", argv[1]);
	else if (top && name)
		snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", top, name + 7);
	else
		return 99;
	nr = scandir(dir, &entry, skip_dots, alphasort);
	if (nr <= 0) {
		printf("Bail out! no corpus in %s\n", dir);
		return 99;
	}
	printf("1..%d\n", nr);
	for (int i = 0; i < nr; i++) {
		char path[1024];
		bool ok;

		fflush(stdout);
		snprintf(path, sizeof(path), "%s/%s", dir, entry[i]->d_name);
		ok = replay(path);
		failed |= !ok;
		printf("%sok %d - %s\n", ok ? "" : "not ", i + 1, entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	return failed;
}
