#include "core/named.h"

#include "core/config.h"

#include <string.h>

static const char *name_of(const void *def) { return *(const char *const *)def; }

const void *lac_named_find(const lac_named *list, const char *name)
{
    const char *names[LAC_NAMED_ROOM];
    int n = 0;
    for (; list->entry[n] != NULL; n++) {
        names[n] = name_of(list->entry[n]);
        if (strcmp(names[n], name) == 0)
            return list->entry[n];
    }
    const int near = lac_nearest(name, names, n);
    if (near < 0)
        LAC_FAIL(list->unknown, "unknown %s '%s'", list->what, name);
    else
        LAC_FAIL(list->unknown, "unknown %s '%s' (did you mean '%s'?)", list->what, name, names[near]);
    return NULL;
}

lac_status lac_named_add(lac_named *list, const void *def)
{
    int n = 0;
    while (list->entry[n] != NULL && list->entry[n] != def)
        n++;
    if (n == LAC_NAMED_ROOM - 1)
        return LAC_FAIL(LAC_ERR_STATE, "%s '%s': there is room for %d", list->what, name_of(def), n);
    list->entry[n] = def;
    return LAC_OK;
}
