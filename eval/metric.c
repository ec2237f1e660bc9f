#include "eval/metric.h"

#include "core/config.h"
#include "core/memory.h"
#include "eval/metric_clip.h"
#include "eval/metric_distributions.h"
#include "eval/metric_imagined.h"
#include "eval/metric_iou.h"
#include "eval/metric_l1.h"
#include "eval/metric_l2.h"
#include "eval/metric_ms_ssim.h"
#include "eval/metric_mse.h"
#include "eval/metric_psnr.h"
#include "eval/metric_reward.h"
#include "eval/metric_ssim.h"
#include "eval/metric_tv.h"
#include "eval/resized.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The range is that of the pixel values: 1 for [0,1], 2 for [-1,1]. "l1" and "mse" are means over pixels and channels.
 * "l1-pm1", "l2-pm1": the same on pictures in [-1,1], the scale in which networks are trained (2 and 4 times the value).
 * "l1-percent", "l2-percent": DeepFill's mean l1 and l2 error in per cent; the authors published no code, so this is
 * the reading of docs: pictures in [0,1], completed picture against truth, over the region asked for. */
#define LPIPS "lpips{net=%f,outside=black,region=%s}"
#define BRUSHNET .known = true, .whole = true, .wants_mask = true, .side = 512
#define CLIP(before) .network = &lac_features_clip, .option = before, .whole = true, .no_reference = true, .wants = LAC_SAID_PROMPT
#define SAYS(net, said) .network = &lac_features_##net, .whole = true, .wants = said
#define CLIP_AT(k)                                                                                                                                             \
    { .name = "clip@" #k, .recipe = "clip@n{%f,n=" #k ",gone=top-1 of the reference}", .higher_is_better = true, .digits = 4, .variant = k,               \
      .measure = lac_clip_at_measure, SAYS(clip_top, LAC_SAID_CLASSES) }
