#include "train/visual.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/mse_loss/mse_loss.h"
#include "models/catdiff/distill.h"

lac_status lac_visual_derive(const lac_network *vision, const lac_tensor *image, int64_t i, const uint8_t *hole, lac_tensor *seen, lac_tensor *patches)
{
    const lac_clip_vision_config *c = &((const lac_clip_vision *)vision->model)->c;
    const int64_t h = image->dim[1], w = image->dim[2], side = c->image / c->patch;
    const lac_image picture = { h, w, 3, (uint8_t *)image->data + i * h * w * 3 };
    return lac_visual_see((float *)seen->data + i * c->image * c->image * 3, (float *)patches->data + i * side * side, c, &picture, hole);
}

lac_clip_vision_out lac_visual_look(lac_tape *t, const lac_network *vision, lac_tensor *seen)
{
    const lac_dtype d = vision->params->dtype;
    return lac_clip_vision_forward(t, vision->model, d == LAC_F32 ? seen : lac_scaled(t, seen, 1, d));
}

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
