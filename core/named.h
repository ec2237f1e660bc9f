/* core/named.h -- lists of definitions that are asked for by name: those of a .def file, and what is registered beside them. A definition's
 * first member is its name. */
#pragma once

#include "core/status.h"

enum { LAC_NAMED_ROOM = 64 };

typedef struct lac_named {
    const char *what;                       /* "recipe": in messages */
    lac_status unknown;                     /* what a name that is not there fails with */
    const void *entry[LAC_NAMED_ROOM];      /* ends with NULL */
} lac_named;

/* The definition of that name; NULL when there is none: the message, of list->unknown, has the nearest. */
const void *lac_named_find(const lac_named *list, const char *name);
/* The same as a status: *def is a pointer to what the list holds. */
#define LAC_NAMED_FIND(list, name, def) ((*(def) = lac_named_find(list, name)) != NULL ? LAC_OK : (list)->unknown)

/* One more, for as long as the process lives: a test's own. The same one again changes nothing. */
lac_status lac_named_add(lac_named *list, const void *def);
