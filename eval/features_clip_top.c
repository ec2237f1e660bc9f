/* What CLIP (eval/backbone_clip.h) takes a picture's object for: the numbers of the five classes that are nearest to it, the nearest first, -1 where there are fewer; then its cosine
 * with its own label's. A class is read as "a photo of a CLASS"; of classes equally near the first in order comes first. The object is what the box that is said of the picture
 * holds, else the hole's (lac_object_centred). NaN where there is neither; the cosine where there is no label. */
#include "eval/backbone_clip.h"

#include "core/memory.h"
#include "eval/metric_clip.h"
#include "eval/object_crop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct top { lac_clip_backbone *backbone; float *classes; int64_t n; } top;

/* ---- classes ---- */

static lac_status read_as_photos(const top *t, const char *const *name, int64_t n, char **text, float *found)
{
    for (int64_t i = 0; i < n; i++)
        if (name[i] != NULL)
            LAC_TRY(lac_format(&text[i], "a photo of a %s", name[i]));
    return lac_clip_backbone_read(t->backbone, (const char *const *)text, n, found);
}

static lac_status photos_of(const top *t, const char *const *name, int64_t n, float *found)
{
    char **text;
    LAC_TRY(lac_calloc((void **)&text, (size_t)n, sizeof *text));
    const lac_status s = read_as_photos(t, name, n, text, found);
    for (int64_t i = 0; i < n; i++)
        free(text[i]);
    free(text);
    return s;
}

static lac_status make_recipe(lac_features *f, const top *t)
{
    enum { DIGITS = 12 };
    uint8_t digest[LAC_SHA256_SIZE];
    char hex[LAC_SHA256_HEX], *clip;
    lac_sha256 h;
    lac_sha256_start(&h);
    for (int64_t i = 0; i < t->n; i++)
        lac_sha256_add(&h, f->means.classes[i], strlen(f->means.classes[i]) + 1);
    lac_sha256_end(&h, digest);
    lac_sha256_hex(digest, hex);
    LAC_TRY(lac_clip_backbone_recipe(t->backbone, &clip));
    const lac_status s = lac_format(&f->recipe, "%s,crop=box in the middle square of 256 pil8-bilinear,pad=black square,text=a photo of a {class},classes=%lld %.*s", clip,
                                    (long long)t->n, DIGITS, hex);
    free(clip);
    return s;
}

static lac_status open(lac_features *f, const char *option)
{
    top *t;
    if (option[0] != '\0')
        return LAC_FAIL(LAC_ERR_ARG, "it takes no option, found '%s'", option);
    if (f->means.n_classes == 0)
        return LAC_FAIL(LAC_ERR_ARG, "it tells the pictures' labels apart, and none has one");
    LAC_TRY(lac_calloc(&f->state, 1, sizeof *t));
    t = f->state;
    t->n = f->means.n_classes;
    f->n = LAC_CLIP_TOP + 1;
    LAC_TRY(lac_clip_backbone_get(f, true, &t->backbone));
    LAC_TRY(lac_calloc((void **)&t->classes, (size_t)t->n, (size_t)lac_clip_backbone_width(t->backbone) * sizeof *t->classes));
    LAC_TRY(photos_of(t, f->means.classes, t->n, t->classes));
    return make_recipe(f, t);
}

static void close(lac_features *f)
{
    top *t = f->state;
    if (t != NULL)
        free(t->classes);
    free(t);
}

/* ---- pictures ---- */

static double product(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* Class k takes its place among the nearest so far. */
static void enter(float *nearest, double *near, int64_t k, double how_near)
{
    int at = LAC_CLIP_TOP;
    while (at > 0 && (nearest[at - 1] < 0 || near[at - 1] < how_near))
        at--;
    for (int i = LAC_CLIP_TOP - 1; i > at; i--) {
        nearest[i] = nearest[i - 1];
        near[i] = near[i - 1];
    }
    if (at < LAC_CLIP_TOP) {
        nearest[at] = (float)k;
        near[at] = how_near;
    }
}

static void rank(const top *t, const float *seen, const float *label, float *feature)
{
    const int64_t width = lac_clip_backbone_width(t->backbone);
    const bool there = product(seen, seen, width) > 0, named = product(label, label, width) > 0;
    double near[LAC_CLIP_TOP];
    for (int i = 0; i < LAC_CLIP_TOP; i++)
        feature[i] = there ? -1 : NAN;
    for (int64_t k = 0; there && k < t->n; k++)
        enter(feature, near, k, product(seen, t->classes + k * width, width));
    feature[LAC_CLIP_TOP] = there && named ? (float)product(seen, label, width) : NAN;
}

static lac_status object_of(const void *context, const lac_picture *p, lac_image *part, bool *there)
{
    lac_object_box box = { 0 };
    lac_cutout hole;
    (void)context;
    *there = p->said.box != NULL || (p->mask != NULL && lac_hole_around(p->mask, p->height, p->width, &hole));
    if (!*there)
        return LAC_OK;
    if (p->said.box != NULL)
        box = *p->said.box;
    else
        box = (lac_object_box){ (double)hole.left, (double)hole.top, (double)(hole.left + hole.width), (double)(hole.top + hole.height), 0, 0 };
    return lac_object_centred(part, p, &box);
}

static lac_status labels_of(const top *t, const lac_picture *picture, int64_t n, float *found)
{
    const char **name;
    LAC_TRY(lac_calloc((void **)&name, (size_t)n, sizeof *name));
    for (int64_t i = 0; i < n; i++)
        name[i] = picture[i].said.label;
    const lac_status s = photos_of(t, name, n, found);
    free(name);
    return s;
}

static lac_status of(lac_features *f, const lac_picture *picture, int64_t n, float *feature)
{
    const top *t = f->state;
    const int64_t width = lac_clip_backbone_width(t->backbone);
    float *seen, *label;
    LAC_TRY(lac_calloc((void **)&seen, 2 * (size_t)(n * width), sizeof *seen));
    label = seen + n * width;
    lac_status s = lac_clip_backbone_see_parts(t->backbone, picture, n, LAC_CLIP_INPUT, object_of, NULL, seen);
    if (s == LAC_OK)
        s = labels_of(t, picture, n, label);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        rank(t, seen + i * width, label + i * width, feature + i * f->n);
    free(seen);
    return s;
}

static const char *const weights[] = { "clip", "clip-vocab", NULL };

const lac_features_def lac_features_clip_top = { "clip-top", "the classes that CLIP takes an object for", .open = open, .of = of, .close = close, .weights = weights };
