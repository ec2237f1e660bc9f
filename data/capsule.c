#include "data/capsule.h"

#include "core/status.h"

#include <math.h>

static int64_t inside(float x, int64_t n) { return x < 0 ? 0 : x > (float)n ? n : (int64_t)x; }

void lac_capsule_draw(const lac_canvas *c, lac_point a, lac_point b, float radius)
{
    const float dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy, scale = length2 > 0 ? 1.0f / length2 : 0.0f;
    const int64_t x0 = inside(LAC_MIN(a.x, b.x) - radius, c->width), x1 = inside(LAC_MAX(a.x, b.x) + radius + 1, c->width);
    const int64_t y0 = inside(LAC_MIN(a.y, b.y) - radius, c->height), y1 = inside(LAC_MAX(a.y, b.y) + radius + 1, c->height);
    for (int64_t y = y0; y < y1; y++) {
        uint8_t *row = c->pixels + y * c->width;
        const float py = (float)y - a.y;
        #pragma omp simd
        for (int64_t x = x0; x < x1; x++) {
            const float px = (float)(int32_t)x - a.x, t = (px * dx + py * dy) * scale, u = t < 0 ? 0.0f : t > 1 ? 1.0f : t;
            const float ex = px - u * dx, ey = py - u * dy;
            row[x] |= (uint8_t)(ex * ex + ey * ey <= radius * radius);
        }
    }
}

static void swap_bytes(uint8_t *a, uint8_t *b)
{
    const uint8_t t = *a;
    *a = *b;
    *b = t;
}

void lac_canvas_mirror(const lac_canvas *c)
{
    for (int64_t y = 0; y < c->height; y++)
        for (int64_t x = 0; x < c->width / 2; x++)
            swap_bytes(c->pixels + y * c->width + x, c->pixels + (y + 1) * c->width - 1 - x);
}

void lac_canvas_turn_over(const lac_canvas *c)
{
    for (int64_t y = 0; y < c->height / 2; y++)
        for (int64_t x = 0; x < c->width; x++)
            swap_bytes(c->pixels + y * c->width + x, c->pixels + (c->height - 1 - y) * c->width + x);
}