#define INCEPTION(picked) .network = &lac_features_inception, .option = picked, .whole = true, .no_interval = "a resample takes as long as the value"
#define IOU(more) .recipe = "iou{inside=grey>=128,empty=1" more "}", .higher_is_better = true, .digits = 4, .whole = true, .of_masks = true
#define LFID(part) "fid{%f,ddof=1,root=singular-values,crop=" part "}"
#define P_IDS(name) name "{%f,svm=squared-hinge,C=1,bias=regularised,fit=these pairs}"
#define IMAGINED "{features=%i,tokens=of the hole,mean=per-image}"
#define FRECHET "{%f,ddof=1,root=singular-values}"
const lac_metric_def lac_metrics[] = {
    { "l1", "l1{range=1,region=%s}", 1, 0, false, 4, lac_l1_measure },
    { "l1-pm1", "l1{range=2,region=%s}", 2, 0, false, 4, lac_l1_measure },
    { "l1-percent", "l1{range=1,unit=percent,region=%s}", 100, 0, false, 2, lac_l1_measure },
    { "mse", "mse{range=1,region=%s}", 1, 0, false, 5, lac_mse_measure },
    { "l2-pm1", "l2{mean=square,range=2,region=%s}", 2, LAC_L2_PLAIN, false, 4, lac_l2_measure },
    { "l2-percent", "l2{mean=square,range=1,unit=percent,region=%s}", 1, LAC_L2_PERCENT, false, 3, lac_l2_measure },
    { "brushnet-mse", "mse{range=1,region=known,per=pixel,resize=512 pil8-bicubic,mask=nearest}", 1, LAC_MSE_BRUSHNET, false, 5, lac_mse_measure, BRUSHNET },
    { "psnr", "psnr{range=255,mean=per-image,region=%s}", 255, 0, true, 2, lac_psnr_measure },
    { "brushnet-psnr", "psnr{range=1,region=known,per=pixel,equal=1000,resize=512 pil8-bicubic,mask=nearest}", 255, LAC_PSNR_BRUSHNET, true, 2,
      lac_psnr_measure, BRUSHNET },
    { "tv", "tv{range=1,dx+dy,region=%s}", 1, 0, false, 4, lac_tv_measure, .no_direction = true },
    { "ssim", "ssim{variant=valid,window=gauss11-1.5,region=%s}", 255, LAC_SSIM_VALID, true, 4, lac_ssim_measure },
    { "ssim-valid", "ssim{variant=valid,window=gauss11-1.5,region=%s}", 255, LAC_SSIM_VALID, true, 4, lac_ssim_measure },
    { "ssim-zero", "ssim{variant=zero,window=gauss11-1.5,region=%s}", 255, LAC_SSIM_ZERO, true, 4, lac_ssim_measure },
    { "ssim-reflect", "ssim{variant=reflect,window=gauss11-1.5,region=%s}", 255, LAC_SSIM_REFLECT, true, 4, lac_ssim_measure },
    { "ssim-uniform7", "ssim{variant=uniform7,window=box7,cov=sample,region=%s}", 255, LAC_SSIM_UNIFORM7, true, 4, lac_ssim_measure },
    { "ms-ssim", "ms-ssim{variant=valid,window=gauss11-1.5,scales=5,pool=2x2-floor}", 255, LAC_SSIM_VALID, true, 4, lac_ms_ssim_measure, .whole = true },
    { "ms-ssim-reflect", "ms-ssim{variant=reflect,window=gauss11-1.5,scales=5,pool=2x2-floor}", 255, LAC_SSIM_REFLECT, true, 4, lac_ms_ssim_measure, .whole = true },
    { .name = "lpips-alex", .recipe = LPIPS, .digits = 4, .network = &lac_features_lpips_alex },
    { .name = "lpips-vgg", .recipe = LPIPS, .digits = 4, .network = &lac_features_lpips_vgg },
    { .name = "lpips-squeeze", .recipe = LPIPS, .digits = 4, .network = &lac_features_lpips_squeeze },
    { .name = "brushnet-lpips", .recipe = "lpips{net=%f,outside=black,region=known,resize=512 pil8-bicubic,mask=nearest}", .digits = 4,
      .network = &lac_features_lpips_squeeze, BRUSHNET },
    { .name = "fid", .recipe = "fid" FRECHET, .digits = 3, .of_set = lac_frechet_of_set, .unpaired = true, INCEPTION("pytorch-fid,%d") },
    { .name = "fid-clean", .recipe = "fid" FRECHET, .digits = 3, .of_set = lac_frechet_of_set, .unpaired = true, INCEPTION("clean,%d") },
    { .name = "fid-tf", .recipe = "fid" FRECHET, .digits = 3, .of_set = lac_frechet_of_set, .unpaired = true, INCEPTION("tf,%d") },
    { .name = "lfid-bbox", .recipe = LFID("bbox of the mask"), .digits = 3, .of_set = lac_frechet_of_set, .wants_mask = true,
      .crop = lac_hole_box, INCEPTION("pytorch-fid,%d") },
    { .name = "FD", .recipe = "fd" FRECHET, .digits = 5, .of_set = lac_frechet_of_set, .unpaired = true, .wants_features = true, .whole = true },
    { .name = "lfid-bbox-ann", .recipe = LFID("annotated box"), .digits = 3, .of_set = lac_frechet_of_set, .wants = LAC_SAID_BOX, .crop = lac_annotated_box,
      INCEPTION("pytorch-fid,%d") },
    { .name = "lfid-sq", .recipe = LFID("square around the mask, 1x its longer side"), .digits = 3, .of_set = lac_frechet_of_set, .wants_mask = true,
      .crop = lac_hole_square, INCEPTION("pytorch-fid,%d") },
    { .name = "lfid-sq-1.25", .recipe = LFID("square around the mask, 1.25x its longer side"), .digits = 3, .of_set = lac_frechet_of_set, .wants_mask = true,
      .crop = lac_hole_square_5_4, INCEPTION("pytorch-fid,%d") },
    { .name = "lfid-sq-1.5", .recipe = LFID("square around the mask, 1.5x its longer side"), .digits = 3, .of_set = lac_frechet_of_set, .wants_mask = true,
      .crop = lac_hole_square_3_2, INCEPTION("pytorch-fid,%d") },
    { .name = "lfid-mask", .recipe = LFID("bbox of the mask, 127 outside it"), .digits = 3, .of_set = lac_frechet_of_set, .wants_mask = true,
      .crop = lac_hole_alone, INCEPTION("pytorch-fid,%d") },
    { .name = "p-ids", .variant = LAC_P_IDS, .recipe = P_IDS("p-ids"), .higher_is_better = true, .digits = 4, .of_set = lac_p_ids_of_set, INCEPTION("tf,2048") },
    { .name = "u-ids", .variant = LAC_U_IDS, .recipe = P_IDS("u-ids"), .higher_is_better = true, .digits = 4, .of_set = lac_p_ids_of_set, INCEPTION("tf,2048") },
    { .name = "LFD", .recipe = "fd{%f,ddof=1,root=singular-values,crop=bbox of the mask}", .digits = 5, .of_set = lac_frechet_of_set, .wants_mask = true,
      .crop = lac_hole_box, .wants_features = true, .whole = true },
    { .name = "CLIPscore", .recipe = "clipscore{%f,2.5max(cos,0)}", .higher_is_better = true, .digits = 4, .variant = LAC_CLIP_W25, .measure = lac_clip_score_measure,
      .wants_features = true, .option = "text", .whole = true, .no_reference = true, .wants = LAC_SAID_PROMPT },
    { .name = "kid", .recipe = "kid{%f,kernel=poly,degree=3,gamma=1/d,coef0=1,subsets=%k,subset=%m,rng=numpy-2020}", .digits = 5, .of_set = lac_kid_of_set,
      .unpaired = true, .has_std = true, INCEPTION("tf,2048") },
    { .name = "is", .recipe = "is{%f,splits=10,shuffle=numpy-2020,ddof=0}", .higher_is_better = true, .digits = 3, .of_set = lac_inception_score_of_set,
      .unpaired = true, .no_reference = true, .has_std = true, INCEPTION("tf,logits") },
    { .name = "precision", .variant = LAC_PRECISION, .recipe = "precision{%f,k=3,distance=l2}", .higher_is_better = true, .digits = 4,
      .of_set = lac_precision_recall_of_set, .unpaired = true, INCEPTION("tf,2048") },
    { .name = "recall", .variant = LAC_RECALL, .recipe = "recall{%f,k=3,distance=l2}", .higher_is_better = true, .digits = 4,
      .of_set = lac_precision_recall_of_set, .unpaired = true, INCEPTION("tf,2048") },
    { .name = "clip-score", .recipe = "clip-score{%f,100cos,mean>=0}", .higher_is_better = true, .digits = 2, .variant = LAC_CLIP_100, .measure = lac_clip_score_measure,
      .of_set = lac_clip_score_of_set, CLIP("") },
    { .name = "clipscore-w2.5", .recipe = "clipscore{%f,2.5max(cos,0)}", .higher_is_better = true, .digits = 4, .variant = LAC_CLIP_W25, .measure = lac_clip_score_measure,
      CLIP("A photo depicts ") },
    { .name = "clip-sim", .recipe = "clip-sim{%f,100cos}", .higher_is_better = true, .digits = 2, .variant = LAC_CLIP_100, .measure = lac_clip_score_measure,
      SAYS(clip_after, LAC_SAID_AFTER), .no_reference = true },
    { .name = "clip-local", .recipe = "clip-local{%f,100cos}", .higher_is_better = true, .digits = 2, .variant = LAC_CLIP_100, .measure = lac_clip_score_measure,
      SAYS(clip_squared, LAC_SAID_NAME), .no_reference = true, .wants_mask = true },
    { .name = "clip-local2", .recipe = "clip-local2{%f,100cos}", .higher_is_better = true, .digits = 2, .variant = LAC_CLIP_100, .measure = lac_clip_score_measure,
      SAYS(clip_cut, LAC_SAID_NAME), .option = "hf", .no_reference = true, .wants_mask = true },
    { .name = "clip-cat", .recipe = "clip-cat{%f,100cos}", .higher_is_better = true, .digits = 2, .variant = LAC_CLIP_100, .measure = lac_clip_score_measure,
      SAYS(clip_cut, LAC_SAID_NAME), .option = "clip", .no_reference = true, .wants_mask = true },
    { .name = "clip-i", .recipe = "clip-i{%f,cos}", .higher_is_better = true, .digits = 4, .measure = lac_clip_image_measure, SAYS(clip_image, 0) },
    { .name = "clip-dir", .recipe = "clip-dir{%f,cos of changes,unit before}", .higher_is_better = true, .digits = 4, .measure = lac_clip_direction_measure,
      SAYS(clip_change, LAC_SAID_CHANGE) },
    { .name = "clip-dir-image", .recipe = "clip-dir-image{%f,cos}", .higher_is_better = true, .digits = 4, .variant = LAC_CLIP_DIRECTION_IMAGE,
      .measure = lac_clip_direction_measure, SAYS(clip_change, 0) },
    { .name = "clip-dir-text", .recipe = "clip-dir-text{%f,cos}", .higher_is_better = true, .digits = 4, .variant = LAC_CLIP_DIRECTION_TEXT,
      .measure = lac_clip_direction_measure, SAYS(clip_change, LAC_SAID_CHANGE) },
    CLIP_AT(1), CLIP_AT(3), CLIP_AT(5),
    { .name = "clip-distance", .recipe = "clip-distance{%f,cos(reference,label)-cos(picture,label)}", .higher_is_better = true, .digits = 4,
      .measure = lac_clip_distance_measure, SAYS(clip_top, LAC_SAID_LABEL | LAC_SAID_CLASSES) },
    { .name = "aesthetic-v1", .recipe = "aesthetic{version=1,%f}", .higher_is_better = true, .digits = 3, .measure = lac_reward_measure, SAYS(aesthetic_v1, 0),
      .no_reference = true },
    { .name = "aesthetic-v2", .recipe = "aesthetic{version=2,%f}", .higher_is_better = true, .digits = 3, .measure = lac_reward_measure, SAYS(aesthetic_v2, 0),
      .no_reference = true },
    { .name = "image-reward", .recipe = "image-reward{%f}", .higher_is_better = true, .digits = 4, .measure = lac_reward_measure, SAYS(image_reward, LAC_SAID_PROMPT),
      .no_reference = true },
    { .name = "hps-v2", .recipe = "hps{version=2,%f}", .higher_is_better = true, .digits = 4, .measure = lac_reward_measure, SAYS(hps_v2, LAC_SAID_PROMPT), .no_reference = true },
    { .name = "hps-v2.1", .recipe = "hps{version=2.1,%f}", .higher_is_better = true, .digits = 4, .measure = lac_reward_measure, SAYS(hps_v21, LAC_SAID_PROMPT),
      .no_reference = true },
    { .name = "sem-cosine", .recipe = "cosine" IMAGINED, .higher_is_better = true, .digits = 4, .variant = LAC_IMAGINED_SAID, .measure = lac_imagined_measure,
      .whole = true, .imagined = true },
    { .name = "sem-cosine-input", .recipe = "cosine-input" IMAGINED, .higher_is_better = true, .digits = 4, .variant = LAC_IMAGINED_SEEN, .measure = lac_imagined_measure,
      .whole = true, .imagined = true },
    { .name = "iou", IOU(""), .variant = LAC_IOU, .measure = lac_iou_measure },
    { .name = "m-iou", IOU(""), .variant = LAC_IOU, .measure = lac_iou_measure },
    { .name = "c-iou", IOU(",mean=by-union"), .variant = LAC_IOU, .measure = lac_iou_measure, .of_set = lac_c_iou_of_set },
    { .name = "p@0.5", IOU(",above=0.5"), .variant = LAC_IOU_ABOVE, .range = 0.5, .measure = lac_iou_measure },
    { .name = "p@0.6", IOU(",above=0.6"), .variant = LAC_IOU_ABOVE, .range = 0.6, .measure = lac_iou_measure },
    { .name = "p@0.7", IOU(",above=0.7"), .variant = LAC_IOU_ABOVE, .range = 0.7, .measure = lac_iou_measure },
    { .name = "p@0.8", IOU(",above=0.8"), .variant = LAC_IOU_ABOVE, .range = 0.8, .measure = lac_iou_measure },
    { .name = "p@0.9", IOU(",above=0.9"), .variant = LAC_IOU_ABOVE, .range = 0.9, .measure = lac_iou_measure },
    { .name = NULL },
};

