/* Any bytes at all as a pickle: values are of a known kind and within the bytes, and every call has a callee and arguments. */
#include "core/file/pickle.h"

#include <stdlib.h>
#include <string.h>

static void check(const lac_pickled *v)
{
    char name[64];
    volatile char last;
    if (v->kind == LAC_PICKLED_TEXT || v->kind == LAC_PICKLED_BYTES || v->kind == LAC_PICKLED_GLOBAL)
        last = v->n > 0 ? v->text[v->n - 1] : '\0';
    else if (v->n > 0 && (v->item[0] == NULL || v->item[v->n - 1] == NULL))
        abort();
    if (v->kind == LAC_PICKLED_TABLE && v->n % 2 != 0)
        abort();
    if (v->kind == LAC_PICKLED_CALL && (v->arguments->kind != LAC_PICKLED_LIST || lac_pickled_callee(v, name, sizeof name) != name))
        abort();
    if (v->kind == LAC_PICKLED_PERSISTENT && v->arguments == NULL)
        abort();
    (void)lac_pickled_find(v, "state_dict");
    (void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lac_pickle p;
    size_t used = 0;
    lac_error_clear();
    const lac_status s = lac_pickle_read(&p, (const char *)bytes, size, &used);
    if (used > size || (s != LAC_OK && (lac_error_message()[0] == '\0' || strchr(lac_error_message(), '\n') != NULL)))
        abort();
    for (int64_t i = 0; s == LAC_OK && i < p.n; i++)
        check(lac_pickle_value(&p, i));
    if (s == LAC_OK)
        lac_pickle_free(&p);
    return 0;
}
