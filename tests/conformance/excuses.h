/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which clause an author's excuse is of. conformance_check_excuses() is in conformance.h.
 */
#ifndef CONFORMANCE_EXCUSES_H
#define CONFORMANCE_EXCUSES_H

#include "conformance/clauses.h"

/** excuses_find() - of @clause, if @cd has one; NULL. They were checked */
const struct conformance_excuse *excuses_find(const struct conformance_device *cd, const struct clause *clause);
/** excuses_all() - what is excused: SHOULD_ of clauses.h */
unsigned int excuses_all(const struct conformance_device *cd);

#endif /* CONFORMANCE_EXCUSES_H */
