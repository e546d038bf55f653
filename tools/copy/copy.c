// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Beginning, progress and end of a copy, and what is said of failures.
 */
#include "tools/copy/copy.h"
#include "backend/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB_PER_PAGE (XENVIRTIO_PAGE_SIZE / 1024)
#define SHOW_MS 200u
#define SEEN_MS 500u
#define PING_MS 5000u
#define BAR_WIDTH 24u

uint64_t copy_took_ns(const struct copy *c)
{
	return clock_now_ns() - c->begin_ns;
}

int copy_map(struct copy *c, uint64_t start_gfn, uint64_t nr, void **va)
{
	struct xenvirtio_gfn gfn[COPY_BATCH_PAGES];

	for (uint64_t i = 0; i < nr; i++)
		gfn[i] = xenvirtio_gfn(start_gfn + i);
	return c->hv->ops->map(c->hv, gfn, nr, false, va);
}

/* --- on the way --- */

static void show_progress(struct copy *c, uint64_t now_ms)
{
	char text[PROGRESS_TEXT_MAX];

	progress_update(&c->progress, now_ms, c->done_pages * KIB_PER_PAGE);
	if (!c->tty || c->opts->json)
		return;
	fprintf(c->err, "\r%s: %s\033[K", c->who,
		progress_text(&c->progress, now_ms, BAR_WIDTH, text));
	fflush(c->err);
}

void copy_end_progress(struct copy *c)
{
	show_progress(c, clock_now_ms());
	if (c->tty && !c->opts->json)
		fputc('\n', c->err);
}

void copy_begin_progress(struct copy *c, uint64_t pages)
{
	uint64_t now_ms = clock_now_ms();

	progress_begin(&c->progress, now_ms, 0, pages * KIB_PER_PAGE);
	c->done_pages = 0;
	c->shown_ms = c->seen_ms = c->pinged_ms = now_ms;
}

/* The hold lasts while we speak. A daemon that has ended holds nothing any more: no harm to a copy.
 */
static void ping_daemon(struct copy *c, uint64_t now_ms)
{
	struct ctl_refusal refusal;
	struct json_object *json;

	if (!c->client_open || now_ms - c->pinged_ms < PING_MS)
		return;
	c->pinged_ms = now_ms;
	if (ctl_client_call(&c->client, "ping", NULL, NULL, &json, &refusal)) {
		ctl_client_close(&c->client);
		c->client_open = false;
	} else {
		json_object_put(json);
	}
}

int copy_step(struct copy *c, uint64_t pages)
{
	struct xenvirtio_domain_info info;
	uint64_t now_ms = clock_now_ms();
	int rc;

	c->done_pages += pages;
	if (now_ms - c->shown_ms >= SHOW_MS) {
		c->shown_ms = now_ms;
		show_progress(c, now_ms);
	}
	ping_daemon(c, now_ms);
	if (now_ms - c->seen_ms < SEEN_MS)
		return 0;
	c->seen_ms = now_ms;
	rc = c->hv->ops->domain_info(c->hv, &info);
	return !rc && info.dying ? XENVIRTIO_E_GONE : rc;
}

/* --- failures --- */

static enum copy_exit no_xen(struct copy *c, int rc)
{
	char text[NO_XEN_TEXT_MAX];

	ctl_say(&c->ctl, "%s: %s", c->who, no_xen_hypervisor(rc, text));
	return COPY_EXIT_NO_XEN;
}

/* It could be opened; only then it is known what we may. */
static enum copy_exit xen_failed(struct copy *c, int rc)
{
	if (rc == -EACCES || rc == -EPERM)
		return no_xen(c, rc);
	ctl_say(&c->ctl, "%s: %s", c->who, strerror(-rc));
	return COPY_EXIT_FAILED;
}

/* Of what the work answered. */
static enum copy_exit say_end(struct copy *c, int rc)
{
	/* a bar stands there */
	if (rc && c->tty && !c->opts->json && c->done_pages)
		fputc('\n', c->err);
	switch (rc) {
	case 0:
		return COPY_EXIT_DONE;
	case COPY_SAID:
		return COPY_EXIT_FAILED;
	case XENVIRTIO_E_GONE:
		ctl_say(&c->ctl, "%s: it was destroyed meanwhile", c->who);
		return COPY_EXIT_GONE;
	case -ENOSPC:
	case -EDQUOT:
	case -EFBIG:
	case -EPIPE:
		ctl_say(&c->ctl, "%s: %s: the copy is not complete", c->opts->file, strerror(-rc));
		return COPY_EXIT_FAILED;
	default:
		ctl_say(&c->ctl, "%s: %s", c->who, rc < 0 ? strerror(-rc) : "it is not served");
		return COPY_EXIT_FAILED;
	}
}

/* --- beginning --- */