static const lac_features_def *const own_features[] = {
#define LAC_FEATURES(name) &lac_features_##name,
#include "eval/features.def"
#undef LAC_FEATURES
    NULL,
};

static const lac_metric_list house = { lac_metrics, own_features };
static const lac_metric_list *lists[8] = { &house };
static int n_lists = 1;

static const lac_metric_def *known_as(const char *name)
{
    for (int i = 0; i < n_lists; i++)
        for (const lac_metric_def *d = lists[i]->metric; d->name != NULL; d++)
            if (strcmp(d->name, name) == 0)
                return d;
    return NULL;
}

lac_status lac_metric_register(const lac_metric_list *list)
{
    for (const lac_metric_def *d = list->metric; d->name != NULL; d++)
        if (known_as(d->name) != NULL)
            return LAC_FAIL(LAC_ERR_STATE, "there is a metric '%s' already", d->name);
    if (n_lists == LAC_COUNT(lists))
        return LAC_FAIL(LAC_ERR_STATE, "there is room for %d lists of metrics", n_lists);
    lists[n_lists++] = list;
    return LAC_OK;
}

static const char *const region_name[] = { [LAC_WHOLE] = "whole", [LAC_HOLE] = "hole", [LAC_KNOWN] = "known" };

lac_value lac_undefined(const char *reason) { return (lac_value){ NAN, reason }; }

