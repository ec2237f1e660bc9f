#include "core/image/rle.h"

#include "core/image/image.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FINE = 5, MAX_AT = 1 << 20, MAX_STEPS = 1 << 28, BITS = 5, MAX_GROUPS = 13 };

void lac_rle_free(lac_rle *r)
{
    free(r->count);
    *r = (lac_rle){ 0 };
}

static lac_status begin(lac_rle *r, int64_t height, int64_t width)
{
    if (height < 0 || width < 0 || (height > 0 && width > LAC_IMAGE_MAX_PIXELS / height))
        return LAC_FAIL(LAC_ERR_FORMAT, "a mask of %lld x %lld is too large", (long long)height, (long long)width);
    r->height = height;
    r->width = width;
    r->n = 0;
    return LAC_OK;
}

static lac_status put(lac_rle *r, int64_t count)
{
    LAC_TRY(lac_grow((void **)&r->count, r->n, &r->capacity, sizeof *r->count));
    r->count[r->n++] = (uint32_t)count;
    return LAC_OK;
}

lac_status lac_rle_encode(lac_rle *r, const uint8_t *mask, int64_t height, int64_t width)
{
    bool inside = false;
    int64_t run = 0;
    LAC_TRY(begin(r, height, width));
    for (int64_t x = 0; x < width; x++)
        for (int64_t y = 0; y < height; y++) {
            if ((mask[y * width + x] != 0) != inside) {
                LAC_TRY(put(r, run));
                inside = !inside;
                run = 0;
            }
            run++;
        }
    return put(r, run);
}

/* total: what was put so far. */
static lac_status put_checked(lac_rle *r, int64_t count, int64_t *total)
{
    if (count < 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "count %lld is %lld, expected none below 0", (long long)r->n, (long long)count);
    if (count > r->height * r->width - *total)
        return LAC_FAIL(LAC_ERR_FORMAT, "counts add up to more than %lld, the pixels of %lld x %lld (height, width)", (long long)(r->height * r->width),
                        (long long)r->height, (long long)r->width);
    *total += count;
    return put(r, count);
}

static lac_status check_total(const lac_rle *r, int64_t total)
{
    return total == r->height * r->width ? LAC_OK
         : LAC_FAIL(LAC_ERR_FORMAT, "counts add up to %lld, expected %lld, the pixels of %lld x %lld (height, width)", (long long)total,
                    (long long)(r->height * r->width), (long long)r->height, (long long)r->width);
}

lac_status lac_rle_from_counts(lac_rle *r, int64_t height, int64_t width, const int64_t *count, int64_t n)
{
    int64_t total = 0;
    LAC_TRY(begin(r, height, width));
    for (int64_t i = 0; i < n; i++)
        LAC_TRY(put_checked(r, count[i], &total));
    return check_total(r, total);
}

/* The number that begins at *at, which moves behind it: five bits a character, the lowest first; of the last one, bit 4 is the sign. */
static lac_status read_number(const char *text, size_t size, size_t *at, int64_t *number)
{
    uint64_t bits = 0;
    for (int k = 0; k < MAX_GROUPS; k++) {
        if (*at == size)
            return LAC_FAIL(LAC_ERR_FORMAT, "the compressed counts end within a number");
        const int c = (unsigned char)text[*at] - '0';
        if (c < 0 || c > 63)
            return LAC_FAIL(LAC_ERR_FORMAT, "byte %zu of the compressed counts is %d, expected 48 to 111", *at, (unsigned char)text[*at]);
        (*at)++;
        bits |= (uint64_t)(c & 31) << BITS * k;
        if ((c & 32) == 0) {
            if (c & 16 && BITS * (k + 1) < 64)
                bits |= ~(uint64_t)0 << BITS * (k + 1);
            *number = (int64_t)bits;
            return LAC_OK;
        }
    }
    return LAC_FAIL(LAC_ERR_FORMAT, "a number of the compressed counts has more than %d characters", MAX_GROUPS);
}

