#include "tests/harness/sampler.h"

#include "autograd/ops/composite/composite.h"
#include "autograd/ops/conv2d/conv2d.h"
#include "core/memory.h"
#include "models/noise.h"

#include <stdlib.h>
#include <string.h>

typedef struct model { lac_param *weight; char *owned; } model;

int lac_test_sampler_open;

static lac_status init(void *model_, lac_params *ps, const json_t *config)
{
    model *m = model_;
    (void)config;
    lac_test_sampler_open++;
    LAC_TRY(lac_strdup(&m->owned, "a table that only close knows of"));
    return lac_param_new(ps, &m->weight, LAC_ROLE_CONV, 4, (int64_t[]){ 3, 3, 3, 3 }, LAC_INIT_XAVIER, 0, "conv.weight");
}

static void close(void *model_)
{
    model *m = model_;
    lac_test_sampler_open--;
    free(m->owned);
}

static const lac_network_def network = { .name = "sampler", .about = "one convolution", .size = sizeof(model), .init = init, .close = close };

lac_status lac_test_sampler_register(void)
{
    LAC_TRY(lac_inpainter_register(&lac_test_sampler));
    return lac_network_register(&network);
}

/* One step: x = elu(conv(x) + what is drawn), inside the hole. */
typedef struct step { const lac_inpainter *ip; const lac_canvas *canvas; lac_tensor *x, *noise, *next; } step;

static lac_status denoise(lac_tape *t, void *context)
{
    step *s = context;
    const model *m = s->ip->network[0].model;
    const lac_conv2d_attr a = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .pad = { 1, 1, 1, 1 }, .groups = 1, .act = lac_act_of(LAC_ACT_ELU) };
    lac_tensor *x = lac_tape_input(t, s->x, m->weight->value->dtype), *noise = lac_tape_input(t, s->noise, m->weight->value->dtype);
    x = lac_conv2d(t, x, m->weight->value, NULL, noise, &a);
    x = lac_composite(t, x, lac_canvas_image(t, s->canvas), lac_canvas_mask(t, s->canvas), &(lac_composite_attr){ .dtype = LAC_F32 });
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, x, &s->next);
}

/* The step's noise, a tenth of it, and a shift by the prompt's length. */
static lac_status draw(const lac_canvas *c, uint32_t at, lac_tensor **noise)
{
    const int64_t *dim = c->image.dim, each = dim[1] * dim[2] * 3;
    LAC_TRY(lac_noise_new(noise, c->ask, 4, dim, "sampler", at));
    float *x = (*noise)->data;
    for (int64_t i = 0; i < dim[0] * each; i++) {
        const char *prompt = c->ask[i / each].prompt;
        x[i] = (at > 0 ? 0.1f : 1.0f) * x[i] + 0.01f * (float)(prompt != NULL ? strlen(prompt) : 0);
    }
    return LAC_OK;
}

static lac_status take_step(step *s, lac_tape *t, uint32_t at)
{
    LAC_TRY(draw(s->canvas, at, &s->noise));
    lac_status status = lac_inpaint_region(s->ip, t, s->canvas, "step", denoise, s);
    lac_tensor_free(s->noise);
    lac_tensor_free(s->x);
    s->x = s->next;
    s->next = NULL;
    return status;
}

static lac_status sample(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    step s = { .ip = ip, .canvas = c };
    lac_status status = draw(c, 0, &s.x);
    for (uint32_t at = 1; status == LAC_OK && at <= LAC_TEST_STEPS; at++)
        status = take_step(&s, t, at);
    *result = s.x;
    return status;
}

const lac_inpainter_def lac_test_sampler = {
    "sampler", "twenty steps of next to nothing", .role = { { "network", "sampler" } }, .multiple = 4, .asks = LAC_ASK_PROMPT | LAC_ASK_SEED,
    .sample = sample,
};
