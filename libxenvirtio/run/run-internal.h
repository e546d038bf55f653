/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of xenvirtio_main(): its options, the parent, the device's process, and what that gives away.
 */
#ifndef RUN_INTERNAL_H
#define RUN_INTERNAL_H

#include <poll.h>
#include <stddef.h>
#include <xenvirtio/hv.h>
#include <xenvirtio/run.h>
#include <xenvirtio/server.h>
#include <xenvirtio/store.h>

/** pages that one turn of a kick may have to map, about; then others have their turn */
#define RUN_KICK_PAGES_MAX 256u
#define RUN_RANGES_MAX 16u
/** what --ready-fd is without one */
#define RUN_NO_FD (-1)

enum run_sandbox { RUN_SANDBOX, RUN_SANDBOX_REQUIRED, RUN_NO_SANDBOX };

struct run_options {
	uint32_t domid;
	uint32_t devid;
	bool devid_given;
	bool base_given;
	struct xenvirtio_gpa base;
	uint32_t irq;
	bool irq_given;
	int ready_fd;
	enum run_sandbox sandbox;
};

/**
 * struct run_shared - memory of the parent and of each of its children
 * @info, @range, @nr: what only the parent can ask of the domain; it reads them again for each child, and never from here
 * @told:  a child has said what of its confinement is missing
 * @state: what the guest knows of the device: children write it, and check it like a guest's
 * @in_flight: which of its requests a child has taken and not given back, if the program wants that kept: likewise
 */
struct run_shared {
	struct xenvirtio_domain_info info;
	struct xenvirtio_gfn_range range[RUN_RANGES_MAX];
	size_t nr;
	bool told;
	struct xenvirtio_device_state state;
	uint64_t in_flight[];
};

/** struct run_env - what stands around the program; tests give their own */
struct run_env {
	int (*open_hv)(void *opaque, struct xenvirtio_hv **hv, uint32_t domid);
	int (*open_confined)(void *opaque, struct xenvirtio_hv **hv, uint32_t domid);
	int (*open_store)(void *opaque, struct xenvirtio_store **store);
	/** the parent's time, and its waits */
	int64_t (*now_ms)(void *opaque);
	int (*wait)(void *opaque, struct pollfd *fds, nfds_t nr, int timeout_ms);
	/** in the device's process, which serves from now on; NULL: nothing */
	void (*serving)(void *opaque, struct xenvirtio_server *server, struct xenvirtio_device *dev);
	void *opaque;
};

/**
 * struct run - one program, under way
 * @bus:  the device, its place filled in
 * @life: how many children there were before this one
 */
struct run {
	const struct xenvirtio_program *program;
	const struct run_env *env;
	struct run_options opts;
	struct xenvirtio_xenbus bus;
	struct run_shared *shared;
	unsigned int life;
};

/** run_main() - xenvirtio_main() in any surroundings */
int run_main(const struct xenvirtio_program *program, const struct run_env *env, int argc, char **argv);

/** run_options_parse() - Return: true; false the program is over, with @code, and all has been said */
bool run_options_parse(struct run_options *opts, const struct xenvirtio_program *program, int argc, char **argv, int *code);

/** run_say() - a line on stderr; @rc: -errno, added in words; 0: not */
__attribute__((format(printf, 3, 4))) void run_say(const struct run *run, int rc, const char *format, ...);
/** run_say_no_xen() - @rc: what opening it answered */
void run_say_no_xen(const struct run *run, int rc);

/** run_find() - the device's node and place. Return: 0; XENVIRTIO_E_AGAIN half written, @why says it; -ECANCELED it is said, @code */
int run_find(struct run *run, struct xenvirtio_store *store, char *why, size_t why_size, int *code);

/** run_parent() - from the domain to the end. Return: one of enum xenvirtio_exit */
int run_parent(struct run *run);

/** run_child() - the device's process. @sock: a byte goes there once it serves; its end is ours. Return: one of enum xenvirtio_exit */
int run_child(struct run *run, int sock);

/** run_device_new() - as xenvirtio_program_device_new(). @in_flight: as in device.h; NULL: of the device's own */
int run_device_new(struct xenvirtio_program_device **out, const struct xenvirtio_program *program,
		   struct xenvirtio_gmem *gmem, struct xenvirtio_device_state *state, void *in_flight);

/** run_open_server() - make the device's ioreq server, or in a later life adopt it. Return: as xenvirtio_server_open() */
int run_open_server(struct run *run, struct xenvirtio_server *server);
/** run_remove_server() - in the parent: what a child that was killed has left */
void run_remove_server(struct run *run);

/** descriptors that a process had at some time, of the first 1024 */
struct run_fds {
	uint64_t bits[16];
};
/** run_fds_note() - those that are open now but for stdin, stdout, stderr and @keep */
void run_fds_note(struct run_fds *fds, int keep);

/** run_confine() - names and rights are given away, and @inherited closed. @unrestricted: Xen is opened by name. Return: 0; -EACCES */
int run_confine(struct run *run, const struct run_fds *inherited, bool unrestricted);
/** run_seal() - and system calls, last. Return: as run_confine() */
int run_seal(struct run *run);
/** run_judge() - @rc: of what confines, @what is missing without it. Return: 0 it is there, or may be missing; -EACCES */
int run_judge(struct run *run, int rc, const char *what);

#endif /* RUN_INTERNAL_H */
