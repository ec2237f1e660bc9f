/* CAT-Diffusion (Chen et al. 2024, arXiv:2409.08260): Stable Diffusion's inpainting with a RefAdapter in every transformer block, which reads what SemInpainter
 * says of the object to come, or without SemInpainter what CLIP says of the picture with its hole (the ablation's second row). CLIP sees the whole picture,
 * squashed to its square; without guidance text and visual prompt are nothing, "" and zeros. */
#include "core/memory.h"
#include "models/catdiff/visual.h"
#include "models/clip/text.h"
#include "models/latent/system.h"
#include "models/latent/texts.h"

#include <stdlib.h>

enum { UNET, VAE, TEXT, VISION, SEM };

/* What CLIP and SemInpainter read, on the host. */
typedef struct prompting { const lac_inpainter *ip; lac_tensor *picture, *cells, *ids, *visual; } prompting;

static lac_status look(prompting *p, const lac_canvas *c)
{
    const lac_clip_vision *vision = p->ip->network[VISION].model;
    const int64_t n = c->image.dim[0], size = vision->c.image, side = size / vision->c.patch;
    LAC_TRY(lac_tensor_new(&p->picture, LAC_F32, 4, (int64_t[]){ n, size, size, 3 }));
    LAC_TRY(lac_tensor_new(&p->cells, LAC_F32, 4, (int64_t[]){ n, side, side, 1 }));
    for (int64_t i = 0; i < n; i++) {
        const int64_t h = c->image.dim[1], w = c->image.dim[2];
        const lac_image picture = { h, w, 3, (uint8_t *)c->image.data + i * h * w * 3 };
        LAC_TRY(lac_visual_see((float *)p->picture->data + i * size * size * 3, (float *)p->cells->data + i * side * side, &vision->c, &picture,
                               (const uint8_t *)c->mask.data + i * h * w));
    }
    return LAC_OK;
}

static lac_status gather(prompting *p, const lac_canvas *c)
{
    LAC_TRY(look(p, c));
    return p->ip->network[SEM].def != NULL ? lac_latent_ids(p->ip, c, false, &p->ids) : LAC_OK;
}

static void forget(prompting *p)
{
    lac_tensor_free(p->picture);
    lac_tensor_free(p->cells);
    lac_tensor_free(p->ids);
}

static lac_clip_vision_out seen_by_clip(lac_tape *t, const prompting *p)
{
    return lac_clip_vision_forward(t, p->ip->network[VISION].model, lac_tape_input(t, p->picture, p->ip->network[VISION].params->dtype));
}

static lac_sem_inpainter_out say(lac_tape *t, const prompting *p, const lac_clip_vision_out *seen, lac_tensor *cells)
{
    const lac_clip_text_out text = lac_clip_text_forward(t, p->ip->network[TEXT].model, lac_tape_input(t, p->ids, LAC_I32));
    return lac_visual_said(t, p->ip->network[SEM].model, seen, cells, text.pooled);
}

static lac_tensor *imagined(lac_tape *t, const prompting *p, const lac_clip_vision_out *seen)
{
    lac_tensor *cells = lac_tape_input(t, p->cells, LAC_F32);
    const lac_sem_inpainter_out said = say(t, p, seen, cells);
    return lac_visual_prompt(t, p->ip->network[SEM].model, &said, seen, cells);
}

static lac_status prompt(lac_tape *t, void *context)
{
    prompting *p = context;
    const lac_clip_vision_out seen = seen_by_clip(t, p);
    lac_tensor *y = p->ip->network[SEM].def != NULL ? imagined(t, p, &seen) : lac_visual_as_seen(t, &seen);
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, y, &p->visual);
}

static lac_status visual(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    prompting p = { .ip = ip };
    lac_status s = gather(&p, c);
    if (s == LAC_OK)
        s = lac_inpaint_region(ip, t, c, "visual", prompt, &p);
    forget(&p);
    *result = p.visual;
    return s;
}

static lac_status sample(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    return lac_latent_paint(ip, t, c, &(lac_latent_system){ .beside = LAC_BESIDE_MASK_FIRST, .visual = visual }, result);
}

/* ---- how near that is to the truth ---- */

typedef struct comparison { prompting hole, truth; lac_imagined *y; } comparison;

static lac_status compare(lac_tape *t, void *context)
{
    comparison *x = context;
    const lac_clip_vision_out seen = seen_by_clip(t, &x->hole), truth = seen_by_clip(t, &x->truth);
    lac_tensor *said = say(t, &x->hole, &seen, lac_tape_input(t, x->hole.cells, LAC_F32)).spatial;
    lac_tensor *before = lac_visual_patches(t, &seen), *whole = lac_visual_patches(t, &truth);
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(lac_keep(t, said, &x->y->said));
    LAC_TRY(lac_keep(t, before, &x->y->seen));
    return lac_keep(t, whole, &x->y->truth);
}

