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

/* Of n pictures of h x w pixels: c's tensors lie in *memory, zeros: free() it. */
static lac_status new_canvas(lac_canvas *c, int64_t n, int64_t h, int64_t w, uint8_t **memory)
{
    lac_tensor_shape(&c->image, LAC_U8, 4, (int64_t[]){ n, h, w, 3 });
    lac_tensor_shape(&c->mask, LAC_U8, 4, (int64_t[]){ n, h, w, 1 });
    LAC_TRY(lac_calloc((void **)memory, (size_t)n, (size_t)(h * w) * 4));
    c->image.data = *memory;
    c->mask.data = *memory + n * h * w * 3;
    return LAC_OK;
}

static lac_status fill(const lac_inpainter *ip, lac_canvas *c, int64_t n, const lac_image *image, const lac_image *mask, uint8_t **memory)
{
    LAC_TRY(new_canvas(c, n, padded(image->height, ip->def->multiple), padded(image->width, ip->def->multiple), memory));
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

/* ---- results, some at once ---- */

/* Of one call: results `from` to from + n - 1, count of them for each picture. */
typedef struct turn {
    const lac_inpainter *ip;
    lac_tape *t;
    const lac_canvas *pictures;
    const lac_image *image, *mask;
    lac_canvas_memo memo;
    lac_ask *ask;                   /* [at_once] */
    int64_t *of, count, from, n;    /* of [at_once] */
    lac_inpainted *done;
    void *context;
} turn;

/* The rows of x that the results are of. */
static void repeat_rows(const turn *r, lac_tensor *to, const lac_tensor *x)
{
    const size_t row = (size_t)(x->dim[1] * x->dim[2] * x->dim[3]);
    for (int64_t i = 0; i < r->n; i++)
        memcpy((uint8_t *)to->data + (size_t)i * row, (const uint8_t *)x->data + (size_t)r->of[i] * row, row);
}

static lac_status hand_over(const turn *r, const lac_tensor *y)
{
    for (int64_t i = 0; i < r->n; i++) {
        const int64_t of = r->of[i];
        lac_image result;
        LAC_TRY(take_out(r->ip, y, i, &r->image[of], &r->mask[of], &result));
        const lac_status s = r->done(r->context, of, (r->from + i) % r->count, &result);
        lac_image_free(&result);
        LAC_TRY(s);
    }
    return LAC_OK;
}

static lac_status take_turn(turn *r)
{
    const lac_tensor *image = &r->pictures->image;
    lac_canvas c = { .ask = r->ask, .pictures = r->pictures, .of = r->of, .memo = &r->memo };
    uint8_t *memory = NULL;
    lac_tensor *y = NULL;
    for (int64_t i = 0; i < r->n; i++) {
        r->of[i] = (r->from + i) / r->count;
        r->ask[i] = r->pictures->ask[r->of[i]];
        r->ask[i].seed += (uint64_t)((r->from + i) % r->count);
    }
    LAC_TRY(new_canvas(&c, r->n, image->dim[1], image->dim[2], &memory));
    repeat_rows(r, &c.image, image);
    repeat_rows(r, &c.mask, &r->pictures->mask);
    lac_status s = run(r->ip, r->t, &c, &y);
    if (s == LAC_OK)
        s = check_result(r->ip, y, &c);
    if (s == LAC_OK)
        s = hand_over(r, y);
    lac_tensor_free(y);
    free(memory);
    return s;
}

static lac_status take_turns(turn *r, int64_t at_once)
{
    const int64_t all = r->pictures->image.dim[0] * r->count;
    lac_status s = lac_calloc((void **)&r->ask, (size_t)at_once, sizeof *r->ask);
    if (s == LAC_OK)
        s = lac_calloc((void **)&r->of, (size_t)at_once, sizeof *r->of);
    for (r->from = 0; s == LAC_OK && r->from < all; r->from += r->n) {
        r->n = LAC_MIN(at_once, all - r->from);
        s = take_turn(r);
    }
    if (r->memo.free != NULL)
        r->memo.free(r->memo.made);
    free(r->ask);
    free(r->of);
    return s;
}

lac_status lac_inpaint_each(const lac_inpainter *ip, lac_tape *t, int64_t n, const lac_image *image, const lac_image *mask, const lac_ask *ask, int64_t count, int64_t at_once,
                            lac_inpainted *done, void *context)
{
    lac_canvas pictures = { .ask = ask };
    turn r = { .ip = ip, .t = t, .pictures = &pictures, .image = image, .mask = mask, .count = count, .done = done, .context = context };
    uint8_t *memory = NULL;
    LAC_TRY(check_sizes(n, image, mask));
    for (int64_t i = 0; i < n; i++)
        LAC_TRY(lac_inpainter_takes(ip->def, &ask[i]));
    lac_status s = fill(ip, &pictures, n, image, mask, &memory);
    if (s == LAC_OK)
        s = take_turns(&r, LAC_MIN(at_once, n * count));
    free(memory);
    return s;
}

static lac_status put_result(void *context, int64_t i, int64_t k, lac_image *result)
{
    lac_image *to = context;
    to[i + k] = *result;
    *result = (lac_image){ 0 };
    return LAC_OK;
}

lac_status lac_inpaint_n(const lac_inpainter *ip, lac_tape *t, int64_t n, const lac_image *image, const lac_image *mask, const lac_ask *ask,
                         lac_image *result)
{
    lac_ask *nothing = NULL;
    memset(result, 0, (size_t)n * sizeof *result);
    LAC_TRY(ask == NULL ? lac_calloc((void **)&nothing, (size_t)n, sizeof *nothing) : LAC_OK);
    const lac_status s = lac_inpaint_each(ip, t, n, image, mask, ask != NULL ? ask : nothing, 1, n, put_result, result);
    for (int64_t i = 0; s != LAC_OK && i < n; i++)
        lac_image_free(&result[i]);
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
