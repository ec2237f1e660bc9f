#include "models/inpainter.h"

#include "autograd/ops/dequantize/dequantize.h"
#include "core/image/feather.h"
#include "core/image/paste.h"
#include "core/memory.h"
#include "core/named.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lac_named inpainters = { "inpainter", LAC_ERR_ARG, {
#define LAC_INPAINTER(name) &lac_inpainter_##name,
#include "models/inpainters.def"
#undef LAC_INPAINTER
} };

lac_status lac_inpainter_register(const lac_inpainter_def *def) { return lac_named_add(&inpainters, def); }
lac_status lac_inpainter_find(const lac_inpainter_def **def, const char *name) { return LAC_NAMED_FIND(&inpainters, name, def); }

const lac_inpainter_def *lac_inpainter_at(int i) { return inpainters.entry[i]; }

lac_tensor *lac_canvas_image(lac_tape *t, const lac_canvas *c)
{
    return lac_dequantize(t, lac_tape_input(t, &c->image, LAC_F32), &(lac_dequantize_attr){ 1 / 127.5f, -1, LAC_F32 });
}

lac_tensor *lac_canvas_mask(lac_tape *t, const lac_canvas *c)
{
    return lac_dequantize(t, lac_tape_input(t, &c->mask, LAC_F32), &(lac_dequantize_attr){ 1, 0, LAC_F32 });
}

lac_status lac_inpaint_region(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, const char *what, lac_body *body, void *context)
{
    char signature[160];
    snprintf(signature, sizeof signature, "inpaint/%s/%lldx%lldx%lld/%s", ip->def->name, (long long)c->image.dim[0],
             (long long)c->image.dim[1], (long long)c->image.dim[2], what);
    return lac_tape_run(t, signature, body, context);
}

typedef struct job { const lac_inpainter *ip; const lac_canvas *canvas; lac_tensor *y; } job;

static lac_status paint(lac_tape *t, void *context)
{
    job *j = context;
    lac_tensor *x = lac_canvas_image(t, j->canvas), *m = lac_canvas_mask(t, j->canvas);
    lac_tensor *y = j->ip->def->paint(j->ip, t, x, m);
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, y, &j->y);
}

/* *y is what lac_keep gave, also after a failure. */
static lac_status run(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **y)
{
    if (ip->def->sample != NULL)
        return ip->def->sample(ip, t, c, y);
    job j = { ip, c, NULL };
    const lac_status s = lac_inpaint_region(ip, t, c, "paint", paint, &j);
    *y = j.y;
    return s;
}

static void swap_red_and_blue(uint8_t *pixels, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const uint8_t r = pixels[3 * i];
        pixels[3 * i] = pixels[3 * i + 2];
        pixels[3 * i + 2] = r;
    }
}

/* ---- pictures to a canvas and back ---- */

static lac_status check_sizes(int64_t n, const lac_image *image, const lac_image *mask)
{
    for (int64_t i = 0; i < n; i++) {
        if (image[i].height != mask[i].height || image[i].width != mask[i].width)
            return LAC_FAIL(LAC_ERR_SHAPE, "the mask is %lldx%lld, the picture %lldx%lld (width x height)", (long long)mask[i].width,
                            (long long)mask[i].height, (long long)image[i].width, (long long)image[i].height);
        if (image[i].height != image[0].height || image[i].width != image[0].width)
            return LAC_FAIL(LAC_ERR_SHAPE, "pictures of %lldx%lld and %lldx%lld (width x height) cannot be done at once",
                            (long long)image[0].width, (long long)image[0].height, (long long)image[i].width, (long long)image[i].height);
    }
    return LAC_OK;
}

lac_status lac_inpainter_takes(const lac_inpainter_def *def, const lac_ask *ask)
{
    return (ask->prompt == NULL && ask->negative == NULL) || def->asks & LAC_ASK_PROMPT ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "%s takes no prompt", def->name);
}

static lac_status put_in(const lac_inpainter *ip, lac_canvas *c, int64_t at, const lac_image *image, const lac_image *mask)
{
    const int64_t pixels = c->image.dim[1] * c->image.dim[2];
    uint8_t *to = (uint8_t *)c->image.data + 3 * at * pixels, *hole = (uint8_t *)c->mask.data + at * pixels;
    lac_image x = { 0 }, m = { 0 };
    lac_status s = lac_image_pad(&x, image, ip->def->multiple);
    if (s == LAC_OK)
        s = lac_mask_pad(&m, mask, ip->def->multiple);
    if (s == LAC_OK) {
        memcpy(to, x.pixels, (size_t)pixels * 3);
        for (int64_t i = 0; i < pixels; i++)
            hole[i] = m.pixels[i] != 0;
        if (ip->network[0].bgr)
            swap_red_and_blue(to, pixels);
    }
    lac_image_free(&x);
    lac_image_free(&m);
    return s;
}

static int64_t padded(int64_t side, int64_t multiple) { return (side + multiple - 1) / multiple * multiple; }

/* c's tensors lie in *memory: free() it. */
static lac_status fill(const lac_inpainter *ip, lac_canvas *c, int64_t n, const lac_image *image, const lac_image *mask, uint8_t **memory)
{
    const int64_t h = padded(image->height, ip->def->multiple), w = padded(image->width, ip->def->multiple);
    lac_tensor_shape(&c->image, LAC_U8, 4, (int64_t[]){ n, h, w, 3 });
    lac_tensor_shape(&c->mask, LAC_U8, 4, (int64_t[]){ n, h, w, 1 });
    LAC_TRY(lac_calloc((void **)memory, (size_t)n, (size_t)(h * w) * 4));
    c->image.data = *memory;
    c->mask.data = *memory + n * h * w * 3;
    for (int64_t i = 0; i < n; i++)
        LAC_TRY(put_in(ip, c, i, &image[i], &mask[i]));
    return LAC_OK;
}

