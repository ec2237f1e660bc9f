#include "core/cpu/amx.h"

#include "core/cpu/features.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define TILES __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")))
#define TILES_INLINE TILES __attribute__((always_inline)) static inline

/* gcc's tile instructions do not say what memory they read. */
#define MEMORY_IS_WRITTEN __asm__ volatile("" ::: "memory")

enum { SIDE = LAC_AMX_SIDE, TILE = 16, STEP = SIDE * SIDE };       /* STEP: elements of B in a step of k, two tiles side by side */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool here;

static void look(void) { here = lac_cpu_has_amx_bf16(); }

bool lac_amx_here(void)
{
    pthread_once(&once, look);
    return here;
}

/* ---- packing ---- */

/* Pairs of rows become rows of pairs: 16 columns of both. */
TILES static __m512i pairs(__m256i upper, __m256i lower)
{
    return _mm512_or_si512(_mm512_cvtepu16_epi32(upper), _mm512_slli_epi32(_mm512_cvtepu16_epi32(lower), 16));
}

TILES static void pack_rows(uint16_t *to, const uint16_t *b, int64_t row, int64_t k, int64_t n)
{
    const __mmask16 mask[2] = { (__mmask16)(n >= TILE ? 0xffff : (1u << n) - 1), (__mmask16)(n <= TILE ? 0 : (1u << (n - TILE)) - 1) };
    for (int64_t r = 0; r < lac_amx_sides(k) * SIDE; r += 2)
        for (int t = 0; t < 2; t++) {
            const uint16_t *from = b + r * row + t * TILE;
            const __m256i upper = _mm256_maskz_loadu_epi16(r < k ? mask[t] : 0, from), lower = _mm256_maskz_loadu_epi16(r + 1 < k ? mask[t] : 0, from + row);
            _mm512_store_si512(to + r / SIDE * STEP + t * STEP / 2 + r % SIDE * TILE, pairs(upper, lower));
        }
}

/* Columns that lie along k: 16 of them, 16 pairs each, turned. */
TILES static void pack_columns(uint16_t *to, const uint16_t *b, int64_t col, int64_t k, int64_t n)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int64_t t = 0; t < lac_amx_sides(k) * 2; t++) {
        uint16_t square[TILE][SIDE] __attribute__((aligned(64)));
        const int64_t from = t / 2 * SIDE, wide = LAC_MIN(k - from, SIDE), high = LAC_MIN(LAC_MAX(n - t % 2 * TILE, 0), TILE);
        const __mmask32 mask = wide == SIDE ? 0xffffffffu : (1u << wide) - 1;
        for (int64_t c = 0; c < TILE; c++)
            _mm512_store_si512(square[c], _mm512_maskz_loadu_epi16(c < high ? mask : 0, b + (t % 2 * TILE + c) * col + from));
        for (int r = 0; r < TILE; r++)
            _mm512_store_si512(to + t * STEP / 2 + r * SIDE, _mm512_i32gather_epi32(_mm512_slli_epi32(lane, 4), (const int *)square + r, 4));
    }
}

/* [k, m] to [m, SIDE], zeros behind k: pairs of rows become words, and 16 by 16 of those are turned. */
TILES static void turn_square(uint16_t *to, int64_t row, const uint16_t *a, int64_t col, int64_t m, int64_t k)
{
    uint16_t square[TILE][SIDE] __attribute__((aligned(64)));
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __mmask16 mask = (__mmask16)(m >= TILE ? 0xffff : (1u << m) - 1);
    for (int64_t r = 0; r < SIDE; r += 2)
        _mm512_store_si512(square[r / 2], pairs(_mm256_maskz_loadu_epi16(r < k ? mask : 0, a + r * col), _mm256_maskz_loadu_epi16(r + 1 < k ? mask : 0, a + (r + 1) * col)));
    for (int64_t i = 0; i < m; i++)
        _mm512_storeu_si512(to + i * row, _mm512_i32gather_epi32(_mm512_slli_epi32(lane, 4), (const int *)square + i, 4));
}

void lac_amx_pack(uint16_t *to, const uint16_t *b, int64_t row, int64_t col, int64_t k, int64_t n)
{
    if (col == 1)
        pack_rows(to, b, row, k, n);
    else
        pack_columns(to, b, col, k, n);
}

void lac_amx_turn(uint16_t *to, const uint16_t *a, int64_t col, int64_t m, int64_t k)
{
    const int64_t row = lac_amx_sides(k) * SIDE;
    for (int64_t i = 0; i < m; i += TILE)
        for (int64_t from = 0; from < k; from += SIDE)
            turn_square(to + i * row + from, row, a + from * col + i, col, LAC_MIN(m - i, TILE), LAC_MIN(k - from, SIDE));
}

/* ---- tiles ---- */

