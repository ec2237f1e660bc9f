/* eval/blob.h -- what was found, as bytes: to other ranks, and into a journal. */
#pragma once

#include "core/comm/comm.h"

/* Grows as it is filled; free(data). */
typedef struct lac_blob { char *data; size_t n, capacity; } lac_blob;

lac_status lac_blob_put(lac_blob *b, const void *data, size_t n);
lac_status lac_blob_put_text(lac_blob *b, const char *text);         /* with its end; NULL as "" */

/* What is left to read. LAC_ERR_FORMAT when it ends before what is taken. */
typedef struct lac_blob_reader { const char *at, *end; } lac_blob_reader;
lac_status lac_blob_take(lac_blob_reader *r, void *to, size_t n);
lac_status lac_blob_take_text(lac_blob_reader *r, const char **text);     /* points into the bytes */

/* Bytes of every rank, as many of each as the longest has: (*all)[size][*most], of which those of rank r are length[r]. free(*all), also after a failure. */
lac_status lac_blob_exchange(lac_comm *comm, const lac_blob *own, char **all, size_t *most, int64_t *length);
