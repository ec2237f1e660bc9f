/* core/print.h -- text written with fprintf into memory.
 *
 *     lac_print p;
 *     LAC_TRY(lac_print_open(&p, "names of networks"));
 *     fprintf(p.to, ...);
 *     return lac_print_close(&p, LAC_OK, &text); */
#pragma once

#include "core/status.h"

#include <stdio.h>

typedef struct lac_print { FILE *to; const char *what; char *text; size_t size; } lac_print;

/* what: for "out of memory: WHAT". */
lac_status lac_print_open(lac_print *p, const char *what);
/* s: what the writing came to, which is returned. *text is whole and fresh, or untouched when s or what is returned is no LAC_OK. */
lac_status lac_print_close(lac_print *p, lac_status s, char **text);
