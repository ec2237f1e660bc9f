#include "core/print.h"

#include <stdlib.h>

static lac_status no_memory(const char *what) { return LAC_FAIL(LAC_ERR_MEM, "out of memory: %s", what); }

lac_status lac_print_open(lac_print *p, const char *what)
{
    *p = (lac_print){ .what = what };
    p->to = open_memstream(&p->text, &p->size);
    return p->to != NULL ? LAC_OK : no_memory(what);
}

lac_status lac_print_close(lac_print *p, lac_status s, char **text)
{
    const bool bad = ferror(p->to) != 0;
    if ((fclose(p->to) != 0 || bad) && s == LAC_OK)
        s = no_memory(p->what);
    if (s == LAC_OK)
        *text = p->text;
    else
        free(p->text);
    return s;
}
