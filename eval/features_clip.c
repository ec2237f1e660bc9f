/* CLIP (eval/backbone_clip.h) as features of a picture and its prompt: the picture's embedding, then the text's, each of length 1; zeros where there is no prompt.
 * Option: what stands before each caption ("A photo depicts "). */
#include "eval/backbone_clip.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static lac_status open(lac_features *f, const char *option)
{
    lac_clip_backbone *c;
    char *clip;
    LAC_TRY(lac_clip_backbone_get(f, true, &c));
    f->state = c;
    f->n = 2 * lac_clip_backbone_width(c);
    LAC_TRY(lac_clip_backbone_recipe(c, &clip));
    const lac_status s = lac_format(&f->recipe, "%s,text=%s{caption},truncate", clip, option);
    free(clip);
    return s;
}

/* The prompt's embedding behind the picture's. */
static lac_status read(const lac_features *f, const lac_picture *picture, float *text)
{
    const int64_t width = f->n / 2;
    char *words;
    if (picture->said.prompt == NULL)
        return memset(text, 0, (size_t)width * sizeof *text), LAC_OK;
    LAC_TRY(lac_format(&words, "%s%s", f->option, picture->said.prompt));
    const lac_status s = lac_clip_backbone_read(f->state, (const char *const *)&words, 1, text);
    free(words);
    return s;
}

static lac_status of(lac_features *f, const lac_picture *picture, int64_t n, float *feature)
{
    const int64_t width = f->n / 2;
    float *seen;
    LAC_TRY(lac_calloc((void **)&seen, (size_t)(n * width), sizeof *seen));
    lac_status s = lac_clip_backbone_see(f->state, picture, n, LAC_CLIP_INPUT, seen);
    for (int64_t i = 0; s == LAC_OK && i < n; i++) {
        memcpy(feature + i * f->n, seen + i * width, (size_t)width * sizeof *seen);
        s = read(f, &picture[i], feature + i * f->n + width);
    }
    free(seen);
    return s;
}

static const char *const weights[] = { "clip", "clip-vocab", NULL };

const lac_features_def lac_features_clip = { .name = "clip", .about = "CLIP's embeddings of a picture and its prompt", .open = open, .of = of, .weights = weights };
