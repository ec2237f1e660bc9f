#include "models/latent/sampling.h"

#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/slice/slice.h"
#include "core/memory.h"
#include "models/latent/blend.h"
#include "models/latent/dilated.h"
#include "models/latent/estimate.h"
#include "models/unet/read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* One step, in a region of its own. */
typedef struct step {
    const lac_latent_sampling *s;
    lac_sampler_state *state;
    lac_tensor *noise, *known;              /* host; NULL: not drawn */
    lac_tensor timestep, level, x0, back;   /* host, within `numbers`, `mixture` and `levels` */
    float *numbers, mixture[2];
    lac_estimate_levels levels;
    lac_tensor *mask;                       /* host: the hole of this step, where it is not the given one */
    lac_tensor *said;                       /* a mask's logits, of the step just done */
    lac_tensor *moved;                      /* the sample, changed between two steps */
} step;

static lac_tensor *in_dtype(lac_tape *t, lac_tensor *x, lac_dtype d)
{
    static const float one = 1;
    lac_tensor a = { .data = (float *)&one };
    lac_tensor_shape(&a, LAC_F32, 1, (int64_t[]){ 1 });
    return d == LAC_F32 ? x : lac_lincomb(t, lac_tape_input(t, &a, LAC_F32), &x, 1, d);
}

/* Without a prompt, then with it, one behind the other. */
static lac_tensor *prompt_of(lac_tape *t, const lac_latent_sampling *s, const lac_tensor *prompt, const lac_tensor *none)
{
    const lac_dtype d = s->network->params->dtype;
    if (prompt == NULL || s->read != NULL)
        return NULL;
    lac_tensor *with = lac_tape_input(t, prompt, d);
    return s->guidance == NULL ? with : lac_concat(t, (lac_tensor *[]){ lac_tape_input(t, none, d), with }, 2, 0);
}

/* What the network says of it: without a prompt and with one, or with it alone. */
static lac_tensor *ask(lac_tape *t, const step *p, lac_tensor *z)
{
    const lac_latent_sampling *s = p->s;
    const lac_dtype d = s->network->params->dtype;
    lac_tensor *x = in_dtype(t, z, d), *label = s->label != NULL ? lac_tape_input(t, s->label, LAC_I32) : NULL;
    if (s->beside != NULL)
        x = lac_concat(t, (lac_tensor *[]){ x, lac_tape_input(t, s->beside, d) }, 2, -1);
    if (s->guidance != NULL)
        x = lac_concat(t, (lac_tensor *[]){ x, x }, 2, 0);
    const lac_denoise_in in = { x, lac_tape_input(t, &p->timestep, LAC_F32), prompt_of(t, s, s->text, s->no_text), prompt_of(t, s, s->visual, s->no_visual), label, s->read };
    return s->denoise(t, s->network->model, &in);
}

static lac_tensor *channels(lac_tape *t, lac_tensor *x, int64_t from, int64_t n)
{
    return x == NULL || (from == 0 && n == x->dim[3]) ? x : lac_slice(t, x, -1, from, n);
}

/* Its prediction, guided; *beside: the channels behind it in the branch with the prompt, what it says of the hole or of the variance, NULL where nobody asks. */
static lac_tensor *answer(lac_tape *t, const step *p, lac_tensor *z, lac_tensor **beside)
{
    const lac_latent_sampling *s = p->s;
    const int64_t n = z->dim[0], c = z->dim[3];
    lac_tensor *y = ask(t, p, z), *e = channels(t, y, 0, c);
    const int64_t more = s->said_mask != LAC_SAID_MASK_OFF ? 1 : lac_sampler_learns_variance(s->sampler) ? c : 0;
    *beside = more == 0 || y == NULL ? NULL : lac_rows(t, channels(t, y, c, more), s->guidance != NULL ? n : 0, n);
    return s->guidance == NULL ? e : lac_guide(t, s->guidance, (lac_tensor *[]){ lac_rows(t, e, 0, n), lac_rows(t, e, n, n) });
}

static lac_tensor *hole(lac_tape *t, const step *p) { return lac_tape_input(t, p->mask != NULL ? p->mask : p->s->mask, LAC_F32); }