const char *lac_region_missing(const lac_pair *p, lac_region region)
{
    if (region != LAC_WHOLE && p->mask == NULL)
        return "no mask";
    const int64_t n = p->height * p->width;
    for (int64_t i = 0; i < n; i++)
        if (lac_in_region(p, region, i))
            return NULL;
    return region == LAC_HOLE ? "the mask has no hole" : region == LAC_KNOWN ? "the mask leaves no known pixel" : "an empty picture";
}

lac_differences lac_differences_of(const lac_pair *p, lac_region region)
{
    lac_differences sum = { 0, 0, 0 };
    const int64_t n = p->height * p->width;
    for (int64_t i = 0; i < n; i++) {
        if (!lac_in_region(p, region, i))
            continue;
        for (int64_t k = 3 * i; k < 3 * i + 3; k++) {
            const int d = p->image[k] - p->reference[k];
            sum.absolute += (uint64_t)(d < 0 ? -d : d);
            sum.square += (uint64_t)(d * d);
        }
        sum.values += 3;
    }
    return sum;
}

/* ---- names ---- */

enum { MOST_NAMES = 128 };

static lac_status find_region(lac_region *region, const char *text, const char *name)
{
    for (int r = LAC_WHOLE; r <= LAC_KNOWN; r++)
        if (strcmp(text, region_name[r]) == 0)
            return *region = (lac_region)r, LAC_OK;
    return LAC_FAIL(LAC_ERR_ARG, "unknown region '%s' in metric '%s': whole, hole or known", text, name);
}

