// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Backends as real processes: this very program, which tells what it has become. It has what its user has, and nothing of the service's;
 * it is found again by who did not start it; of it and its children nothing stays.
 */
#include "config.h"

#include "backend/starter/exec.h"
#include "unit/rigs/log-capture.h"
#include "unit/rigs/need-pidfd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CHILD "--be-a-backend"
#define OTHER_USER 65534u
#define OTHER_GROUP 65533u

struct bench {
	struct log_capture capture;
	char dir[64], state_dir[96], socket[128], log[128];
	struct plan plan;
	struct backend_exec exec;
	struct backend_runner runner;
	struct plan_device device;
	bool root;
};

/* --- the backend's side --- */

static int count_open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = -3; /* ".", ".." and the directory */

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);
	return nr;
}

static unsigned long long read_effective(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long caps = ~0ull;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (file)
		fclose(file);
	return caps;
}

static int be_a_backend(int argc, char **argv)
{
	int ready = open(argv[3], O_WRONLY | O_CLOEXEC), files = count_open_files() - (ready >= 0);
	gid_t more[4] = {0};
	int groups = getgroups(4, more);
	struct rlimit limit;
	sigset_t mask;

	getrlimit(RLIMIT_NOFILE, &limit);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	printf("uid %u gid %u groups %d:%u caps %llx nnp %d leader %d files %d limit %u umask %o env %d term %d usr1 %d argc %d\n", getuid(),
	       getgid(), groups, more[0], read_effective(), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), getsid(0) == getpid() && getpgid(0) == getpid(),
	       files, (unsigned int)limit.rlim_cur, (unsigned int)umask(0), getenv("XENVIRTIO_TEST_SECRET") != NULL,
	       signal(SIGTERM, SIG_DFL) == SIG_DFL, sigismember(&mask, SIGUSR1), argc);
	fflush(stdout);
	if (strcmp(argv[2], "fork") == 0 && !fork())
		signal(SIGTERM, SIG_IGN);
	else if (ready >= 0)
		/* who has opened it to read sees its end, once nobody has it any more */
		if (write(ready, "x", 1) != 1)
			return 99;
	if (strcmp(argv[2], "exit") == 0)
		return 5;
	for (;;)
		pause();
}

/* --- the service's side --- */

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	log_capture_open(&b->capture, LOG_LEVEL_INFO);
	snprintf(b->dir, sizeof(b->dir), "/tmp/xenvirtio-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	assert_int_equal(chmod(b->dir, 0755), 0);
	snprintf(b->state_dir, sizeof(b->state_dir), "%s/run", b->dir);
	assert_int_equal(mkdir(b->state_dir, 0700), 0);
	snprintf(b->socket, sizeof(b->socket), "%s/s/7-2/sock", b->dir);
	snprintf(b->log, sizeof(b->log), "%s/%%d-%%i.log", b->dir);
	b->root = !geteuid();
	b->plan.log = b->log;
	b->plan.limit[PLAN_LIMIT_FILES] = 77;
	b->exec = (struct backend_exec){
		.plan = &b->plan,
		.state_dir = b->state_dir,
		.own_dirs = true,
		.user = {.uid = b->root ? OTHER_USER : geteuid(), .gid = b->root ? OTHER_GROUP : getegid(), .group = (gid_t)-1},
		.log = &b->capture.log,
	};
	backend_exec_init(&b->runner, &b->exec);
	b->device = (struct plan_device){.domid = 7, .devid = 2, .socket = b->socket};
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s/7-2.log", b->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/fifo", b->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/s/7-2", b->dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/s", b->dir);
	rmdir(path);
	/* no record is left */
	assert_int_equal(rmdir(b->state_dir), 0);
	assert_int_equal(rmdir(b->dir), 0);
	free(b);
	return 0;
}

