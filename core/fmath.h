/* core/fmath.h -- exp, log, sin, cos and what activations need, as polynomials in written-out fused multiply-adds.
 *
 * No libm: the functions vectorise, and give the same bits on every device. f32 throughout; relative error below
 * 2e-7 where nothing else is said (tests/core_fmath.c checks against libm in double). */
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define LAC_HD __host__ __device__
#else
#define LAC_HD __attribute__((always_inline))     /* a call left standing keeps a loop from being vectorised */
#endif

LAC_HD static inline float lac_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
LAC_HD static inline float lac_sqrt(float x) { return __builtin_sqrtf(x); }      /* correctly rounded everywhere */

LAC_HD static inline float lac_from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

LAC_HD static inline uint32_t lac_to_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

/* e^x: x = n ln 2 + r, |r| <= ln 2 / 2, degree 6 in r. 0 below -87.3, infinite above 88.7; NaN stays NaN. */
LAC_HD static inline float lac_exp(float x)
{
    const float clamped = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
    const float magic = 12582912.0f;                    /* 1.5 * 2^23: rounds to an integer in the low bits */
    const float shifted = lac_fma(clamped, 1.44269504f, magic), n = shifted - magic;
    float r = lac_fma(n, -0.693145752f, clamped);       /* ln 2 in two parts */
    r = lac_fma(n, -1.42860677e-6f, r);
    float p = 1.38888889e-3f;
    p = lac_fma(p, r, 8.33333333e-3f);
    p = lac_fma(p, r, 4.16666667e-2f);
    p = lac_fma(p, r, 1.66666667e-1f);
    p = lac_fma(p, r, 0.5f);
    p = lac_fma(p, r, 1.0f);
    p = lac_fma(p, r, 1.0f);
    /* 2^n in two factors, so that n from -150 to 128 neither overflows early nor loses subnormals */
    const int32_t i = (int32_t)(lac_to_bits(shifted) - 0x4b400000u), half = i >> 1;
    const float a = lac_from_bits((uint32_t)(half + 127) << 23), b = lac_from_bits((uint32_t)(i - half + 127) << 23);
    return p * a * b;
}

/* e^x = s + t for -87.3 <= x <= 88: s = 2^n, and t = s (e^r - 1) keeps what adding to s would round away. Below, e^-40 is given:
 * no lane meets a subnormal, which costs a hundred cycles (compilers also send lanes here whose result is not used). */
LAC_HD static inline void lac_exp_parts(float x, float *s, float *t)
{
    const float clamped = x < -87.3365402f ? -40.0f : x, magic = 12582912.0f;
    const float shifted = lac_fma(clamped, 1.44269504f, magic), n = shifted - magic;
    float r = lac_fma(n, -0.693145752f, clamped);
    r = lac_fma(n, -1.42860677e-6f, r);
    float p = 1.98412698e-4f;
    p = lac_fma(p, r, 1.38888889e-3f);
    p = lac_fma(p, r, 8.33333333e-3f);
    p = lac_fma(p, r, 4.16666667e-2f);
    p = lac_fma(p, r, 1.66666667e-1f);
    p = lac_fma(p, r, 0.5f);
    *s = lac_from_bits((lac_to_bits(shifted) << 23) + 0x3f800000u);     /* the low bits of shifted are n */
    *t = *s * lac_fma(p * r, r, r);
}

/* a or b, chosen by bits: compilers follow a condition through all that comes after it, and do not vectorise what is left. */
LAC_HD static inline float lac_pick(int first, float a, float b)
{
    const uint32_t mask = 0u - (uint32_t)first;
    return lac_from_bits((lac_to_bits(a) & mask) | (lac_to_bits(b) & ~mask));
}

/* e^x for x <= 0, cheaper than lac_exp: 0 below -87.3, where that has subnormals. NaN stays NaN. */
LAC_HD static inline float lac_exp_negative(float x)
{
    float s, t;
    lac_exp_parts(x, &s, &t);
    return lac_pick(x < -87.3365402f, 0.0f, s + t);
}

