#include "data/latent_cache.h"

#include "core/file/atomic.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "core/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES = 64 << 20, MOST_FILES = 256 };

typedef struct part { lac_weights *w; int64_t tensor[LAC_LATENT_KINDS], whole; } part;     /* w NULL: it is not there */

struct lac_latent_cache {
    lac_latent_layout layout;           /* `about` is our own */
    char key[LAC_SHA256_HEX], *folder;
    part *part;
    int64_t n_parts;
};

/* ---- sizes ---- */

static int64_t row_elements(const lac_latent_layout *l) { return lac_shape_numel(&l->one); }
static const char *kind_name(const lac_latent_layout *l, int kind) { return kind == LAC_LATENT_AROUND ? "around" : l->name; }
static size_t row_bytes(const lac_latent_layout *l) { return (size_t)row_elements(l) * lac_dtype_size(l->dtype); }
static int64_t record_bytes(const lac_latent_layout *l) { return (int64_t)row_bytes(l) * l->views * (l->kept[LAC_LATENT_PICTURE] + l->kept[LAC_LATENT_AROUND]); }

static int64_t records_of_a_file(const lac_latent_layout *l)
{
    const int64_t by_size = FILE_BYTES / LAC_MAX(record_bytes(l), 1), by_number = (l->records + MOST_FILES - 1) / MOST_FILES;
    return l->each > 0 ? l->each : (LAC_MAX(LAC_MAX(by_size, by_number), 1) + 7) / 8 * 8;
}

void lac_latent_cache_range(const lac_latent_cache *c, int64_t file, int64_t *from, int64_t *n)
{
    *from = file * c->layout.each;
    *n = LAC_MIN(c->layout.each, c->layout.records - *from);
}

const char *lac_latent_cache_folder(const lac_latent_cache *c) { return c->folder; }
int64_t lac_latent_cache_records(const lac_latent_cache *c) { return c->layout.records; }
int64_t lac_latent_cache_files(const lac_latent_cache *c) { return c->n_parts; }
bool lac_latent_cache_has(const lac_latent_cache *c, int64_t file) { return c->part[file].w != NULL; }

int64_t lac_latent_cache_bytes(const lac_latent_cache *c)
{
    return c->layout.records * record_bytes(&c->layout) + (c->layout.kept[LAC_LATENT_AROUND] ? (int64_t)row_bytes(&c->layout) : 0);
}

/* ---- one file ---- */

static lac_status path_of(const lac_latent_cache *c, int64_t file, char **path) { return lac_format(path, "%s/%05lld.safetensors", c->folder, (long long)file); }

/* Its place among the file's tensors, where it is as it should be; -1 otherwise. rows 0: no such dim. */
static int64_t find_tensor(const lac_latent_cache *c, const lac_weights *w, const char *name, int64_t rows)
{
    const int64_t i = lac_weights_find(w, name);
    const lac_shape *one = &c->layout.one;
    if (i < 0 || lac_weights_dtype(w, i) != c->layout.dtype)
        return -1;
    const lac_shape s = lac_weights_shape(w, i);
    const bool first = rows > 0;
    return s.ndim == one->ndim + first && (!first || s.dim[0] == rows) && memcmp(s.dim + first, one->dim, (size_t)one->ndim * sizeof *one->dim) == 0 ? i : -1;
}

static bool has_whole(const lac_latent_cache *c, int64_t file) { return c->layout.kept[LAC_LATENT_AROUND] && file == 0; }

static bool fits(const lac_latent_cache *c, int64_t file, part *p)
{
    int64_t from, n;
    const char *key = lac_weights_metadata(p->w, "lacuna.latents");
    lac_latent_cache_range(c, file, &from, &n);
    bool all = key != NULL && strcmp(key, c->key) == 0;
    for (int k = 0; k < LAC_LATENT_KINDS; k++) {
        p->tensor[k] = c->layout.kept[k] ? find_tensor(c, p->w, kind_name(&c->layout, k), n * c->layout.views) : -1;
        all &= p->tensor[k] >= 0 || !c->layout.kept[k];
    }
    p->whole = has_whole(c, file) ? find_tensor(c, p->w, "whole", 0) : -1;
    return all && (p->whole >= 0 || !has_whole(c, file));
}

/* One that is not there, or not as it should be, is no error: it is made. */
static lac_status look_for(lac_latent_cache *c, int64_t file)
{
    part *p = &c->part[file];
    char *path;
    lac_weights_close(p->w);
    p->w = NULL;
    LAC_TRY(path_of(c, file, &path));
    const bool opened = access(path, F_OK) == 0 && lac_weights_open(&p->w, path) == LAC_OK;
    free(path);
    if (!opened)
        lac_error_clear();
    if (opened && !fits(c, file, p)) {
        lac_weights_close(p->w);
        p->w = NULL;
    }
    return LAC_OK;
}