/* Tiles 0 to 3 are sums, 4 and 5 rows of A, 6 and 7 columns of B. */
typedef struct config { uint8_t palette, start, rest[14]; uint16_t bytes[16]; uint8_t rows[16]; } config;

/* For blocks of `rows` rows of A. */
TILES static void configure(int64_t rows)
{
    const uint8_t upper = (uint8_t)LAC_MIN(rows, TILE), lower = (uint8_t)LAC_MAX(rows - TILE, 1);
    config c = { .palette = 1, .rows = { upper, upper, lower, lower, upper, lower, TILE, TILE } };
    for (int i = 0; i < 8; i++)
        c.bytes[i] = 64;
    MEMORY_IS_WRITTEN;
    _tile_loadconfig(&c);
}

TILES void lac_amx_begin(void) { configure(SIDE); }
TILES void lac_amx_done(void) { _tile_release(); }

enum { AHEAD = 4096 };                  /* bytes that B is fetched ahead of its use: what the hardware fetches by itself comes too late */

TILES_INLINE void fetch(const char *b)
{
    for (int i = 0; i < STEP * 2; i += 64)
        _mm_prefetch(b + AHEAD + i, _MM_HINT_T0);
}

/* `steps` steps of k, of more than 16 rows. */
TILES_INLINE void add_both(const char *a, int64_t row, const char *b, int64_t steps, bool fresh)
{
    const char *lower = a + TILE * row;
    for (int64_t i = 0; i < steps; i++, a += 64, lower += 64, b += STEP * 2) {
        if (fresh)
            fetch(b);
        _tile_loadd(4, a, row);
        _tile_loadd(6, b, 64);
        _tile_loadd(7, b + STEP, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, lower, row);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
}

/* Of 16 rows at most. */
TILES_INLINE void add_upper(const char *a, int64_t row, const char *b, int64_t steps, bool fresh)
{
    for (int64_t i = 0; i < steps; i++, a += 64, b += STEP * 2) {
        if (fresh)
            fetch(b);
        _tile_loadd(4, a, row);
        _tile_loadd(6, b, 64);
        _tile_loadd(7, b + STEP, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
    }
}

/* Of 16 columns at most. */
TILES_INLINE void add_left(const char *a, int64_t row, const char *b, int64_t steps)
{
    const char *lower = a + TILE * row;
    for (int64_t i = 0; i < steps; i++, a += 64, lower += 64, b += STEP * 2) {
        _tile_loadd(6, b, 64);
        _tile_loadd(4, a, row);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, lower, row);
        _tile_dpbf16ps(2, 5, 6);
    }
}

/* fresh: nobody has read this part of B of late. */
TILES static void add_steps(const char *a, int64_t row, int64_t rows, const char *b, int64_t steps, int64_t columns, bool fresh)
{
    if (rows <= TILE)
        add_upper(a, row, b, steps, fresh);
    else if (columns <= TILE)
        add_left(a, row, b, steps);
    else if (fresh)
        add_both(a, row, b, steps, true);
    else
        add_both(a, row, b, steps, false);
}

TILES static void clear_sums(void)
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

TILES static void load_sums(const float *sums)
{
    _tile_loadd(0, sums, 64);
    _tile_loadd(1, sums + TILE * TILE, 64);
    _tile_loadd(2, sums + 2 * TILE * TILE, 64);
    _tile_loadd(3, sums + 3 * TILE * TILE, 64);
}

TILES static void store_sums(float *sums)
{
    _tile_stored(0, sums, 64);
    _tile_stored(1, sums + TILE * TILE, 64);
    _tile_stored(2, sums + 2 * TILE * TILE, 64);
    _tile_stored(3, sums + 3 * TILE * TILE, 64);
}

TILES_INLINE __m512 load(const void *from, int64_t at, lac_dtype d, __mmask16 m)
{
    if (d == LAC_F32)
        return _mm512_maskz_loadu_ps(m, (const float *)from + at);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, (const uint16_t *)from + at)), 16));
}

/* A block's sums to where they go, from row `row` and column `first` of C on; a row of both tiles at once. */
TILES_INLINE void deliver_as(const lac_amx_end *e, const float *sums, int64_t row, int64_t rows, int64_t first, uint32_t mask, bool onto, lac_dtype d)
{
    const __mmask16 m[2] = { (__mmask16)mask, (__mmask16)(mask >> TILE) };
    const __m512 none = _mm512_setzero_ps();
    const __m512 bias[2] = { e->bias ? _mm512_maskz_loadu_ps(m[0], e->bias + first) : none, e->bias ? _mm512_maskz_loadu_ps(m[1], e->bias + first + TILE) : none };
    for (int64_t r = 0; r < rows; r++) {
        const int64_t at = (row + r) * e->row + first;
        const float *of = sums + r / TILE * 2 * TILE * TILE + r % TILE * TILE;
        __m512 left = _mm512_add_ps(_mm512_load_ps(of), bias[0]), right = _mm512_add_ps(_mm512_load_ps(of + TILE * TILE), bias[1]);
        if (onto) {
            left = _mm512_add_ps(left, load(e->onto, at, d, m[0]));
            right = _mm512_add_ps(right, load(e->onto, at + TILE, d, m[1]));
        }
        if (d == LAC_BF16) {
            _mm512_mask_storeu_epi16((uint16_t *)e->c + at, mask, (__m512i)_mm512_cvtne2ps_pbh(right, left));
        } else {
            _mm512_mask_storeu_ps((float *)e->c + at, m[0], left);
            _mm512_mask_storeu_ps((float *)e->c + at + TILE, m[1], right);
        }
    }
}

