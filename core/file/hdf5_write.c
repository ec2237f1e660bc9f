#include "core/file/hdf5_internal.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static lac_status make_groups(lac_hdf5 *f, const char *name)
{
    char part[LAC_HDF5_NAME];
    lac_status s = LAC_OK;
    for (const char *slash = strchr(name, '/'); s == LAC_OK && slash != NULL; slash = strchr(slash + 1, '/')) {
        memcpy(part, name, (size_t)(slash - name));
        part[slash - name] = '\0';
        if (H5Lexists(f->file, part, H5P_DEFAULT) > 0)
            continue;
        const hid_t p = H5Pcreate(H5P_GROUP_CREATE);
        H5Pset_obj_track_times(p, false);
        const hid_t g = H5Gcreate2(f->file, part, H5P_DEFAULT, p, H5P_DEFAULT);
        H5Pclose(p);
        if (g < 0 || H5Gclose(g) < 0)
            s = lac_hdf5_cannot_write(f);
    }
    return s;
}

static hid_t contiguous(void)
{
    const hid_t p = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(p, false);
    H5Pset_layout(p, H5D_CONTIGUOUS);
    H5Pset_alloc_time(p, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(p, H5D_FILL_TIME_NEVER);
    return p;
}

/* Takes the type over. */
static lac_status make_dataset(lac_hdf5 *f, const char *name, hid_t type, int ndim, const int64_t *dim, hid_t *dataset)
{
    hsize_t size[LAC_MAX_DIMS];
    for (int i = 0; i < ndim; i++)
        size[i] = (hsize_t)dim[i];
    const hid_t space = ndim > 0 ? H5Screate_simple(ndim, size, NULL) : H5Screate(H5S_SCALAR), p = contiguous();
    *dataset = H5Dcreate2(f->file, name, type, space, H5P_DEFAULT, p, H5P_DEFAULT);
    H5Pclose(p);
    H5Sclose(space);
    H5Tclose(type);
    return *dataset < 0 ? lac_hdf5_cannot_write(f) : LAC_OK;
}

static lac_status prepare(lac_hdf5 *f, const char *name, int ndim, const int64_t *dim)
{
    int64_t numel;
    if (!f->writing)
        return LAC_FAIL(LAC_ERR_STATE, "'%s' was opened for reading", f->path);
    LAC_TRY(lac_hdf5_check_name(f, name));
    LAC_TRY(lac_numel_checked(ndim, dim, &numel));
    LAC_TRY(make_groups(f, name));
    if (H5Lexists(f->file, name, H5P_DEFAULT) > 0)
        return LAC_FAIL(LAC_ERR_KEY, "'%s' has a '%s' already", f->path, name);
    return LAC_OK;
}

static lac_status write_as(lac_hdf5 *f, const char *name, hid_t type, int ndim, const int64_t *dim, const void *data)
{
    hid_t set = -1;
    const hid_t memory = H5Tcopy(type);
    int64_t numel = 1;
    for (int i = 0; i < ndim; i++)
        numel *= dim[i];
    lac_status s = make_dataset(f, name, type, ndim, dim, &set);
    if (s == LAC_OK && numel > 0 && data != NULL && H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        s = lac_hdf5_cannot_write(f);
    H5Tclose(memory);
    if (set >= 0 && H5Dclose(set) < 0 && s == LAC_OK)
        s = lac_hdf5_cannot_write(f);
    return s;
}

lac_status lac_hdf5_write(lac_hdf5 *f, const char *name, lac_dtype d, int ndim, const int64_t *dim, const void *data)
{
    LAC_TRY(prepare(f, name, ndim, dim));
    return write_as(f, name, lac_hdf5_type(d), ndim, dim, data);
}

lac_status lac_hdf5_declare(lac_hdf5 *f, const char *name, lac_dtype d, int ndim, const int64_t *dim)
{
    return lac_hdf5_write(f, name, d, ndim, dim, NULL);
}

lac_status lac_hdf5_write_rows(lac_hdf5 *f, const char *name, int64_t from, int64_t n, const void *data)
{
    if (n == 0)
        return LAC_OK;
    const hid_t set = H5Dopen2(f->file, name, H5P_DEFAULT);
    if (set < 0)
        return lac_hdf5_cannot_write(f);
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    hsize_t start[LAC_MAX_DIMS] = { 0 }, count[LAC_MAX_DIMS];
    const int ndim = H5Sget_simple_extent_dims(space, count, NULL);
    start[0] = (hsize_t)from;
    count[0] = (hsize_t)n;
    const hid_t memory = H5Screate_simple(ndim, count, NULL);
    lac_status s = LAC_OK;
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dwrite(set, type, memory, space, H5P_DEFAULT, data) < 0)
        s = lac_hdf5_cannot_write(f);
    H5Sclose(memory);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
    return s;
}

lac_status lac_hdf5_write_strings(lac_hdf5 *f, const char *name, int64_t n, const char *const *strings)
{
    size_t width = 1;
    for (int64_t i = 0; i < n; i++)
        width = LAC_MAX(width, strlen(strings[i]));
    const int64_t dims[] = { n, (int64_t)width };
    LAC_TRY(prepare(f, name, 2, dims));
    char *block;
    LAC_TRY(lac_calloc((void **)&block, (size_t)LAC_MAX(n, 1), width));
    for (int64_t i = 0; i < n; i++)
        memcpy(block + (size_t)i * width, strings[i], strlen(strings[i]));
    const lac_status s = write_as(f, name, lac_hdf5_text_type(width), 1, &n, block);
    free(block);
    return s;
}

lac_status lac_hdf5_write_string(lac_hdf5 *f, const char *name, const char *text)
{
    return lac_hdf5_write_strings(f, name, 1, &text);
}

lac_status lac_hdf5_write_attribute(lac_hdf5 *f, const char *object, const char *key, const char *value)
{
    if (!f->writing)
        return LAC_FAIL(LAC_ERR_STATE, "'%s' was opened for reading", f->path);
    const size_t n = strlen(value);
    const hid_t type = lac_hdf5_text_type(n ? n : 1), space = H5Screate(H5S_SCALAR);
    const hid_t a = H5Acreate_by_name(f->file, object, key, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const bool bad = a < 0 || H5Awrite(a, type, value) < 0 || H5Aclose(a) < 0;
    H5Sclose(space);
    H5Tclose(type);
    return bad ? lac_hdf5_cannot_write(f) : LAC_OK;
}
