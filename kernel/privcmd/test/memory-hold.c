// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory-hold DOMID GFN FRAMES: a backend that looks at all of a guest's memory, all the time.
 *
 * Maps a file of these frames, says "ready" when it has seen each of them once, and reads one word
 * of each in turn until its input ends. At the end it says how often it came around. Nothing else
 * of a guest: no server, and nothing is written.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "tap.h"

int main(int argc, char **argv)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	struct privcmd_memory memory = { 0 };
	unsigned long i, nr, rounds = 0;
	int privcmd, fd;
	char *va;

	if (argc != 4)
		return tap_usage(argc, argv, "DOMID GFN FRAMES");
	nr = strtoul(argv[3], NULL, 0);
	must((privcmd = privcmd_open()) >= 0);
	memory.gfn = strtoul(argv[2], NULL, 0);
	memory.nr_frames = nr;
	memory.dom = atoi(argv[1]);
	fd = memory_ioctl(privcmd, memory);
	must(fd >= 0);
	va = memory_map(fd, nr);
	do {
		for (i = 0; i < nr; i++)
			word_at(va + i * PAGE);
		if (!rounds++) {
			printf("ready, %llu frames\n",
			       (unsigned long long)memory_info(privcmd).nr_frames);
			fflush(stdout);
		}
	} while (!poll(&input, 1, 20));
	printf("%lu rounds\n", rounds);
	return EXIT_SUCCESS;
}