lac_status lac_rle_from_text(lac_rle *r, int64_t height, int64_t width, const char *text, size_t size)
{
    int64_t total = 0, number = 0;
    LAC_TRY(begin(r, height, width));
    for (size_t at = 0; at < size;) {
        LAC_TRY(read_number(text, size, &at, &number));
        const int64_t before = r->n > 2 ? r->count[r->n - 2] : 0;
        if (number > INT64_MAX - before)
            return LAC_FAIL(LAC_ERR_FORMAT, "count %lld of the compressed counts is too large", (long long)r->n);
        LAC_TRY(put_checked(r, number + before, &total));
    }
    return check_total(r, total);
}

lac_status lac_rle_text(const lac_rle *r, char **text, size_t *size)
{
    enum { MOST = 7 };                      /* characters of 33 bits */
    LAC_TRY(lac_malloc((void **)text, (size_t)r->n * MOST + 1));
    char *to = *text;
    for (int64_t i = 0; i < r->n; i++) {
        int64_t x = (int64_t)r->count[i] - (i > 2 ? (int64_t)r->count[i - 2] : 0);
        for (bool more = true; more;) {
            const int bits = (int)(x & 31);
            x >>= BITS;
            more = bits & 16 ? x != -1 : x != 0;
            *to++ = (char)(48 + bits + (more ? 32 : 0));
        }
    }
    *to = '\0';
    *size = (size_t)(to - *text);
    return LAC_OK;
}

void lac_rle_decode(const lac_rle *r, uint8_t *mask)
{
    int64_t x = 0, y = 0;
    for (int64_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->count[i]; k++) {
            mask[y * r->width + x] = i & 1;
            if (++y == r->height) {
                y = 0;
                x++;
            }
        }
}

int64_t lac_rle_area(const lac_rle *r)
{
    int64_t area = 0;
    for (int64_t i = 1; i < r->n; i += 2)
        area += r->count[i];
    return area;
}

void lac_rle_box(const lac_rle *r, double box[4])
{
    int64_t left = r->width, top = r->height, right = -1, bottom = -1, at = 0;
    for (int64_t i = 0; i < r->n; i++) {
        const int64_t first = at, last = at + r->count[i] - 1;
        at = last + 1;
        if (i % 2 == 0 || last < first)
            continue;
        const bool columns = first / r->height != last / r->height;
        left = LAC_MIN(left, first / r->height);
        right = LAC_MAX(right, last / r->height);
        top = LAC_MIN(top, columns ? 0 : first % r->height);
        bottom = LAC_MAX(bottom, columns ? r->height - 1 : last % r->height);
    }
    const bool empty = right < 0;
    box[0] = empty ? 0 : (double)left;
    box[1] = empty ? 0 : (double)top;
    box[2] = empty ? 0 : (double)(right - left + 1);
    box[3] = empty ? 0 : (double)(bottom - top + 1);
}

/* ---- polygons: the outline walked on a grid five times as fine, and noted where it crosses the middle of a column */

typedef struct crossings { int64_t *at, n, capacity; } crossings;

typedef struct fine_point { int64_t x, y; } fine_point;

/* The outline goes from p to q; where that is a step to another column of pixels, the pixel below which the inside changes. */
static lac_status cross(crossings *c, int64_t height, int64_t width, fine_point p, fine_point q)
{
    if (p.x == q.x)
        return LAC_OK;
    const double x = ((double)LAC_MIN(p.x, q.x) + .5) / FINE - .5;
    if (floor(x) != x || x < 0 || x > (double)(width - 1))
        return LAC_OK;
    const double y = ((double)LAC_MIN(p.y, q.y) + .5) / FINE - .5;
    const int64_t row = (int64_t)ceil(y < 0 ? 0 : y > (double)height ? (double)height : y);
    LAC_TRY(lac_grow((void **)&c->at, c->n, &c->capacity, sizeof *c->at));
    c->at[c->n++] = (int64_t)x * height + row;
    return LAC_OK;
}

