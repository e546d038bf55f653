/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an upgrade is asked for, byte by byte: a Unix stream socket in the state directory, for those whom access.h allows.
 *
 * There come, each ended by a newline, one question:
 *
 *   upgrade DOMID      of one guest; 0: of all
 *   force DOMID        also of those that run what is installed
 *
 * and answers, of which the last is one of those without a number, after which the socket is closed:
 *
 *   DOMID DEVID upgraded
 *   DOMID DEVID same          it runs what is installed already
 *   DOMID DEVID refused WHY
 *   done
 *   denied                    only root and members of the group may
 *   busy                      others are being upgraded, or another asks
 *   wrong                     that was no question
 */
#ifndef BACKEND_UPGRADE_WORDS_H
#define BACKEND_UPGRADE_WORDS_H

/** of the service's socket; a keeper's is "7.upgrade", or "7-1.upgrade" where its device was named */
#define UPGRADE_SERVICE_NAME "service" UPGRADE_SUFFIX
#define UPGRADE_SUFFIX ".upgrade"

#define UPGRADE_ASK "upgrade"
#define UPGRADE_FORCE "force"
/** a question, with its newline and a NUL */
#define UPGRADE_QUESTION_MAX 32u

#define UPGRADE_SAYS_DONE "upgraded"
#define UPGRADE_SAYS_SAME "same"
#define UPGRADE_SAYS_REFUSED "refused"
#define UPGRADE_SAYS_OVER "done"
#define UPGRADE_SAYS_DENIED "denied"
#define UPGRADE_SAYS_BUSY "busy"
#define UPGRADE_SAYS_WRONG "wrong"
/** an answer, likewise */
#define UPGRADE_ANSWER_MAX 256u

#endif /* BACKEND_UPGRADE_WORDS_H */
