#include "data/scene/ground.h"

#include "core/status.h"

/* The whole number at or below; the compiler's floorf would be a call. */
static int whole(float x) { return (int)x - (x < (float)(int)x); }
static float smooth(float t) { return t * t * (3.0f - 2.0f * t); }

static float noise(const lac_ground *g, float x, float y)
{
    enum { LAST = LAC_GROUND_LATTICE - 1 };
    const int i = whole(y), j = whole(x);
    const float v = smooth(y - (float)i), u = smooth(x - (float)j);
    const float *a = g->lattice[i & LAST], *b = g->lattice[(i + 1) & LAST];
    const float low = a[j & LAST] + (a[(j + 1) & LAST] - a[j & LAST]) * u, high = b[j & LAST] + (b[(j + 1) & LAST] - b[j & LAST]) * u;
    return low + (high - low) * v;
}

/* Boards along x, one unit wide, each of its own shade and grain, with dark gaps. */
static float wood(const lac_ground *g, float x, float y)
{
    const int board = whole(y);
    const float inside = y - (float)board, along = x + 7.3f * (float)board;
    if (inside < 0.05f)
        return 1.3f;
    const float grain = noise(g, 0.35f * along, 9.0f * y) * 0.6f + noise(g, 1.1f * along, 21.0f * y) * 0.4f;
    return 0.35f * g->lattice[board & (LAC_GROUND_LATTICE - 1)][0] + 0.65f * grain;
}

static float tile(const lac_ground *g, float x, float y)
{
    const int i = whole(y), j = whole(x);
    const float u = x - (float)j, v = y - (float)i;
    return u < 0.07f || v < 0.07f ? 1.0f : 0.25f * g->lattice[i & (LAC_GROUND_LATTICE - 1)][j & (LAC_GROUND_LATTICE - 1)];
}

/* Where between the two colours the pattern is. */
static float pattern(const lac_ground *g, float x, float y)
{
    switch (g->floor) {
    case LAC_FLOOR_CHECKED: return (float)((whole(x) + whole(y)) & 1);
    case LAC_FLOOR_STRIPED: return (float)(whole(y) & 1);
    case LAC_FLOOR_TILED: return tile(g, x, y);
    case LAC_FLOOR_SPECKLED: return 0.5f * noise(g, 2 * x, 2 * y) + 0.3f * noise(g, 5 * x + 9, 5 * y) + 0.2f * noise(g, 11 * x, 11 * y + 9);
    case LAC_FLOOR_WOODEN: return wood(g, x, y);
    default: return 0;
    }
}

lac_vec3 lac_ground_floor(const lac_ground *g, float x, float y, float share)
{
    const float inverse = 1.0f / g->period, u = (g->cosine * x + g->sine * y) * inverse, v = (g->cosine * y - g->sine * x) * inverse;
    const float mean = g->floor == LAC_FLOOR_PLAIN ? 0.0f : g->floor == LAC_FLOOR_TILED ? 0.25f : 0.5f;
    return v_mix(g->colour[0], g->colour[1], mean + (pattern(g, u, v) - mean) * share);
}

lac_vec3 lac_ground_sky(const lac_ground *g, lac_vec3 along) { return v_mix(g->horizon, g->zenith, LAC_MIN(1.0f, 2.5f * LAC_MAX(along.z, 0.0f))); }
lac_vec3 lac_ground_wall(const lac_ground *g, float z) { return v_mix(g->horizon, g->zenith, LAC_MIN(1.0f, z / 6.0f)); }
