#include "core/file/hdf5.h"

#include "core/file/atomic.h"
#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_NAME = 1024, MAX_TEXT = 1 << 24 };

struct lac_hdf5 {
    hid_t file;
    char *path;
    int fd;                     /* reading */
    int64_t size;               /* of the file, reading */
    lac_atomic atomic;          /* writing */
    bool writing;
};

void lac_hdf5_strings_free(lac_hdf5_strings *s)
{
    free(s->item);
    free(s->block);
    *s = (lac_hdf5_strings){ 0 };
}

const char *lac_hdf5_path(const lac_hdf5 *f) { return f->path; }
int lac_hdf5_fd(const lac_hdf5 *f) { return f->fd; }

/* ---- what went wrong inside the library ---- */

/* What the system said, where the library quotes it among time, file and address; else the whole, as one line. */
static herr_t first_description(unsigned n, const H5E_error2_t *e, void *to)
{
    static const char quote[] = "error message = '";
    char *why = to;
    if (n > 0 || e->desc == NULL)
        return 0;
    const char *system = strstr(e->desc, quote);
    if (system != NULL)
        snprintf(why, 256, "%.*s", (int)strcspn(system + strlen(quote), "'"), system + strlen(quote));
    else
        snprintf(why, 256, "%s", e->desc);
    for (char *c = why; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' ';
    return 0;
}

/* The innermost entry of the library's error stack names the cause. */
static lac_status library_says(lac_status code, const char *what, const char *path)
{
    char why[256] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_description, why);
    H5Eclear2(H5E_DEFAULT);
    return LAC_FAIL(code, "%s '%s'%s%.200s%s", what, path, why[0] ? " (HDF5 says: " : "", why, why[0] ? ")" : "");
}

static lac_status cannot_write(const lac_hdf5 *f) { return library_says(LAC_ERR_IO, "cannot write", f->path); }

/* ---- types: what lies in the file is what lies in memory ---- */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "datasets are little-endian and read as they lie");

static hid_t small_float(int exponent_bits, int mantissa_bits, int bias)
{
    const hid_t t = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(t, 15, (size_t)mantissa_bits, (size_t)exponent_bits, 0, (size_t)mantissa_bits);
    H5Tset_size(t, 2);
    H5Tset_ebias(t, (size_t)bias);
    return t;
}

static hid_t type_of(lac_dtype d)               /* to be closed */
{
    switch (d) {
    case LAC_F32: return H5Tcopy(H5T_IEEE_F32LE);
    case LAC_F64: return H5Tcopy(H5T_IEEE_F64LE);
    case LAC_I32: return H5Tcopy(H5T_STD_I32LE);
    case LAC_I64: return H5Tcopy(H5T_STD_I64LE);
    case LAC_U8: return H5Tcopy(H5T_STD_U8LE);
    case LAC_F16: return small_float(5, 10, 15);
    case LAC_BF16: return small_float(8, 7, 127);
    default: return -1;
    }
}

static hid_t text_type(size_t width)
{
    const hid_t t = H5Tcopy(H5T_C_S1);
    H5Tset_size(t, width);
    H5Tset_strpad(t, H5T_STR_NULLPAD);
    H5Tset_cset(t, H5T_CSET_UTF8);
    return t;
}

/* ---- opening ---- */

static lac_status new_file(lac_hdf5 **f, const char *path)
{
    H5dont_atexit();            /* nothing of ours is left open; a file that failed on a full disk must not stall the exit */
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    LAC_TRY(lac_calloc((void **)f, 1, sizeof **f));
    (*f)->file = -1;
    (*f)->fd = -1;
    return lac_strdup(&(*f)->path, path);
}

static lac_status open_descriptor(lac_hdf5 *f)
{
    struct stat st;
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0 || fstat(f->fd, &st) != 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot open '%s': %s", f->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return LAC_FAIL(LAC_ERR_IO, "cannot open '%s': not a regular file", f->path);
    f->size = st.st_size;
    return LAC_OK;
}

