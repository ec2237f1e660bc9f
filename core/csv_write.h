/* core/csv_write.h -- cells of a table that core/csv.h reads. Write errors show in ferror(f). */
#pragma once

#include <stdio.h>

void lac_csv_put_text(FILE *f, const char *s);          /* in quotes, those in it doubled; NULL as "" */
void lac_csv_put_number(FILE *f, double x);             /* all digits; nothing where it is no number */
