/* core/text/files.h -- a tokenizer's published files in memory: from a folder, or from wherever a model keeps them. */
#pragma once

#include "core/status.h"

enum { LAC_TEXT_FILES = 4, LAC_TEXT_FILE_LIMIT = 64 << 20 };

typedef struct lac_text_file { char *name, *bytes; size_t size; } lac_text_file;

typedef struct lac_text_files {
    char *where;                            /* the folder, or what else messages call it */
    lac_text_file file[LAC_TEXT_FILES];
    int n;
} lac_text_files;

/* All end with lac_text_files_free, safe on zeroes, also after a failure.
 *
 * _new: none yet. _add: copies. _read: the names, up to NULL, in a folder; LAC_ERR_IO, LAC_ERR_FORMAT for one over 64 MB. */
lac_status lac_text_files_new(lac_text_files *f, const char *where);
lac_status lac_text_files_add(lac_text_files *f, const char *name, const void *bytes, size_t size);
lac_status lac_text_files_read(lac_text_files *f, const char *folder, const char *const *names);
void lac_text_files_free(lac_text_files *f);

/* A copy of a file's bytes with a zero byte behind them: free(*text). LAC_ERR_IO: there is no such file. */
lac_status lac_text_files_copy(const lac_text_files *f, const char *name, char **text, size_t *size);