static hid_t access_properties(void)
{
    const hid_t p = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(p, false, true);
    H5Pset_fclose_degree(p, H5F_CLOSE_STRONG);
    H5Pset_libver_bounds(p, H5F_LIBVER_V110, H5F_LIBVER_V110);
    return p;
}

lac_status lac_hdf5_open(lac_hdf5 **f, const char *path)
{
    lac_hdf5 *h = NULL;
    lac_status s = new_file(&h, path);
    if (s == LAC_OK)
        s = open_descriptor(h);
    if (s == LAC_OK) {
        const hid_t p = access_properties();
        h->file = H5Fopen(path, H5F_ACC_RDONLY, p);
        H5Pclose(p);
        if (h->file < 0)
            s = library_says(LAC_ERR_FORMAT, "not an HDF5 file, or a damaged one:", path);
    }
    if (s == LAC_OK)
        *f = h;
    else
        lac_hdf5_close(h);
    return s;
}

lac_status lac_hdf5_create(lac_hdf5 **f, const char *path)
{
    lac_hdf5 *h = NULL;
    lac_status s = new_file(&h, path);
    if (s == LAC_OK)
        s = lac_atomic_begin(&h->atomic, path);
    if (s == LAC_OK) {
        const hid_t access = access_properties(), creation = H5Pcreate(H5P_FILE_CREATE);
        H5Pset_obj_track_times(creation, false);
        h->writing = true;
        h->file = H5Fcreate(h->atomic.aside, H5F_ACC_TRUNC, creation, access);
        H5Pclose(creation);
        H5Pclose(access);
        if (h->file < 0)
            s = cannot_write(h);
    }
    if (s == LAC_OK)
        *f = h;
    else
        lac_hdf5_close(h);
    return s;
}

void lac_hdf5_close(lac_hdf5 *f)
{
    if (f == NULL)
        return;
    if (f->file >= 0) {
        H5Fclose(f->file);
        H5Eclear2(H5E_DEFAULT);
    }
    if (f->fd >= 0)
        close(f->fd);
    lac_atomic_abandon(&f->atomic);
    free(f->path);
    free(f);
}

lac_status lac_hdf5_commit(lac_hdf5 *f)
{
    lac_status s = f->writing ? LAC_OK : LAC_FAIL(LAC_ERR_STATE, "'%s' was opened for reading", f->path);
    if (s == LAC_OK && H5Fflush(f->file, H5F_SCOPE_LOCAL) < 0)
        s = cannot_write(f);
    if (s == LAC_OK) {
        const herr_t closed = H5Fclose(f->file);
        f->file = -1;
        s = closed < 0 ? cannot_write(f) : lac_atomic_commit(&f->atomic);
    }
    lac_hdf5_close(f);
    return s;
}

/* ---- names ---- */

static lac_status check_name(const lac_hdf5 *f, const char *name)
{
    const size_t n = strlen(name);
    if (n == 0 || n >= MAX_NAME || name[0] == '/' || name[n - 1] == '/' || strstr(name, "//") != NULL)
        return LAC_FAIL(LAC_ERR_ARG, "'%s': '%.80s' is no name for a dataset", f->path, name);
    return LAC_OK;
}

/* Every step of the path is a hard link: no name leads out of the file. */
static bool reachable(const lac_hdf5 *f, const char *name)
{
    char part[MAX_NAME];
    const size_t n = strlen(name);
    for (size_t i = 1; n < sizeof part && i <= n; i++) {
        if (name[i] != '/' && name[i] != '\0')
            continue;
        memcpy(part, name, i);
        part[i] = '\0';
        H5L_info_t info;
        const bool there = H5Lexists(f->file, part, H5P_DEFAULT) > 0 && H5Lget_info(f->file, part, &info, H5P_DEFAULT) >= 0;
        if (!there || info.type != H5L_TYPE_HARD) {
            H5Eclear2(H5E_DEFAULT);
            return false;
        }
    }
    return n > 0 && n < sizeof part;
}

