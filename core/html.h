/* core/html.h -- small things that a page is written with. Write errors show in ferror(f). */
#pragma once

#include <stddef.h>
#include <stdio.h>

void lac_html_text(FILE *f, const char *s);                     /* with &, <, >, " and ' as entities */
void lac_html_base64(FILE *f, const void *bytes, size_t n);