static lac_status imagine(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, const lac_canvas *truth, lac_imagined *y)
{
    comparison x = { .hole = { .ip = ip }, .truth = { .ip = ip }, .y = y };
    lac_status s = gather(&x.hole, c);
    if (s == LAC_OK)
        s = look(&x.truth, truth);
    if (s == LAC_OK)
        s = lac_inpaint_region(ip, t, c, "imagine", compare, &x);
    if (s == LAC_OK) {
        y->cells = x.hole.cells;
        x.hole.cells = NULL;
    }
    forget(&x.hole);
    forget(&x.truth);
    return s;
}

/* ---- which networks fit ---- */

/* A number of one network that another's must be. */
typedef struct agreement { const char *role, *key, *other, *as; } agreement;

static int64_t number(const json_t *networks, const char *role, const char *key)
{
    return json_integer_value(lac_config_at(json_object_get(json_object_get(networks, role), "config"), key));
}

static lac_status agree(const json_t *networks, const agreement *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int64_t found = number(networks, all[i].role, all[i].key), wanted = number(networks, all[i].other, all[i].as);
        if (found != wanted)
            return LAC_FAIL(LAC_ERR_CONFIG, "its '%s' has a '%s' of %lld, should have %lld, the '%s' of '%s'", all[i].role, all[i].key, (long long)found, (long long)wanted,
                            all[i].as, all[i].other);
    }
    return lac_latent_fits_fed(networks, 9);
}

static lac_status fits(const json_t *networks)
{
    static const agreement all[] = {
        { "unet", "fusion_dim", "sem_inpainter", "hidden_size" }, { "clip_vision", "hidden_size", "sem_inpainter", "hidden_size" },
        { "clip_vision", "image_size", "sem_inpainter", "image_size" }, { "clip_vision", "patch_size", "sem_inpainter", "patch_size" },
        { "text_encoder", "hidden_size", "sem_inpainter", "label_mlp.in_channels" },
    };
    LAC_TRY(agree(networks, all, LAC_COUNT(all)));
    if (!lac_config_bool(json_object_get(json_object_get(networks, "sem_inpainter"), "config"), "sample") || number(networks, "sem_inpainter", "text_tokens") != 1)
        return LAC_FAIL(LAC_ERR_CONFIG, "its 'sem_inpainter' must have 'sample' on and one of 'text_tokens'");
    return LAC_OK;
}

static lac_status fits_masked(const json_t *networks)
{
    static const agreement width = { "unet", "fusion_dim", "clip_vision", "hidden_size" };
    if (number(networks, "clip_vision", "image_size") < 2 * number(networks, "clip_vision", "patch_size"))
        return LAC_FAIL(LAC_ERR_CONFIG, "its 'clip_vision' sees one patch, should see 2 x 2 or more, whose means the RefAdapters read");
    return agree(networks, &width, 1);
}

#define DDIM "{\"_class_name\": \"DDIMScheduler\", \"set_alpha_to_one\": false, \"steps_offset\": 1, " LAC_LATENT_SCHEDULE "}"
static const lac_key keys[] = { LAC_LATENT_KEYS("50", "7.5", DDIM, "0", "\"sample\"", "\"grey\"", "\"nearest\"", "\"none\""), { NULL } };

#define SEEING { "unet", "unet2d-condition" }, { "vae", "autoencoder-kl" }, { "text_encoder", "clip-text" }, { "clip_vision", "clip-vision" }

const lac_inpainter_def lac_inpainter_catdiff = {
    .name = "catdiff", .about = "CAT-Diffusion: inpainting that first imagines the object's features", .role = { SEEING, { "sem_inpainter", "sem-inpainter" } },
    .keys = keys, .fits = fits, .multiple = 8, .asks = LAC_ASK_PROMPT | LAC_ASK_SEED, .sample = sample,
    .imagine = imagine, .imagines = "clip_vision",
};

const lac_inpainter_def lac_inpainter_catdiff_masked = {
    .name = "catdiff-masked", .about = "CAT-Diffusion without SemInpainter: RefAdapters read the features of the picture with its hole", .role = { SEEING },
    .keys = keys, .fits = fits_masked, .multiple = 8, .asks = LAC_ASK_PROMPT | LAC_ASK_SEED, .sample = sample,
};
