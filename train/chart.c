#include "train/chart.h"

#include "core/html.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_BINS = 220, MAX_TICKS = 20, LEFT = 56, RIGHT = 20, TOP = 8, BOTTOM = 24 };

typedef struct bin { double x, mean, low, high; } bin;
typedef struct line { bin *bin; int n; bool band; } line;

typedef struct axes {
    double x0, x1, y0, y1;      /* y in log10 when `log` */
    bool log;
    int width, height;
} axes;

/* ---- bins ---- */

/* Equal counts a bin, so that a resumed run's gaps stay gaps of x. */
static lac_status make_line(line *l, const lac_series *s)
{
    l->n = (int)LAC_MIN(s->n, MAX_BINS);
    l->band = s->n > MAX_BINS;
    LAC_TRY(lac_calloc((void **)&l->bin, (size_t)l->n, sizeof l->bin[0]));
    for (int b = 0; b < l->n; b++) {
        const int64_t from = s->n * b / l->n, to = s->n * (b + 1) / l->n;
        bin *p = &l->bin[b];
        *p = (bin){ .x = (s->x[from] + s->x[to - 1]) / 2, .low = s->y[from], .high = s->y[from] };
        if (b == l->n - 1)
            p->x = s->x[to - 1];
        for (int64_t i = from; i < to; i++) {
            p->mean += s->y[i] / (double)(to - from);
            p->low = fmin(p->low, s->y[i]);
            p->high = fmax(p->high, s->y[i]);
        }
    }
    return LAC_OK;
}

/* ---- axes ---- */

static void widen(axes *a, const line *l)
{
    for (int i = 0; i < l->n; i++) {
        a->x0 = fmin(a->x0, l->bin[i].x);
        a->x1 = fmax(a->x1, l->bin[i].x);
        a->y0 = fmin(a->y0, l->bin[i].mean);
        a->y1 = fmax(a->y1, l->bin[i].mean);
    }
}

static axes fit_axes(const line *l, int n, int width, int height)
{
    axes a = { INFINITY, -INFINITY, INFINITY, -INFINITY, false, width, height };
    for (int i = 0; i < n; i++)
        widen(&a, &l[i]);
    a.log = a.y0 > 0 && a.y1 / a.y0 > 30;
    if (a.log) {
        a.y0 = log10(a.y0);
        a.y1 = log10(a.y1);
    }
    /* a constant, up to the rounding of means */
    const bool flat = a.y1 - a.y0 <= 1e-6 * fmax(fabs(a.y0), fabs(a.y1));
    const double pad = flat ? fmax(0.1 * fabs(a.y0), 1e-9) : 0.06 * (a.y1 - a.y0);
    a.y0 = !a.log && a.y0 >= 0 && a.y0 < 0.3 * a.y1 ? 0 : a.y0 - pad;  /* nearly 0: show it */
    a.y1 += pad;
    if (a.x1 <= a.x0)
        a.x1 = a.x0 + 1;
    return a;
}

static double at_x(const axes *a, double x) { return LEFT + (x - a->x0) / (a->x1 - a->x0) * (a->width - LEFT - RIGHT); }

static double at_y(const axes *a, double y)
{
    const double v = a->log ? log10(fmax(y, 1e-300)) : y, q = (v - a->y0) / (a->y1 - a->y0);
    return TOP + (1 - fmin(fmax(q, -0.02), 1.02)) * (a->height - TOP - BOTTOM);         /* bands are cut at the frame */
}

/* 1, 2 or 5 times a power of ten, so that about n of them fill the span. */
static double tick_step(double span, int n)
{
    const double raw = span / n, power = pow(10, floor(log10(raw))), q = raw / power;
    return power * (q < 1.5 ? 1 : q < 3.5 ? 2 : q < 7.5 ? 5 : 10);
}

static void print_number(FILE *f, double x)
{
    const double a = fabs(x);
    const int e = a > 0 ? (int)floor(log10(a)) : 0;
    if (a >= 1e12 || (a > 1e-12 && a < 1e-3))
        fprintf(f, "%.3ge%d", x / pow(10, e), e);
    else if (a >= 1e9)
        fprintf(f, "%.4gG", x / 1e9);
    else if (a >= 1e6)
        fprintf(f, "%.4gM", x / 1e6);
    else if (a >= 1e4)
        fprintf(f, "%.4gk", x / 1e3);
    else
        fprintf(f, "%.4g", a < 1e-12 ? 0 : x);
}

static void y_tick(FILE *f, const axes *a, double y)
{
    const double v = a->log ? log10(y) : y;
    if (v < a->y0 || v > a->y1)
        return;
    fprintf(f, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
            LEFT, a->width - RIGHT, at_y(a, y), at_y(a, y), LEFT - 6, at_y(a, y) + 3.5);
    print_number(f, y);
    fputs("</text>", f);
}

