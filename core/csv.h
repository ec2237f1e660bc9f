/* core/csv.h -- tables of text, record by record: comma-separated values of RFC 4180, in UTF-8.
 *
 *     lac_csv_open(&c, path, NULL)  ->  lac_csv_find(c, "prompt", &at)  ->  lac_csv_next(c, &more) ... lac_csv_text(c, at)
 *
 * A field in quotes may hold commas, line ends and "" for a quote; outside them blanks belong to the field. Empty lines are passed over, a
 * byte-order mark at the front too. No more of a file than a piece and a record is in memory, and no field is above LAC_CSV_FIELD bytes.
 * Messages begin with "'FILE', line N: ", where the record begins. */
#pragma once

#include "core/status.h"

enum { LAC_CSV_FIELD = 1 << 20, LAC_CSV_COLUMNS = 1024 };

typedef struct lac_csv lac_csv;

/* names: what the columns of a file without a header are called, NULL behind the last; NULL: the first record names them. LAC_ERR_IO,
 * LAC_ERR_FORMAT for a file without a header, or one that has a name twice. */
lac_status lac_csv_open(lac_csv **c, const char *path, const char *const *names);
void lac_csv_close(lac_csv *c);                         /* NULL is fine */

int lac_csv_column(const lac_csv *c, const char *name);             /* its index; -1: there is none */
/* The same; LAC_ERR_FORMAT, naming the columns that there are, where it is not among them. */
lac_status lac_csv_find(const lac_csv *c, const char *name, int *column);

/* The next record; *more false: there was none. LAC_ERR_FORMAT concerns one record (another number of fields than columns, a quote
 * out of place or never closed, a field too long, text that is no UTF-8 or holds a zero byte): the next call goes on behind it. After any other failure the
 * next call finds the end. */
lac_status lac_csv_next(lac_csv *c, bool *more);

/* Of the record read last; texts are borrowed until the next. */
int64_t lac_csv_line(const lac_csv *c);
const char *lac_csv_text(const lac_csv *c, int column);
lac_status lac_csv_number(const lac_csv *c, int column, double *value);         /* finite, and nothing behind it */

/* Puts "'FILE', line N: " before the message if s is a failure; returns s. */
lac_status lac_csv_at(const lac_csv *c, lac_status s);
