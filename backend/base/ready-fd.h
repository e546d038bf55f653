/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tell whoever started this process that it is ready: a newline on a descriptor it has handed down,
 * which is then closed. That is what s6 and its like wait for; a shell waits with read. Who finds
 * the end of the file instead knows that it will never be.
 *
 * Knows nothing of what being ready means.
 */
#ifndef BACKEND_READY_FD_H
#define BACKEND_READY_FD_H

/** standard input, output and error are not for this */
#define READY_FD_MIN 3

/**
 * ready_fd_check() - whether @fd can be used so; before this process opens any of its own
 *
 * Return: 0; -EBADF it is not open; -EINVAL it cannot be written to
 */
int ready_fd_check(int fd);
/** ready_fd_hide() - no other program that this one starts shall have it */
void ready_fd_hide(int fd);
/**
 * ready_fd_tell() - the newline, if there is room for it: nobody is waited for
 * @fd: closed, whatever happens
 *
 * SIGPIPE must be ignored. Return: 0; -EAGAIN there is no room; -EPIPE nobody reads; -errno
 */
int ready_fd_tell(int fd);

#endif /* BACKEND_READY_FD_H */