static lac_status find_def(const lac_metric_def **def, const char *word)
{
    const char *known[MOST_NAMES];
    int n = 0;
    if ((*def = known_as(word)) != NULL)
        return LAC_OK;
    for (int i = 0; i < n_lists; i++)
        for (const lac_metric_def *d = lists[i]->metric; d->name != NULL && n < MOST_NAMES; d++)
            known[n++] = d->name;
    const int near = lac_nearest(word, known, n);
    return near < 0 ? LAC_FAIL(LAC_ERR_ARG, "unknown metric '%s'", word)
                    : LAC_FAIL(LAC_ERR_ARG, "unknown metric '%s'; did you mean '%s'?", word, known[near]);
}

static lac_status find_features(const lac_features_def **def, const char *word, const char *name)
{
    for (int i = 0; i < n_lists; i++)
        for (const lac_features_def *const *f = lists[i]->features; *f != NULL; f++)
            if (strcmp((*f)->name, word) == 0)
                return *def = *f, LAC_OK;
    return LAC_FAIL(LAC_ERR_ARG, "unknown network '%s' in metric '%s'", word, name);
}

/* The name taken apart: text is a copy of it, cut into its words. network NULL: there are no brackets. */
typedef struct words { char *metric, *network, *option, *region; } words;

static lac_status take_apart(words *w, char *text, const char *name)
{
    char *open = strchr(text, '['), *close = strrchr(text, ']'), *at = strchr(text, '@');
    *w = (words){ .metric = text };
    if (known_as(text) != NULL)                 /* p@0.5 */
        return LAC_OK;
    if (open != NULL && (at == NULL || open < at)) {
        if (close == NULL || close < open || (close[1] != '\0' && close[1] != '@'))
            return LAC_FAIL(LAC_ERR_ARG, "metric '%s' is not of the form METRIC[NETWORK:OPTION]@REGION", name);
        at = close[1] == '@' ? close + 1 : NULL;
        *open = *close = '\0';
        w->network = open + 1;
        w->option = strchr(w->network, ':');
        if (w->option != NULL)
            *w->option++ = '\0';
    }
    if (at != NULL) {
        *at = '\0';
        w->region = at + 1;
    }
    return LAC_OK;
}

