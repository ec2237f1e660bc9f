/* A step of the recipe `latent`. */
#include "train/recipe_latent_internal.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/dice_loss/dice_loss.h"
#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/mse_loss/mse_loss.h"
#include "autograd/ops/slice/slice.h"
#include "models/clip/text.h"
#include "models/unet/unet.h"

/* ---- latents ---- */

/* The map itself; any mask of its size is as good. */
static lac_tensor *cast(lac_tape *t, lac_tensor *map, lac_tensor *mask, lac_dtype d)
{
    return lac_composite(t, NULL, map, mask, &(lac_composite_attr){ .whole = true, .dtype = d });
}

/* Pictures as the encoder reads them, whole, or with their holes filled as when the system paints: nothing is learnt of what it will not see. */
static lac_tensor *fill(const lac_recipe *r, lac_tape *t, lac_tensor *image, lac_tensor *mask, bool around)
{
    const latent *m = r->state;
    const bool whole = !around || m->fill == LAC_HOLE_FILL_KEEP, black = !whole && m->fill == LAC_HOLE_FILL_BLACK;
    lac_tensor *hole = black ? lac_channel_affine(t, image, &(lac_channel_affine_attr){ { 0 }, { -1, -1, -1 }, r->dtype }) : NULL;
    return lac_composite(t, hole, image, mask, &(lac_composite_attr){ .whole = whole, .dtype = r->dtype });
}

lac_tensor *latent_encode(const lac_recipe *r, lac_tape *t, lac_tensor *image, lac_tensor *mask, bool around)
{
    return lac_autoencoder_encode(t, ((const latent *)r->state)->net[VAE]->model, fill(r, t, image, mask, around));
}

/* Of the picture and, where the denoiser is told of it, of its surroundings: [2 N or N, h, w, 2z], kept or made, those to be made at once. */
static lac_tensor *moments_of(const lac_recipe *r, lac_tape *t, lac_tensor *const *f)
{
    const latent *m = r->state;
    const bool *kept = r->latents[LAC_LATENT_MOMENTS].kept;
    lac_tensor *part[2];
    if (!kept[LAC_LATENT_PICTURE] && latent_inpaints(m)) {
        part[0] = fill(r, t, f[IMAGE], f[HOLE], false);
        part[1] = fill(r, t, f[IMAGE], f[HOLE], true);
        return lac_autoencoder_encode(t, m->net[VAE]->model, lac_concat(t, part, 2, 0));
    }
    part[0] = kept[LAC_LATENT_PICTURE] ? cast(t, f[MOMENTS], f[CELLS], r->dtype) : latent_encode(r, t, f[IMAGE], f[HOLE], false);
    if (!latent_inpaints(m))
        return part[0];
    part[1] = kept[LAC_LATENT_AROUND] ? cast(t, f[SURROUNDINGS], f[CELLS], r->dtype) : latent_encode(r, t, f[IMAGE], f[HOLE], true);
    return lac_concat(t, part, 2, 0);
}

/* z of these: f32. */
static lac_tensor *latents_of(const lac_recipe *r, lac_tape *t, lac_tensor *const *f)
{
    const latent *m = r->state;
    lac_tensor *noise[2] = { f[POSTERIOR], f[AROUND] };
    return lac_autoencoder_latent(t, m->net[VAE]->model, moments_of(r, t, f), latent_inpaints(m) ? lac_concat(t, noise, 2, 0) : noise[0]);
}

/* ---- text ---- */

/* What the prompt is to the denoiser, [N, T, C], and to SemInpainter, [N, C]. */
typedef struct prompt { lac_tensor *states, *pooled; } prompt;

static lac_tensor *as_kept(lac_tape *t, lac_tensor *x, lac_dtype d) { return x == NULL || d == LAC_F32 ? x : lac_scaled(t, x, 1, d); }

/* Kept or made; kept, they come as f32 and are the encoder's own values in its dtype. */
static prompt prompt_of(const lac_recipe *r, lac_tape *t, lac_tensor *const *f)
{
    const latent *m = r->state;
    if (m->net[TEXT] == NULL)
        return (prompt){ NULL, NULL };
    if (r->texts.encoder != NULL)
        return (prompt){ as_kept(t, f[STATES], r->texts.dtype), as_kept(t, f[SAID], r->texts.dtype) };
    if (m->visual != LAC_VISUAL_PREDICTED)
        return (prompt){ m->net[TEXT]->def->states(t, m->net[TEXT]->model, f[IDS]), NULL };
    const lac_clip_text_out text = lac_clip_text_forward(t, m->net[TEXT]->model, f[IDS]);
    return (prompt){ text.last, text.pooled };
}

/* ---- the denoiser ---- */

/* What the denoiser reads: the sample with noise, and beside it what it is told. around: the latent of the surroundings, or NULL. */
static lac_tensor *told(const lac_recipe *r, lac_tape *t, lac_tensor *const *f, lac_tensor *noised, lac_tensor *clean, lac_tensor *around)
{
    const latent *m = r->state;
    if (m->beside == LAC_BESIDE_NONE)
        return noised;
    lac_tensor *mask = cast(t, f[CELLS], f[CELLS], r->dtype);
    lac_tensor *part[2] = { noised, mask };
    if (m->beside == LAC_BESIDE_MASK)
        part[0] = lac_composite(t, noised, clean, f[CELLS], &(lac_composite_attr){ .dtype = r->dtype });
    else
        part[1] = lac_latent_beside(t, mask, cast(t, around, f[CELLS], r->dtype), m->beside);
    return lac_concat(t, part, 2, -1);
}

lac_status latent_forward(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *given, lac_phase_out *out)
{
    const latent *m = r->state;
    const int64_t n = given[m->at[MASK]]->dim[0];
    lac_tensor *field[N_FIELDS];
    for (int i = 0; i < N_FIELDS; i++)
        field[i] = m->at[i] >= 0 ? given[m->at[i]] : NULL;
    (void)run;
    lac_tensor *latents = latents_of(r, t, field);
    LAC_TRY(lac_tape_status(t));
    lac_tensor *clean[2] = { latent_inpaints(m) ? lac_rows(t, latents, 0, n) : latents, field[NOISE] }, *around = latent_inpaints(m) ? lac_rows(t, latents, n, n) : NULL;
    lac_tensor *noised = lac_lincomb(t, field[NOISED], clean, 2, r->dtype), *target = lac_lincomb(t, field[TARGET], clean, 2, LAC_F32);
    const prompt text = prompt_of(r, t, field);
    lac_tensor *visual = latent_visual_of(r, t, field, text.pooled, out);
    lac_tensor *y = lac_unet_forward(t, m->net[UNET]->model, &(lac_unet_in){ told(r, t, field, noised, clean[0], around), field[TIMESTEP], text.states, .fusion = visual,
                                                                            .recompute = m->recompute, .label = field[LEVEL] });
    if (latent_brushes(m)) {
        out->sum[1] = lac_dice_loss(t, lac_slice(t, y, -1, m->z, 1), field[EXACT]);
        y = lac_slice(t, y, -1, 0, m->z);
        if (!m->known)
            y = lac_composite(t, y, target, field[CELLS], &(lac_composite_attr){ .dtype = LAC_F32 });
    }
    out->sum[0] = lac_mse_loss(t, y, target, field[WEIGHT], NULL, NULL);
    return lac_tape_status(t);
}
