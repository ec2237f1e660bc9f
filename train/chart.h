/* train/chart.h -- curves over steps as inline SVG: axes, legend, means over bins with the band of their extremes. */
#pragma once

#include "train/series.h"

#include <stdio.h>

typedef struct lac_curve {
    const char *label;
    const lac_series *series;
    int colour;                 /* 0 .. LAC_CHART_COLOURS - 1, classes c0 .. of the page's style */
    bool dots;                  /* few values, each worth a dot: validation */
} lac_curve;

enum { LAC_CHART_COLOURS = 8 };

/* An <figure> with the SVG and its legend, where the last value stands too. The y axis is logarithmic where all means are positive and
 * span more than a factor of 30. Curves without values are left out. Write errors show in ferror(f). */
lac_status lac_chart_print(FILE *f, const char *title, const lac_curve *curve, int n, int width, int height);