/* COPY_EXIT_DONE, or what is wrong was said. */
static enum copy_exit find_guest(struct copy *c)
{
	struct xenvirtio_domain_info info;
	enum ctl_exit found;
	int rc;

	found = ctl_find_domain(&c->ctl, &c->domid);
	if (found == CTL_EXIT_NO_PERMISSION)
		return COPY_EXIT_NO_PERMISSION;
	if (found)
		return found == CTL_EXIT_NO_DAEMON ? COPY_EXIT_NO_DOMAIN : COPY_EXIT_FAILED;
	snprintf(c->who, sizeof(c->who), "domain %" PRIu32, c->domid);
	rc = c->open_hv(c->opaque, &c->hv, c->domid);
	if (rc) {
		c->hv = NULL;
		return no_xen(c, rc);
	}
	rc = c->hv->ops->domain_info(c->hv, &info);
	if (rc == XENVIRTIO_E_GONE || (!rc && info.dying)) {
		ctl_say(&c->ctl, "%s: no such domain: xl list shows those that exist", c->who);
		return COPY_EXIT_NO_DOMAIN;
	}
	if (!rc)
		rc = c->hv->ops->ram_ranges(c->hv, c->range, COPY_RANGES_MAX, &c->nr_ranges);
	if (rc)
		return xen_failed(c, rc);
	if (c->opts->verify && !info.paused) {
		ctl_say(&c->ctl, "%s: it runs: pause it first, with xl pause", c->who);
		return COPY_EXIT_RUNNING;
	}
	return COPY_EXIT_DONE;
}

static enum copy_exit open_file(struct copy *c)
{
	/* a guest's memory is nobody else's */
	if (strcmp(c->opts->file, "-") == 0)
		c->writer.fd = dup(STDOUT_FILENO);
	else if (c->opts->verify)
		c->writer.fd = open(c->opts->file, O_RDWR | O_CLOEXEC);
	else
		c->writer.fd = open(c->opts->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (c->writer.fd >= 0)
		return COPY_EXIT_DONE;
	ctl_say(&c->ctl, "%s: %s", c->opts->file, strerror(errno));
	return errno == EACCES || errno == EPERM ? COPY_EXIT_NO_PERMISSION : COPY_EXIT_FAILED;
}

/* Nobody shall take a part for the whole. */
static void remove_part(struct copy *c)
{
	struct stat st;

	if (!c->opts->verify && strcmp(c->opts->file, "-") != 0 && !fstat(c->writer.fd, &st) &&
	    S_ISREG(st.st_mode))
		unlink(c->opts->file);
}

static enum copy_exit open_daemon(struct copy *c)
{
	enum ctl_exit found;

	if (c->opts->no_skip || c->opts->verify)
		return COPY_EXIT_DONE;
	found = ctl_find_open(&c->ctl, &c->client, c->who);
	c->client_open = !found;
	if (found == CTL_EXIT_NO_DAEMON)
		ctl_say(&c->ctl, "%s: or copy it with its unused pages: --no-skip", c->who);
	if (found == CTL_EXIT_NO_DAEMON)
		return COPY_EXIT_NO_DOMAIN;
	if (found == CTL_EXIT_NO_PERMISSION)
		return COPY_EXIT_NO_PERMISSION;
	return found ? COPY_EXIT_FAILED : COPY_EXIT_DONE;
}

static enum copy_exit work(struct copy *c)
{
	enum copy_exit code = open_daemon(c);
	int rc;

	if (!code)
		code = open_file(c);
	if (code)
		return code;
	c->begin_ns = clock_now_ns();
	rc = c->opts->verify ? copy_verify(c) : copy_round(c);
	if (!rc && close(c->writer.fd))
		rc = -errno;
	else if (rc) {
		remove_part(c);
		close(c->writer.fd);
	}
	return say_end(c, rc);
}

enum copy_exit copy_run(struct copy *c)
{
	enum copy_exit code;

	c->ctl_opts = (struct ctl_options){
		.domain = c->opts->domain,
		.devid_given = c->opts->devid_given,
		.devid = c->opts->devid,
		.state_dir = c->opts->state_dir,
	};
	c->ctl = (struct ctl){
		.opts = &c->ctl_opts,
		.out = c->out,
		.err = c->err,
		.program = "xenvirtio-copy",
		.open_store = c->open_store,
		.opaque = c->opaque,
	};
	snprintf(c->who, sizeof(c->who), "%s", c->opts->domain);
	code = find_guest(c);
	if (!code)
		code = work(c);
	if (c->client_open)
		ctl_client_close(&c->client);
	c->client_open = false;
	xenvirtio_hv_close(c->hv);
	if (fflush(c->out) && !code)
		code = COPY_EXIT_FAILED;
	return code;
}