static lac_status list_tensors(const lac_latent_cache *c, int64_t file, const void *const rows[LAC_LATENT_KINDS], const void *whole, lac_weights_writer *w)
{
    int64_t from, n;
    const lac_shape *one = &c->layout.one;
    int64_t dim[LAC_MAX_DIMS] = { 0 };
    lac_latent_cache_range(c, file, &from, &n);
    dim[0] = n * c->layout.views;
    memcpy(dim + 1, one->dim, (size_t)one->ndim * sizeof *dim);
    for (int k = 0; k < LAC_LATENT_KINDS; k++)
        if (c->layout.kept[k])
            LAC_TRY(lac_weights_writer_add(w, kind_name(&c->layout, k), c->layout.dtype, one->ndim + 1, dim, rows[k]));
    if (has_whole(c, file))
        LAC_TRY(lac_weights_writer_add(w, "whole", c->layout.dtype, one->ndim, one->dim, whole));
    LAC_TRY(lac_weights_writer_metadata(w, "lacuna.latents", c->key));
    return lac_weights_writer_metadata(w, "about", c->layout.about);
}

lac_status lac_latent_cache_put(lac_latent_cache *c, int64_t file, const void *const rows[LAC_LATENT_KINDS], const void *whole)
{
    lac_weights_writer *w;
    char *path;
    LAC_TRY(lac_make_folders(c->folder));
    LAC_TRY(lac_weights_writer_new(&w));
    lac_status s = list_tensors(c, file, rows, whole, w);
    if (s == LAC_OK && (s = path_of(c, file, &path)) == LAC_OK) {
        s = lac_weights_writer_finish(w, path);
        free(path);
    }
    lac_weights_writer_free(w);
    return s == LAC_OK ? look_for(c, file) : s;
}

/* ---- all of them ---- */

static lac_status open_folder(lac_latent_cache *c, const char *folder)
{
    uint8_t digest[LAC_SHA256_SIZE];
    char *about;
    LAC_TRY(lac_strdup(&about, c->layout.about));
    c->layout.about = about;
    lac_sha256_of(about, strlen(about), digest);
    lac_sha256_hex(digest, c->key);
    LAC_TRY(lac_format(&c->folder, "%s/%.16s", folder, c->key));
    c->layout.each = records_of_a_file(&c->layout);
    c->n_parts = (c->layout.records + c->layout.each - 1) / c->layout.each;
    LAC_TRY(lac_calloc((void **)&c->part, (size_t)LAC_MAX(c->n_parts, 1), sizeof *c->part));
    for (int64_t i = 0; i < c->n_parts; i++)
        LAC_TRY(look_for(c, i));
    return LAC_OK;
}

lac_status lac_latent_cache_open(lac_latent_cache **cache, const char *folder, const lac_latent_layout *layout)
{
    lac_latent_cache *c;
    LAC_TRY(lac_calloc((void **)&c, 1, sizeof *c));
    c->layout = *layout;
    const lac_status s = open_folder(c, folder);
    if (s == LAC_OK)
        *cache = c;
    else
        lac_latent_cache_close(c);
    return s;
}

void lac_latent_cache_close(lac_latent_cache *c)
{
    if (c == NULL)
        return;
    for (int64_t i = 0; c->part != NULL && i < c->n_parts; i++)
        lac_weights_close(c->part[i].w);
    free(c->part);
    if (c->key[0] != '\0')
        free((char *)c->layout.about);
    free(c->folder);
    free(c);
}

lac_status lac_latent_cache_complete(lac_latent_cache *c)
{
    for (int64_t i = 0; i < c->n_parts; i++) {
        if (c->part[i].w == NULL)
            LAC_TRY(look_for(c, i));
        if (c->part[i].w == NULL)
            return LAC_FAIL(LAC_ERR_IO, "there is no whole file %05lld.safetensors of latents in '%s'", (long long)i, c->folder);
    }
    return LAC_OK;
}

/* ---- rows ---- */

/* bf16 that lie in the first half of the row's own memory become f32, from the last on. */
static void widen(void *row, int64_t n)
{
    for (int64_t i = n; i-- > 0;) {
        uint16_t x;
        memcpy(&x, (const char *)row + 2 * i, sizeof x);
        const float wide = lac_bf16_to_f32(x);
        memcpy((char *)row + 4 * i, &wide, sizeof wide);
    }
}

lac_status lac_latent_cache_read(const lac_latent_cache *c, lac_latent_kind kind, int64_t place, int64_t view, float *to)
{
    const lac_latent_layout *l = &c->layout;
    const bool there = place >= 0 && place < l->records && view >= 0 && view < l->views && l->kept[kind];
    const part *p = there ? &c->part[place / l->each] : NULL;
    if (p == NULL || p->w == NULL)
        return LAC_FAIL(LAC_ERR_STATE, "record %lld, view %lld: the latents in '%s' do not have it", (long long)place, (long long)view, c->folder);
    LAC_TRY(lac_weights_read_rows(p->w, p->tensor[kind], place % l->each * l->views + view, 1, to, row_bytes(l)));
    if (l->dtype == LAC_BF16)
        widen(to, row_elements(l));
    return LAC_OK;
}

lac_status lac_latent_cache_whole(const lac_latent_cache *c, float *to)
{
    const lac_latent_layout *l = &c->layout;
    if (!l->kept[LAC_LATENT_AROUND] || c->n_parts == 0 || c->part[0].w == NULL)
        return LAC_FAIL(LAC_ERR_STATE, "the latents in '%s' have none of a picture that is hole altogether", c->folder);
    LAC_TRY(lac_weights_read(c->part[0].w, c->part[0].whole, to, row_bytes(l)));
    if (l->dtype == LAC_BF16)
        widen(to, row_elements(l));
    return LAC_OK;
}
