#include "cli/eval_run.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

lac_status lac_eval_set_read(void *set, int64_t i, lac_eval_item *item)
{
    lac_eval_picture p;
    LAC_TRY(lac_eval_set_picture(set, i, &p));
    *item = (lac_eval_item){ p.name, p.group, NULL, p.side, p.side, p.pixels, p.mask, p.record, p.prompt, p.label };
    return LAC_OK;
}

lac_score_origin lac_eval_set_origin(const lac_eval_set *set)
{
    const lac_eval_about a = lac_eval_set_about(set);
    return (lac_score_origin){ .set = a.set, .split = a.split, .manifest = a.manifest, .masks = a.masks, .view = a.view, .prompt = a.prompt, .selection = a.selection };
}

lac_eval_share lac_eval_share_of(int64_t pictures, const lac_comm *comm)
{
    const int64_t each = (pictures + comm->size - 1) / comm->size, from = LAC_MIN(comm->rank * each, pictures);
    return (lac_eval_share){ each, from, LAC_MIN(each, pictures - from) };
}

typedef struct part { lac_eval_read *read; void *context; int64_t from; } part;

static lac_status read_part(void *context, int64_t i, lac_eval_item *item)
{
    const part *p = context;
    return p->read(p->context, p->from + i, item);
}

static lac_status run_some(lac_score *score, part *p, int64_t n, const lac_eval_method *methods, int64_t batch, lac_eval_notes *notes)
{
    const int64_t before = score->n_rows;
    if (notes != NULL && n > 0 && lac_eval_notes_have(notes, p->from, n))
        return lac_eval_notes_take(notes, p->from, n, score);
    LAC_TRY(lac_score_run(score, read_part, p, n, methods, batch));
    return notes != NULL ? lac_eval_notes_add(notes, p->from, score, before) : LAC_OK;
}

lac_status lac_eval_share_run(const lac_eval_share *share, lac_score *score, lac_eval_read *read, void *context, const lac_eval_method *methods,
                              int64_t batch, lac_eval_notes *notes, lac_comm *comm)
{
    for (int64_t at = 0; at < share->each; at += batch) {
        part p = { read, context, share->from + at };
        const int64_t n = LAC_MAX(LAC_MIN(batch, share->n - at), 0);
        LAC_TRY(lac_comm_agree(comm, run_some(score, &p, n, methods, batch, notes)));
    }
    return LAC_OK;
}

/* ---- an inpainter as a method ---- */

typedef struct canvases { lac_image *image, *mask, *result, *truth; lac_ask *ask; } canvases;

static void free_canvases(canvases *c)
{
    free(c->image);
    free(c->ask);
}

static lac_status new_canvases(canvases *c, int64_t n)
{
    *c = (canvases){ .image = NULL };
    LAC_TRY(lac_calloc((void **)&c->image, (size_t)n, 4 * sizeof *c->image));
    c->mask = c->image + n;
    c->result = c->mask + n;
    c->truth = c->result + n;
    return lac_calloc((void **)&c->ask, (size_t)n, sizeof *c->ask);
}

/* Picture i of n, and beyond the last one the last one again. */
static void set_canvas(canvases *c, int64_t i, int64_t n, const lac_eval_painter *p, const lac_eval_item *items, uint8_t *const *picture)
{
    const lac_eval_item *item = &items[LAC_MIN(i, n - 1)];
    const bool told = p->ip->def->asks & LAC_ASK_PROMPT;
    c->image[i] = (lac_image){ item->height, item->width, 3, picture[LAC_MIN(i, n - 1)] };
    c->truth[i] = (lac_image){ item->height, item->width, 3, (uint8_t *)item->reference };
    c->mask[i] = (lac_image){ item->height, item->width, 1, (uint8_t *)item->mask };
    c->ask[i] = (lac_ask){ .prompt = told ? item->prompt : NULL, .seed = p->seed, .sample = (uint32_t)item->record };
}

static lac_status paint(const lac_eval_painter *p, canvases *c, int64_t n, int64_t all, uint8_t *const *picture)
{
    LAC_TRY(lac_inpaint_n(p->ip, p->tape, all, c->image, c->mask, c->ask, c->result));
    for (int64_t i = 0; i < all; i++) {
        if (i < n)
            memcpy(picture[i], c->result[i].pixels, (size_t)(c->image[i].height * c->image[i].width) * 3);
        lac_image_free(&c->result[i]);
    }
    return LAC_OK;
}

static lac_status count_cut(lac_eval_painter *p, int64_t n, const lac_eval_item *item)
{
    for (int64_t i = 0; p->ip->prompts.tokenizer != NULL && i < n; i++) {
        int64_t lost = 0;
        if (item[i].prompt != NULL)
            LAC_TRY(lac_prompts_ids(&p->ip->prompts, item[i].prompt, NULL, &lost));
        p->cut += lost > 0;
    }
    return LAC_OK;
}

static int64_t at_once(const lac_eval_painter *p, int64_t n) { return lac_tape_backend(p->tape)->host ? n : LAC_MAX(n, p->batch); }

static lac_status set_canvases(canvases *c, int64_t n, const lac_eval_painter *p, const lac_eval_item *item, uint8_t *const *picture)
{
    const int64_t all = at_once(p, n);
    LAC_TRY(new_canvases(c, all));
    for (int64_t i = 0; i < all; i++)
        set_canvas(c, i, n, p, item, picture);
    return LAC_OK;
}

static lac_status complete(void *context, int64_t n, const lac_eval_item *item, uint8_t *const *picture)
{
    lac_eval_painter *p = context;
    canvases c;
    lac_status s = set_canvases(&c, n, p, item, picture);
    if (s == LAC_OK)
        s = paint(p, &c, n, at_once(p, n), picture);
    free_canvases(&c);
    return s == LAC_OK ? count_cut(p, n, item) : s;
}

static lac_status imagine(void *context, int64_t n, const lac_eval_item *item, uint8_t *const *picture, lac_imagined *y)
{
    lac_eval_painter *p = context;
    canvases c;
    lac_status s = set_canvases(&c, n, p, item, picture);
    if (s == LAC_OK)
        s = lac_inpaint_imagine(p->ip, p->tape, at_once(p, n), c.image, c.mask, c.ask, c.truth, y);
    free_canvases(&c);
    return s;
}

lac_eval_method lac_eval_inpainter_method(const char *name, lac_eval_painter *p)
{
    return (lac_eval_method){ name, complete, p, p->ip->def->whole, p->ip->def->imagine != NULL ? imagine : NULL };
}


lac_status lac_eval_imagined_features(const lac_inpainter *ip, char **features)
{
    char hex[LAC_SHA256_HEX];
    *features = NULL;
    for (int i = 0; ip->def->imagine != NULL && i < lac_inpainter_roles(ip->def); i++)
        if (strcmp(ip->def->role[i].name, ip->def->imagines) == 0) {
            LAC_TRY(lac_params_hash(ip->network[i].params, hex));
            return lac_format(features, "%s,weights=%s", ip->def->imagines, hex);
        }
    return LAC_OK;
}