/* The sample with its known part, as level says that it is mixed. */
static lac_tensor *with_known(lac_tape *t, const step *p, lac_tensor *x)
{
    const lac_latent_sampling *s = p->s;
    const lac_tensor *noise = p->known != NULL ? p->known : s->known_noise != NULL ? s->known_noise : s->source;
    return lac_blend_latent(t, x, lac_tape_input(t, s->source, LAC_F32), lac_tape_input(t, noise, LAC_F32), hole(t, p), lac_tape_input(t, &p->level, LAC_F32));
}

static lac_tensor *with_known_estimate(lac_tape *t, const step *p, lac_tensor *seen, lac_tensor *e)
{
    const lac_latent_sampling *s = p->s;
    return lac_estimate_with_known(t, &(lac_estimate_in){ seen, e, lac_tape_input(t, s->source, LAC_F32), hole(t, p), lac_tape_input(t, &p->x0, LAC_F32),
                                                          lac_tape_input(t, &p->back, LAC_F32), (float)s->clip });
}

static lac_tensor *with_clean(lac_tape *t, const step *p, lac_tensor *x)
{
    return lac_composite(t, x, lac_tape_input(t, p->s->source, LAC_F32), hole(t, p), &(lac_composite_attr){ .dtype = LAC_F32 });
}

static lac_status denoise(lac_tape *t, void *context)
{
    step *p = context;
    const lac_latent_sampling *s = p->s;
    lac_tensor *noise = p->noise != NULL ? lac_tape_input(t, p->noise, LAC_F32) : NULL, *beside;
    lac_tensor *seen = lac_sampler_input(t, s->sampler, p->state);
    lac_tensor *e = answer(t, p, s->blend == LAC_BLEND_CLEAN ? with_clean(t, p, seen) : seen, &beside);
    if (s->blend == LAC_BLEND_ESTIMATE)
        e = with_known_estimate(t, p, seen, e);
    lac_tensor *x = lac_sampler_step(t, s->sampler, p->state, e, s->said_mask == LAC_SAID_MASK_OFF ? beside : NULL, noise);
    if (s->blend == LAC_BLEND_AT_T || s->blend == LAC_BLEND_AT_NEXT)
        x = with_known(t, p, x);
    LAC_TRY(lac_tape_status(t));
    if (s->said_mask != LAC_SAID_MASK_OFF)
        LAC_TRY(lac_keep(t, beside, &p->said));
    return lac_sampler_keep(t, p->state, x);
}

/* ---- prompts ---- */

typedef struct reading { const lac_latent_sampling *s; lac_unet_read *to; } reading;

static lac_status read_prompts(lac_tape *t, void *context)
{
    const reading *r = context;
    return lac_unet_read_fill(t, r->to, prompt_of(t, r->s, r->s->text, r->s->no_text), prompt_of(t, r->s, r->s->visual, r->s->no_visual));
}

lac_status lac_latent_read(lac_tape *t, const lac_latent_sampling *s, lac_unet_read *read)
{
    const lac_params *ps = s->network->params;
    char *signature;
    LAC_TRY(lac_format(&signature, "latent/read/%llu/%s/%s/%d", ps->n > 0 ? (unsigned long long)ps->param[0]->value->uid : 0, lac_shape_str(s->text),
                       s->visual != NULL ? lac_shape_str(s->visual) : "-", s->guidance != NULL));
    const lac_status status = lac_tape_run(t, signature, read_prompts, &(reading){ s, read });
    free(signature);
    return status;
}

/* ---- from step to step ---- */

/* The network itself is told by the first of its parameters. */
static lac_status run(lac_tape *t, const step *p, const char *what, lac_body *body)
{
    const lac_latent_sampling *s = p->s;
    const lac_tensor *z = p->state->slot[LAC_SLOT_SAMPLE];
    const lac_params *ps = s->network->params;
    char *signature;
    LAC_TRY(lac_format(&signature, "latent/%s/%llu/%s/%s/%s/%s/%s/%d/%d/%d/%g/%d", s->name, ps->n > 0 ? (unsigned long long)ps->param[0]->value->uid : 0, lac_shape_str(z),
                       s->text != NULL ? lac_shape_str(s->text) : "-", s->visual != NULL ? lac_shape_str(s->visual) : "-", s->beside != NULL ? lac_shape_str(s->beside) : "-", what, s->guidance != NULL, (int)s->blend,
                       (int)s->said_mask, s->clip, s->read != NULL));
    const lac_status status = lac_tape_run(t, signature, body, (void *)p);
    free(signature);
    return status;
}

