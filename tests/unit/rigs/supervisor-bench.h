/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A supervisor on a fake xenstored, with device processes that are only a descriptor: readable when
 * the test has ended them. xenstored and processes outlive the supervisor, as on a host.
 */
#ifndef SUPERVISOR_BENCH_H
#define SUPERVISOR_BENCH_H

#include "backend/service/supervisor.h"
#include "fake/store-fake.h"
#include "unit/rigs/log-capture.h"

#define BENCH_PROCESSES_MAX 512
#define BENCH_BALLOON "virtio,device5"

struct bench_process {
	uint32_t domid, devid;
	pid_t pid;
	int fd;	     /* an eventfd of the test's: readable, the process has ended */
	bool alive;  /* and holds its device's lock */
	bool child;  /* of the supervisor that is there */
	unsigned int terms, aborts, kills;
	bool silent;	 /* it shows life no more */
	bool deaf;	 /* and does not end of SIGABRT */
	bool stuck;	 /* nor of SIGKILL */
	uint64_t life;	 /* 0: its version never does */
	unsigned int flags; /* of its start */
	enum launcher_runs runs;
	struct process_end end;
};

struct supervisor_bench {
	struct log_capture capture;
	struct event_base *base;
	struct fake_store *store;
	char dir[64];
	char state_dir[96];
	struct options opts;
	struct launcher launcher;
	struct supervisor_env env;
	struct supervisor *sup; /* NULL: not running */
	struct bench_process process[BENCH_PROCESSES_MAX];
	unsigned int nr_processes; /* that were ever started */
	unsigned int attaches;
	unsigned int looks; /* whether a process lives */
	unsigned int most_starting; /* at one time */
	int pauses[16]; /* of the domain, by us; may fall below 0 */
	int pause_result;
	int start_result;
	int attach_result;
	bool serve;   /* processes serve at once: their key `path` is there */
	bool obey;    /* they end when they are told to */
	char notified[128];
	unsigned int readies;
};

/** supervisor_bench_setup/teardown - for cmocka; teardown asserts that nothing was leaked */
int supervisor_bench_setup(void **state);
int supervisor_bench_teardown(void **state);

/** supervisor_bench_start() - begin, and whether it goes on */
bool supervisor_bench_start(struct supervisor_bench *b);
/** supervisor_bench_kill() - it is gone without a word; processes are nobody's children now */
void supervisor_bench_kill(struct supervisor_bench *b);
void supervisor_bench_run(struct supervisor_bench *b);
bool supervisor_bench_ended(struct supervisor_bench *b, enum exit_code *code);
/** supervisor_bench_wait() - until @so(@b, @arg): from timer to timer */
bool supervisor_bench_wait(struct supervisor_bench *b,
			   bool (*so)(struct supervisor_bench *b, unsigned int arg),
			   unsigned int arg);
/**
 * for supervisor_bench_wait(): so many were started; so many devices serve; so often was looked whether
 * processes live; it has ended
 */
bool started(struct supervisor_bench *b, unsigned int nr);
bool serving(struct supervisor_bench *b, unsigned int nr);
bool looked(struct supervisor_bench *b, unsigned int nr);
bool has_ended(struct supervisor_bench *b, unsigned int ignored);

/** supervisor_bench_node() - what the toolstack writes, key by key */
void supervisor_bench_node(struct supervisor_bench *b, uint32_t domid, uint32_t devid,
			   const char *type);
/** supervisor_bench_guests() - a balloon each for @nr domains, from 1 on */
void supervisor_bench_guests(struct supervisor_bench *b, unsigned int nr);
void supervisor_bench_put(struct supervisor_bench *b, uint32_t domid, uint32_t devid,
			  const char *key, const char *value);
const char *supervisor_bench_get(struct supervisor_bench *b, uint32_t domid, uint32_t devid,
				 const char *key);
/** supervisor_bench_del() - the toolstack removes the node */
void supervisor_bench_del(struct supervisor_bench *b, uint32_t domid, uint32_t devid);
/** supervisor_bench_process() - the device's newest process; NULL: there never was one */
struct bench_process *supervisor_bench_process(struct supervisor_bench *b, uint32_t domid,
					       uint32_t devid);
/** supervisor_bench_exit/die() - a process ends with an exit code, or of a signal */
void supervisor_bench_exit(struct bench_process *p, int code);
void supervisor_bench_die(struct bench_process *p, int signal);
struct supervisor_counts supervisor_bench_counts(struct supervisor_bench *b);

#endif /* SUPERVISOR_BENCH_H */
