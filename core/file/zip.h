/* core/file/zip.h -- the directory of a zip archive, and the bytes of its entries.
 *
 * Stored entries are told by their place, so that whoever has the file reads of them what he wants; deflated ones go through zlib. Sizes
 * beyond 4 GiB (zip64) are read; encrypted entries and archives of several files are not. Source: PKWARE's APPNOTE 6.3.10, 4.3.
 *
 * Every offset and size lies inside the file, and no deflated entry claims more than deflate can make of its bytes, before any of it is
 * believed; LAC_ERR_FORMAT otherwise. */
#pragma once

#include "core/status.h"

typedef struct lac_zip_entry {
    char *name;
    uint64_t header, stored, size;      /* place of its local header; bytes in the file; bytes unpacked */
    uint32_t crc;
    bool deflated;
} lac_zip_entry;

typedef struct lac_zip {
    int fd;                             /* borrowed */
    uint64_t end;                       /* entries lie before it: where the directory begins */
    lac_zip_entry *entry;               /* by name; a name stands once */
    int64_t n;
} lac_zip;

lac_status lac_zip_open(lac_zip *z, int fd, uint64_t file_size);
void lac_zip_close(lac_zip *z);                                     /* zeroes are fine */
int64_t lac_zip_find(const lac_zip *z, const char *name);           /* -1 when absent */
lac_status lac_zip_place(const lac_zip *z, int64_t i, uint64_t *at);    /* of its bytes in the file */

/* Bytes from..from+size of an entry as it is unpacked. */
lac_status lac_zip_read(const lac_zip *z, int64_t i, uint64_t from, void *to, size_t size);
/* A whole entry, of `limit` bytes at most, its checksum compared: free(*bytes). */
lac_status lac_zip_read_whole(const lac_zip *z, int64_t i, uint64_t limit, char **bytes, size_t *size);
