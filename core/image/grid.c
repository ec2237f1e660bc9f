#include "core/image/grid.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct layout { int64_t columns, rows, gap, *left, *top; } layout;      /* left has columns + 1 places, top rows + 1 */

/* Place k + 1 holds the largest extent of cell line k so far; summing up gives where each begins. */
static void sum_up(int64_t *place, int64_t n, int64_t gap)
{
    place[0] = gap;
    for (int64_t k = 0; k < n; k++)
        place[k + 1] += place[k] + gap;
}

static lac_status lay_out(layout *l, const lac_image *pictures, int64_t n, int64_t columns, int64_t gap)
{
    *l = (layout){ .columns = LAC_MIN(columns, n), .gap = gap };
    l->rows = (n + l->columns - 1) / l->columns;
    LAC_TRY(lac_calloc((void **)&l->left, (size_t)l->columns + 1, sizeof *l->left));
    LAC_TRY(lac_calloc((void **)&l->top, (size_t)l->rows + 1, sizeof *l->top));
    for (int64_t i = 0; i < n; i++) {
        int64_t *width = &l->left[i % l->columns + 1], *height = &l->top[i / l->columns + 1];
        *width = LAC_MAX(*width, pictures[i].width);
        *height = LAC_MAX(*height, pictures[i].height);
    }
    sum_up(l->left, l->columns, gap);
    sum_up(l->top, l->rows, gap);
    return LAC_OK;
}

static void put(lac_image *sheet, const lac_image *picture, int64_t top, int64_t left)
{
    const int64_t c = picture->channels;
    for (int64_t y = 0; y < picture->height; y++)
        for (int64_t x = 0; x < picture->width; x++) {
            const uint8_t *from = picture->pixels + (y * picture->width + x) * c;
            uint8_t *to = sheet->pixels + ((top + y) * sheet->width + left + x) * 3;
            for (int k = 0; k < 3; k++)
                to[k] = from[c == 1 ? 0 : k];
        }
}

static lac_status draw(lac_image *sheet, const lac_image *pictures, int64_t n, const layout *l)
{
    LAC_TRY(lac_image_new(sheet, l->top[l->rows], l->left[l->columns], 3));
    memset(sheet->pixels, 255, (size_t)(sheet->height * sheet->width * 3));
    for (int64_t i = 0; i < n; i++)
        if (pictures[i].pixels != NULL)
            put(sheet, &pictures[i], l->top[i / l->columns], l->left[i % l->columns]);
    return LAC_OK;
}

lac_status lac_image_grid(lac_image *sheet, const lac_image *pictures, int64_t n, int64_t columns, int64_t gap)
{
    *sheet = (lac_image){ 0 };
    if (n < 1 || columns < 1 || gap < 0 || gap > LAC_IMAGE_MAX_PIXELS)
        return LAC_FAIL(LAC_ERR_ARG, "a sheet of %lld pictures in %lld columns with gaps of %lld", (long long)n, (long long)columns,
                        (long long)gap);
    layout l;
    lac_status s = lay_out(&l, pictures, n, columns, gap);
    if (s == LAC_OK)
        s = draw(sheet, pictures, n, &l);
    free(l.left);
    free(l.top);
    return s;
}