static bool has_hole(const lac_image *mask)
{
    for (int64_t i = 0; i < mask->height * mask->width; i++)
        if (mask->pixels[i])
            return true;
    return false;
}

/* The known pixels come back: none where the picture is made anew, else as the config says. */
static lac_status paste(const lac_inpainter *ip, const lac_image *image, const lac_image *mask, const lac_image *predicted, lac_image *result)
{
    const char *how = lac_config_str(ip->config, "paste");
    if (ip->def->whole || (strcmp(how, "none") == 0 && has_hole(mask)))
        return lac_image_crop(result, predicted, 0, 0, image->height, image->width);
    return strcmp(how, "blur") == 0 ? lac_image_paste_feathered(result, image, mask, predicted) : lac_image_paste(result, image, mask, predicted);
}

static lac_status take_out(const lac_inpainter *ip, const lac_tensor *y, int64_t at, const lac_image *image, const lac_image *mask, lac_image *result)
{
    const int64_t h = y->dim[1], w = y->dim[2];
    lac_image predicted = { 0 }, cut = { 0 };
    LAC_TRY(lac_image_new(&predicted, h, w, 3));
    lac_unit_to_bytes(predicted.pixels, (const float *)y->data + 3 * at * h * w, 3 * h * w);
    if (ip->network[0].bgr)
        swap_red_and_blue(predicted.pixels, h * w);
    lac_status s = lac_image_crop(&cut, &predicted, 0, 0, image->height, image->width);
    if (s == LAC_OK)
        s = paste(ip, image, mask, &cut, result);
    lac_image_free(&predicted);
    lac_image_free(&cut);
    return s;
}

static lac_status check_result(const lac_inpainter *ip, const lac_tensor *y, const lac_canvas *c)
{
    if (y != NULL && y->dtype == LAC_F32 && lac_same_shape(y, &c->image))
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_SHAPE, "%s gave %s, expected f32 %s", ip->def->name, y != NULL ? lac_shape_str(y) : "nothing",
                    lac_shape_str(&c->image));
}

lac_status lac_inpaint_n(const lac_inpainter *ip, lac_tape *t, int64_t n, const lac_image *image, const lac_image *mask, const lac_ask *ask,
                         lac_image *result)
{
    lac_canvas c = { .ask = ask };
    lac_ask *nothing = NULL;
    uint8_t *memory = NULL;
    lac_tensor *y = NULL;
    memset(result, 0, (size_t)n * sizeof *result);
    LAC_TRY(check_sizes(n, image, mask));
    for (int64_t i = 0; ask != NULL && i < n; i++)
        LAC_TRY(lac_inpainter_takes(ip->def, &ask[i]));
    if (ask == NULL) {
        LAC_TRY(lac_calloc((void **)&nothing, (size_t)n, sizeof *nothing));
        c.ask = nothing;
    }
    lac_status s = fill(ip, &c, n, image, mask, &memory);
    if (s == LAC_OK)
        s = run(ip, t, &c, &y);
    if (s == LAC_OK)
        s = check_result(ip, y, &c);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        s = take_out(ip, y, i, &image[i], &mask[i], &result[i]);
    for (int64_t i = 0; s != LAC_OK && i < n; i++)
        lac_image_free(&result[i]);
    lac_tensor_free(y);
    free(memory);
    free(nothing);
    return s;
}

lac_status lac_inpaint(const lac_inpainter *ip, lac_tape *t, const lac_image *image, const lac_image *mask, const lac_ask *ask, lac_image *result)
{
    return lac_inpaint_n(ip, t, 1, image, mask, ask, result);
}

/* ---- features that are said beforehand ---- */

void lac_imagined_free(lac_imagined *y)
{
    lac_tensor_free(y->said);
    lac_tensor_free(y->seen);
    lac_tensor_free(y->truth);
    lac_tensor_free(y->cells);
    *y = (lac_imagined){ NULL };
}

/* The whole pictures, under empty masks. */
static lac_status fill_truth(const lac_inpainter *ip, lac_canvas *c, int64_t n, const lac_image *truth, const lac_image *mask, uint8_t **memory)
{
    LAC_TRY(fill(ip, c, n, truth, mask, memory));
    memset(c->mask.data, 0, lac_bytes(&c->mask));
    return LAC_OK;
}

lac_status lac_inpaint_imagine(const lac_inpainter *ip, lac_tape *t, int64_t n, const lac_image *image, const lac_image *mask, const lac_ask *ask,
                               const lac_image *truth, lac_imagined *y)
{
    lac_canvas c = { .ask = ask }, whole = { .ask = ask };
    uint8_t *memory[2] = { NULL, NULL };
    *y = (lac_imagined){ NULL };
    if (ip->def->imagine == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "%s imagines no features", ip->def->name);
    LAC_TRY(check_sizes(n, image, mask));
    LAC_TRY(check_sizes(n, truth, mask));
    lac_status s = fill(ip, &c, n, image, mask, &memory[0]);
    if (s == LAC_OK)
        s = fill_truth(ip, &whole, n, truth, mask, &memory[1]);
    if (s == LAC_OK)
        s = ip->def->imagine(ip, t, &c, &whole, y);
    if (s != LAC_OK)
        lac_imagined_free(y);
    free(memory[0]);
    free(memory[1]);
    return s;
}
