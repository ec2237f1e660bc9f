/* data/shard.h -- a tar archive whose members come in groups, as WebDataset writes them: KEY.FIELD, those of one key behind each other. Plain or
 * gzipped; read by libarchive, front to back, a group in memory at a time. */
#pragma once

#include "core/status.h"

enum { LAC_SHARD_FIELDS = 32, LAC_SHARD_NAME = 256 };
#define LAC_SHARD_MEMBER ((size_t)1 << 28)                 /* bytes of a member, at most */

typedef struct lac_shard_field { char name[64]; char *bytes; size_t size; } lac_shard_field;       /* a zero byte behind the bytes */

typedef struct lac_shard_group {
    char key[LAC_SHARD_NAME];           /* the member's path up to the first dot of its last name */
    lac_shard_field field[LAC_SHARD_FIELDS];
    int n;
} lac_shard_group;

typedef struct lac_shard lac_shard;

lac_status lac_shard_open(lac_shard **s, const char *path);        /* LAC_ERR_IO; LAC_ERR_FORMAT: no tar */
void lac_shard_close(lac_shard *s);                         /* NULL is fine */

/* The next group, borrowed until the next call; NULL: there was none. LAC_ERR_FORMAT concerns one group, which is passed over (a field twice, a member too
 * large, a name without key or field), or where the archive is damaged: then the group it broke off in is lost too, and the next call finds the end. Messages
 * begin with "'PATH', 'MEMBER': ". */
lac_status lac_shard_next(lac_shard *s, const lac_shard_group **group);

/* NULL: the group has no such field. */
const lac_shard_field *lac_shard_find(const lac_shard_group *g, const char *name);