/* 2^x for x <= 0, cheaper still: below -126 what it is there, 1e-38. NaN stays NaN. */
LAC_HD static inline float lac_exp2_negative(float x)
{
    const float limited = x < -126.0f ? -126.0f : x, magic = 12582912.0f;
    const float shifted = limited + magic, r = limited - (shifted - magic);
    float p = 1.53538225e-4f;
    p = lac_fma(p, r, 1.33988744e-3f);
    p = lac_fma(p, r, 9.61812910e-3f);
    p = lac_fma(p, r, 5.55036627e-2f);
    p = lac_fma(p, r, 2.40226507e-1f);
    p = lac_fma(p, r, 6.93147182e-1f);
    p = lac_fma(p, r, 1.0f);
    return lac_from_bits(lac_to_bits(p) + (lac_to_bits(shifted) << 23));
}

/* e^x - 1 for x <= 88, accurate near 0. */
LAC_HD static inline float lac_expm1(float x)
{
    float s, t;
    lac_exp_parts(x, &s, &t);
    return (s - 1.0f) + t;
}

/* ln x for normal x > 0: x = 2^n m, m in [sqrt(1/2), sqrt 2); the odd series of atanh in s = (m-1)/(m+1). */
LAC_HD static inline float lac_log(float x)
{
    const uint32_t u = lac_to_bits(x);
    const int32_t n = (int32_t)(u - 0x3f3504f3u) >> 23;
    const float m = lac_from_bits(u - ((uint32_t)n << 23)), s = (m - 1.0f) / (m + 1.0f), z = s * s;
    float p = 0.1538461538f;
    p = lac_fma(p, z, 0.1818181818f);
    p = lac_fma(p, z, 0.2222222222f);
    p = lac_fma(p, z, 0.2857142857f);
    p = lac_fma(p, z, 0.4f);
    p = lac_fma(p, z, 0.6666666667f);
    const float ln_m = lac_fma(p * z, s, 2.0f * s), k = (float)n;
    return lac_fma(k, 0.693145752f, lac_fma(k, 1.42860677e-6f, ln_m));
}

/* sin and cos of 2 pi u, u in [0, 1). */
LAC_HD static inline void lac_sincos2pi(float u, float *sine, float *cosine)
{
    const float q = (float)(int32_t)lac_fma(u, 4.0f, 0.5f);         /* the quarter turn nearest to u */
    const float t = lac_fma(q, -0.25f, u) * 6.28318531f, z = t * t; /* |t| <= pi / 4 */
    float s = 2.75573192e-6f;
    s = lac_fma(s, z, -1.98412698e-4f);
    s = lac_fma(s, z, 8.33333333e-3f);
    s = lac_fma(s, z, -1.66666667e-1f);
    s = lac_fma(s * z, t, t);
    float c = 2.48015873e-5f;
    c = lac_fma(c, z, -1.38888889e-3f);
    c = lac_fma(c, z, 4.16666667e-2f);
    c = lac_fma(c, z, -0.5f);
    c = lac_fma(c, z, 1.0f);
    const int32_t quarter = (int32_t)q & 3;
    *sine = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
    *cosine = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
}

LAC_HD static inline float lac_sigmoid(float x)
{
    const uint32_t u = lac_to_bits(x);
    const float e = lac_exp_negative(lac_from_bits(u | 0x80000000u)), s = 1.0f / (1.0f + e);
    return lac_pick((int)(u >> 31), e, 1.0f) * s;
}

LAC_HD static inline float lac_elu(float x) { return x > 0 ? x : lac_expm1(x); }

/* For results that are rounded to bf16: relative errors below 8e-5, a twentieth of that rounding, at half the work. e^x = 2^n 2^r with
 * |r| <= 1/2. Limits are taken on the bits, where floats of one sign are in order, and nothing is chosen by a condition: compilers follow
 * conditions to the end and do all the work for either case. */

/* lac_exp2_negative so. */
LAC_HD static inline float lac_exp2_negative_coarse(float x)
{
    const float limited = x < -126.0f ? -126.0f : x, magic = 12582912.0f;
    const float shifted = limited + magic, r = limited - (shifted - magic);
    float p = 5.51716605e-2f;
    p = lac_fma(p, r, 2.42611143e-1f);
    p = lac_fma(p, r, 6.93260937e-1f);
    p = lac_fma(p, r, 9.99928070e-1f);
    return lac_from_bits(lac_to_bits(p) + (lac_to_bits(shifted) << 23));
}

