// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory DOMID OTHER UNPAUSE DESTROY: a guest's memory as a file descriptor.
 *
 * DOMID and OTHER are guests that have not been unpaused. Invariants: what a process has mapped is
 * the guest's memory or a page of the kernel's, whatever the guest, the process and others do; and
 * nobody but the guest keeps a frame that was released.
 */
#include <unistd.h>

#include "memory.h"
#include "tap.h"

int main(int argc, char **argv)
{
	struct world w = {0};
	struct privcmd_memory_info info;

	if (argc != 5)
		return tap_usage(argc, argv, "DOMID OTHER UNPAUSE DESTROY");
	w.dom = atoi(argv[1]);
	w.other = atoi(argv[2]);
	w.destroy = argv[4];
	server_open(&w.server, w.dom, DEVICE_BYTES, 0xffff);

	info = memory_info(w.server.privcmd);
	if (!(info.features & PRIVCMD_MEMORY_FILES)) {
		expect(memory_ioctl(w.server.privcmd, good_memory(w.dom)), EOPNOTSUPP,
		       "a domain that has no such files");
		expect(forget_pages(w.server.privcmd, w.dom, 0, 1), EOPNOTSUPP,
		       "and none to forget anything of");
		server_destroy(&w.server);
		return tap_done();
	}
	ok(!info.nr_files && !info.nr_frames, "nothing is mapped at first");
	printf("# %s\n", info.nr_frames_max ? "there is a maximum" : "no maximum");

	must(system(argv[3]) == 0);
	test_memory_args(&w);
	test_memory_file(&w);
	test_memory_map(&w);
	test_memory_processes(&w);
	test_memory_forget(&w);
	test_memory_budget(&w);

	info = memory_info(w.server.privcmd);
	ok(!info.nr_files && !info.nr_frames && !info.nr_own_frames,
	   "nothing is mapped when all is closed");
	test_memory_end(&w);
	info = memory_info(w.server.privcmd);
	ok(!info.nr_files && !info.nr_frames && !info.nr_own_frames,
	   "nothing is mapped at the end");
	return tap_done();
}
