#include "models/catdiff/visual.h"

#include "autograd/ops/slice/slice.h"
#include "core/memory.h"
#include "models/catdiff/input.h"

static lac_status mask_of(lac_image *mask, const lac_image *picture, const uint8_t *hole)
{
    LAC_TRY(lac_image_new(mask, picture->height, picture->width, 1));
    for (int64_t k = 0; k < picture->height * picture->width; k++)
        mask->pixels[k] = hole != NULL && hole[k] != 0 ? 255 : 0;
    return LAC_OK;
}

lac_status lac_visual_see(float *to, float *cells, const lac_clip_vision_config *c, const lac_image *picture, const uint8_t *hole)
{
    lac_image mask, seen;
    LAC_TRY(mask_of(&mask, picture, hole));
    const lac_status s = lac_catdiff_clip(to != NULL ? &seen : NULL, cells, picture, &mask, c->image, c->patch);
    lac_image_free(&mask);
    if (s != LAC_OK || to == NULL)
        return s;
    for (int64_t k = 0; k < c->image * c->image * 3; k++)
        to[k] = ((float)seen.pixels[k] / 255 - lac_clip_mean[k % 3]) / lac_clip_std[k % 3];
    lac_image_free(&seen);
    return LAC_OK;
}

lac_tensor *lac_visual_patches(lac_tape *t, const lac_clip_vision_out *seen)
{
    return seen->last == NULL ? NULL : lac_slice(t, seen->last, 1, 1, seen->last->dim[1] - 1);
}

lac_tensor *lac_visual_as_seen(lac_tape *t, const lac_clip_vision_out *seen)
{
    lac_tensor *x = lac_visual_patches(t, seen);
    int64_t side = 0;
    while (x != NULL && side * side < x->dim[1])
        side++;
    return x == NULL ? NULL : lac_ref_tokens(t, lac_reshape(t, x, 4, (int64_t[]){ x->dim[0], side, side, x->dim[2] }));
}

static lac_tensor *one_token(lac_tape *t, lac_tensor *x) { return x == NULL ? NULL : lac_reshape(t, x, 3, (int64_t[]){ x->dim[0], 1, x->dim[1] }); }

lac_sem_inpainter_out lac_visual_said(lac_tape *t, const lac_sem_inpainter *m, const lac_clip_vision_out *seen, lac_tensor *cells, lac_tensor *text)
{
    lac_sem_inpainter raw = *m;         /* all that it points to stays where it is */
    raw.c.sample = false;
    return lac_sem_inpainter_forward(t, &raw, &(lac_sem_inpainter_in){ seen->last, cells, one_token(t, text), m->c.global_token ? one_token(t, seen->pooled) : NULL });
}

lac_tensor *lac_visual_prompt(lac_tape *t, const lac_sem_inpainter *m, const lac_sem_inpainter_out *said, const lac_clip_vision_out *seen, lac_tensor *cells)
{
    return lac_sem_inpainter_sampled(t, m, said->spatial, lac_visual_patches(t, seen), cells);
}
