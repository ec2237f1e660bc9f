#include "data/mask_lama.h"

#include "data/capsule.h"

#include <math.h>
#include <string.h>

typedef struct preset {
    int64_t min_times, max_times, max_width, max_length;
    float box_share;
    int64_t min_boxes, max_boxes, smallest, largest, margin;
} preset;

static const preset thin = { 4, 50, 10, 40, 0, 1, 1, 1, 1, 0 }, medium = { 4, 5, 50, 100, 0.3f / 1.3f, 1, 5, 10, 50, 0 },
                    thick = { 1, 5, 100, 200, 0.3f / 1.3f, 1, 3, 30, 150, 10 }, train = { 1, 5, 100, 200, 0.5f, 1, 4, 30, 150, 10 };

static int64_t any_of(lac_stream *s, int64_t from, int64_t to) { return from + lac_stream_below(s, (uint32_t)(to - from + 1)); }

static float held(float x, int64_t n) { return x < 0 ? 0 : x > (float)n ? (float)n : (float)(int64_t)x; }

static void draw_stroke(const lac_canvas *c, const preset *q, float scale, bool mirrored, lac_stream *s)
{
    lac_point v = { (float)lac_stream_below(s, (uint32_t)c->width), 0 };
    v.y = (float)lac_stream_below(s, (uint32_t)c->height);
    const int64_t n = any_of(s, 1, 5);
    for (int64_t i = 0; i < n; i++) {
        const float turns = (0.01f + (float)any_of(s, 0, 3)) * 0.159154943f;        /* 1 / 2 pi */
        const float length = scale * (float)any_of(s, 10, 9 + q->max_length), brush = scale * (float)any_of(s, 5, 4 + q->max_width);
        float sine, cosine;
        lac_sincos2pi(mirrored ? 1 - turns : turns, &sine, &cosine);
        const lac_point end = { held(v.x + length * sine, c->width), held(v.y + length * cosine, c->height) };
        lac_capsule_draw(c, v, end, LAC_MAX(brush, 1.0f) / 2);
        v = end;
    }
}

static int64_t scaled(int64_t pixels, float scale) { return (int64_t)((float)pixels * scale + 0.5f); }

static void draw_box(const lac_canvas *c, const preset *q, float scale, lac_stream *s)
{
    const int64_t shorter = LAC_MIN(c->height, c->width), margin = scaled(q->margin, scale);
    const int64_t room = LAC_MAX(shorter - 2 * margin, 1), largest = LAC_MAX(LAC_MIN(scaled(q->largest, scale), room), 1);
    const int64_t smallest = LAC_MAX(LAC_MIN(scaled(q->smallest, scale), largest), 1);
    const int64_t w = any_of(s, smallest, largest), h = any_of(s, smallest, largest);
    const int64_t left = any_of(s, margin, c->width - margin - w), top = any_of(s, margin, c->height - margin - h);
    for (int64_t y = top; y < top + h; y++)
        memset(c->pixels + y * c->width + left, 1, (size_t)w);
}

static void draw(const lac_canvas *c, const preset *q, lac_stream *s)
{
    const float scale = (float)LAC_MIN(c->height, c->width) / 256.0f;
    const bool boxes = lac_stream_uniform(s) < q->box_share;
    const int64_t times = boxes ? any_of(s, q->min_boxes, q->max_boxes) : any_of(s, q->min_times, q->max_times + 1);
    for (int64_t i = 0; i < times; i++)
        if (boxes)
            draw_box(c, q, scale, s);
        else
            draw_stroke(c, q, scale, i % 2 == 0, s);
}

#define LAMA(name)                                                                                                              \
    void lac_mask_lama_##name(uint8_t *mask, int64_t height, int64_t width, const lac_mask_params *p, lac_stream *s)            \
    {                                                                                                                           \
        (void)p;                                                                                                                \
        draw(&(lac_canvas){ mask, height, width }, &name, s);                                                                   \
    }
LAMA(thin)
LAMA(medium)
LAMA(thick)
LAMA(train)
