/* core/cpu/turn.h -- squares of floats turned. Inside core/cpu/cpu_*.c, which are compiled for each level. */
#pragma once

#include <stdint.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

enum { LAC_TURN = 16 };

/* to[j * to_row + i] = from[i * from_row + j], i and j below LAC_TURN. Where there are 32 registers of 16: exchanges of single floats, of pairs, of quarters, twice. */
static inline void lac_turn(float *restrict to, int64_t to_row, const float *restrict from, int64_t from_row)
{
#if defined(__AVX512F__)
    __m512 a[16], b[16];
    for (int i = 0; i < 16; i += 2) {
        const __m512 x = _mm512_loadu_ps(from + i * from_row), y = _mm512_loadu_ps(from + (i + 1) * from_row);
        a[i] = _mm512_unpacklo_ps(x, y), a[i + 1] = _mm512_unpackhi_ps(x, y);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            const __m512d x = _mm512_castps_pd(a[i + j]), y = _mm512_castps_pd(a[i + 2 + j]);
            b[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), b[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
        }
    for (int j = 0; j < 4; j++) {       /* quarter q of b[4 g + j] is column 4 q + j of rows 4 g ... */
        const __m512 low = _mm512_shuffle_f32x4(b[j], b[4 + j], 0x44), high = _mm512_shuffle_f32x4(b[j], b[4 + j], 0xee);
        const __m512 low2 = _mm512_shuffle_f32x4(b[8 + j], b[12 + j], 0x44), high2 = _mm512_shuffle_f32x4(b[8 + j], b[12 + j], 0xee);
        _mm512_storeu_ps(to + j * to_row, _mm512_shuffle_f32x4(low, low2, 0x88));
        _mm512_storeu_ps(to + (4 + j) * to_row, _mm512_shuffle_f32x4(low, low2, 0xdd));
        _mm512_storeu_ps(to + (8 + j) * to_row, _mm512_shuffle_f32x4(high, high2, 0x88));
        _mm512_storeu_ps(to + (12 + j) * to_row, _mm512_shuffle_f32x4(high, high2, 0xdd));
    }
#else
    for (int i = 0; i < LAC_TURN; i++)
        for (int j = 0; j < LAC_TURN; j++)
            to[j * to_row + i] = from[i * from_row + j];
#endif
}
