/* LAION's aesthetic predictors (models/reward/heads.h) on CLIP's embedding of a picture (eval/backbone_clip.h): one number. Weights: "clip", ViT-L/14 or of version 1 any, and the head's own name. */
#include "eval/backbone_clip.h"

#include "core/memory.h"
#include "models/network.h"
#include "models/reward/heads.h"

#include <stdlib.h>
#include <string.h>

typedef struct aesthetic { lac_clip_backbone *backbone; lac_network head; lac_tape *tape; } aesthetic;

static lac_status make_recipe(lac_features *f, const aesthetic *a, const lac_eval_files *files)
{
    char *clip, *mark = NULL;
    LAC_TRY(lac_clip_backbone_recipe(a->backbone, &clip));
    lac_status s = lac_eval_files_mark(files, &mark);
    if (s == LAC_OK)
        s = lac_format(&f->recipe, "%s,unit,head=%s", clip, mark);
    free(mark);
    free(clip);
    return s;
}

/* The first version is there for each size of CLIP. */
static lac_status open_head(aesthetic *a, const lac_network_def *head, int64_t width, const lac_backend *b)
{
    json_t *config = head == &lac_network_aesthetic_v1 ? json_pack("{s:I}", "width", (json_int_t)width) : json_object();
    const lac_status s = lac_network_open(&a->head, head, config, b, LAC_F32);
    json_decref(config);
    return s;
}

static lac_status open(lac_features *f, const char *option, const lac_network_def *head)
{
    const lac_eval_files *files;
    aesthetic *a;
    if (option[0] != '\0')
        return LAC_FAIL(LAC_ERR_ARG, "it takes no option, found '%s'", option);
    LAC_TRY(lac_calloc(&f->state, 1, sizeof *a));
    a = f->state;
    LAC_TRY(lac_clip_backbone_get(f, false, &a->backbone));
    const int64_t width = lac_clip_backbone_width(a->backbone);
    if (head != &lac_network_aesthetic_v1 && width != LAC_REWARD_WIDTH)
        return LAC_FAIL(LAC_ERR_SHAPE, "weights 'clip' make %lld numbers of a picture, and the head takes %d (ViT-L/14)", (long long)width, LAC_REWARD_WIDTH);
    LAC_TRY(lac_eval_weights_want(f->weights, head->name, &files));
    LAC_TRY(open_head(a, head, width, f->backend));
    LAC_TRY(lac_eval_files_load(files, &a->head));
    LAC_TRY(lac_tape_new(&a->tape, f->backend));
    return make_recipe(f, a, files);
}

static lac_status open_v1(lac_features *f, const char *option) { return open(f, option, &lac_network_aesthetic_v1); }
static lac_status open_v2(lac_features *f, const char *option) { return open(f, option, &lac_network_aesthetic_v2); }

static void close(lac_features *f)
{
    aesthetic *a = f->state;
    if (a == NULL)
        return;
    lac_tape_free(a->tape);
    lac_network_close(&a->head);
    free(a);
}

static lac_status judge(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_reward_head_forward(t, model, in[0]);
    return lac_tape_status(t);
}

static lac_status of(lac_features *f, const lac_picture *picture, int64_t n, float *feature)
{
    aesthetic *a = f->state;
    lac_tensor *x, *out = NULL;
    LAC_TRY(lac_tensor_new(&x, LAC_F32, 2, (int64_t[]){ n, lac_clip_backbone_width(a->backbone) }));
    lac_status s = lac_clip_backbone_see(a->backbone, picture, n, LAC_CLIP_INPUT, x->data);
    if (s == LAC_OK)
        s = lac_network_run(&a->head, a->tape, "judge", judge, &x, 1, &out, 1);
    if (s == LAC_OK)
        memcpy(feature, out->data, (size_t)n * sizeof *feature);
    lac_tensor_free(x);
    lac_tensor_free(out);
    return s;
}

static const char *const weights_v1[] = { "clip", "aesthetic-v1", NULL }, *const weights_v2[] = { "clip", "aesthetic-v2", NULL };

const lac_features_def lac_features_aesthetic_v1 = { "aesthetic-v1", "LAION's aesthetic predictor, v1", 1, open_v1, of, close, .weights = weights_v1 };
const lac_features_def lac_features_aesthetic_v2 = { "aesthetic-v2", "LAION's aesthetic predictor, v2", 1, open_v2, of, close, .weights = weights_v2 };