/* One edge, along its longer axis and in the direction in which that grows, so that both directions draw the same points. */
static lac_status walk_edge(crossings *c, int64_t height, int64_t width, fine_point from, fine_point to)
{
    const int64_t dx = llabs(to.x - from.x), dy = llabs(to.y - from.y), steps = LAC_MAX(dx, dy);
    const bool along_x = dx >= dy, turned = along_x ? from.x > to.x : from.y > to.y;
    const fine_point a = turned ? to : from, b = turned ? from : to;
    const double slope = steps == 0 ? 0 : along_x ? (double)(b.y - a.y) / (double)dx : (double)(b.x - a.x) / (double)dy;
    fine_point last = { 0 };
    for (int64_t d = 0; d <= steps; d++) {
        const int64_t t = turned ? steps - d : d;
        const fine_point p = { along_x ? t + a.x : (int64_t)((double)a.x + slope * (double)t + .5),
                               along_x ? (int64_t)((double)a.y + slope * (double)t + .5) : t + a.y };
        if (d > 0)
            LAC_TRY(cross(c, height, width, last, p));
        last = p;
    }
    return LAC_OK;
}

static fine_point fine(const double *xy) { return (fine_point){ (int64_t)(FINE * xy[0] + .5), (int64_t)(FINE * xy[1] + .5) }; }

static lac_status check_polygon(const double *xy, int64_t n)
{
    int64_t steps = 0;
    if (n < 6 || n % 2 != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "a polygon has %lld numbers, expected x and y of at least three points", (long long)n);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(xy[i]) <= MAX_AT))
            return LAC_FAIL(LAC_ERR_FORMAT, "number %lld of a polygon is %g, expected a coordinate between -%d and %d", (long long)i, xy[i], MAX_AT, MAX_AT);
    for (int64_t i = 0; i < n; i += 2) {
        const fine_point p = fine(xy + i), q = fine(xy + (i + 2) % n);
        steps += LAC_MAX(llabs(q.x - p.x), llabs(q.y - p.y)) + 1;
        if (steps > MAX_STEPS)
            return LAC_FAIL(LAC_ERR_FORMAT, "the outline of a polygon is longer than %d fifths of a pixel", MAX_STEPS);
    }
    return LAC_OK;
}

static int by_place(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Runs between the sorted crossings; where two fall together, the runs on both sides are one. */
static lac_status put_runs(lac_rle *r, const crossings *c)
{
    int64_t last = 0;
    bool joins = false;
    for (int64_t i = 0; i <= c->n; i++) {
        const int64_t at = i < c->n ? c->at[i] : r->height * r->width, run = at - last;
        last = at;
        if (joins) {
            r->count[r->n - 1] += (uint32_t)run;
            joins = false;
        } else if (run == 0 && r->n > 0)
            joins = true;
        else
            LAC_TRY(put(r, run));
    }
    return LAC_OK;
}

lac_status lac_rle_polygon(lac_rle *r, int64_t height, int64_t width, const double *xy, int64_t n)
{
    crossings c = { 0 };
    LAC_TRY(begin(r, height, width));
    LAC_TRY(check_polygon(xy, n));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < n; i += 2)
        s = walk_edge(&c, height, width, fine(xy + i), fine(xy + (i + 2) % n));
    if (c.n > 0)
        qsort(c.at, (size_t)c.n, sizeof *c.at, by_place);
    s = s == LAC_OK ? put_runs(r, &c) : s;
    free(c.at);
    return s;
}

/* ---- two masks at once */

/* Runs of two masks side by side: the next stretch in which neither changes. */
typedef struct pair_walk { const lac_rle *of[2]; int64_t at[2], left[2]; } pair_walk;

