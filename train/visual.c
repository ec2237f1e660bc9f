#include "train/visual.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/mse_loss/mse_loss.h"
#include "models/catdiff/distill.h"
#include "train/cache_files.h"

/* ---- what is kept ---- */

static const lac_clip_vision *tower_of(const lac_network *n) { return n->model; }

static lac_status see(const lac_recipe *r, float *to, const lac_image *picture, const uint8_t *hole)
{
    return lac_visual_see(to, NULL, &tower_of(r->latents[LAC_LATENT_FEATURES].encoder)->c, picture, hole);
}

static lac_clip_vision_out look(lac_tape *t, const lac_network *vision, lac_tensor *seen)
{
    const lac_dtype d = vision->params->dtype;
    return lac_clip_vision_forward(t, vision->model, d == LAC_F32 ? seen : lac_scaled(t, seen, 1, d));
}

static lac_tensor *encode(const lac_recipe *r, lac_tape *t, lac_tensor *seen, lac_tensor *mask, bool around)
{
    (void)mask, (void)around;
    return look(t, r->latents[LAC_LATENT_FEATURES].encoder, seen).last;
}

typedef struct planning { const lac_network *vision; lac_tensor seen; } planning;

static lac_tensor *look_at_one(lac_tape *t, void *context)
{
    planning *p = context;
    return look(t, p->vision, lac_tape_input(t, &p->seen, LAC_F32)).last;
}

static lac_status describe(lac_recipe *r, lac_recipe_latents *l)
{
    planning p = { .vision = l->encoder };
    lac_cache_row row;
    lac_tensor_shape(&p.seen, LAC_F32, 4, (int64_t[]){ 1, l->seen.dim[0], l->seen.dim[1], l->seen.dim[2] });
    LAC_TRY(lac_cache_plan(&row, r->backend, look_at_one, &p));
    l->one = row.one;
    l->dtype = row.dtype;
    return LAC_OK;
}

lac_status lac_visual_keep(lac_recipe *r, const lac_network *vision, const json_t *config, const bool wanted[LAC_LATENT_KINDS])
{
    const int cache = lac_config_choice(config, "model.cache_features", LAC_VISUAL_CACHES);
    const bool pictures = cache != LAC_VISUAL_CACHE_OFF && wanted[LAC_LATENT_PICTURE];
    const bool around = cache == LAC_VISUAL_CACHE_BOTH && wanted[LAC_LATENT_AROUND] && lac_recipe_masks_of_record(config);
    lac_recipe_latents *l = &r->latents[LAC_LATENT_FEATURES];
    if (!pictures && !around)
        return LAC_OK;
    const int64_t side = tower_of(vision)->c.image;
    *l = (lac_recipe_latents){ .encoder = vision, .kept = { pictures, around }, .encode = encode, .see = see, .seen = { 3, { side, side, 3 } } };
    return describe(r, l);
}

/* ---- what CLIP sees and says ---- */

lac_status lac_visual_derive(const lac_network *vision, const lac_image *picture, const uint8_t *hole, int64_t i, lac_tensor *seen, lac_tensor *patches)
{
    const lac_clip_vision_config *c = &tower_of(vision)->c;
    const int64_t side = c->image / c->patch;
    float *to = seen != NULL ? (float *)seen->data + i * c->image * c->image * 3 : NULL, *cells = patches != NULL ? (float *)patches->data + i * side * side : NULL;
    return lac_visual_see(to, cells, c, picture, hole);
}

lac_clip_vision_out lac_visual_look(lac_tape *t, const lac_recipe *r, const lac_network *vision, lac_tensor *seen)
{
    const lac_dtype d = r->latents[LAC_LATENT_FEATURES].dtype;
    if (seen == NULL || seen->ndim == 4)
        return look(t, vision, seen);
    lac_clip_vision_out y = { .last = d == LAC_F32 ? seen : lac_scaled(t, seen, 1, d) };
    y.pooled = lac_clip_vision_pool(t, vision->model, y.last);
    return y;
}

/* ---- the lesson ---- */

void lac_visual_teach(lac_tape *t, const lac_visual_lesson *lesson, lac_tensor *sum[LAC_LESSONS])
{
    const lac_sem_inpainter_out *said = lesson->said;
    sum[LAC_LESSON_PATCHES] = lac_distill_tokens(t, said->spatial, lac_visual_patches(t, lesson->truth), lesson->masked ? lesson->cells : NULL);
    sum[LAC_LESSON_GLOBAL] = NULL;
    if (said->pooled != NULL && lesson->truth->pooled != NULL)
        sum[LAC_LESSON_GLOBAL] = lac_mse_loss(t, said->pooled, lac_reshape(t, lesson->truth->pooled, 3, said->pooled->dim), NULL, NULL, NULL);
}

double lac_visual_holes(const lac_tensor *cells)
{
    double n = 0;
    for (int64_t i = 0; i < lac_numel(cells); i++)
        n += (double)((const float *)cells->data)[i];
    return n;
}

void lac_visual_count(const lac_tensor *cells, const lac_sem_inpainter *m, int64_t global, double count[LAC_LESSONS])
{
    count[LAC_LESSON_PATCHES] = lac_visual_holes(cells) + (double)cells->dim[0] / (double)global;
    count[LAC_LESSON_GLOBAL] = (double)(cells->dim[0] * m->c.encoder.width);
}