/* Beyond 87 and -87 what it is there; NaN of NaN and of the infinite. */
LAC_HD static inline float lac_sigmoid_coarse(float x)
{
    const uint32_t u = lac_to_bits(x), low = u < 0xc2ae0000u ? u : 0xc2ae0000u;            /* -87 */
    const int32_t limited = (int32_t)low < 0x42ae0000 ? (int32_t)low : 0x42ae0000;
    const float c = lac_from_bits((uint32_t)limited), magic = 12582912.0f;
    const float shifted = lac_fma(c, -1.44269504f, magic), r = lac_fma(c, -1.44269504f, magic - shifted);
    float p = 5.51716605e-2f;
    p = lac_fma(p, r, 2.42611143e-1f);
    p = lac_fma(p, r, 6.93260937e-1f);
    p = lac_fma(p, r, 9.99928070e-1f);
    return 1.0f / (lac_fma(x, 0.0f, 1.0f) + lac_from_bits(lac_to_bits(p) + (lac_to_bits(shifted) << 23)));
}

/* elu(x) = max(x, 0) + (e^min(x, 0) - 1), and its slope e^min(x, 0), below -87 what it is there. NaN of NaN and of the infinite, whose slope
 * may be anything. */
LAC_HD static inline float lac_elu_coarse(float x, float *slope)
{
    const float size = lac_from_bits(lac_to_bits(x) & 0x7fffffffu), twice = size - x, magic = 12582912.0f;    /* -2 min(x, 0) */
    const int32_t u = (int32_t)lac_to_bits(twice), limited = u < 0x432e0000 ? u : 0x432e0000;                  /* 174 */
    const float c = lac_from_bits((uint32_t)limited);
    const float shifted = lac_fma(c, -0.72134752f, magic), r = lac_fma(c, -0.72134752f, magic - shifted);
    const float s = lac_from_bits((lac_to_bits(shifted) << 23) + 0x3f800000u);
    float p = 9.61811074e-3f;
    p = lac_fma(p, r, 5.58372897e-2f);
    p = lac_fma(p, r, 2.40232522e-1f);
    p = lac_fma(p, r, 6.93136858e-1f);
    const float t = p * r;                              /* 2^r - 1 */
    *slope = lac_fma(s, t, s);
    return lac_fma(0.5f, x + size, lac_fma(s, t, s - 1.0f));
}

/* The normal distribution's share below x and its density there: with z = |x| / sqrt 2, near 0 the odd series of erf, beyond erfc(z) = e^(-z^2) g(1 / (1 + z)),
 * both fitted to 2e-7. */
LAC_HD static inline float lac_normal_share(float x, float *density)
{
    const float z = 0.707106781f * lac_from_bits(lac_to_bits(x) & 0x7fffffffu), u = z * z, t = 1.0f / (1.0f + z);
    const float e = lac_exp_negative(-u);
    float p = -9.67359119e-6f, g = -6.01999283e-1f;
    p = lac_fma(p, u, 1.12682537e-4f);
    p = lac_fma(p, u, -8.48439639e-4f);
    p = lac_fma(p, u, 5.22105349e-3f);
    p = lac_fma(p, u, -2.68654376e-2f);
    p = lac_fma(p, u, 1.12837829e-1f);
    p = lac_fma(p, u, -3.76126379e-1f);
    p = lac_fma(p, u, 1.12837923e0f);
    g = lac_fma(g, t, 1.29927433e0f);
    g = lac_fma(g, t, -6.12809718e-1f);
    g = lac_fma(g, t, -6.33706391e-1f);
    g = lac_fma(g, t, 4.28758204e-1f);
    g = lac_fma(g, t, 5.34618020e-1f);
    g = lac_fma(g, t, 5.67246497e-1f);
    g = lac_fma(g, t, -1.30053173e-4f);
    const float above = lac_pick(z < 1.0f, lac_fma(-0.5f * z, p, 0.5f), 0.5f * e * g);
    *density = 0.398942280f * e;
    return lac_pick(x < 0, above, 1.0f - above);
}

/* tanh from expm1 of -2|x|; the sign is carried over as a bit, as a condition would keep loops from being vectorised. */
LAC_HD static inline float lac_tanh(float x)
{
    const uint32_t u = lac_to_bits(x);
    const float e = lac_expm1(-2.0f * lac_from_bits(u & 0x7fffffffu));
    return lac_from_bits(lac_to_bits(-e / (2.0f + e)) | (u & 0x80000000u));
}
