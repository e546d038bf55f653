// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of --self-test-sandbox. Each attempt is made by a process of its own, a child of a broker of its own, since the kernel
 * ends it where its system calls are filtered.
 */
#include "config.h"

#include "backend/self-test.h"
#include "backend/attempts.h"
#include "backend/base/state-file.h"
#include "backend/confined.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/** a number that a domain has once in 32,752 */
#define NO_DOMAIN 0x7fefu
#define MISSING_MAX 1024
#define WORDS_MAX 32
#define ROW "%-39s %-8s %-8s %-12s %s\n"
#define ABSTRACT_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

/** what a device process says of itself by a pipe */
struct word {
	int32_t ret; /* of the attempt */
	int32_t xen; /* as confined_trial */
	char missing[MISSING_MAX];
};

struct trial {
	const struct options *opts;
	struct log *log;
	struct attempt_target target;
	const struct attempt *attempt; /* NULL: it only says what it has */
	int pipe;
};

/** how an attempt ended */
struct end {
	bool said; /* the process came back, and @word is what it says */
	int signal; /* else it died of this; 0: it was never made */
	struct word word;
};

static int make_attempt(void *opaque, int xen, const char *missing)
{
	const struct trial *t = opaque;
	struct word word = {.xen = xen};

	snprintf(word.missing, sizeof(word.missing), "%s", missing);
	word.ret = t->attempt ? t->attempt->run(&t->target) : 0;
	return write(t->pipe, &word, sizeof(word)) == (ssize_t)sizeof(word) ? EXIT_CODE_DONE : EXIT_CODE_HOST;
}

/* In a process of its own, which will have given away its rights. */
static void be_broker(struct trial *t, bool seal)
{
	int signal = 0;
	enum exit_code code;

	t->target.process = getpid();
	code = confined_try(t->opts, t->log, seal, make_attempt, t, &signal);
	_exit(signal ? 128 + signal : (int)code);
}

static void try_one(struct trial *t, const struct attempt *attempt, bool seal, struct end *end)
{
	int ends[2], status = 0;
	pid_t pid;

	*end = (struct end){0};
	if (pipe(ends))
		return;
	t->attempt = attempt;
	t->pipe = ends[1];
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		be_broker(t, seal);
	}
	close(ends[1]);
	end->said = pid > 0 && read(ends[0], &end->word, sizeof(end->word)) == (ssize_t)sizeof(end->word);
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (!end->said && WIFEXITED(status) && WEXITSTATUS(status) > 128)
		end->signal = WEXITSTATUS(status) - 128;
}

/* SIGSEGV: a kernel without system calls of 32 bits has no such interrupt. */
static bool refused(const struct end *end)
{
	return end->said ? end->word.ret < 0 : end->signal == SIGSYS || end->signal == SIGSEGV;
}

static const char *in_words(const struct end *end, char text[WORDS_MAX])
{
	const char *name = end->said ? strerrorname_np(-end->word.ret) : sigabbrev_np(end->signal);

	if (end->said && !end->word.ret)
		return "done";
	if (!end->said && !end->signal)
		return "not told";
	snprintf(text, WORDS_MAX, "%s%s", end->said ? "" : "SIG", name ? name : "?");
	return text;
}

/* Return: whether a device process is kept from it */
static bool print_row(FILE *out, const struct attempt *a, const struct end *full, const struct end *below)
{
	char first[WORDS_MAX], second[WORDS_MAX];
	bool kept = refused(full);
	const char *by = !refused(below) ? (kept ? "the filter of system calls alone" : "") : a->by ? a->by : "this kernel's settings";

	fprintf(out, ROW, a->what, kept ? "refused" : "POSSIBLE", in_words(full, first), in_words(below, second), by);
	return kept;
}

/* Return: how many were possible */
static unsigned int try_all(struct trial *t, const struct attempt *list, size_t nr, FILE *out)
{
	unsigned int possible = 0;

	for (size_t i = 0; i < nr; i++) {
		struct end full, below;

		try_one(t, &list[i], true, &full);
		try_one(t, &list[i], false, &below);
		possible += !print_row(out, &list[i], &full, &below);
	}
	return possible;
}

/* For what shall not be connected to. Return: the socket */
static int listen_tcp(uint16_t *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&in, len) && !listen(fd, 1) && !getsockname(fd, (struct sockaddr *)&in, &len))
		*port = ntohs(in.sin_port);
	return fd;
}

/* @name: out; the kernel finds one that is free. Return: the socket */
static int listen_abstract(char name[ABSTRACT_MAX])
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(un);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&un, sizeof(un.sun_family)) && !listen(fd, 1) &&
	    !getsockname(fd, (struct sockaddr *)&un, &len))
		snprintf(name, ABSTRACT_MAX, "%s", un.sun_path + 1);
	return fd;
}

static void say_missing(FILE *out, const struct end *look, const char *program)
{
	char text[MISSING_MAX], *rest = text, *line;

	snprintf(text, sizeof(text), "%s", look->word.missing);
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			fprintf(out, "missing on this host: %s\n", line);
	}
	if (!look->said)
		fprintf(out, "no device process can be made here: run it as root, as %s is\n", program);
	else if (look->word.xen == -ENOSYS)
		fprintf(out, "not tried: hypercalls, memory and event channels of other domains: nothing restricts them here\n");
	else if (look->word.xen)
		fprintf(out, "not tried: hypercalls, memory and event channels of other domains: this machine is not on Xen\n");
}

/* What a device says of each of its parts is said once, not for each attempt. */
static void say_nothing(struct log *log, enum log_level level, int err, const char *text)
{
}

enum exit_code self_test(const struct options *opts, struct log *log, FILE *out)
{
	struct options own = *opts;
	char abstract[ABSTRACT_MAX] = "";
	struct log quiet;
	struct trial t = {.opts = &own, .log = &quiet, .target.abstract = abstract};
	const struct attempt *list;
	unsigned int possible, tried;
	struct end look;
	size_t nr;
	int rc, tcp, unix_fd;

	own.domid = NO_DOMAIN;
	own.ready_fd = 0;
	rc = state_file_make_dir(own.state_dir, own.program->group);
	if (rc)
		log_msg(log, LOG_LEVEL_ERROR, rc, "cannot use %s: run it as root, or give --state-dir", own.state_dir);
	if (rc)
		return EXIT_CODE_HOST;
	log_open_emit(&quiet, LOG_LEVEL_ERROR, say_nothing);
	tcp = listen_tcp(&t.target.port);
	unix_fd = listen_abstract(abstract);
	fflush(out);
	try_one(&t, NULL, true, &look);
	say_missing(out, &look, own.program->name);
	fprintf(out, ROW, "what a device process may try", "is", "as it is", "unfiltered", "meant to be by");
	list = attempts_list(&nr);
	possible = try_all(&t, list, nr, out);
	tried = (unsigned int)nr;
	if (look.said && (!look.word.xen || look.word.xen == -ENOSYS)) {
		list = attempts_xen_list(&nr);
		possible += look.word.xen ? (unsigned int)nr : try_all(&t, list, nr, out);
		tried += (unsigned int)nr;
	}
	close(tcp);
	close(unix_fd);
	if (possible)
		fprintf(out, "%u of %u are possible: SECURITY.md has what each part takes\n", possible, tried);
	else
		fprintf(out, "all refused%s\n", look.word.missing[0] ? ", without what is missing" : "");
	return possible ? EXIT_CODE_HOST : EXIT_CODE_DONE;
}
