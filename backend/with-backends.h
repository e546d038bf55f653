/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service that starts the backends of its devices as well: what backend/starter takes of the options, of xenstore and of the machine.
 */
#ifndef BACKEND_WITH_BACKENDS_H
#define BACKEND_WITH_BACKENDS_H

#include "backend/base/exit-code.h"
#include "backend/options/options.h"
#include "backend/starter/exec.h"

struct with_backends {
	const struct supervisor_companion *companion; /* NULL: this service starts none */
	const char *const *words;		      /* for device processes, up to a NULL; NULL: none */
	struct plan plan;
	struct backend_exec exec;
	struct backend_runner runner;
	struct starter *starter;
	char socket_word[160];
	const char *word[3];
};

/**
 * with_backends_open() - @w is all zero; @opts, @log are borrowed
 *
 * Return: EXIT_CODE_DONE, also where there is nothing to start; else why the service cannot, told
 */
enum exit_code with_backends_open(struct with_backends *w, struct event_base *base, const struct options *opts, struct log *log);
/** with_backends_asker_died() - as starter_asker_died(); not opened is fine */
void with_backends_asker_died(struct with_backends *w);
/** with_backends_close() - after the supervisor; not opened is fine */
void with_backends_close(struct with_backends *w);

#endif /* BACKEND_WITH_BACKENDS_H */