TILES static void deliver(const lac_amx_end *e, const float *sums, int64_t row, int64_t rows, int64_t first, int64_t columns)
{
    const uint32_t mask = columns == SIDE ? 0xffffffffu : (1u << columns) - 1;
    if (e->d == LAC_BF16 && e->onto == NULL)
        deliver_as(e, sums, row, rows, first, mask, false, LAC_BF16);
    else if (e->d == LAC_BF16)
        deliver_as(e, sums, row, rows, first, mask, true, LAC_BF16);
    else if (e->onto == NULL)
        deliver_as(e, sums, row, rows, first, mask, false, LAC_F32);
    else
        deliver_as(e, sums, row, rows, first, mask, true, LAC_F32);
}

/* What of A's last step is there, and zeros. */
typedef struct rest { uint16_t of[SIDE][SIDE]; } rest;

static void take_rest(rest *to, const lac_amx_run *r, int64_t from, int64_t rows)
{
    const int64_t k = r->k % SIDE;
    for (int64_t i = 0; i < rows && k > 0; i++) {
        memset(to->of[i], 0, sizeof to->of[i]);
        memcpy(to->of[i], r->a + (from + i) * r->row + r->k - k, (size_t)k * sizeof(uint16_t));
    }
}

/* A chunk of k: `steps` steps from `first` on. */
typedef struct chunk { int64_t first, steps; bool last; } chunk;

TILES static void block(const lac_amx_run *r, const rest *end, const chunk *k, int64_t from, int64_t rows, int64_t panel)
{
    float own[LAC_AMX_SUMS] __attribute__((aligned(64)));
    float *sums = r->sums != NULL ? r->sums + (from / SIDE * r->panels + panel) * LAC_AMX_SUMS : own;
    const char *a = (const char *)(r->a + from * r->row + k->first * SIDE), *b = r->b + (size_t)panel * r->step + (size_t)k->first * STEP * 2;
    const int64_t row = r->row * (int64_t)sizeof *r->a, columns = panel == r->panels - 1 ? r->last : SIDE;
    if (k->first == 0)
        clear_sums();
    else
        load_sums(sums);
    add_steps(a, row, rows, b, k->steps, columns, from == 0);
    if (k->last && r->k % SIDE != 0)
        add_steps((const char *)end, sizeof end->of[0], rows, b + k->steps * STEP * 2, 1, columns, false);
    store_sums(sums);
    if (k->last)
        deliver(&r->end, sums, from, rows, panel * SIDE, columns);
}

static void run_chunk(const lac_amx_run *r, const chunk *k)
{
    rest end __attribute__((aligned(64)));
    for (int64_t from = 0; from < r->m; from += SIDE) {
        const int64_t rows = LAC_MIN(r->m - from, SIDE);
        if (k->last)
            take_rest(&end, r, from, rows);
        MEMORY_IS_WRITTEN;
        if (rows < SIDE)
            configure(rows);
        for (int64_t p = 0; p < r->panels; p++)
            block(r, &end, k, from, rows, p);
    }
    if (r->m % SIDE != 0)
        configure(SIDE);
}

void lac_amx_product(const lac_amx_run *r)
{
    const int64_t all = r->k / SIDE, each = r->chunk > 0 ? r->chunk : LAC_MAX(all, 1);
    int64_t first = 0;
    do {
        const int64_t steps = LAC_MIN(all - first, each);
        run_chunk(r, &(chunk){ first, steps, first + steps == all });
        first += each;
    } while (first < all);
}
#else
/* No tiles: nobody gets beyond the question. */
bool lac_amx_here(void) { return false; }
void lac_amx_pack(uint16_t *to, const uint16_t *b, int64_t row, int64_t col, int64_t k, int64_t n) { (void)to, (void)b, (void)row, (void)col, (void)k, (void)n; }
void lac_amx_turn(uint16_t *to, const uint16_t *a, int64_t col, int64_t m, int64_t k) { (void)to, (void)a, (void)col, (void)m, (void)k; }
void lac_amx_begin(void) {}
void lac_amx_done(void) {}
void lac_amx_product(const lac_amx_run *r) { (void)r; }
#endif
