/* core/text/entities.h -- HTML's named characters, as Python's html.unescape undoes them. */
#pragma once

#include "core/text/codes.h"

typedef struct lac_entity { const char *name; uint32_t code, second; } lac_entity;     /* "amp;", and "amp" where it may stand without; second 0: none */

const lac_entity *lac_entity_find(const char *name);            /* NULL: there is none of that name */

/* Every &name; &#123; and &#x1F; once; what comes out is not looked at again. */
lac_status lac_codes_unescape(lac_codes *c);