/* A pipe with a name, that each process of the backend has open: the end that tells. */
static int make_fifo(struct bench *b, char path[160])
{
	int fd;

	snprintf(path, 160, "%s/fifo", b->dir);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_int_equal(chmod(path, 0666), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	return fd;
}

/* Until somebody has had it open, there is nothing to read and no end either. Return: characters */
static ssize_t hear(int fifo)
{
	struct pollfd poller = {.fd = fifo, .events = POLLIN};
	char byte;

	assert_int_equal(poll(&poller, 1, -1), 1);
	return read(fifo, &byte, 1);
}

static int run(struct bench *b, const char *order, const char *ready, struct process *p)
{
	static char program[] = "/proc/self/exe", child[] = CHILD;
	char *argv[] = {program, child, (char *)(uintptr_t)order, (char *)(uintptr_t)ready, NULL};

	return b->runner.start(b->runner.opaque, &b->device, argv, p);
}

static struct process_end finish(struct bench *b, struct process *p)
{
	struct pollfd poller = {.fd = p->fd, .events = POLLIN};
	struct process_end end;

	assert_int_equal(poll(&poller, 1, -1), 1);
	b->runner.reap(b->runner.opaque, p, &end);
	assert_int_equal(p->fd, -1);
	return end;
}

static void tidy(struct bench *b)
{
	struct stat st;

	b->runner.tidy(b->runner.opaque, 7, 2, b->socket);
	assert_int_equal(stat(b->socket, &st), -1);
}

static void it_has_what_its_user_has(void **state)
{
	struct bench *b = *state;
	char wanted[256], text[512] = "", path[160];
	struct process_end end;
	struct process p;
	struct stat st;
	int fd;

	need_pidfd();
	if (b->root)
		b->exec.user.group = 4321;
	setenv("XENVIRTIO_TEST_SECRET", "1", 1);
	signal(SIGTERM, SIG_IGN);
	fd = dup(STDIN_FILENO); /* one without close-on-exec */
	assert_int_equal(run(b, "exit", "/dev/null", &p), 0);
	end = finish(b, &p);
	close(fd);
	signal(SIGTERM, SIG_DFL);
	assert_true(end.known && !end.signalled);
	assert_int_equal(end.value, 5);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	snprintf(path, sizeof(path), "%s/7-2.log", b->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	if (b->root) {
		snprintf(wanted, sizeof(wanted), "uid %u gid %u groups 1:4321 caps 0 ", OTHER_USER, OTHER_GROUP);
		assert_memory_equal(text, wanted, strlen(wanted));
	}
	/* the three, and that which counts them is told apart there */
	assert_non_null(strstr(text, "nnp 1 leader 1 files 3 limit 77 umask 7 env 0 term 1 usr1 0 argc 4\n"));
	/* its directory is its own, and the daemon's group may pass */
	snprintf(path, sizeof(path), "%s/s/7-2", b->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, b->exec.user.uid);
	assert_int_equal(st.st_mode & 07777, 02710);
	if (b->root)
		assert_int_equal(st.st_gid, 4321);
	/* whatever it leaves there goes with it */
	snprintf(path, sizeof(path), "%s/s/7-2/sock.pid", b->dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	tidy(b);
	assert_int_equal(stat(path, &st), -1);
	snprintf(path, sizeof(path), "%s/s/7-2", b->dir);
	assert_int_equal(stat(path, &st), -1);
}

static void what_cannot_be_run_is_told(void **state)
{
	static char none[] = "/nonexistent/program";
	struct bench *b = *state;
	char *argv[] = {none, NULL};
	struct process p;

	need_pidfd();
	assert_int_equal(b->runner.start(b->runner.opaque, &b->device, argv, &p), -ENOENT);
	assert_true(log_capture_has(&b->capture, "backend of device 2 of domain 7, /nonexistent/program: its program cannot be started"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(b->runner.attach(b->runner.opaque, 7, 2, &p), XENVIRTIO_E_EMPTY);
	/* more than the kernel gives to anybody */
	b->plan.limit[PLAN_LIMIT_FILES] = UINT32_MAX;
	assert_int_equal(b->runner.start(b->runner.opaque, &b->device, argv, &p), -EPERM);
	assert_true(log_capture_has(&b->capture, "in its unit, LimitNOFILE="));
	b->plan.log = "/nonexistent/log";
	assert_int_equal(b->runner.start(b->runner.opaque, &b->device, argv, &p), -ENOENT);
	assert_true(log_capture_has(&b->capture, "cannot log to /nonexistent/log"));
	tidy(b);
}

/* All of its group, also where the first process has ended and others would stay. */
static void its_children_go_with_it(void **state)
{
	struct bench *b = *state;
	char path[160];
	struct process_end end;
	struct process p;
	int fifo;

	need_pidfd();
	fifo = make_fifo(b, path);
	assert_int_equal(run(b, "fork", path, &p), 0);
	assert_int_equal(hear(fifo), 1);
	b->runner.signal(b->runner.opaque, &p, SIGTERM);
	end = finish(b, &p);
	assert_true(end.known && end.signalled);
	assert_int_equal(end.value, SIGTERM);
	/* the child does not end of that */
	assert_int_equal(hear(fifo), 0);
	close(fifo);
	tidy(b);
}

static void found_seven_two(void *opaque, uint32_t domid, uint32_t devid)
{
	unsigned int *nr = opaque;

	assert_int_equal(domid, 7);
	assert_int_equal(devid, 2);
	++*nr;
}

/* By a process that is not its parent: its number alone would not do, which may be another's by then. */
static void a_successor_finds_it(void **state)
{
	struct bench *b = *state;
	char path[160], text[160];
	struct process p, again;
	unsigned int nr = 0;
	unsigned long long ticks;
	long pid;
	int fifo, fd;

	need_pidfd();
	fifo = make_fifo(b, path);
	assert_int_equal(b->runner.attach(b->runner.opaque, 7, 2, &again), XENVIRTIO_E_EMPTY);
	assert_int_equal(run(b, "wait", path, &p), 0);
	assert_int_equal(hear(fifo), 1);
	assert_int_equal(b->runner.attach(b->runner.opaque, 7, 2, &again), 0);
	assert_int_equal(again.pid, p.pid);
	b->runner.detach(b->runner.opaque, &again);
	assert_int_equal(b->runner.attach(b->runner.opaque, 7, 3, &again), XENVIRTIO_E_EMPTY);
	/* names that are none of a device's are none */
	snprintf(text, sizeof(text), "%s/7-02.backend", b->state_dir);
	close(open(text, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	b->runner.leftovers(b->runner.opaque, found_seven_two, &nr);
	assert_int_equal(nr, 1);
	unlink(text);
	/* another process that has the number now */
	snprintf(path, sizeof(path), "%s/7-2.backend", b->state_dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	memset(text, 0, sizeof(text));
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_int_equal(sscanf(text, "%ld %llu", &pid, &ticks), 2);
	assert_int_equal(pid, p.pid);
	snprintf(text, sizeof(text), "%ld %llu\n", pid, ticks - 1);
	assert_true(pwrite(fd, text, strlen(text), 0) > 0);
	assert_int_equal(b->runner.attach(b->runner.opaque, 7, 2, &again), XENVIRTIO_E_EMPTY);
	close(fd);
	b->runner.signal(b->runner.opaque, &p, SIGKILL);
	finish(b, &p);
	assert_int_equal(hear(fifo), 0);
	close(fifo);
	tidy(b);
}

/* A socket that is left over goes; one that somebody listens on, or something else, does not. */
static void a_socket_of_others_is_left_alone(void **state)
{
	struct bench *b = *state;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct process p;
	struct stat st;
	int fd;

	need_pidfd();
	assert_int_equal(backend_places_prepare(&b->exec, b->socket), 0);
	strcpy(at.sun_path, b->socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(run(b, "exit", "/dev/null", &p), -EADDRINUSE);
	assert_true(log_capture_has(&b->capture, "somebody listens on"));
	b->runner.tidy(b->runner.opaque, 7, 3, NULL);
	assert_int_equal(stat(b->socket, &st), 0);
	close(fd);
	assert_int_equal(backend_places_prepare(&b->exec, b->socket), 0);
	assert_int_equal(stat(b->socket, &st), -1);
	fd = open(b->socket, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(run(b, "exit", "/dev/null", &p), -ENOTSOCK);
	unlink(b->socket);
	tidy(b);
}

static int listen_as(const struct sockaddr_un *at, size_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* The file counts for backends that are started from now on; one that runs is not robbed of its socket. */
static void another_user_gets_a_directory_as_well(void **state)
{
	struct bench *b = *state;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char path[160];
	struct stat st;
	int fd;

	if (!b->root)
		skip();
	snprintf(path, sizeof(path), "%s/s/7-2", b->dir);
	assert_int_equal(backend_places_prepare(&b->exec, b->socket), 0);
	strcpy(at.sun_path, b->socket);
	fd = listen_as(&at, strlen(b->socket) + 1);
	b->exec.user.uid = OTHER_USER - 1;
	assert_int_equal(backend_places_prepare(&b->exec, b->socket), -EADDRINUSE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, OTHER_USER);
	close(fd);
	assert_int_equal(backend_places_prepare(&b->exec, b->socket), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, OTHER_USER - 1);
	assert_int_equal(stat(b->socket, &st), -1);
	/* where others could have put it, it stays theirs */
	snprintf(path, sizeof(path), "%s/s", b->dir);
	assert_int_equal(chmod(path, 01777), 0);
	b->exec.user.uid = OTHER_USER;
	assert_int_equal(backend_places_prepare(&b->exec, b->socket), -EPERM);
	assert_true(log_capture_has(&b->capture, "if it is another user's, remove it"));
	b->exec.user.uid = OTHER_USER - 1;
	tidy(b);
}

/* The service opens it as root, for whom every file is one to write to. */
static void no_link_of_others_says_where_the_log_is(void **state)
{
	struct bench *b = *state;
	char shared[160], link[192], own[160], file[224];
	struct stat st;
	int fd;

	snprintf(shared, sizeof(shared), "%s/s", b->dir);
	assert_int_equal(mkdir(shared, 0777), 0);
	assert_int_equal(chmod(shared, 0777), 0);
	snprintf(link, sizeof(link), "%s/away", shared);
	assert_int_equal(symlink(b->state_dir, link), 0);
	snprintf(file, sizeof(file), "%s/x.log", link);
	b->plan.log = file;
	assert_int_equal(backend_places_open_log(&b->exec, &b->device), -ELOOP);
	assert_true(log_capture_has(&b->capture, "symbolic link"));
	assert_int_equal(stat(file, &st), -1);
	/* nor the last name; without links it may be there */
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("/nonexistent/x", link), 0);
	b->plan.log = link;
	assert_int_equal(backend_places_open_log(&b->exec, &b->device), -ELOOP);
	assert_int_equal(unlink(link), 0);
	fd = backend_places_open_log(&b->exec, &b->device);
	assert_true(fd >= 0);
	close(fd);
	unlink(link);
	/* a link of root's is as good as a directory */
	snprintf(own, sizeof(own), "%s/own", b->dir);
	assert_int_equal(symlink(b->state_dir, own), 0);
	snprintf(file, sizeof(file), "%s//x.log", own);
	b->plan.log = file;
	fd = backend_places_open_log(&b->exec, &b->device);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(unlink(own), 0);
}

/* Names are as who listens wrote them: the same place by another name counts, another place of a like name does not. */
static void who_listens_is_not_known_by_name(void **state)
{
	struct bench *b = *state;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct stat st;
	int len, fd, other;

	assert_int_equal(backend_places_prepare(&b->exec, b->socket), 0);
	len = snprintf(at.sun_path, sizeof(at.sun_path), "/%s", b->socket);
	fd = listen_as(&at, (size_t)len + 1);
	assert_int_equal(backend_places_prepare(&b->exec, b->socket), -EADDRINUSE);
	assert_int_equal(stat(b->socket, &st), 0);
	close(fd);
	/* anybody may have such a name */
	len = snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "x %s", b->socket);
	at.sun_path[0] = '\0';
	other = listen_as(&at, (size_t)len + 1);
	assert_int_equal(backend_places_prepare(&b->exec, b->socket), 0);
	assert_int_equal(stat(b->socket, &st), -1);
	close(other);
	b->runner.tidy(b->runner.opaque, 7, 2, b->socket);
}

/* What the administrator has for all sockets is neither given away nor emptied. */
static void a_directory_of_all_is_not_ones_own(void **state)
{
	struct bench *b = *state;
	char path[160];
	struct stat st;

	assert_true(backend_exec_own_dirs("/run/x/%d-%i/sock"));
	assert_false(backend_exec_own_dirs("/run/x/%d-%i.sock"));
	assert_false(backend_exec_own_dirs("/run/%d/%i.sock"));
	assert_false(backend_exec_own_dirs("/%d-%i"));
	b->exec.own_dirs = false;
	snprintf(path, sizeof(path), "%s/s", b->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/s/7-2", b->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(backend_places_prepare(&b->exec, b->socket), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(st.st_mode & 07777, 0755);
	b->runner.tidy(b->runner.opaque, 7, 2, b->socket);
	assert_int_equal(stat(path, &st), 0);
}

/* It would be taken for one of a backend before this one, and the socket in it be out of the group's reach. */
static void a_directory_that_cannot_be_given_does_not_stay(void **state)
{
	struct bench *b = *state;
	char path[160];
	struct stat st;
	int first, second;

	snprintf(path, sizeof(path), "%s/s", b->dir);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(chmod(path, 0777), 0);
	if (b->root)
		assert_int_equal(seteuid(OTHER_USER), 0);
	/* nobody but root can give it to another */
	b->exec.user.uid = geteuid() + 1;
	first = backend_places_prepare(&b->exec, b->socket);
	second = backend_places_prepare(&b->exec, b->socket);
	if (b->root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(first, -EPERM);
	assert_int_equal(second, -EPERM);
	snprintf(path, sizeof(path), "%s/s/7-2", b->dir);
	assert_int_equal(stat(path, &st), -1);
}

static void a_user_that_there_is_not_is_named(void **state)
{
	struct plan plan = {.user = "root"};
	struct backend_user user;
	char why[PLAN_WHY_MAX];

	assert_int_equal(backend_exec_user(&user, &plan, "nobody-has-this", why), 0);
	assert_int_equal(user.uid, 0);
	plan.group = "nobody-has-this";
	assert_int_equal(backend_exec_user(&user, &plan, "x", why), -ENOENT);
	assert_non_null(strstr(why, "no group nobody-has-this"));
	plan.user = NULL;
	/* never root unless that is said */
	assert_int_equal(backend_exec_user(&user, &plan, "nobody-has-this", why), -ENOENT);
	assert_non_null(strstr(why, "useradd --system nobody-has-this"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(it_has_what_its_user_has),
		TEST(what_cannot_be_run_is_told),
		TEST(its_children_go_with_it),
		TEST(a_successor_finds_it),
		TEST(a_socket_of_others_is_left_alone),
		TEST(who_listens_is_not_known_by_name),
		TEST(another_user_gets_a_directory_as_well),
		TEST(no_link_of_others_says_where_the_log_is),
		TEST(a_directory_of_all_is_not_ones_own),
		TEST(a_directory_that_cannot_be_given_does_not_stay),
		TEST(a_user_that_there_is_not_is_named),
	};

	if (argc == 4 && strcmp(argv[1], CHILD) == 0)
		return be_a_backend(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