static void print_log_ticks(FILE *f, const axes *a)
{
    static const double within[] = { 1, 2, 5 };
    const int per_decade = a->y1 - a->y0 > 2.5 ? 1 : 3;
    for (int e = (int)floor(a->y0); e <= (int)ceil(a->y1); e++)
        for (int k = 0; k < per_decade; k++)
            y_tick(f, a, within[k] * pow(10, e));
}

static void print_axes(FILE *f, const axes *a)
{
    const double dy = tick_step(a->y1 - a->y0, 5), dx = fmax(tick_step(a->x1 - a->x0, a->width > 600 ? 8 : 4), 1);
    if (a->log)
        print_log_ticks(f, a);
    else
        for (int k = 0; k < MAX_TICKS && (ceil(a->y0 / dy) + k) * dy <= a->y1; k++)
            y_tick(f, a, (ceil(a->y0 / dy) + k) * dy);
    for (int k = 0; k < MAX_TICKS && (ceil(a->x0 / dx) + k) * dx <= a->x1; k++) {
        const double x = (ceil(a->x0 / dx) + k) * dx;
        fprintf(f, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", at_x(a, x), a->height - 7);
        print_number(f, x);
        fputs("</text>", f);
    }
    fprintf(f, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n", LEFT, a->width - RIGHT, a->height - BOTTOM, a->height - BOTTOM);
}

/* ---- curves ---- */

static void print_band(FILE *f, const axes *a, const line *l, int colour)
{
    fprintf(f, "<polygon class=\"band c%d\" points=\"", colour);
    for (int i = 0; i < l->n; i++)
        fprintf(f, "%.1f,%.1f ", at_x(a, l->bin[i].x), at_y(a, l->bin[i].high));
    for (int i = l->n; i-- > 0;)
        fprintf(f, "%.1f,%.1f ", at_x(a, l->bin[i].x), at_y(a, l->bin[i].low));
    fputs("\"/>\n", f);
}

static void print_line(FILE *f, const axes *a, const line *l, const lac_curve *c)
{
    fprintf(f, "<polyline class=\"line c%d%s\" points=\"", c->colour, c->dots ? " strong" : "");
    for (int i = 0; i < l->n; i++)
        fprintf(f, "%.1f,%.1f ", at_x(a, l->bin[i].x), at_y(a, l->bin[i].mean));
    fputs("\"/>\n", f);
    for (int i = 0; (c->dots || l->n == 1) && i < l->n && l->n <= 60; i++)
        fprintf(f, "<circle class=\"dot c%d\" r=\"2.6\" cx=\"%.1f\" cy=\"%.1f\"/>", c->colour, at_x(a, l->bin[i].x), at_y(a, l->bin[i].mean));
}

static void print_legend(FILE *f, const lac_curve *curve, const line *l, int n)
{
    fputs("<ul class=\"legend\">", f);
    for (int i = 0; i < n; i++) {
        if (l[i].n == 0)
            continue;
        fprintf(f, "<li><i class=\"c%d%s\"></i>", curve[i].colour, curve[i].dots ? " strong" : "");
        lac_html_text(f, curve[i].label);
        fputs(" <b>", f);
        print_number(f, l[i].bin[l[i].n - 1].mean);
        fputs("</b></li>", f);
    }
    fputs("</ul>\n", f);
}

static void print_chart(FILE *f, const char *title, const lac_curve *curve, const line *l, int n, int width, int height)
{
    const axes a = fit_axes(l, n, width, height);
    fputs("<figure class=\"chart\"><figcaption>", f);
    lac_html_text(f, title);
    fputs(a.log ? " <small>log scale</small></figcaption>\n" : "</figcaption>\n", f);
    print_legend(f, curve, l, n);
    fprintf(f, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", width, height);
    lac_html_text(f, title);
    fputs("\">\n", f);
    print_axes(f, &a);
    for (int i = 0; i < n; i++)
        if (l[i].band)
            print_band(f, &a, &l[i], curve[i].colour);
    for (int i = 0; i < n; i++)
        if (l[i].n > 0)
            print_line(f, &a, &l[i], &curve[i]);
    fputs("</svg></figure>\n", f);
}

lac_status lac_chart_print(FILE *f, const char *title, const lac_curve *curve, int n, int width, int height)
{
    line *l;
    int64_t values = 0;
    LAC_TRY(lac_calloc((void **)&l, (size_t)n, sizeof l[0]));
    lac_status s = LAC_OK;
    for (int i = 0; s == LAC_OK && i < n; i++) {
        s = make_line(&l[i], curve[i].series);
        values += curve[i].series->n;
    }
    if (s == LAC_OK && values > 0)
        print_chart(f, title, curve, l, n, width, height);
    for (int i = 0; i < n; i++)
        free(l[i].bin);
    free(l);
    return s;
}