static void set_level(step *p, int64_t k)
{
    const lac_mixture m = lac_sampler_level(p->s->sampler, k);
    p->mixture[0] = (float)m.picture;
    p->mixture[1] = (float)m.noise;
}

/* The sample as body makes it anew. */
static lac_status move(lac_tape *t, step *p, const char *what, lac_body *body)
{
    LAC_TRY(run(t, p, what, body));
    lac_tensor_free(p->state->slot[LAC_SLOT_SAMPLE]);
    p->state->slot[LAC_SLOT_SAMPLE] = p->moved;
    p->moved = NULL;
    return LAC_OK;
}

static lac_status put_known(lac_tape *t, void *context)
{
    step *p = context;
    lac_tensor *y = with_known(t, p, lac_tape_input(t, p->state->slot[LAC_SLOT_SAMPLE], LAC_F32));
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, y, &p->moved);
}

/* ---- the hole of a step ---- */

static lac_status own_mask(step *p) { return p->mask != NULL ? LAC_OK : lac_tensor_new(&p->mask, LAC_F32, 4, p->s->mask->dim); }

static lac_status dilate(step *p, int64_t k)
{
    const lac_latent_sampling *s = p->s;
    const int64_t *d = s->mask->dim;
    LAC_TRY(own_mask(p));
    lac_mask_dilate(p->mask->data, s->mask->data, d[0], d[1], d[2], lac_dilation_at(s->dilations, k, s->sampler->n));
    return LAC_OK;
}

/* What the network says is hole and the given one has. */
static lac_status take_said(step *p)
{
    const float *given = p->s->mask->data, *said = p->said->data;
    LAC_TRY(own_mask(p));
    for (int64_t i = 0; i < lac_numel(p->mask); i++)
        ((float *)p->mask->data)[i] = said[i] >= 0 ? given[i] : 0;
    return LAC_OK;
}

static bool takes_said(const step *p)
{
    return p->s->said_mask == LAC_SAID_MASK_STEPS || (p->s->said_mask == LAC_SAID_MASK_LAST && p->state->k == p->s->sampler->n);
}

/* Before a step, what it needs of the known part. */
static lac_status know(lac_tape *t, step *p, int64_t i)
{
    const lac_latent_sampling *s = p->s;
    const int64_t k = p->state->k;
    const bool noisy = s->blend == LAC_BLEND_AT_T || s->blend == LAC_BLEND_AT_NEXT || s->blend == LAC_BLEND_BEFORE;
    set_level(p, s->blend == LAC_BLEND_AT_NEXT ? k + 1 : k);
    if (s->dilations > 0)
        LAC_TRY(dilate(p, k));
    if (noisy && s->known_noise == NULL)
        LAC_TRY(s->draw(s->context, LAC_DRAW_KNOWN, i, &p->known));
    if (s->blend == LAC_BLEND_ESTIMATE) {
        const double alpha = lac_sampler_level(s->sampler, k).picture * lac_sampler_input_scale(s->sampler, k);
        p->levels = lac_estimate_levels_at(s->sampler->prediction, alpha * alpha);
    }
    return s->blend == LAC_BLEND_BEFORE ? move(t, p, "before", put_known) : LAC_OK;
}

/* After a step. */
static lac_status tidy(lac_tape *t, step *p)
{
    const lac_latent_sampling *s = p->s;
    if (p->said != NULL && takes_said(p))
        LAC_TRY(take_said(p));
    if (s->blend != LAC_BLEND_CLEAN || p->state->k < s->sampler->n)
        return LAC_OK;
    set_level(p, s->sampler->n);
    return move(t, p, "clean", put_known);
}

