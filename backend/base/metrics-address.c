// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Addresses of the metrics. Numbers only: a name could mean another machine tomorrow.
 */
#include "backend/base/metrics-address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#define FORM "give unix:PATH or 127.0.0.1:PORT"

/* The port behind the last colon; 0: none. */
static uint16_t parse_port(const char *text)
{
	uint32_t port = 0;

	if (!*text || strlen(text) > 5)
		return 0;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return 0;
		port = port * 10 + (uint32_t)(*text - '0');
	}
	return port > UINT16_MAX ? 0 : (uint16_t)port;
}

static int parse_unix(const char *path, struct metrics_address *a, const char **why)
{
	struct sockaddr_un *sun = (struct sockaddr_un *)&a->address;

	if (path[0] != '/' || strlen(path) >= sizeof(sun->sun_path)) {
		*why = "give an absolute path of at most 107 characters";
		return -EINVAL;
	}
	sun->sun_family = AF_UNIX;
	strcpy(sun->sun_path, path);
	a->len = sizeof(*sun);
	return 0;
}

static int set_v4(const char *host, uint16_t port, struct metrics_address *a)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&a->address;

	if (inet_pton(AF_INET, host, &sin->sin_addr) != 1)
		return -EINVAL;
	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	a->len = sizeof(*sin);
	return ntohl(sin->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET ? 0 : -EACCES;
}

static int set_v6(const char *host, uint16_t port, struct metrics_address *a)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&a->address;

	if (inet_pton(AF_INET6, host, &sin6->sin6_addr) != 1)
		return -EINVAL;
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	a->len = sizeof(*sin6);
	return IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr) ? 0 : -EACCES;
}

static int parse_inet(const char *text, struct metrics_address *a, const char **why)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	char host[64];
	uint16_t port;
	int rc;

	if (!len || len >= sizeof(host)) {
		*why = FORM;
		return -EINVAL;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	port = parse_port(colon + 1);
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		rc = set_v6(host + 1, port, a);
	} else {
		rc = set_v4(host, port, a);
	}
	if (!rc && port)
		return 0;
	*why = rc == -EACCES ? "not a loopback address: metrics are served on this machine only; "
			       "give 127.0.0.1:PORT or unix:PATH"
			     : FORM;
	return -EINVAL;
}

int metrics_address_parse(const char *text, struct metrics_address *a, const char **why)
{
	struct metrics_address parsed = {.len = 0};
	int rc;

	if (strncmp(text, "unix:", 5) == 0)
		rc = parse_unix(text + 5, &parsed, why);
	else
		rc = parse_inet(text, &parsed, why);
	if (!rc)
		*a = parsed;
	return rc;
}
