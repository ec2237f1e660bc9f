/* core/file/hdf5_internal.h -- what opening, writing and reading share. */
#pragma once

#include "core/file/atomic.h"
#include "core/file/hdf5.h"

#include <hdf5.h>

enum { LAC_HDF5_NAME = 1024 };      /* bytes of a name, at most */

struct lac_hdf5 {
    hid_t file;
    char *path;
    int fd;                     /* reading */
    int64_t size;               /* of the file, reading */
    lac_atomic atomic;          /* writing */
    bool writing;
};

/* "WHAT 'PATH' (HDF5 says: ...)", from the innermost entry of the library's error stack, which is emptied. */
lac_status lac_hdf5_says(lac_status code, const char *what, const char *path);
lac_status lac_hdf5_cannot_write(const lac_hdf5 *f);

hid_t lac_hdf5_type(lac_dtype d);               /* to be closed */
hid_t lac_hdf5_text_type(size_t width);         /* to be closed */

lac_status lac_hdf5_check_name(const lac_hdf5 *f, const char *name);
