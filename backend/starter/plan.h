/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the backends of one type of devices are started: a file below /etc, and what becomes of its words for a device.
 *
 *   # comment
 *   command = /usr/libexec/virtiofsd --socket-path=%s
 *           --shared-dir="/srv/guests/%n" --sandbox=none
 *   user = virtiofs
 *
 * A line that begins with a blank goes on with the one before. Nothing passes through a shell: the command is cut into words at
 * blanks, double quotes keep those between them, and what stands for a device (%d, %i, %s, %n, %u) is put in after that, so that
 * no name makes two words of one. Names of guests are checked all the same, since programs read their words: no /, no comma, no -
 * in front.
 *
 * The file is written by an administrator: trusted to mean well, not to be well-formed. Knows no process and no xenstore.
 */
#ifndef BACKEND_STARTER_PLAN_H
#define BACKEND_STARTER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_WORDS_MAX 128
#define PLAN_FILE_MAX 65536
/** what a text for the log has room for */
#define PLAN_WHY_MAX 320
#define PLAN_NAME_MAX 64
/** all words of one command, with what was put in */
#define PLAN_LINE_MAX 32768

/** what a process may use up, beside what its user may */
enum plan_limit {
	PLAN_LIMIT_FILES,	  /* open at a time */
	PLAN_LIMIT_PROCESSES,	  /* of that user */
	PLAN_LIMIT_ADDRESS_SPACE, /* KiB; the guest's memory counts */
	PLAN_LIMITS,
};

/** struct plan - one file, read; all text is in @text */
struct plan {
	char *text;
	char *word[PLAN_WORDS_MAX + 1]; /* of the command, up to a NULL, not expanded yet */
	bool names_guest;		/* %n is among them, or in @log */
	bool names_uuid;		/* %u likewise */
	const char *user;		/* NULL: not said */
	const char *group;		/* NULL: the user's own */
	const char *log;		/* a file, with the same %; NULL: where the service's own log goes */
	uint64_t limit[PLAN_LIMITS];	/* 0: not said */
};

/** struct plan_device - what a plan's words are made for */
struct plan_device {
	uint32_t domid;
	uint32_t devid;
	const char *socket;
	const char *name; /* plan_name_valid(); NULL where no word wants it */
	const char *uuid; /* likewise */
};

/**
 * plan_parse() - @text is copied
 * @path: for @why
 * @why:  out, PLAN_WHY_MAX bytes; with -EBADMSG the line, what is wrong with it, and what to do
 *
 * Return: 0; -EBADMSG; -ENOMEM
 */
int plan_parse(struct plan *plan, const char *path, const char *text, char *why);
/**
 * plan_read() - the same of a file, which nobody may write to but root and this process's user
 *
 * Return: 0; -ENOENT; -EPERM others may, @why says it; -EBADMSG; -errno
 */
int plan_read(struct plan *plan, const char *path, char *why);
/** plan_free() - all zero is fine */
void plan_free(struct plan *plan);

/** plan_name_valid() - a guest's name that may stand in a command or in a file's name */
bool plan_name_valid(const char *name);
/** plan_uuid_valid() - as xl shows it */
bool plan_uuid_valid(const char *uuid);

/**
 * plan_expand() - one word for a device
 * Return: characters without the NUL; -ENAMETOOLONG; -EINVAL a % that there is not
 */
int plan_expand(char *out, size_t size, const char *word, const struct plan_device *device);
/**
 * plan_words() - the command line for a device
 * @argv: out; NULL-ended, one piece, to be freed
 *
 * Return: 0; -E2BIG; -ENOMEM
 */
int plan_words(const struct plan *plan, const struct plan_device *device, char ***argv);

#endif /* BACKEND_STARTER_PLAN_H */
