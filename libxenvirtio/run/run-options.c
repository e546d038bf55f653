// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The command line of a program: options that all have, and its own. Nothing but long ones, and -h and -V.
 */
#include "config.h"

#include "run/run-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenvirtio/placement.h>

/** DOMID_FIRST_RESERVED, xen/xen.h */
#define DOMID_MAX 0x7fefu
#if defined(__x86_64__) || defined(__i386__)
#define IRQ_MAX (XENVIRTIO_X86_LINES_MAX - 1)
#define IRQ_KIND "a line, 3 to 15 of ISA or 16 + 4 * slot + pin of PCI"
static bool irq_usable(uint64_t irq)
{
	uint32_t gsi;

	return irq && !xenvirtio_placement_x86_gsi((uint32_t)irq, &gsi);
}
#else
#define IRQ_MAX 1019u
#define IRQ_KIND "the number of an SPI, 32 to 1019"
static bool irq_usable(uint64_t irq)
{
	return irq >= 32;
}
#endif

enum which { DOMID, DEVID, BASE, IRQ, READY_FD, SANDBOX, COMMON };

static const struct xenvirtio_option common[COMMON] = {
	[DOMID] = { "domid", "D", "the guest, by its number in xl list", NULL },
	[DEVID] = { "devid", "N", "its device of that number, as in xl.cfg, from 0; else the first of the type", NULL },
	[BASE] = { "base", "HEX", "address of the device, with --irq; else as xl has written, or on x86 by default", NULL },
	[IRQ] = { "irq", "N", "its interrupt, with --base", NULL },
	[READY_FD] = { "ready-fd", "FD", "a newline goes there once the device is served", NULL },
	[SANDBOX] = { "sandbox", "require", "do not serve if this host does not confine the device wholly", NULL },
};

struct parse {
	struct run_options *opts;
	const struct xenvirtio_program *program;
	bool seen[COMMON + XENVIRTIO_OPTIONS_MAX];
};

static int wrong(const struct parse *p, const char *option, const char *value, const char *why)
{
	fprintf(stderr, "%s: --%s%s%s: %s\n", p->program->name, option, value ? " " : "", value ? value : "", why);
	return -EINVAL;
}

