#include "data/set_parts.h"

#include "core/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_name[LAC_N_PARTS] = { "edited picture", "object", "caption", "relation" };

const char *lac_part_kind_name(lac_part_kind kind) { return kind_name[kind]; }

/* ---- reading ---- */

lac_status lac_part_table_read(lac_part_table *t, const lac_hdf5 *f)
{
    int64_t n = -1;
    if (!lac_hdf5_has(f, "parts"))
        return LAC_OK;
    LAC_TRY(lac_hdf5_read_new(f, "parts/record", LAC_I64, 1, &n, (void **)&t->record));
    LAC_TRY(lac_hdf5_read_new(f, "parts/kind", LAC_U8, 1, &n, (void **)&t->kind));
    LAC_TRY(lac_hdf5_read_new(f, "parts/offset", LAC_I64, 1, &n, (void **)&t->offset));
    LAC_TRY(lac_hdf5_read_new(f, "parts/length", LAC_I64, 1, &n, (void **)&t->length));
    LAC_TRY(lac_hdf5_read_new(f, "parts/box", LAC_F32, 2, (int64_t[]){ n, 4 }, (void **)&t->box));
    LAC_TRY(lac_hdf5_read_new(f, "parts/digest", LAC_U8, 2, (int64_t[]){ n, LAC_SHA256_SIZE }, (void **)&t->digest));
    LAC_TRY(lac_hdf5_read_strings(f, "parts/label", &t->label));
    if (t->label.n != n)
        return LAC_FAIL(LAC_ERR_FORMAT, "'parts/label' has %" PRId64 " rows, expected %" PRId64, t->label.n, n);
    t->n = n;
    return LAC_OK;
}

void lac_part_table_free(lac_part_table *t)
{
    void *const column[] = { t->record, t->kind, t->offset, t->length, t->box, t->digest };
    for (size_t i = 0; i < LAC_COUNT(column); i++)
        free(column[i]);
    lac_hdf5_strings_free(&t->label);
    *t = (lac_part_table){ 0 };
}

lac_part lac_part_table_row(const lac_part_table *t, int64_t i)
{
    const float *b = t->box + 4 * i;
    return (lac_part){ .kind = (lac_part_kind)t->kind[i], .record = t->record[i], .offset = t->offset[i], .length = t->length[i],
                       .box = { b[0], b[1], b[2], b[3] }, .label = t->label.item[i], .digest = t->digest + LAC_SHA256_SIZE * i };
}

int64_t lac_part_table_find(const lac_part_table *t, int64_t record, lac_part_kind kind)
{
    int64_t low = 0, high = t->n;
    while (low < high) {
        const int64_t at = low + (high - low) / 2;
        const bool below = t->record[at] != record ? t->record[at] < record : t->kind[at] < kind;
        low = below ? at + 1 : low;
        high = below ? high : at;
    }
    return low;
}

/* ---- writing ---- */

static lac_status write_labels(lac_hdf5 *f, const lac_part *part, int64_t n)
{
    const char **label;
    LAC_TRY(lac_calloc((void **)&label, (size_t)n, sizeof *label));
    for (int64_t i = 0; i < n; i++)
        label[i] = part[i].label;
    const lac_status s = lac_hdf5_write_strings(f, "parts/label", n, label);
    free(label);
    return s;
}

lac_status lac_part_table_write(lac_hdf5 *f, const lac_part *part, int64_t n)
{
    union { int64_t i64; uint8_t u8[LAC_SHA256_SIZE]; float f32[4]; } *one;        /* as wide as the widest column */
    if (n == 0)
        return LAC_OK;
    LAC_TRY(lac_calloc((void **)&one, (size_t)n, sizeof *one));
    int64_t *i64 = (int64_t *)one;
    uint8_t *u8 = (uint8_t *)one;
    float *f32 = (float *)one;
    lac_status s = LAC_OK;
#define COLUMN(name, dtype, ndim, width, put)                                              \
    if (s == LAC_OK) {                                                                     \
        for (int64_t i = 0; i < n; i++)                                                    \
            put;                                                                           \
        s = lac_hdf5_write(f, "parts/" name, dtype, ndim, (int64_t[]){ n, width }, one);   \
    }
    COLUMN("record", LAC_I64, 1, 1, i64[i] = part[i].record)
    COLUMN("kind", LAC_U8, 1, 1, u8[i] = (uint8_t)part[i].kind)
    COLUMN("offset", LAC_I64, 1, 1, i64[i] = part[i].offset)
    COLUMN("length", LAC_I64, 1, 1, i64[i] = part[i].length)
    COLUMN("box", LAC_F32, 2, 4, memcpy(f32 + 4 * i, &part[i].box, 4 * sizeof *f32))
    COLUMN("digest", LAC_U8, 2, LAC_SHA256_SIZE, memcpy(u8 + LAC_SHA256_SIZE * i, part[i].digest, LAC_SHA256_SIZE))
#undef COLUMN
    free(one);
    return s == LAC_OK ? write_labels(f, part, n) : s;
}

/* ---- checking ---- */

/* A box that a rounded sum puts a hair outside is inside. */
static bool box_inside(const lac_box *b, int64_t height, int64_t width)
{
    const double hair = 1e-3;
    return b->left >= 0 && b->top >= 0 && b->width > 0 && b->height > 0 && (double)b->left + b->width <= (double)width + hair &&
           (double)b->top + b->height <= (double)height + hair;
}

lac_status lac_part_check(const lac_part *p, int64_t height, int64_t width)
{
    if (p->kind != LAC_PART_OBJECT && p->length < 1)
        return LAC_FAIL(LAC_ERR_FORMAT, "%s of no bytes", kind_name[p->kind]);
    if (p->kind == LAC_PART_CAPTION && p->length >= LAC_CAPTION_BYTES)
        return LAC_FAIL(LAC_ERR_FORMAT, "caption of %" PRId64 " bytes, expected at most %d", p->length, LAC_CAPTION_BYTES - 1);
    if (strlen(p->label) >= LAC_LABEL_BYTES)
        return LAC_FAIL(LAC_ERR_FORMAT, "label of %zu bytes, expected at most %d", strlen(p->label), LAC_LABEL_BYTES - 1);
    if (p->kind == LAC_PART_OBJECT && !box_inside(&p->box, height, width))
        return LAC_FAIL(LAC_ERR_FORMAT, "box of %g x %g at (%g, %g), left first, does not lie in a picture %" PRId64 " wide and %" PRId64 " high",
                        (double)p->box.width, (double)p->box.height, (double)p->box.left, (double)p->box.top, width, height);
    return LAC_OK;
}
