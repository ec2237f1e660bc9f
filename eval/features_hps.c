/* HPS v2 and v2.1 (arXiv:2306.09341) of a picture and its prompt: the cosine of their embeddings, without a scale. Weights: "hps-v2" or "hps-v2.1", and "clip-vocab". 0 where there is
 * no prompt. The published library works in half precision, which rounds to 2^-12; this is f32. */
#include "eval/backbone_clip.h"

#include "core/memory.h"

#include <stdlib.h>

static lac_status open(lac_features *f, const char *option, bool first)
{
    lac_clip_backbone *c;
    const lac_eval_files *files;
    char *mark;
    if (option[0] != '\0')
        return LAC_FAIL(LAC_ERR_ARG, "it takes no option, found '%s'", option);
    LAC_TRY(lac_clip_backbone_get_hps(f, first, &c));
    f->state = c;
    LAC_TRY(lac_eval_weights_want(f->weights, f->def->name, &files));
    LAC_TRY(lac_eval_files_mark(files, &mark));
    const lac_status s = lac_format(&f->recipe, "cos,clip=%lldpx,resize=longer side torch-bicubic-aa,pad=black,text={caption},truncate,weights=%s", (long long)lac_clip_backbone_side(c), mark);
    free(mark);
    return s;
}

static lac_status open_v2(lac_features *f, const char *option) { return open(f, option, true); }
static lac_status open_v21(lac_features *f, const char *option) { return open(f, option, false); }

/* Both are of length 1, or 0. */
static double product(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static lac_status embed(lac_clip_backbone *c, const lac_picture *picture, int64_t n, const char **text, float *seen, float *read)
{
    for (int64_t i = 0; i < n; i++)
        text[i] = picture[i].said.prompt;
    LAC_TRY(lac_clip_backbone_see(c, picture, n, LAC_CLIP_INPUT_HPS, seen));
    return lac_clip_backbone_read(c, text, n, read);
}

static lac_status of(lac_features *f, const lac_picture *picture, int64_t n, float *feature)
{
    const int64_t width = lac_clip_backbone_width(f->state);
    const char **text = NULL;
    float *room;
    LAC_TRY(lac_calloc((void **)&room, 2 * (size_t)(n * width), sizeof *room));
    lac_status s = lac_calloc((void **)&text, (size_t)n, sizeof *text);
    if (s == LAC_OK)
        s = embed(f->state, picture, n, text, room, room + n * width);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        feature[i] = (float)product(room + i * width, room + (n + i) * width, width);
    free(text);
    free(room);
    return s;
}

static const char *const weights_v2[] = { "hps-v2", "clip-vocab", NULL }, *const weights_v21[] = { "hps-v2.1", "clip-vocab", NULL };

const lac_features_def lac_features_hps_v2 = { "hps-v2", "HPS v2 of a picture and its prompt", 1, open_v2, of, .weights = weights_v2 };
const lac_features_def lac_features_hps_v21 = { "hps-v2.1", "HPS v2.1 of a picture and its prompt", 1, open_v21, of, .weights = weights_v21 };