bool lac_hdf5_has(const lac_hdf5 *f, const char *name) { return reachable(f, name); }

/* ---- writing ---- */

static lac_status make_groups(lac_hdf5 *f, const char *name)
{
    char part[MAX_NAME];
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
            s = cannot_write(f);
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
    return *dataset < 0 ? cannot_write(f) : LAC_OK;
}

static lac_status prepare(lac_hdf5 *f, const char *name, int ndim, const int64_t *dim)
{
    int64_t numel;
    if (!f->writing)
        return LAC_FAIL(LAC_ERR_STATE, "'%s' was opened for reading", f->path);
    LAC_TRY(check_name(f, name));
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
        s = cannot_write(f);
    H5Tclose(memory);
    if (set >= 0 && H5Dclose(set) < 0 && s == LAC_OK)
        s = cannot_write(f);
    return s;
}

lac_status lac_hdf5_write(lac_hdf5 *f, const char *name, lac_dtype d, int ndim, const int64_t *dim, const void *data)
{
    LAC_TRY(prepare(f, name, ndim, dim));
    return write_as(f, name, type_of(d), ndim, dim, data);
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
        return cannot_write(f);
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    hsize_t start[LAC_MAX_DIMS] = { 0 }, count[LAC_MAX_DIMS];
    const int ndim = H5Sget_simple_extent_dims(space, count, NULL);
    start[0] = (hsize_t)from;
    count[0] = (hsize_t)n;
    const hid_t memory = H5Screate_simple(ndim, count, NULL);
    lac_status s = LAC_OK;
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dwrite(set, type, memory, space, H5P_DEFAULT, data) < 0)
        s = cannot_write(f);
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
    const lac_status s = write_as(f, name, text_type(width), 1, &n, block);
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
    const hid_t type = text_type(n ? n : 1), space = H5Screate(H5S_SCALAR);
    const hid_t a = H5Acreate_by_name(f->file, object, key, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const bool bad = a < 0 || H5Awrite(a, type, value) < 0 || H5Aclose(a) < 0;
    H5Sclose(space);
    H5Tclose(type);
    return bad ? cannot_write(f) : LAC_OK;
}

/* ---- reading ---- */

static lac_status damaged(const lac_hdf5 *f, const char *name, const char *what)
{
    H5Eclear2(H5E_DEFAULT);
    return LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' %s", f->path, name, what);
}

static bool find_type(hid_t type, lac_hdf5_entry *e, size_t *width)
{
    e->text = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
    *width = H5Tget_size(type);
    if (e->text) {
        e->dtype = LAC_U8;
        return *width > 0 && *width <= MAX_TEXT;
    }
    for (int d = 0; d < LAC_N_DTYPES; d++) {
        const hid_t ours = type_of((lac_dtype)d);
        const bool same = H5Tequal(type, ours) > 0;
        H5Tclose(ours);
        if (same) {
            e->dtype = (lac_dtype)d;
            return true;
        }
    }
    return false;
}

static bool find_shape(hid_t space, lac_hdf5_entry *e)
{
    hsize_t size[H5S_MAX_RANK];
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    const int ndim = kind == H5S_SCALAR ? 0 : kind == H5S_SIMPLE ? H5Sget_simple_extent_dims(space, size, NULL) : -1;
    if (ndim < 0 || ndim + e->text > LAC_MAX_DIMS)
        return false;
    e->shape.ndim = ndim;
    for (int i = 0; i < ndim; i++)
        e->shape.dim[i] = size[i] > INT64_MAX ? -1 : (int64_t)size[i];
    return true;
}