/* Digits of @base and nothing else. */
static int number(const char *text, int base, uint64_t max, uint64_t *v)
{
	const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
	char *end;

	if (base == 16 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	if (!*text || text[strspn(text, digits)])
		return -EINVAL;
	errno = 0;
	*v = strtoull(text, &end, base);
	return errno || *v > max ? -ERANGE : 0;
}

static int take_ready_fd(struct parse *p, const char *value)
{
	uint64_t v;
	int flags;

	if (number(value, 10, INT32_MAX, &v))
		return wrong(p, "ready-fd", value, "not a descriptor: give its number");
	flags = fcntl((int)v, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return wrong(p, "ready-fd", value, "it is not open for writing");
	fcntl((int)v, F_SETFD, FD_CLOEXEC);
	p->opts->ready_fd = (int)v;
	return 0;
}

static int take_common(struct parse *p, enum which which, const char *value)
{
	struct run_options *opts = p->opts;
	uint64_t v = 0;

	switch (which) {
	case DOMID:
		if (number(value, 10, DOMID_MAX, &v) || !v)
			return wrong(p, "domid", value, "not a guest: give its number, 1 to 32751, as xl list shows it");
		opts->domid = (uint32_t)v;
		return 0;
	case DEVID:
		if (number(value, 10, UINT16_MAX, &v))
			return wrong(p, "devid", value, "not a device: give its number, 0 for the first of virtio=[...]");
		opts->devid = (uint32_t)v;
		opts->devid_given = true;
		return 0;
	case BASE:
		if (number(value, 16, UINT64_MAX - XENVIRTIO_MMIO_BYTES, &v) || !v || v % 4)
			return wrong(p, "base", value, "not an address: give hexadecimal, a multiple of 4 above 0, such as 0x2000000");
		opts->base = xenvirtio_gpa(v);
		opts->base_given = true;
		return 0;
	case IRQ:
		if (number(value, 10, IRQ_MAX, &v) || !irq_usable(v))
			return wrong(p, "irq", value, "not an interrupt for a device: give " IRQ_KIND);
		opts->irq = (uint32_t)v;
		opts->irq_given = true;
		return 0;
	case READY_FD:
		return take_ready_fd(p, value);
	case SANDBOX:
	case COMMON:
		break;
	}
	if (strcmp(value, "require") != 0)
		return wrong(p, "sandbox", value, "give require, or leave it away");
	if (opts->sandbox == RUN_NO_SANDBOX)
		return wrong(p, "sandbox", value, "--no-sandbox says the opposite: give one of them");
	opts->sandbox = RUN_SANDBOX_REQUIRED;
	return 0;
}

/* Return: its place in seen[]; COMMON + XENVIRTIO_OPTIONS_MAX: there is none */
static size_t find(const struct parse *p, const char *name, size_t len)
{
	const struct xenvirtio_option *own = p->program->options;

	for (size_t i = 0; i < COMMON; i++) {
		if (strlen(common[i].name) == len && memcmp(common[i].name, name, len) == 0)
			return i;
	}
	for (size_t i = 0; own && own[i].name && i < XENVIRTIO_OPTIONS_MAX; i++) {
		if (strlen(own[i].name) == len && memcmp(own[i].name, name, len) == 0)
			return COMMON + i;
	}
	return COMMON + XENVIRTIO_OPTIONS_MAX;
}

static int take(struct parse *p, size_t at, const char *value)
{
	const struct xenvirtio_option *own = p->program->options;
	const char *name = at < COMMON ? common[at].name : own[at - COMMON].name;
	int ret;

	if (!value)
		return wrong(p, name, NULL, "a value belongs to it");
	if (p->seen[at])
		return wrong(p, name, value, "it is given already: a process serves one device");
	p->seen[at] = true;
	if (at < COMMON)
		return take_common(p, (enum which)at, value);
	ret = own[at - COMMON].set(p->program->device.opaque, value);
	return ret ? wrong(p, name, value, strerror(-ret)) : 0;
}

static int no_sandbox(struct parse *p)
{
	if (p->opts->sandbox == RUN_SANDBOX_REQUIRED)
		return wrong(p, "no-sandbox", NULL, "--sandbox=require says the opposite: give one of them");
	p->opts->sandbox = RUN_NO_SANDBOX;
	return 0;
}

static void help(const struct xenvirtio_program *program)
{
	const struct xenvirtio_option *own = program->options;

	printf("%s: %s\n\nusage: %s --domid D [OPTION...]\n\n", program->name, program->summary, program->name);
	for (size_t i = 0; i < COMMON; i++)
		printf("  --%s %s\n\t%s\n", common[i].name, common[i].value, common[i].help);
	for (size_t i = 0; own && own[i].name; i++)
		printf("  --%s %s\n\t%s\n", own[i].name, own[i].value, own[i].help);
	printf("  --no-sandbox\n\tgive nothing away: for debuggers\n  -V, --version\n\tprint the version and exit\n"
	       "  -h, --help\n\tprint this and exit\n");
}

/* What the options say together. */
static int check(const struct parse *p)
{
	const struct run_options *opts = p->opts;

	if (!opts->domid) {
		fprintf(stderr, "%s: which guest? give --domid D, as xl list shows it; --help says more\n", p->program->name);
		return -EINVAL;
	}
	if (opts->base_given != opts->irq_given)
		return wrong(p, opts->base_given ? "base" : "irq", NULL, "an address and an interrupt belong together: give --base and --irq");
	return 0;
}

static int parse_all(struct parse *p, int argc, char **argv)
{
	int ret = 0;

	for (int i = 1; !ret && i < argc; i++) {
		const char *word = argv[i], *equals = strchr(word, '=');
		size_t at = COMMON + XENVIRTIO_OPTIONS_MAX;

		if (strcmp(word, "--no-sandbox") == 0) {
			ret = no_sandbox(p);
			continue;
		}
		if (strncmp(word, "--", 2) == 0)
			at = find(p, word + 2, equals ? (size_t)(equals - word) - 2 : strlen(word) - 2);
		if (at == COMMON + XENVIRTIO_OPTIONS_MAX) {
			fprintf(stderr, "%s: %s: no such option; --help shows those there are\n", p->program->name, word);
			return -EINVAL;
		}
		/* argv ends with NULL */
		ret = take(p, at, equals ? equals + 1 : argv[++i]);
		if (!equals && !argv[i])
			break;
	}
	return ret;
}

bool run_options_parse(struct run_options *opts, const struct xenvirtio_program *program, int argc, char **argv, int *code)
{
	struct parse p = { .opts = opts, .program = program };

	*opts = (struct run_options){ .ready_fd = RUN_NO_FD };
	*code = XENVIRTIO_EXIT_DONE;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			help(program);
			return false;
		}
		if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0) {
			printf("%s %s\n", program->name, program->version ? program->version : "(libxenvirtio " PACKAGE_VERSION ")");
			return false;
		}
	}
	*code = XENVIRTIO_EXIT_USAGE;
	return !parse_all(&p, argc, argv) && !check(&p);
}
