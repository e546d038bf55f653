/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the machine programs go by, as the test says it: in the place of backend/libmachine.la. So
 * that neither the groups of the machine a test runs on nor how busy it is have a part in its outcome.
 */
#ifndef MACHINE_FAKE_H
#define MACHINE_FAKE_H

#include <sys/types.h>

/** machine_fake_set_group() - whose id the group has that may use sockets; usually there is none */
void machine_fake_set_group(gid_t group);

#endif /* MACHINE_FAKE_H */
