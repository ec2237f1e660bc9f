#include "core/csv_write.h"

#include <math.h>

void lac_csv_put_text(FILE *f, const char *s)
{
    fputc('"', f);
    for (; s != NULL && *s; s++)
        fprintf(f, *s == '"' ? "\"%c" : "%c", *s);
    fputc('"', f);
}

void lac_csv_put_number(FILE *f, double x)
{
    if (!isnan(x))
        fprintf(f, "%.17g", x);
}
