/* The loop of an evaluation: items read, completed and added, a few at a time. */
#include "core/image/paste.h"
#include "core/memory.h"
#include "eval/baseline.h"
#include "eval/score.h"

#include <stdlib.h>
#include <string.h>

static lac_status complete_baseline(void *context, int64_t n, const lac_eval_item *item, uint8_t *const *picture)
{
    for (int64_t i = 0; i < n; i++)
        LAC_TRY(((const lac_baseline *)context)->fill(picture[i], item[i].height, item[i].width, item[i].mask));
    return LAC_OK;
}

lac_eval_method lac_eval_baseline(const char *name)
{
    const lac_baseline *b = lac_baseline_find(name);
    return (lac_eval_method){ b != NULL ? b->title : NULL, complete_baseline, (void *)b };
}

/* Items of one size, each copied out of the reader's hands into one block. */
typedef struct batch { lac_eval_item *item; void **block; int64_t n, most; } batch;

static size_t length_of(const char *text) { return text != NULL ? strlen(text) + 1 : 0; }

static const char *put_text(char **to, const char *text)
{
    const size_t n = length_of(text);
    char *copy = text != NULL ? *to : NULL;
    if (text != NULL)
        memcpy(copy, text, n);
    *to += n;
    return copy;
}

static lac_status take(batch *b, const lac_eval_item *from)
{
    const size_t pixels = (size_t)(from->height * from->width);
    const size_t words = length_of(from->id) + length_of(from->background) + length_of(from->object) + length_of(from->prompt) + length_of(from->label);
    uint8_t *block;
    LAC_TRY(lac_malloc((void **)&block, 4 * pixels + words));
    char *text = (char *)block + 4 * pixels;
    lac_eval_item *item = &b->item[b->n];
    *item = *from;
    item->reference = memcpy(block, from->reference, 3 * pixels);
    item->mask = memcpy(block + 3 * pixels, from->mask, pixels);
    item->id = put_text(&text, from->id);
    item->background = put_text(&text, from->background);
    item->object = put_text(&text, from->object);
    item->prompt = put_text(&text, from->prompt);
    item->label = put_text(&text, from->label);
    b->block[b->n++] = block;
    return LAC_OK;
}

static void empty(batch *b)
{
    for (int64_t i = 0; i < b->n; i++)
        free(b->block[i]);
    b->n = 0;
}

/* What a method is given: the truth outside, grey in the hole, and no word of the truth; all of it where pictures are made anew. */
static void give(const batch *b, const lac_eval_method *method, lac_eval_item *told, uint8_t *const *picture)
{
    for (int64_t i = 0; i < b->n; i++) {
        const int64_t pixels = b->item[i].height * b->item[i].width;
        memcpy(picture[i], b->item[i].reference, (size_t)pixels * 3);
        if (!method->whole)
            lac_hole_grey(picture[i], b->item[i].mask, pixels);
        told[i] = b->item[i];
        told[i].reference = NULL;
    }
}

static lac_status do_one(const lac_eval_method *m, const batch *b, const lac_eval_item *told, uint8_t **image, lac_imagined *imagined)
{
    if (imagined != NULL && m->imagine != NULL)
        LAC_TRY(m->imagine(m->context, b->n, b->item, image, imagined));
    return m->complete(m->context, b->n, told, image);
}

/* imagined: [n_methods], NULL where nobody asks. */
static lac_status complete_all(const lac_score *s, const batch *b, const lac_eval_method *methods, lac_eval_item *told, uint8_t **image, lac_imagined *imagined)
{
    for (int64_t m = 0; m < s->n_methods; m++) {
        give(b, &methods[m], told, image + m * b->n);
        const lac_status status = do_one(&methods[m], b, told, image + m * b->n, imagined != NULL ? &imagined[m] : NULL);
        if (status != LAC_OK && b->n > 1)
            return lac_context(status, "%s on '%s' to '%s'", methods[m].name, b->item[0].id, b->item[b->n - 1].id);
        LAC_TRY(lac_context(status, "%s on '%s'", methods[m].name, b->item[0].id));
    }
    return LAC_OK;
}

static lac_status run_batch(lac_score *s, const batch *b, const lac_eval_method *methods)
{
    const size_t size = b->n > 0 ? (size_t)(b->item[0].height * b->item[0].width) * 3 : 0, n = (size_t)(s->n_methods * b->n);
    uint8_t *all, **image = NULL;
    lac_eval_item *told = NULL;
    lac_imagined *imagined = NULL;
    if (b->n == 0)
        return LAC_OK;
    LAC_TRY(lac_calloc((void **)&all, n, size));
    lac_status status = lac_calloc((void **)&image, n, sizeof *image);
    if (status == LAC_OK)
        status = lac_calloc((void **)&told, (size_t)b->n, sizeof *told);
    if (status == LAC_OK && lac_score_wants_imagined(s))
        status = lac_calloc((void **)&imagined, (size_t)s->n_methods, sizeof *imagined);
    for (size_t i = 0; status == LAC_OK && i < n; i++)
        image[i] = all + i * size;
    if (status == LAC_OK)
        status = complete_all(s, b, methods, told, image, imagined);
    if (status == LAC_OK)
        status = lac_score_add(s, b->n, b->item, (const uint8_t *const *)image, imagined);
    for (int64_t m = 0; imagined != NULL && m < s->n_methods; m++)
        lac_imagined_free(&imagined[m]);
    free(imagined);
    free(told);
    free(image);
    free(all);
    return status;
}

static lac_status flush(lac_score *s, batch *b, const lac_eval_method *methods)
{
    const lac_status status = run_batch(s, b, methods);
    empty(b);
    return status;
}

static lac_status run_all(lac_score *s, batch *b, lac_eval_read *read, void *context, int64_t n, const lac_eval_method *methods)
{
    for (int64_t i = 0; i < n; i++) {
        lac_eval_item item = { 0 };
        LAC_TRY(read(context, i, &item));
        if (b->n == b->most || (b->n > 0 && (b->item[0].height != item.height || b->item[0].width != item.width)))
            LAC_TRY(flush(s, b, methods));
        LAC_TRY(take(b, &item));
    }
    return flush(s, b, methods);
}

lac_status lac_score_run(lac_score *s, lac_eval_read *read, void *context, int64_t n, const lac_eval_method *methods, int64_t size)
{
    batch b = { .most = size };
    LAC_TRY(lac_calloc((void **)&b.item, (size_t)size, sizeof *b.item));
    lac_status status = lac_calloc((void **)&b.block, (size_t)size, sizeof *b.block);
    if (status == LAC_OK)
        status = run_all(s, &b, read, context, n, methods);
    if (b.block != NULL)
        empty(&b);
    free(b.block);
    free(b.item);
    return status;
}
