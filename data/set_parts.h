/* data/set_parts.h -- folder-local: the table of parts of a packed set, group `parts` of the file (docs/formats.md). */
#pragma once

#include "core/file/hdf5.h"
#include "data/set.h"

typedef struct lac_part_table {
    int64_t n;                  /* 0: the file has no such group */
    int64_t *record, *offset, *length;
    uint8_t *kind, *digest;
    float *box;                 /* [n, 4]: left, top, width, height */
    lac_hdf5_strings label;
} lac_part_table;

/* LAC_ERR_FORMAT unless every column fits the others. t is the caller's to free whatever comes of it. */
lac_status lac_part_table_read(lac_part_table *t, const lac_hdf5 *f);
lac_status lac_part_table_write(lac_hdf5 *f, const lac_part *part, int64_t n);         /* nothing for none */
void lac_part_table_free(lac_part_table *t);
lac_part lac_part_table_row(const lac_part_table *t, int64_t i);
/* The first part whose record and kind are not below these; n when there is none. */
int64_t lac_part_table_find(const lac_part_table *t, int64_t record, lac_part_kind kind);

/* What a part may be, beside its picture of height x width: LAC_ERR_FORMAT saying what is wrong. */
lac_status lac_part_check(const lac_part *p, int64_t height, int64_t width);
