// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * balloon-move DOMID PAGES SECONDS PATH VALUE: write a key of xenstore, which resizes the domain, and wait until Xen counts
 * that many pages of it. balloon-move DOMID PAGES SECONDS -- COMMAND...: the same with a command.
 *
 * Prints what it took as "key value" lines: guest_ns and dom0_ns, processor time that Xen has given to the two domains
 * meanwhile, and elapsed_ns. On a machine with one processor under -icount the first two together count instructions, and
 * leave out the time in which nothing runs. Xen is asked by the running process, and the less often the longer it takes: a
 * shell that polls would be measured with what it waits for. So elapsed_ns is exact to an eighth only. Status: 0; 1 the count was not reached in time; 2 usage, or no Xen.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenstore.h>

#define POLL_NS_MIN 2000000
#define POLL_NS_MAX 200000000
/* Acknowledgments and what is published come after the last page. */
#define SETTLE_NS 50000000

struct moment {
	uint64_t guest_ns;
	uint64_t dom0_ns;
	uint64_t now_ns;
	uint64_t tot_pages;
};

static bool look_at_guest(xc_interface *xch, uint32_t domid, struct moment *m)
{
	xc_domaininfo_t guest;
	struct timespec now;

	if (xc_domain_getinfo_single(xch, domid, &guest) < 0)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	m->guest_ns = guest.cpu_time;
	m->now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	m->tot_pages = guest.tot_pages;
	return true;
}

static bool take_moment(xc_interface *xch, uint32_t domid, struct moment *m)
{
	xc_domaininfo_t dom0;

	if (!look_at_guest(xch, domid, m) || xc_domain_getinfo_single(xch, 0, &dom0) < 0)
		return false;
	m->dom0_ns = dom0.cpu_time;
	return true;
}

static void run_command(char **argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static bool wait_pages(xc_interface *xch, uint32_t domid, uint64_t pages, uint64_t end_ns, struct moment *end)
{
	struct timespec pause = {.tv_nsec = POLL_NS_MIN};
	uint64_t begin_ns;

	if (!look_at_guest(xch, domid, end))
		return false;
	begin_ns = end->now_ns;
	while (end->tot_pages != pages) {
		if (end->now_ns > end_ns)
			return false;
		nanosleep(&pause, NULL);
		if (!look_at_guest(xch, domid, end))
			return false;
		pause.tv_nsec = (long)((end->now_ns - begin_ns) / 8);
		if (pause.tv_nsec < POLL_NS_MIN)
			pause.tv_nsec = POLL_NS_MIN;
		if (pause.tv_nsec > POLL_NS_MAX)
			pause.tv_nsec = POLL_NS_MAX;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct moment begin, end = {0}, settled;
	xc_interface *xch;
	struct xs_handle *xs;
	uint32_t domid;
	bool reached;

	if (argc < 6) {
		fprintf(stderr, "usage: balloon-move DOMID PAGES SECONDS {PATH VALUE|-- COMMAND...}\n");
		return 2;
	}
	domid = (uint32_t)strtoul(argv[1], NULL, 10);
	xch = xc_interface_open(NULL, NULL, 0);
	xs = xs_open(0);
	if (!xch || !xs || !take_moment(xch, domid, &begin)) {
		fprintf(stderr, "balloon-move: no domain %" PRIu32 "\n", domid);
		return 2;
	}
	if (strcmp(argv[4], "--") == 0)
		run_command(argv + 5);
	else
		xs_write(xs, XBT_NULL, argv[4], argv[5], (unsigned int)strlen(argv[5]));
	reached = wait_pages(xch, domid, strtoull(argv[2], NULL, 10),
			     begin.now_ns + strtoull(argv[3], NULL, 10) * 1000000000u, &end);
	nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
	if (!take_moment(xch, domid, &settled))
		reached = false;
	printf("guest_ns %" PRIu64 "\n", settled.guest_ns - begin.guest_ns);
	printf("dom0_ns %" PRIu64 "\n", settled.dom0_ns - begin.dom0_ns);
	printf("elapsed_ns %" PRIu64 "\n", end.now_ns - begin.now_ns);
	printf("tot_pages %" PRIu64 "\n", end.tot_pages);
	xs_close(xs);
	xc_interface_close(xch);
	return reached ? 0 : 1;
}