static bool is_contiguous(hid_t set)
{
    const hid_t p = H5Dget_create_plist(set);
    const bool yes = p >= 0 && H5Pget_layout(p) == H5D_CONTIGUOUS && H5Pget_external_count(p) == 0;
    if (p >= 0)
        H5Pclose(p);
    return yes;
}

static lac_status find_place(const lac_hdf5 *f, const char *name, hid_t set, size_t width, lac_hdf5_entry *e)
{
    int64_t numel;
    if (e->text)
        e->shape.dim[e->shape.ndim++] = (int64_t)width;
    if (lac_numel_checked(e->shape.ndim, e->shape.dim, &numel) != LAC_OK || numel > INT64_MAX / 8)
        return damaged(f, name, "has a shape beyond all sizes");
    e->bytes = numel * (int64_t)lac_dtype_size(e->dtype);
    e->offset = 0;
    if (e->bytes == 0)
        return LAC_OK;
    const haddr_t at = H5Dget_offset(set);
    if (!is_contiguous(set) || at == HADDR_UNDEF)
        return damaged(f, name, "is not one contiguous block");
    if (e->bytes > f->size || at > (haddr_t)(f->size - e->bytes))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' wants %lld bytes at %llu, the file has %lld", f->path, name,
                        (long long)e->bytes, (unsigned long long)at, (long long)f->size);
    e->offset = (int64_t)at;
    return LAC_OK;
}

static lac_status describe(const lac_hdf5 *f, const char *name, hid_t set, lac_hdf5_entry *e)
{
    *e = (lac_hdf5_entry){ 0 };
    size_t width = 0;
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    lac_status s = LAC_OK;
    if (type < 0 || space < 0)
        s = damaged(f, name, "cannot be read");
    else if (!find_type(type, e, &width))
        s = damaged(f, name, "has a type other than f32, bf16, f16, f64, i32, i64, u8 and text of fixed length");
    else if (!find_shape(space, e))
        s = damaged(f, name, "has more than six dims");
    else
        s = find_place(f, name, set, width, e);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return s;
}

lac_status lac_hdf5_info(const lac_hdf5 *f, const char *name, lac_hdf5_entry *e)
{
    LAC_TRY(check_name(f, name));
    if (f->writing)
        return LAC_FAIL(LAC_ERR_STATE, "'%s' is being written", f->path);
    if (!reachable(f, name))
        return LAC_FAIL(LAC_ERR_KEY, "'%s' has no '%s'", f->path, name);
    const hid_t set = H5Dopen2(f->file, name, H5P_DEFAULT);
    if (set < 0)
        return damaged(f, name, "is no dataset, or a damaged one");
    const lac_status s = describe(f, name, set, e);
    H5Dclose(set);
    return s;
}

/* By pread on our own descriptor: the library parses the file's structure and never touches the data. */
static lac_status read_bytes(const lac_hdf5 *f, const char *name, const lac_hdf5_entry *e, void *to)
{
    int64_t done = 0;
    while (done < e->bytes) {
        const ssize_t got = pread(f->fd, (char *)to + done, (size_t)(e->bytes - done), e->offset + done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return LAC_FAIL(LAC_ERR_IO, "cannot read '%s' of '%s': %s", name, f->path, got < 0 ? strerror(errno) : "the file ends");
        done += got;
    }
    return LAC_OK;
}

static lac_status expect(const lac_hdf5 *f, const char *name, const lac_hdf5_entry *e, lac_dtype d, int ndim, const int64_t *dim)
{
    bool same = !e->text && e->dtype == d && e->shape.ndim == ndim;
    for (int i = 0; same && i < ndim; i++)
        same = dim[i] < 0 || dim[i] == e->shape.dim[i];
    if (same)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' is %s %s, expected %s %s", f->path, name, e->text ? "text" : lac_dtype_name(e->dtype),
                    lac_dims_str(e->shape.ndim, e->shape.dim), lac_dtype_name(d), lac_dims_str(ndim, dim));
}

