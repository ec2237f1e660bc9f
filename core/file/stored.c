#include "core/file/stored.h"

#include "core/memory.h"

#include <stdlib.h>

lac_status lac_contents_add(lac_contents *c, const char *name, lac_stored **e)
{
    LAC_TRY(lac_grow((void **)&c->entry, c->n, &c->capacity, sizeof *c->entry));
    *e = &c->entry[c->n];
    **e = (lac_stored){ .packed = -1 };
    LAC_TRY(lac_strdup(&(*e)->name, name));
    c->n++;
    return LAC_OK;
}

lac_status lac_contents_add_absent(lac_contents *c, const char *name, const char *why)
{
    lac_absent a = { NULL, NULL };
    LAC_TRY(lac_grow((void **)&c->absent, c->n_absent, &c->absent_capacity, sizeof *c->absent));
    LAC_TRY(lac_strdup(&a.name, name));
    const lac_status s = lac_strdup(&a.why, why);
    if (s == LAC_OK)
        c->absent[c->n_absent++] = a;
    else
        free(a.name);
    return s;
}

lac_status lac_contents_join(lac_contents *c, lac_contents *from)
{
    for (; from->n > 0; c->n++) {
        LAC_TRY(lac_grow((void **)&c->entry, c->n, &c->capacity, sizeof *c->entry));
        c->entry[c->n] = from->entry[--from->n];
    }
    for (; from->n_absent > 0; c->n_absent++) {
        LAC_TRY(lac_grow((void **)&c->absent, c->n_absent, &c->absent_capacity, sizeof *c->absent));
        c->absent[c->n_absent] = from->absent[--from->n_absent];
    }
    return LAC_OK;
}

void lac_contents_free(lac_contents *c)
{
    for (int64_t i = 0; i < c->n; i++)
        free(c->entry[i].name);
    for (int64_t i = 0; i < c->n_absent; i++) {
        free(c->absent[i].name);
        free(c->absent[i].why);
    }
    free(c->entry);
    free(c->absent);
    *c = (lac_contents){ 0 };
}
