#include "data/mask.h"

#include "data/capsule.h"
#include "data/mask_lama.h"

#include <string.h>

lac_mask_params lac_mask_defaults(void)
{
    return (lac_mask_params){
        .rect = { .height = 0.5f, .width = 0.5f, .delta = 0.125f, .margin = 0.0f },
        .brush = { .max_strokes = 3, .min_segments = 4, .max_segments = 11, .mean_angle = 1.0f / 5, .angle_spread = 1.0f / 15,
                   .min_width = 12.0f / 256, .max_width = 40.0f / 256, .flip_fix = true },
        .paper = { .max_strokes = 4, .max_segments = 20, .max_angle = 0.63661977f, .max_length = 100.0f / 256, .max_width = 40.0f / 256 },
    };
}

static lac_status in_range(const char *name, double value, double from, double to)
{
    if (value >= from && value <= to)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_CONFIG, "mask %s is %g; it goes from %g to %g", name, value, from, to);
}

static lac_status check_rect(const lac_rect_params *p)
{
    LAC_TRY(in_range("rect.height", p->height, 0, 1));
    LAC_TRY(in_range("rect.width", p->width, 0, 1));
    LAC_TRY(in_range("rect.delta", p->delta, 0, LAC_MIN(p->height, p->width)));
    return in_range("rect.margin", p->margin, 0, (1 - LAC_MAX(p->height, p->width)) / 2);
}

static lac_status check_brush(const lac_brush_params *p)
{
    LAC_TRY(in_range("brush.max_strokes", (double)p->max_strokes, 1, 1000));
    LAC_TRY(in_range("brush.max_segments", (double)p->max_segments, 1, 1000));
    LAC_TRY(in_range("brush.min_segments", (double)p->min_segments, 1, (double)p->max_segments));
    LAC_TRY(in_range("brush.mean_angle", p->mean_angle, 0, 1));
    LAC_TRY(in_range("brush.angle_spread", p->angle_spread, 0, 1));
    LAC_TRY(in_range("brush.max_width", p->max_width, 0, 1));
    return in_range("brush.min_width", p->min_width, 0, p->max_width);
}

lac_status lac_mask_check(const lac_mask_params *p)
{
    LAC_TRY(check_rect(&p->rect));
    LAC_TRY(check_brush(&p->brush));
    LAC_TRY(in_range("paper.max_strokes", (double)p->paper.max_strokes, 1, 1000));
    LAC_TRY(in_range("paper.max_segments", (double)p->paper.max_segments, 1, 1000));
    LAC_TRY(in_range("paper.max_angle", p->paper.max_angle, 0, 1));
    LAC_TRY(in_range("paper.max_length", p->paper.max_length, 0, 1));
    return in_range("paper.max_width", p->paper.max_width, 0, 1);
}

static float between(lac_stream *s, float from, float to) { return from + lac_stream_uniform(s) * (to - from); }

/* An integer of from .. to. */
static int64_t count_between(lac_stream *s, int64_t from, int64_t to) { return from + lac_stream_below(s, (uint32_t)(to - from + 1)); }

typedef struct side { int64_t from, to, cut; } side;       /* cut: how much may come off each end */

static side draw_side(int64_t n, float length, const lac_rect_params *p, lac_stream *s)
{
    const int64_t whole = LAC_MAX((int64_t)(length * (float)n + 0.5f), 1), margin = (int64_t)(p->margin * (float)n);
    const int64_t delta = (int64_t)(p->delta * (float)n + 0.5f), places = LAC_MAX(n - 2 * margin - whole, 1);
    const int64_t from = LAC_MIN(margin + lac_stream_below(s, (uint32_t)places), n - whole);
    return (side){ from, from + whole, LAC_MIN(delta, whole - 1) / 2 };
}

static void draw_rect(uint8_t *mask, int64_t height, int64_t width, const lac_mask_params *p, lac_stream *s)
{
    const side rows = draw_side(height, p->rect.height, &p->rect, s), columns = draw_side(width, p->rect.width, &p->rect, s);
    const int64_t dy = count_between(s, 0, rows.cut), dx = count_between(s, 0, columns.cut);
    for (int64_t y = rows.from + dy; y < rows.to - dy; y++)
        memset(mask + y * width + columns.from + dx, 1, (size_t)(columns.to - columns.from - 2 * dx));
}

static float clamp(float x, float to) { return x < 0 ? 0 : x > to ? to : x; }

static lac_point whole(lac_point v) { return (lac_point){ (float)(int64_t)v.x, (float)(int64_t)v.y }; }

/* Where a segment of this angle (in turns) and length ends, inside the canvas. */
static lac_point coded_end(lac_point from, float angle, float length, const lac_canvas *c)
{
    float sine, cosine;
    lac_sincos2pi(angle - floorf(angle), &sine, &cosine);
    return whole((lac_point){ clamp(from.x + length * cosine, (float)c->width), clamp(from.y + length * sine, (float)c->height) });
}

