/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --self-test-sandbox: what a device process is kept from on this host, by trying it.
 */
#ifndef BACKEND_SELF_TEST_H
#define BACKEND_SELF_TEST_H

#include "backend/base/exit-code.h"
#include "backend/base/log.h"
#include "backend/options/options.h"

#include <stdio.h>

/**
 * self_test() - each attempt of attempts.h twice: by a process that is confined as a device process is, and by one that is but for
 * the filter of system calls
 * @out: gets a table
 *
 * Works without Xen, and says that its part was not tried. Return: EXIT_CODE_DONE all was refused; EXIT_CODE_HOST
 */
enum exit_code self_test(const struct options *opts, struct log *log, FILE *out);

#endif /* BACKEND_SELF_TEST_H */
