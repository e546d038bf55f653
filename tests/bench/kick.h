/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kick-guest.c and kick-backend.c agree on.
 *
 * The driver's first buffer is device-writable and gets the number of rounds; then come KICK_WARM_UP rounds and as many as
 * wanted, each a readable buffer of 4 bytes; then one with a 32-bit time for each round, in ticks of the virtual counter.
 */
#ifndef KICK_H
#define KICK_H

#define KICK_DEVICE_ID 42u
#define KICK_QUEUE_SIZE 16u
#define KICK_ROUNDS_MAX 100000u
#define KICK_WARM_UP 200u

#endif /* KICK_H */