/* The metric's own network, with the option that it wants. */
static lac_status own_network(lac_metric *m)
{
    const char *text = m->def->option != NULL ? m->def->option : "", *at = strstr(text, "%d");
    m->features = m->def->network;
    if (at == NULL)
        snprintf(m->option, sizeof m->option, "%s", text);
    else
        snprintf(m->option, sizeof m->option, "%.*s%lld%s", (int)(at - text), text, (long long)m->settings.fid_dims, at + 2);
    return LAC_OK;
}

static lac_status set_network(lac_metric *m, const words *w, const char *name)
{
    if (m->def->network != NULL && w->network == NULL)
        return own_network(m);
    if (w->network == NULL)
        return m->def->wants_features ? LAC_FAIL(LAC_ERR_ARG, "metric '%s' wants a network: %s[NETWORK]", name, name) : LAC_OK;
    if (!m->def->wants_features)
        return LAC_FAIL(LAC_ERR_ARG, "metric '%s' has no network: found '%s'", m->def->name, name);
    LAC_TRY(find_features(&m->features, w->network, name));
    if (m->features->of == NULL && (m->def->measure != NULL || m->def->of_set != NULL))
        return LAC_FAIL(LAC_ERR_ARG, "metric '%s' is of features, and '%s' compares two pictures", name, m->features->name);
    const int n = snprintf(m->option, sizeof m->option, "%s", w->option != NULL ? w->option : m->def->option != NULL ? m->def->option : "");
    return n < (int)sizeof m->option ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "metric '%s' is too long", name);
}

static lac_status find(lac_metric *m, char *text, const char *name)
{
    words w;
    LAC_TRY(take_apart(&w, text, name));
    LAC_TRY(find_def(&m->def, w.metric));
    LAC_TRY(set_network(m, &w, name));
    if (w.region == NULL)
        return LAC_OK;
    return m->def->whole ? LAC_FAIL(LAC_ERR_ARG, "metric '%s' sees whole pictures: no region, found '%s'", m->def->name, name)
                         : find_region(&m->region, w.region, name);
}

lac_status lac_metric_find_with(lac_metric *metric, const char *name, const lac_metric_settings *settings)
{
    char text[2 * LAC_METRIC_OPTION];
    *metric = (lac_metric){ .region = LAC_WHOLE, .settings = *settings };
    if (snprintf(text, sizeof text, "%s", name) >= (int)sizeof text)
        return LAC_FAIL(LAC_ERR_ARG, "metric '%s' is too long", name);
    return find(metric, text, name);
}

lac_status lac_metric_find(lac_metric *metric, const char *name)
{
    static const lac_metric_settings usual = LAC_METRIC_SETTINGS;
    return lac_metric_find_with(metric, name, &usual);
}

bool lac_metric_of_pictures(const lac_metric_def *def)
{
    return def->measure != NULL || (def->network != NULL && def->network->between != NULL);
}

const char *lac_said_missing(unsigned wants, const lac_said *said)
{
    const bool prompt = said->prompt != NULL;
    if ((wants & LAC_SAID_PROMPT) && !prompt)
        return "no caption";
    if ((wants & LAC_SAID_LABEL) && said->label == NULL)
        return "no label";
    if ((wants & LAC_SAID_BOX) && said->box == NULL)
        return "no box";
    if ((wants & LAC_SAID_NAME) && said->label == NULL && !prompt)
        return "no label and no caption";
    if ((wants & LAC_SAID_AFTER) && said->after == NULL && !prompt)
        return "no caption";
    return (wants & LAC_SAID_CHANGE) && (said->before == NULL || said->after == NULL) ? "no captions before and after" : NULL;
}

