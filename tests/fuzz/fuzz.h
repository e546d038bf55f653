/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One fuzz target a file: the function libFuzzer calls, with what must hold for any bytes in it.
 *
 * The same files are linked with replay.c, which needs no fuzzer: there `make check` goes through
 * the corpus, where every input that ever found something stays.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** MUST - what holds whatever the input is; ends the process where not */
#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

#endif /* FUZZ_H */
