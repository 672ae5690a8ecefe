/* Insides of the face: structures that know their size, and the thread's last error. */
#ifndef ROMA_FACE_H
#define ROMA_FACE_H

#include "roma/base.h"
#include "roma/roma.h"

#include <sys/types.h>

/* Both structures begin with their size. take fills own from given, whose caller may know fewer members, or more if
 * these are 0; NULL given: all of own is 0. give fills what given's caller knows from own. */
int roma_face_take(void *own, size_t size, const void *given, roma_error *err);
void roma_face_give(void *given, const void *own, size_t size);
/* Keeps err as the thread's last one where rc is not 0; returns rc. */
int roma_face_end(int rc, const roma_error *err);
/* EUSAGE where pid, the process that opened an engine, is another one: the thread that computes stayed there, and
 * whoever waited for it here would wait for ever. err may be NULL. */
int roma_face_here(pid_t pid, roma_error *err);

#endif
