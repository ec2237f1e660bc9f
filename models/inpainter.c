#include "models/inpainter.h"

#include "autograd/ops/dequantize/dequantize.h"
#include "core/image/paste.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const lac_inpainter_def *const inpainters[] = {
#define LAC_INPAINTER(name) &lac_inpainter_##name,
#include "models/inpainters.def"
#undef LAC_INPAINTER
};

lac_status lac_inpainter_find(const lac_inpainter_def **def, const char *name)
{
    const char *names[LAC_COUNT(inpainters)];
    for (size_t i = 0; i < LAC_COUNT(inpainters); i++) {
        names[i] = inpainters[i]->name;
        if (strcmp(names[i], name) == 0)
            return *def = inpainters[i], LAC_OK;
    }
    const int near = lac_nearest(name, names, (int)LAC_COUNT(inpainters));
    return LAC_FAIL(LAC_ERR_ARG, "unknown inpainter '%s'%s%s%s", name, near >= 0 ? " (did you mean '" : "", near >= 0 ? names[near] : "",
                    near >= 0 ? "'?)" : "");
}

lac_status lac_inpainter_open(lac_inpainter *ip, const lac_inpainter_def *def, const json_t *config, const lac_backend *b, lac_dtype d)
{
    *ip = (lac_inpainter){ .def = def };
    LAC_TRY(lac_params_new(&ip->params, def->name, b, d));
    ip->params->frozen = true;
    LAC_TRY(lac_context(def->open(ip, config), "inpainter '%s'", def->name));
    return lac_params_init(ip->params, 0);
}

void lac_inpainter_close(lac_inpainter *ip)
{
    if (!ip->borrowed) {
        lac_params_free(ip->params);
        free(ip->model);
    }
    *ip = (lac_inpainter){ 0 };
}

typedef struct job { const lac_inpainter *ip; lac_tensor image, mask; lac_tensor *y; } job;

static lac_status paint(lac_tape *t, void *context)
{
    job *j = context;
    const lac_dequantize_attr picture = { 1 / 127.5f, -1, LAC_F32 }, mask = { 1, 0, LAC_F32 };
    lac_tensor *x = lac_dequantize(t, lac_tape_input(t, &j->image, LAC_F32), &picture);
    lac_tensor *m = lac_dequantize(t, lac_tape_input(t, &j->mask, LAC_F32), &mask);
    lac_tensor *y = j->ip->def->paint(j->ip, t, x, m);
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, y, &j->y);
}

static void swap_red_and_blue(lac_image *x)
{
    for (int64_t i = 0; i < x->height * x->width; i++) {
        const uint8_t r = x->pixels[3 * i];
        x->pixels[3 * i] = x->pixels[3 * i + 2];
        x->pixels[3 * i + 2] = r;
    }
}

/* image and mask are of the multiple; mask 0 or 1. */
static lac_status run(const lac_inpainter *ip, lac_tape *t, const lac_image *image, const lac_image *mask, lac_image *predicted)
{
    char signature[128];
    job j = { .ip = ip };
    lac_tensor_shape(&j.image, LAC_U8, 4, (int64_t[]){ 1, image->height, image->width, 3 });
    lac_tensor_shape(&j.mask, LAC_U8, 4, (int64_t[]){ 1, image->height, image->width, 1 });
    j.image.data = image->pixels;
    j.mask.data = mask->pixels;
    snprintf(signature, sizeof signature, "inpaint/%s/%lldx%lld", ip->def->name, (long long)image->height, (long long)image->width);
    lac_status s = lac_tape_run(t, signature, paint, &j);
    if (s == LAC_OK)
        s = lac_image_new(predicted, image->height, image->width, 3);
    if (s == LAC_OK)
        lac_unit_to_bytes(predicted->pixels, j.y->data, lac_numel(j.y));
    lac_tensor_free(j.y);
    return s;
}

static lac_status run_padded(const lac_inpainter *ip, lac_tape *t, lac_image *image, lac_image *mask, lac_image *predicted)
{
    for (int64_t i = 0; i < mask->height * mask->width; i++)
        mask->pixels[i] = mask->pixels[i] != 0;
    if (ip->bgr)
        swap_red_and_blue(image);
    LAC_TRY(run(ip, t, image, mask, predicted));
    if (ip->bgr)
        swap_red_and_blue(predicted);
    return LAC_OK;
}

lac_status lac_inpaint(const lac_inpainter *ip, lac_tape *t, const lac_image *image, const lac_image *mask, lac_image *result)
{
    lac_image x = { 0 }, m = { 0 }, y = { 0 }, cut = { 0 };
    if (image->height != mask->height || image->width != mask->width)
        return LAC_FAIL(LAC_ERR_SHAPE, "the mask is %lldx%lld, the picture %lldx%lld (width x height)", (long long)mask->width,
                        (long long)mask->height, (long long)image->width, (long long)image->height);
    lac_status s = lac_image_pad(&x, image, ip->def->multiple);
    if (s == LAC_OK)
        s = lac_mask_pad(&m, mask, ip->def->multiple);
    if (s == LAC_OK)
        s = run_padded(ip, t, &x, &m, &y);
    if (s == LAC_OK)
        s = lac_image_crop(&cut, &y, 0, 0, image->height, image->width);
    if (s == LAC_OK)
        s = lac_image_paste(result, image, mask, &cut);
    lac_image_free(&x);
    lac_image_free(&m);
    lac_image_free(&y);
    lac_image_free(&cut);
    return s;
}
