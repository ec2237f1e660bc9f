#include "core/file/hdf5_internal.h"

#include "core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

lac_status lac_hdf5_says(lac_status code, const char *what, const char *path)
{
    char why[256] = "";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_description, why);
    H5Eclear2(H5E_DEFAULT);
    return LAC_FAIL(code, "%s '%s'%s%.200s%s", what, path, why[0] ? " (HDF5 says: " : "", why, why[0] ? ")" : "");
}

lac_status lac_hdf5_cannot_write(const lac_hdf5 *f) { return lac_hdf5_says(LAC_ERR_IO, "cannot write", f->path); }

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

hid_t lac_hdf5_type(lac_dtype d)
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

hid_t lac_hdf5_text_type(size_t width)
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
            s = lac_hdf5_says(LAC_ERR_FORMAT, "not an HDF5 file, or a damaged one:", path);
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
            s = lac_hdf5_cannot_write(h);
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
        s = lac_hdf5_cannot_write(f);
    if (s == LAC_OK) {
        const herr_t closed = H5Fclose(f->file);
        f->file = -1;
        s = closed < 0 ? lac_hdf5_cannot_write(f) : lac_atomic_commit(&f->atomic);
    }
    lac_hdf5_close(f);
    return s;
}

/* ---- names ---- */

lac_status lac_hdf5_check_name(const lac_hdf5 *f, const char *name)
{
    const size_t n = strlen(name);
    if (n == 0 || n >= LAC_HDF5_NAME || name[0] == '/' || name[n - 1] == '/' || strstr(name, "//") != NULL)
        return LAC_FAIL(LAC_ERR_ARG, "'%s': '%.80s' is no name for a dataset", f->path, name);
    return LAC_OK;
}

/* Every step of the path is a hard link: no name leads out of the file. */
bool lac_hdf5_has(const lac_hdf5 *f, const char *name)
{
    char part[LAC_HDF5_NAME];
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
