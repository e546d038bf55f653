// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd-args, mapping itself: these crashed or corrupted the kernel without the series.
 *
 * What a PV domain does otherwise is said here, and nowhere taken for a matter of course: it needs
 * no pages for what it maps, and cannot move it.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "eventfd-args.h"
#include "eventfd.h"
#include "tap.h"

static bool is_pv(void)
{
	char type[4] = "";
	int fd = open("/sys/hypervisor/guest_type", O_RDONLY);

	/* only x86 says it */
	if (fd < 0)
		return false;
	must(read(fd, type, 3) > 0);
	close(fd);
	return type[0] == 'P' && type[1] == 'V' && type[2] == '\n';
}

static char *map_two(const struct server *s)
{
	char *va = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, s->privcmd, 0);

	must(va != MAP_FAILED);
	return va;
}

void test_mapping(const struct server *s)
{
	char *va = map_two(s), *moved;

	expect(map_resource(s->privcmd, s->dom, s->id, 1, 3, va), EINVAL,
	       "mapping: more frames than pages");
	expect(map_resource(s->privcmd, s->dom, s->id, 1, ~0ull, va), EINVAL,
	       "mapping: 2^64 - 1 frames");
	expect(map_resource(s->privcmd, s->dom, s->id, 1, 1, va + 4096), EINVAL,
	       "mapping: not at the start");
	expect(map_resource(s->privcmd, s->dom, s->id, 1, 1, va), 0, "mapping: fewer frames");
	expect(map_resource(s->privcmd, s->dom, s->id, 1, 1, va), EINVAL, "mapping: a second one");
	expect(ioeventfd(s->privcmd, BUT(good_ioeventfd(s, 0, 0), ioreq, (uintptr_t)va + 4096)),
	       EINVAL, "page past the frames");
	if (is_pv()) {
		puts("# nothing is moved: a PV domain's kernel loses what it moves, and warns");
	} else {
		moved = mremap(va, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, va + (16 << 20));
		if (ok(moved != MAP_FAILED, "mapping: moved"))
			va = moved;
	}
	ok(((struct slot *)va)->vp_eport == s->slots[0].vp_eport, "mapping: there at the end");
	expect(munmap(va, 8192), 0, "mapping: gone");
}

/* Pages of the guest's into what a resource has left of its VMA: for that there are no frames. */
void test_mapping_tail(const struct server *s)
{
	uint64_t gfns[2] = {GUEST_RAM_GFN, GUEST_RAM_GFN + 1};
	struct slot *slot = (struct slot *)map_two(s);
	char *tail = (char *)slot + 4096;

	must(!map_resource(s->privcmd, s->dom, s->id, 1, 1, slot));
	expect(map_gfns(s->privcmd, s->dom, tail + 8, 1, gfns), EINVAL, "tail: within a page");
	expect(map_gfns(s->privcmd, s->dom, tail, 2, gfns), EINVAL, "tail: past its end");
	expect(map_gfns(s->privcmd, s->dom, slot, 1, gfns), EINVAL, "tail: what is mapped");
	if (is_pv())
		expect(map_gfns(s->privcmd, s->dom, tail, 1, gfns), 0,
		       "tail: a PV domain needs no frame");
	else
		expect(map_gfns(s->privcmd, s->dom, tail, 1, gfns), EINVAL, "tail: no frame");
	ok(slot->vp_eport == s->slots[0].vp_eport, "tail: the resource is where it was");
	munmap(slot, 8192);

	/* One that has a frame for each page, none of them mapped: Xen has no such server. */
	slot = (struct slot *)map_two(s);
	must(map_resource(s->privcmd, s->dom, 0x7f, 0, 2, slot) < 0);
	if (is_pv())
		expect(map_gfns(s->privcmd, s->dom, (char *)slot + 4096, 1, gfns), 0,
		       "tail: after a failure");
	else
		expect(map_gfns(s->privcmd, s->dom, (char *)slot + 4096, 1, gfns), 0,
		       "tail: the second frame for the second page");
	expect(map_gfns(s->privcmd, s->dom, slot, 1, gfns + 1), 0,
	       "tail: and the first for the first");
	expect(munmap(slot, 8192), 0, "tail: gone");
}
