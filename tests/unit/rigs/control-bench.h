/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A control socket over figures made up by the test, and clients of it: plain sockets in this
 * process, never blocking. Time is the test's.
 */
#ifndef CONTROL_BENCH_H
#define CONTROL_BENCH_H

#include "backend/control/control.h"
#include "unit/rigs/log-capture.h"

/** frames the made-up guest has */
#define BENCH_FRAMES 4096u

struct event_base;
struct json_object;

struct control_bench {
	struct log_capture capture;
	struct event_base *base;
	char dir[64];
	char path[96];
	struct control_config cfg;
	struct control *control;
	struct figures figures;
	unsigned int looks; /* at the figures */
	unsigned int sets;
	unsigned int refreshes;
	bool may_refresh;
	unsigned int asks; /* for unused pages */
	unsigned int holds;
	unsigned int releases;
	bool may_ask;
	bool stop_in_set; /* the daemon ends inside the operation */
};

/** control_bench_setup/teardown - for cmocka; teardown asserts that nothing was leaked */
int control_bench_setup(void **state);
int control_bench_teardown(void **state);
/** control_bench_open() - with what is in cfg now */
void control_bench_open(struct control_bench *b);
/** control_bench_opened() - the same, for a test that changes nothing in cfg. Return: the bench */
struct control_bench *control_bench_opened(void **state);
/** control_bench_client() - a client that is connected and seen */
int control_bench_client(struct control_bench *b);
/** control_bench_run() - what is due at this moment */
void control_bench_run(struct control_bench *b);
/** control_bench_wait() - what is due at this moment, and in the time that goes by then */
void control_bench_wait(struct control_bench *b, unsigned int ms);
/** control_bench_serve() - other processes, until @fd is readable or closed; no time goes by */
void control_bench_serve(struct control_bench *b, int fd);

/* Clients. A socket of any daemon's event base will do. */

/** client_connect() - Return: a non-blocking descriptor; -errno */
int client_connect(const char *path);
/** client_send() - all of it, which must fit into the socket's buffer */
void client_send(int fd, const char *text);
/** client_line() - the next line, up to a minute of the tests' clock; NULL: closed first. Static buffer */
const char *client_line(struct event_base *base, int fd);
/** client_json() - the next line parsed, to be put; fails the test when there is none */
struct json_object *client_json(struct event_base *base, int fd);
/**
 * client_json_until() - lines are read until one has that number at @path; to be put
 *
 * For a watcher, who hears of one change in as many events as there are. Fails the test when no line
 * comes any more.
 */
struct json_object *client_json_until(struct event_base *base, int fd, const char *path,
				      uint64_t value);
/** client_closed() - whether the other side closes within that time, with nothing more to read */
bool client_closed(struct event_base *base, int fd);
/** client_quiet() - whether nothing is there to be read now */
bool client_quiet(struct event_base *base, int fd);

/** json_at() - a value by its path, "error.code"; NULL: not there */
struct json_object *json_at(struct json_object *json, const char *path);
/** expect_error() - the next line is an error of that code. Return: its message, static */
const char *expect_error(struct event_base *base, int fd, const char *code);
/** expect_u64() - the next line has that number at @path */
void expect_u64(struct event_base *base, int fd, const char *path, uint64_t value);

#endif /* CONTROL_BENCH_H */
