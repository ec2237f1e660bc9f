/* core/file/hdf5.h -- named arrays, text and attributes in an HDF5 file, written whole or not at all.
 *
 * The library underneath is not thread-safe: at any time one thread alone may be inside these functions. A dataset's
 * bytes may be read by any thread: lac_hdf5_info says where they lie in the file.
 *
 * What we write: superblock and object headers of HDF5 1.10 (they carry checksums), contiguous little-endian datasets,
 * fixed-length UTF-8 text, no times, so the same calls give the same bytes. Names are paths, "net/conv1.weight"; groups on
 * the way are made. What we read: the same and nothing else. Types, shapes and places are checked against the file's size
 * before anything is allocated; a file that is cut off or lies is LAC_ERR_FORMAT naming it. */
#pragma once

#include "core/tensor.h"

typedef struct lac_hdf5 lac_hdf5;

typedef struct lac_hdf5_entry {
    bool text;                  /* a column of text: dtype is u8 and the last dim the width */
    lac_dtype dtype;
    lac_shape shape;
    int64_t offset, bytes;      /* where it lies in the file; offset is 0 when bytes is */
} lac_hdf5_entry;

/* Strings that were read: item[i], n of them, in one block. lac_hdf5_strings_free leaves it empty. */
typedef struct lac_hdf5_strings { int64_t n; char **item; char *block; } lac_hdf5_strings;
void lac_hdf5_strings_free(lac_hdf5_strings *s);

/* Reading: read-only, without file locks. */
lac_status lac_hdf5_open(lac_hdf5 **f, const char *path);
/* Writing: beside the target until _commit, which ends f whatever comes of it. lac_hdf5_close instead of a commit leaves
 * the target as it was. A full disk is LAC_ERR_IO. */
lac_status lac_hdf5_create(lac_hdf5 **f, const char *path);
lac_status lac_hdf5_commit(lac_hdf5 *f);
void lac_hdf5_close(lac_hdf5 *f);                   /* NULL is fine */

const char *lac_hdf5_path(const lac_hdf5 *f);
int lac_hdf5_fd(const lac_hdf5 *f);                 /* for pread of a dataset's bytes; ends with f; -1 while writing */

lac_status lac_hdf5_write(lac_hdf5 *f, const char *name, lac_dtype d, int ndim, const int64_t *dim, const void *data);
lac_status lac_hdf5_write_strings(lac_hdf5 *f, const char *name, int64_t n, const char *const *strings);
lac_status lac_hdf5_write_string(lac_hdf5 *f, const char *name, const char *text);
/* A dataset too big for memory: declared with its shape, then filled by ranges of its first dim. */
lac_status lac_hdf5_declare(lac_hdf5 *f, const char *name, lac_dtype d, int ndim, const int64_t *dim);
lac_status lac_hdf5_write_rows(lac_hdf5 *f, const char *name, int64_t from, int64_t n, const void *data);
/* Text attribute of an object ("/" is the file); the object must be there. */
lac_status lac_hdf5_write_attribute(lac_hdf5 *f, const char *object, const char *key, const char *value);

bool lac_hdf5_has(const lac_hdf5 *f, const char *name);                     /* a dataset or group of that name */
/* Full names of all datasets under a group ("/" for all), in byte order. */
lac_status lac_hdf5_list(const lac_hdf5 *f, const char *group, lac_hdf5_strings *names);
lac_status lac_hdf5_info(const lac_hdf5 *f, const char *name, lac_hdf5_entry *e);   /* LAC_ERR_KEY when absent */

/* Reads all of a dataset that must have this dtype and shape; a dim of -1 takes any size and is filled in by
 * lac_hdf5_read_new alone. */
lac_status lac_hdf5_read(const lac_hdf5 *f, const char *name, lac_dtype d, int ndim, const int64_t *dim, void *data);
/* The same into fresh memory, the caller's: free(*data). */
lac_status lac_hdf5_read_new(const lac_hdf5 *f, const char *name, lac_dtype d, int ndim, int64_t *dim, void **data);
lac_status lac_hdf5_read_tensor(const lac_hdf5 *f, const char *name, lac_tensor **x);  /* as it lies; lac_tensor_free */
lac_status lac_hdf5_read_strings(const lac_hdf5 *f, const char *name, lac_hdf5_strings *s);
lac_status lac_hdf5_read_string(const lac_hdf5 *f, const char *name, char **text);     /* written by _write_string; free */
lac_status lac_hdf5_read_attribute(const lac_hdf5 *f, const char *object, const char *key, char **value);   /* free */