static lac_status go_down(lac_tape *t, step *p, int64_t i)
{
    const lac_latent_sampling *s = p->s;
    const int64_t k = p->state->k;
    char pattern[256];
    for (int64_t j = 0; j < p->timestep.dim[0]; j++)
        p->numbers[j] = (float)s->sampler->timestep[k];
    if (lac_sampler_draws(s->sampler, k))
        LAC_TRY(s->draw(s->context, LAC_DRAW_STEP, i, &p->noise));
    LAC_TRY(know(t, p, i));
    lac_sampler_pattern(s->sampler, k, pattern, sizeof pattern);
    LAC_TRY(run(t, p, pattern, denoise));
    lac_sampler_next(p->state);
    LAC_TRY(tidy(t, p));
    const lac_tensor *z = p->state->slot[LAC_SLOT_SAMPLE];
    const int64_t bad = lac_tensor_not_finite(z);
    return bad == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_NONFINITE, "after step %lld of %lld the latent is not finite: %lld of %lld values", (long long)k + 1,
                                        (long long)s->sampler->n, (long long)bad, (long long)lac_numel(z));
}

static lac_status raise(lac_tape *t, void *context)
{
    step *p = context;
    lac_tensor *x[2] = { lac_tape_input(t, p->state->slot[LAC_SLOT_SAMPLE], LAC_F32), lac_tape_input(t, p->noise, LAC_F32) };
    lac_tensor *y = lac_lincomb(t, lac_tape_input(t, &p->level, LAC_F32), x, 2, LAC_F32);
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, y, &p->moved);
}

/* From before step k to before step k - 1: as much noise as is missing. */
static lac_status go_up(lac_tape *t, step *p, int64_t i)
{
    const lac_latent_sampling *s = p->s;
    const lac_mixture low = lac_sampler_level(s->sampler, p->state->k), high = lac_sampler_level(s->sampler, p->state->k - 1);
    const double picture = high.picture / low.picture, noise = high.noise * high.noise - picture * picture * low.noise * low.noise;
    p->mixture[0] = (float)picture;
    p->mixture[1] = (float)sqrt(LAC_MAX(noise, 0));
    LAC_TRY(s->draw(s->context, LAC_DRAW_JUMP, i, &p->noise));
    LAC_TRY(move(t, p, "up", raise));
    p->state->k--;
    return LAC_OK;
}

static lac_status take(lac_tape *t, step *p, int64_t i, bool up)
{
    const lac_status status = up ? go_up(t, p, i) : go_down(t, p, i);
    lac_tensor_free(p->noise);
    lac_tensor_free(p->known);
    lac_tensor_free(p->said);
    lac_tensor_free(p->moved);
    p->noise = p->known = p->said = p->moved = NULL;
    return status;
}

static lac_status take_all(lac_tape *t, step *p)
{
    const lac_latent_sampling *s = p->s;
    int64_t *at = NULL, n = s->sampler->n;
    if (s->jumps != NULL)
        LAC_TRY(lac_repaint_positions(&at, &n, s->jumps));
    lac_status status = LAC_OK;
    for (int64_t i = 0; status == LAC_OK && i < n; i++)
        status = take(t, p, i, at != NULL && i > 0 && at[i] > at[i - 1]);
    free(at);
    return status;
}

lac_status lac_latent_sample(lac_tape *t, const lac_latent_sampling *s, lac_tensor *z, lac_tensor **result)
{
    const int64_t n = z->dim[0] * (s->guidance != NULL ? 2 : 1);
    lac_sampler_state state;
    step p = { .s = s, .state = &state };
    lac_sampler_begin_at(&state, 0, z);
    *result = NULL;
    lac_status status = lac_malloc((void **)&p.numbers, (size_t)n * sizeof *p.numbers + 1);
    p.timestep.data = p.numbers;
    p.level.data = p.mixture;
    p.x0.data = p.levels.x0;
    p.back.data = p.levels.output;
    lac_tensor_shape(&p.x0, LAC_F32, 1, (int64_t[]){ 2 });
    lac_tensor_shape(&p.back, LAC_F32, 1, (int64_t[]){ 2 });
    lac_tensor_shape(&p.timestep, LAC_F32, 1, &n);
    lac_tensor_shape(&p.level, LAC_F32, 1, (int64_t[]){ 2 });
    if (status == LAC_OK)
        status = take_all(t, &p);
    if (status == LAC_OK) {
        *result = state.slot[LAC_SLOT_SAMPLE];
        state.slot[LAC_SLOT_SAMPLE] = NULL;
    }
    lac_sampler_state_free(&state);
    lac_tensor_free(p.mask);
    free(p.numbers);
    return status;
}