static void draw_coded_stroke(const lac_canvas *c, const lac_brush_params *p, lac_stream *s)
{
    const float shorter = (float)LAC_MIN(c->height, c->width);
    const float mean = lac_sqrt((float)(c->height * c->height + c->width * c->width)) / 8, deviation = floorf(mean / 2);
    const int64_t n = count_between(s, p->min_segments, p->max_segments);
    const float low = p->mean_angle - between(s, 0, p->angle_spread), high = p->mean_angle + between(s, 0, p->angle_spread);
    const float brush = LAC_MAX(floorf(between(s, p->min_width * shorter, p->max_width * shorter)), 1.0f);
    lac_point v = { (float)lac_stream_below(s, (uint32_t)c->width), 0 };
    v.y = (float)lac_stream_below(s, (uint32_t)c->height);
    for (int64_t i = 0; i < n; i++) {
        const float angle = between(s, low, high), length = clamp(mean + deviation * lac_stream_normal(s), 2 * mean);
        const lac_point end = coded_end(v, i % 2 == 0 ? 1 - angle : angle, length, c);
        lac_capsule_draw(c, v, end, brush / 2);
        v = end;
    }
}

/* Two coins; the mask is mirrored when `really`. */
static void toss(const lac_canvas *c, bool really, lac_stream *s)
{
    const bool sideways = lac_stream_below(s, 2) == 1, upside_down = lac_stream_below(s, 2) == 1;
    if (really && sideways)
        lac_canvas_mirror(c);
    if (really && upside_down)
        lac_canvas_turn_over(c);
}

/* Mirrors the whole mask, so it wants a cleared one. */
static void draw_brush(uint8_t *mask, int64_t height, int64_t width, const lac_mask_params *p, lac_stream *s)
{
    const lac_canvas c = { mask, height, width };
    const int64_t strokes = count_between(s, 1, p->brush.max_strokes);
    for (int64_t k = 0; k < strokes; k++)
        draw_coded_stroke(&c, &p->brush, s);
    toss(&c, p->brush.flip_fix, s);
}

static void draw_paper_stroke(const lac_canvas *c, const lac_paper_params *p, lac_stream *s)
{
    const float shorter = (float)LAC_MIN(c->height, c->width);
    const int64_t n = count_between(s, 1, p->max_segments);
    lac_point v = { between(s, 0, (float)(c->width - 1)), 0 };
    v.y = between(s, 0, (float)(c->height - 1));
    const float brush = LAC_MAX(between(s, 0, p->max_width * shorter), 1.5f);       /* so that it meets a pixel wherever it begins */
    for (int64_t i = 0; i < n; i++) {
        const float angle = between(s, 0, p->max_angle), length = between(s, 0, p->max_length * shorter);
        const float turned = i % 2 == 0 ? 1 - angle : angle;
        float sine, cosine;
        lac_sincos2pi(turned - floorf(turned), &sine, &cosine);
        const lac_point end = { v.x + length * sine, v.y + length * cosine };
        lac_capsule_draw(c, v, end, brush / 2);
        v = end;
    }
}

static void draw_paper(uint8_t *mask, int64_t height, int64_t width, const lac_mask_params *p, lac_stream *s)
{
    const lac_canvas c = { mask, height, width };
    const int64_t strokes = count_between(s, 1, p->paper.max_strokes);
    for (int64_t k = 0; k < strokes; k++)
        draw_paper_stroke(&c, &p->paper, s);
    toss(&c, true, s);
}

static void draw_union(uint8_t *mask, int64_t height, int64_t width, const lac_mask_params *p, lac_stream *s)
{
    draw_brush(mask, height, width, p, s);
    draw_rect(mask, height, width, p, s);
}

static const lac_mask_kind kinds[] = {
    { "rect", "a rectangle of about half the sides (DeepFill v2)", draw_rect },
    { "brush", "free-form strokes, as coded in DeepFill v2", draw_brush },
    { "brush-paper", "free-form strokes, Algorithm 1 of the DeepFill v2 paper", draw_paper },
    { "union", "rect or brush together (DeepFill v2's training mask)", draw_union },
    { "lama-thin", "thin strokes (LaMa, evaluation)", lac_mask_lama_thin },
    { "lama-medium", "medium strokes or boxes (LaMa, evaluation)", lac_mask_lama_medium },
    { "lama-thick", "thick strokes or boxes (LaMa, evaluation)", lac_mask_lama_thick },
    { "lama-train", "thick strokes or boxes, half and half (LaMa, training)", lac_mask_lama_train },
};

const lac_mask_kind *lac_mask_kinds(int64_t *n)
{
    *n = LAC_COUNT(kinds);
    return kinds;
}

lac_status lac_mask_named(const lac_mask_kind **kind, const char *name)
{
    for (size_t i = 0; i < LAC_COUNT(kinds); i++)
        if (strcmp(name, kinds[i].name) == 0) {
            *kind = &kinds[i];
            return LAC_OK;
        }
    char names[256] = "";
    for (size_t i = 0; i < LAC_COUNT(kinds); i++) {
        strcat(names, i == 0 ? "" : ", ");
        strcat(names, kinds[i].name);
    }
    return LAC_FAIL(LAC_ERR_CONFIG, "no mask generator '%s'; there are %s", name, names);
}

lac_status lac_mask_make(uint8_t *mask, int64_t height, int64_t width, const lac_mask_kind *kind, const lac_mask_params *p, lac_stream *s)
{
    if (height < 1 || width < 1 || height >= 1 << 20 || width >= 1 << 20)
        return LAC_FAIL(LAC_ERR_ARG, "a mask of %lld x %lld; sides go from 1 to 2^20 - 1", (long long)height, (long long)width);
    memset(mask, 0, (size_t)(height * width));
    kind->draw(mask, height, width, p, s);
    return LAC_OK;
}

int64_t lac_mask_area(const uint8_t *mask, int64_t n)
{
    int64_t area = 0;
    for (int64_t i = 0; i < n; i++)
        area += mask[i] != 0;
    return area;
}