lac_status lac_hdf5_read(const lac_hdf5 *f, const char *name, lac_dtype d, int ndim, const int64_t *dim, void *data)
{
    lac_hdf5_entry e;
    LAC_TRY(lac_hdf5_info(f, name, &e));
    LAC_TRY(expect(f, name, &e, d, ndim, dim));
    for (int i = 0; i < ndim; i++)
        if (dim[i] < 0)
            return LAC_FAIL(LAC_ERR_ARG, "reading '%s': a size is open", name);
    return read_bytes(f, name, &e, data);
}

lac_status lac_hdf5_read_new(const lac_hdf5 *f, const char *name, lac_dtype d, int ndim, int64_t *dim, void **data)
{
    lac_hdf5_entry e;
    LAC_TRY(lac_hdf5_info(f, name, &e));
    LAC_TRY(expect(f, name, &e, d, ndim, dim));
    void *p;
    LAC_TRY(lac_malloc(&p, (size_t)e.bytes));
    const lac_status s = read_bytes(f, name, &e, p);
    if (s != LAC_OK) {
        free(p);
        return s;
    }
    memcpy(dim, e.shape.dim, (size_t)ndim * sizeof *dim);
    *data = p;
    return LAC_OK;
}

lac_status lac_hdf5_read_tensor(const lac_hdf5 *f, const char *name, lac_tensor **x)
{
    lac_hdf5_entry e;
    LAC_TRY(lac_hdf5_info(f, name, &e));
    if (e.text)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' is text, expected numbers", f->path, name);
    LAC_TRY(lac_tensor_new(x, e.dtype, e.shape.ndim, e.shape.dim));
    const lac_status s = read_bytes(f, name, &e, (*x)->data);
    if (s != LAC_OK) {
        lac_tensor_free(*x);
        *x = NULL;
    }
    return s;
}

/* Each string gets a terminating zero of its own: rows of width + 1. */
static lac_status spread(lac_hdf5_strings *s, int64_t n, size_t width)
{
    lac_status status = lac_calloc((void **)&s->item, (size_t)n + 1, sizeof *s->item);
    char *wide = NULL;
    if (status == LAC_OK)
        status = lac_calloc((void **)&wide, (size_t)n + 1, width + 1);
    if (status != LAC_OK)
        return status;
    for (int64_t i = 0; i < n; i++)
        s->item[i] = memcpy(wide + (size_t)i * (width + 1), s->block + (size_t)i * width, width);
    free(s->block);
    s->block = wide;
    s->n = n;
    return LAC_OK;
}

lac_status lac_hdf5_read_strings(const lac_hdf5 *f, const char *name, lac_hdf5_strings *s)
{
    lac_hdf5_entry e;
    *s = (lac_hdf5_strings){ 0 };
    LAC_TRY(lac_hdf5_info(f, name, &e));
    if (!e.text || e.shape.ndim != 2)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' is not a column of text", f->path, name);
    LAC_TRY(lac_malloc((void **)&s->block, (size_t)e.bytes));
    lac_status status = read_bytes(f, name, &e, s->block);
    if (status == LAC_OK)
        status = spread(s, e.shape.dim[0], (size_t)e.shape.dim[1]);
    if (status != LAC_OK)
        lac_hdf5_strings_free(s);
    return status;
}

lac_status lac_hdf5_read_string(const lac_hdf5 *f, const char *name, char **text)
{
    lac_hdf5_strings s;
    LAC_TRY(lac_hdf5_read_strings(f, name, &s));
    const lac_status status = s.n == 1 ? lac_strdup(text, s.item[0])
                                       : LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' is %lld strings, expected one", f->path, name, (long long)s.n);
    lac_hdf5_strings_free(&s);
    return status;
}