static lac_status compare(lac_features *net, const lac_pair *p, lac_region region, lac_value *value)
{
    const lac_picture image = { p->height, p->width, p->image, p->mask, p->said }, reference = { p->height, p->width, p->reference, p->mask, p->said };
    double found;
    LAC_TRY(net->def->between(net, &image, &reference, region, 1, &found));
    *value = isnan(found) ? lac_undefined("a side too small for the network") : (lac_value){ found, NULL };
    return LAC_OK;
}

static lac_status measure(const lac_metric *m, lac_features *net, const lac_pair *p, lac_value *value)
{
    return m->def->measure != NULL ? m->def->measure(m->def, p, m->region, value) : compare(net, p, m->def->known ? LAC_KNOWN : m->region, value);
}

static lac_status measure_resized(const lac_metric *m, lac_features *net, const lac_pair *p, lac_value *value)
{
    const lac_resized whole = lac_resized_of(p);
    lac_resized r;
    lac_status s = lac_resized_new(&r, &whole, m->def->side);
    lac_pair small = lac_resized_pair(&r);
    small.said = p->said;
    if (s == LAC_OK)
        s = measure(m, net, &small, value);
    lac_resized_free(&r);
    return s;
}

lac_status lac_metric_measure(const lac_metric *metric, lac_features *net, const lac_pair *p, lac_value *value)
{
    const lac_metric_def *def = metric->def;
    const char *missing = lac_said_missing(def->wants, &p->said);
    if (missing == NULL)
        missing = lac_region_missing(p, def->known ? LAC_KNOWN : metric->region);
    if (def->imagined && p->imagined == NULL)
        missing = "it says nothing of features beforehand";
    if (!lac_metric_of_pictures(def))
        missing = "a value of the whole set";
    if (missing != NULL)
        return *value = lac_undefined(missing), LAC_OK;
    return def->side > 0 && (p->height != def->side || p->width != def->side) ? measure_resized(metric, net, p, value) : measure(metric, net, p, value);
}

lac_status lac_metric_name(const lac_metric *m, char **name)
{
    const bool whole = m->region == LAC_WHOLE, net = m->features != NULL && m->def->wants_features;
    const bool option = net && m->option[0] && (m->def->option == NULL || strcmp(m->option, m->def->option) != 0);
    return lac_format(name, "%s%s%s%s%s%s%s%s", m->def->name, net ? "[" : "", net ? m->features->name : "", option ? ":" : "", option ? m->option : "", net ? "]" : "", whole ? "" : "@", whole ? "" : region_name[m->region]);
}

/* *text with the first `what` in it, where there is one, replaced. */
static lac_status put_for(char **text, const char *what, const char *by)
{
    const char *at = strstr(*text, what);
    char *longer;
    if (at == NULL)
        return LAC_OK;
    LAC_TRY(lac_format(&longer, "%.*s%s%s", (int)(at - *text), *text, by, at + strlen(what)));
    free(*text);
    *text = longer;
    return LAC_OK;
}

static lac_status put_number(char **text, const char *what, int64_t by)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)by);
    return put_for(text, what, number);
}

lac_status lac_metric_recipe(const lac_metric *metric, const lac_features *features, const char *imagined, char **recipe)
{
    char *text;
    LAC_TRY(lac_strdup(&text, metric->def->recipe));
    lac_status s = put_for(&text, "%s", region_name[metric->region]);
    if (s == LAC_OK)
        s = put_number(&text, "%k", metric->settings.kid_subsets);
    if (s == LAC_OK)
        s = put_number(&text, "%m", metric->settings.kid_subset_size);
    if (s == LAC_OK)
        s = put_for(&text, "%f", features != NULL ? features->recipe : "");
    if (s == LAC_OK)
        s = put_for(&text, "%i", imagined != NULL ? imagined : "");
    *recipe = s == LAC_OK ? text : NULL;
    if (s != LAC_OK)
        free(text);
    return s;
}