static int64_t next_stretch(pair_walk *w, bool inside[2])
{
    for (int k = 0; k < 2; k++) {
        while (w->left[k] == 0 && w->at[k] < w->of[k]->n)
            w->left[k] = w->of[k]->count[w->at[k]++];
        if (w->left[k] == 0)
            return 0;
        inside[k] = w->at[k] % 2 == 0;
    }
    const int64_t n = LAC_MIN(w->left[0], w->left[1]);
    w->left[0] -= n;
    w->left[1] -= n;
    return n;
}

static lac_status put_union(lac_rle *to, const lac_rle *a, const lac_rle *b)
{
    pair_walk w = { .of = { a, b } };
    bool inside[2], last = false;
    int64_t run = 0;
    LAC_TRY(begin(to, a->height, a->width));
    for (int64_t n; (n = next_stretch(&w, inside)) > 0; run += n)
        if ((inside[0] || inside[1]) != last) {
            LAC_TRY(put(to, run));
            last = !last;
            run = 0;
        }
    return put(to, run);
}

lac_status lac_rle_add(lac_rle *r, const lac_rle *other)
{
    lac_rle sum = { 0 };
    if (r->height != other->height || r->width != other->width)
        return LAC_FAIL(LAC_ERR_SHAPE, "masks of %lld x %lld and %lld x %lld", (long long)r->height, (long long)r->width, (long long)other->height,
                        (long long)other->width);
    const lac_status s = put_union(&sum, r, other);
    lac_rle_free(s == LAC_OK ? r : &sum);
    if (s == LAC_OK)
        *r = sum;
    return s;
}

int64_t lac_rle_intersection(const lac_rle *a, const lac_rle *b)
{
    pair_walk w = { .of = { a, b } };
    bool inside[2];
    int64_t both = 0;
    for (int64_t n; (n = next_stretch(&w, inside)) > 0;)
        both += inside[0] && inside[1] ? n : 0;
    return both;
}

double lac_rle_iou(const lac_rle *a, const lac_rle *b, bool crowd)
{
    const int64_t both = lac_rle_intersection(a, b), of_a = lac_rle_area(a);
    return both == 0 ? 0 : (double)both / (double)(crowd ? of_a : of_a + lac_rle_area(b) - both);
}

double lac_box_iou(const double a[4], const double b[4], bool crowd)
{
    const double w = fmin(a[0] + a[2], b[0] + b[2]) - fmax(a[0], b[0]), h = fmin(a[1] + a[3], b[1] + b[3]) - fmax(a[1], b[1]);
    if (!(w > 0) || !(h > 0))
        return 0;
    return w * h / (crowd ? a[2] * a[3] : a[2] * a[3] + b[2] * b[3] - w * h);
}

/* Pixels from..to of a mask counted column by column. */
static void set_down(uint8_t *mask, int64_t height, int64_t width, int64_t from, int64_t to)
{
    for (int64_t at = from; at < to; at++)
        mask[at % height * width + at / height] = 1;
}

lac_status lac_mask_from_pairs(uint8_t *mask, int64_t height, int64_t width, lac_pairs_order order, const int64_t *pair, int64_t n)
{
    const int64_t pixels = height * width;
    if (n % 2 != 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "%lld numbers are no pairs of start and length", (long long)n);
    memset(mask, 0, (size_t)pixels);
    for (int64_t i = 0; i < n; i += 2) {
        const int64_t start = pair[i], length = pair[i + 1];
        if (start < 1 || start > pixels + 1 || length < 0 || length > pixels - (start - 1))
            return LAC_FAIL(LAC_ERR_FORMAT, "pair %lld is (%lld, %lld), expected a run within the %lld pixels of %lld x %lld (height, width), counted from 1",
                            (long long)(i / 2), (long long)start, (long long)length, (long long)pixels, (long long)height, (long long)width);
        if (order == LAC_PAIRS_BY_ROWS)
            memset(mask + start - 1, 1, (size_t)length);
        else
            set_down(mask, height, width, start - 1, start - 1 + length);
    }
    return LAC_OK;
}