static lac_status read_text(const lac_hdf5 *f, const char *key, hid_t a, char **value)
{
    const hid_t type = H5Aget_type(a), space = H5Aget_space(a);
    const size_t width = type >= 0 ? H5Tget_size(type) : 0;
    lac_status s = LAC_OK;
    if (type < 0 || space < 0 || H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 ||
        H5Sget_simple_extent_type(space) != H5S_SCALAR || width == 0 || width > MAX_TEXT)
        s = damaged(f, key, "is not a text attribute");
    if (s == LAC_OK)
        s = lac_calloc((void **)value, 1, width + 1);
    if (s == LAC_OK && H5Aread(a, type, *value) < 0) {
        free(*value);
        *value = NULL;
        s = damaged(f, key, "cannot be read");
    }
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return s;
}

lac_status lac_hdf5_read_attribute(const lac_hdf5 *f, const char *object, const char *key, char **value)
{
    const bool root = strcmp(object, "/") == 0;
    if ((!root && !reachable(f, object)) || H5Aexists_by_name(f->file, object, key, H5P_DEFAULT) <= 0) {
        H5Eclear2(H5E_DEFAULT);
        return LAC_FAIL(LAC_ERR_KEY, "'%s' has no attribute '%s' at '%s'", f->path, key, object);
    }
    const hid_t a = H5Aopen_by_name(f->file, object, key, H5P_DEFAULT, H5P_DEFAULT);
    if (a < 0)
        return damaged(f, key, "is a damaged attribute");
    const lac_status s = read_text(f, key, a, value);
    H5Aclose(a);
    return s;
}

/* ---- listing ---- */

typedef struct names { char **item; int64_t n, capacity; lac_status status; } names;

static herr_t collect(hid_t object, const char *name, const H5O_info_t *info, void *context)
{
    names *list = context;
    (void)object;
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    list->status = lac_grow((void **)&list->item, list->n, &list->capacity, sizeof *list->item);
    if (list->status == LAC_OK)
        list->status = lac_strdup(&list->item[list->n], name);
    if (list->status == LAC_OK)
        list->n++;
    return list->status == LAC_OK ? 0 : -1;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* One block for all, with the group's name put before. */
static lac_status join(const names *list, const char *group, lac_hdf5_strings *out)
{
    const size_t prefix = strlen(group);
    size_t total = 1;
    for (int64_t i = 0; i < list->n; i++)
        total += prefix + strlen(list->item[i]) + 2;
    LAC_TRY(lac_malloc((void **)&out->block, total));
    LAC_TRY(lac_calloc((void **)&out->item, (size_t)list->n + 1, sizeof *out->item));
    char *at = out->block;
    for (int64_t i = 0; i < list->n; i++) {
        out->item[i] = at;
        at += sprintf(at, "%s%s%s", group, prefix ? "/" : "", list->item[i]) + 1;
    }
    out->n = list->n;
    return LAC_OK;
}

lac_status lac_hdf5_list(const lac_hdf5 *f, const char *group, lac_hdf5_strings *out)
{
    names list = { 0 };
    *out = (lac_hdf5_strings){ 0 };
    const bool root = strcmp(group, "/") == 0;
    if (!root && !reachable(f, group))
        return LAC_FAIL(LAC_ERR_KEY, "'%s' has no '%s'", f->path, group);
    const herr_t walked = H5Ovisit_by_name1(f->file, group, H5_INDEX_NAME, H5_ITER_NATIVE, collect, &list, H5P_DEFAULT);
    lac_status s = list.status;
    if (s == LAC_OK && walked < 0)
        s = damaged(f, group, "cannot be listed");
    if (s == LAC_OK && list.n > 0)
        qsort(list.item, (size_t)list.n, sizeof *list.item, by_bytes);
    if (s == LAC_OK)
        s = join(&list, root ? "" : group, out);
    for (int64_t i = 0; i < list.n; i++)
        free(list.item[i]);
    free(list.item);
    if (s != LAC_OK)
        lac_hdf5_strings_free(out);
    return s;
}
