/* data/capsule.h -- a canvas of bytes to draw brush strokes on. */
#pragma once

#include <stdint.h>

typedef struct lac_canvas { uint8_t *pixels; int64_t height, width; } lac_canvas;      /* borrowed; dense rows */
typedef struct lac_point { float x, y; } lac_point;

/* Sets to 1 every pixel whose place (column x, row y) is at most `radius` from the segment a b: a thick line with round caps. */
void lac_capsule_draw(const lac_canvas *c, lac_point a, lac_point b, float radius);

void lac_canvas_mirror(const lac_canvas *c);            /* left and right change places */
void lac_canvas_turn_over(const lac_canvas *c);         /* top and bottom do */
