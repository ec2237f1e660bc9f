/* lac_optim over a small network of its own: groups, clip, EMA, bf16 values, state. */
#include "core/memory.h"
#include "tests/harness/test.h"
#include "train/optim.h"

#include <math.h>
#include <stdlib.h>

static lac_status host_alloc(void **p, size_t size) { return lac_aligned_alloc(p, size); }
static void host_free(void *p, size_t size) { (void)size, free(p); }
static lac_status host_copy(void *to, const void *from, size_t size) { memmove(to, from, size); return LAC_OK; }
static lac_status host_zero(void *to, size_t size) { memset(to, 0, size); return LAC_OK; }

static lac_status host_convert(lac_tensor *to, const lac_tensor *from)
{
    float *x;
    LAC_TRY(lac_malloc((void **)&x, (size_t)lac_numel(from) * sizeof *x));
    lac_to_f32(x, from->data, from->dtype, lac_numel(from));
    lac_from_f32(to->data, to->dtype, x, lac_numel(from));
    free(x);
    return LAC_OK;
}

static const lac_backend host = { .name = "host", .alloc = host_alloc, .free = host_free, .copy = host_copy, .fill_zero = host_zero,
                                  .convert = host_convert, .update = lac_update_cpu };

typedef struct net {
    lac_params *ps;
    lac_param *weight, *bias, *gain, *u;
    uint32_t bad;
    lac_update_scalars scalars;
    lac_update_state measured;
    lac_optim_config config;
    lac_comm *comm;
    lac_optim *o;
} net;

static void open_net(net *n, lac_dtype working, const char *config)
{
    *n = (net){ 0 };
    LAC_CHECK_STATUS(lac_comm_alone(&n->comm));
    json_t *given = json_loads(config, 0, NULL), *resolved = NULL;
    LAC_CHECK_STATUS(lac_config_resolve(&resolved, lac_optim_keys, given, NULL, NULL));
    LAC_CHECK_STATUS(lac_optim_config_read(&n->config, resolved));
    json_decref(given);
    json_decref(resolved);
    LAC_CHECK_STATUS(lac_params_new(&n->ps, "net", &host, working));
    LAC_CHECK_STATUS(lac_param_new(n->ps, &n->weight, LAC_ROLE_LINEAR, 2, (int64_t[]){ 5, 7 }, LAC_INIT_XAVIER, 0, "b.weight"));
    LAC_CHECK_STATUS(lac_param_new(n->ps, &n->bias, LAC_ROLE_BIAS, 1, (int64_t[]){ 5 }, LAC_INIT_ONE, 0, "b.bias"));
    LAC_CHECK_STATUS(lac_param_new(n->ps, &n->gain, LAC_ROLE_OTHER, 1, (int64_t[]){ 3 }, LAC_INIT_ONE, 0, "a.gain"));
    LAC_CHECK_STATUS(lac_param_new(n->ps, &n->u, LAC_ROLE_BUFFER, 1, (int64_t[]){ 4 }, LAC_INIT_ONE, 0, "b.u"));
    LAC_CHECK_STATUS(lac_params_init(n->ps, 11));
}

static void close_net(net *n)
{
    lac_optim_free(n->o);
    lac_comm_free(n->comm);
    lac_params_free(n->ps);
    lac_optim_config_free(&n->config);
}

static void start(net *n, lac_dtype working, const char *config)
{
    open_net(n, working, config);
    LAC_CHECK_STATUS(lac_optim_new(&n->o, &(lac_trained){ { n->ps }, 1 }, &n->config, &n->bad, &n->scalars, n->comm));
}

static void give_gradient(lac_param *p, float g)
{
    for (int64_t i = 0; i < lac_numel(p->value); i++)
        p->grad[i] = g;
    p->has_grad = true;
}

static void step(net *n, int64_t at, float g)
{
    give_gradient(n->weight, g);
    give_gradient(n->bias, g);
    give_gradient(n->gain, g);
    lac_optim_begin(n->o, at, &n->scalars);
    LAC_CHECK_STATUS(lac_optim_step(n->o, &n->measured));
}

LAC_TEST(optim_borrows_masters_as_f32_values_and_gives_them_back)
{
    net n;
    open_net(&n, LAC_F32, "{}");
    const float before = ((float *)n.weight->value->data)[3];
    LAC_CHECK_STATUS(lac_optim_new(&n.o, &(lac_trained){ { n.ps }, 1 }, &n.config, &n.bad, &n.scalars, n.comm));
    LAC_CHECK(n.weight->value->data == n.weight->master && n.weight->master[3] == before && n.u->master == NULL && n.u->grad == NULL);
    LAC_CHECK(n.gain->master < n.bias->master && n.bias->master < n.weight->master);        /* name order */
    const uint64_t version = n.weight->value->version;
    step(&n, 0, 1);
    LAC_CHECK(n.weight->value->version > version && n.weight->master[3] != before);
    const float after = n.weight->master[3];
    lac_optim_free(n.o);
    n.o = NULL;
    LAC_CHECK(n.weight->master == NULL && n.weight->grad == NULL && ((float *)n.weight->value->data)[3] == after);
    close_net(&n);
}

LAC_TEST(optim_rounds_masters_into_bf16_values)
{
    net n;
    start(&n, LAC_BF16, "{ \"lr\": 1e-3 }");
    LAC_CHECK(n.weight->value->dtype == LAC_BF16 && n.bias->value->data == n.bias->master);
    for (int t = 0; t < 3; t++)
        step(&n, t, 0.5f);
    for (int i = 0; i < 35; i++)
        LAC_CHECK(((uint16_t *)n.weight->value->data)[i] == lac_f32_to_bf16(n.weight->master[i]));
    close_net(&n);
}

/* Adam's first step has length lr whatever the gradient: (g / (sqrt(g g) + eps)). 1e-5: rounding of 1 - 1e-3 in f32. */
LAC_TEST(optim_groups_change_rates_later_ones_win)
{
    net n;
    start(&n, LAC_F32, "{ \"lr\": 1e-2, \"groups\": [ { \"match\": \"*\", \"lr\": 1e-3 }, { \"match\": \"*.bias\", \"lr\": 1e-1 } ] }");
    step(&n, 0, 0.3f);
    LAC_CHECK(fabsf((1 - n.bias->master[0]) / 1e-1f - 1) < 1e-5f);
    LAC_CHECK(fabsf((1 - n.gain->master[0]) / 1e-3f - 1) < 1e-4f);
    close_net(&n);
}

LAC_TEST(optim_decays_no_bias_unless_told)
{
    net n;
    start(&n, LAC_F32, "{ \"kind\": \"adamw\", \"lr\": 1e-2, \"decay\": 10 }");
    step(&n, 0, 0);
    LAC_CHECK(n.bias->master[0] == 1 && fabsf(n.gain->master[0] - 0.9f) < 1e-6f);
    close_net(&n);
    start(&n, LAC_F32, "{ \"kind\": \"adamw\", \"lr\": 1e-2, \"decay\": 10, \"groups\": [ { \"match\": \"*.bias\", \"decay\": 20 } ] }");
    step(&n, 0, 0);
    LAC_CHECK(fabsf(n.bias->master[0] - 0.8f) < 1e-6f);
    close_net(&n);
}

/* A first step of lr upwards ends at the bound, and from there the way down is free. */
LAC_TEST(optim_keeps_what_is_bounded_below_and_decays_nothing_undecayed)
{
    net n;
    open_net(&n, LAC_F32, "{ \"kind\": \"adamw\", \"lr\": 1e-2, \"decay\": 10, \"beta1\": 0, \"beta2\": 0 }");
    n.gain->undecayed = n.gain->bounded = true;
    n.gain->most = 1.005f;
    LAC_CHECK_STATUS(lac_optim_new(&n.o, &(lac_trained){ { n.ps }, 1 }, &n.config, &n.bad, &n.scalars, n.comm));
    step(&n, 0, -1);
    LAC_CHECK(n.gain->master[0] == 1.005f && n.bias->master[0] > 1.0099f);
    step(&n, 1, 1);
    LAC_CHECK(fabsf(n.gain->master[0] - 0.995f) < 1e-6f && fabsf(n.bias->master[0] - 1) < 1e-6f);
    close_net(&n);
}

LAC_TEST(optim_measures_the_norm_and_clips_by_group)
{
    net n;
    start(&n, LAC_F32, "{ \"clip\": 1e9, \"groups\": [ { \"match\": \"a.*\", \"clip\": 0.1 } ] }");
    step(&n, 0, 2);
    LAC_CHECK(fabs(lac_optim_grad_norm(&n.measured) - 2 * sqrt(43)) < 1e-12);
    lac_state s = { 0 };
    LAC_CHECK_STATUS(lac_optim_state(n.o, &s));
    LAC_CHECK_STATUS(lac_state_sort(&s));
    for (int64_t i = 0; i < s.n; i++) {
        const float *m = s.array[i].data;
        if (strcmp(s.array[i].name, "net/m/a.gain") == 0)               /* (1 - b1) of 0.1 over three equal entries */
            LAC_CHECK(fabsf(m[0] - 0.01f / sqrtf(3)) < 1e-8f);
        if (strcmp(s.array[i].name, "net/m/b.weight") == 0)
            LAC_CHECK(fabsf(m[0] - 0.2f) < 1e-7f);
    }
    LAC_CHECK(s.n == 10);
    lac_state_free(&s);
    close_net(&n);
}

LAC_TEST(optim_averages_and_swaps)
{
    net n;
    start(&n, LAC_BF16, "{ \"lr\": 0.1, \"ema\": 0.5, \"ema_warmup\": false }");
    step(&n, 0, 1);
    const float raw = n.gain->master[0], mean = 0.5f + 0.5f * raw;
    LAC_CHECK_STATUS(lac_optim_swap_ema(n.o));
    LAC_CHECK(fabsf(n.gain->master[0] - mean) < 1e-7f);
    LAC_CHECK(((uint16_t *)n.gain->value->data)[0] == lac_f32_to_bf16(n.gain->master[0]));
    LAC_CHECK_STATUS(lac_optim_swap_ema(n.o));
    LAC_CHECK(n.gain->master[0] == raw && ((uint16_t *)n.gain->value->data)[0] == lac_f32_to_bf16(raw));
    close_net(&n);
    start(&n, LAC_F32, "{ \"lr\": 0.1, \"ema\": 0.999 }");              /* warm-up: 1 / 10 at the first step */
    step(&n, 0, 1);
    LAC_CHECK_STATUS(lac_optim_swap_ema(n.o));
    LAC_CHECK(fabsf(n.gain->master[0] - (0.1f + 0.9f * 0.9f)) < 1e-6f);
    close_net(&n);
}

LAC_TEST(optim_goes_on_from_its_state_to_the_bit)
{
    const char *config = "{ \"lr\": 0.01, \"ema\": 0.9, \"schedule\": { \"kind\": \"cosine\", \"total\": 9 } }";
    net a, b;
    lac_state from = { 0 }, to = { 0 };
    start(&a, LAC_BF16, config);
    start(&b, LAC_BF16, config);
    for (int t = 0; t < 3; t++)
        step(&a, t, 0.7f - 0.4f * (float)t);
    LAC_CHECK_STATUS(lac_optim_state(a.o, &from));
    LAC_CHECK_STATUS(lac_optim_state(b.o, &to));
    LAC_CHECK(from.n == to.n && from.n == 13);
    for (int64_t i = 0; i < from.n; i++)
        memcpy(to.array[i].data, from.array[i].data, (size_t)lac_shape_numel(&from.array[i].shape) * lac_dtype_size(from.array[i].dtype));
    LAC_CHECK_STATUS(lac_optim_restored(b.o));
    step(&a, 3, -0.2f);
    step(&b, 3, -0.2f);
    for (int64_t i = 0; i < from.n; i++)
        LAC_CHECK(memcmp(to.array[i].data, from.array[i].data, (size_t)lac_shape_numel(&from.array[i].shape) * lac_dtype_size(from.array[i].dtype)) == 0);
    LAC_CHECK(memcmp(a.weight->value->data, b.weight->value->data, lac_bytes(a.weight->value)) == 0);
    lac_state_free(&from);
    lac_state_free(&to);
    close_net(&a);
    close_net(&b);
}

/* A second network, whose parameters have the first one's names: one norm, one clip; rates by "network/name". Gradients of 3 in 43 + 43 numbers have the norm
 * 3 sqrt(86), clipped to 1; Adam's first step is then lr whatever they are, so the moments tell. 1e-5: f32. */
LAC_TEST(optim_moves_several_networks_as_one)
{
    net n, m;
    open_net(&n, LAC_F32, "{ \"lr\": 1e-2, \"clip\": 1, \"groups\": [ { \"match\": \"second/*\", \"lr\": 1e-3 } ] }");
    open_net(&m, LAC_BF16, "{}");
    m.ps->name = "second";
    LAC_CHECK_STATUS(lac_optim_new(&n.o, &(lac_trained){ { n.ps, m.ps }, 2 }, &n.config, &n.bad, &n.scalars, n.comm));
    LAC_CHECK(n.weight->master < m.gain->master && m.gain->master < m.bias->master);
    give_gradient(m.weight, 3), give_gradient(m.bias, 3), give_gradient(m.gain, 3);
    step(&n, 0, 3);
    LAC_CHECK(fabs(lac_optim_grad_norm(&n.measured) / (3 * sqrt(86)) - 1) < 1e-6);
    LAC_CHECK(fabsf((1 - n.bias->master[0]) / 1e-2f - 1) < 1e-4f && fabsf((1 - m.bias->master[0]) / 1e-3f - 1) < 1e-4f);
    LAC_CHECK(((uint16_t *)m.weight->value->data)[34] == lac_f32_to_bf16(m.weight->master[34]));
    lac_state s = { 0 };
    LAC_CHECK_STATUS(lac_optim_state(n.o, &s));
    LAC_CHECK_STATUS(lac_state_sort(&s));               /* refuses two of one name */
    LAC_CHECK(s.n == 2 * 3 * 3 + 1);
    for (int64_t i = 0; i < s.n; i++)
        if (strcmp(s.array[i].name, "second/m/b.bias") == 0)
            LAC_CHECK(fabsf(((const float *)s.array[i].data)[0] * (float)(10 * sqrt(86)) - 1) < 1e-5f);
    lac_optim_state_end(n.o);
    lac_state_free(&s);
    give_gradient(m.weight, 3), give_gradient(m.bias, NAN), give_gradient(m.gain, 3);
    const float before = n.bias->master[0];
    step(&n, 1, 3);
    LAC_CHECK(n.bad == 1 && n.bias->master[0] == before);
    close_net(&n);
    LAC_CHECK(m.weight->master == NULL);
    close_net(&m);
}

LAC_TEST(optim_stands_still_once_something_is_not_finite)
{
    net n;
    start(&n, LAC_F32, "{}");
    step(&n, 0, NAN);
    LAC_CHECK(n.bad == 1 && n.bias->master[0] == 1);
    step(&n, 1, 1);
    LAC_CHECK(n.bias->master[0] == 1);
    close_net(&n);
}

LAC_TEST(optim_refuses_what_makes_no_sense)
{
    net n;
    open_net(&n, LAC_F32, "{ \"groups\": [ { \"match\": \"*.wieght\", \"lr\": 1 } ] }");
    LAC_CHECK_FAILS(lac_optim_new(&n.o, &(lac_trained){ { n.ps }, 1 }, &n.config, &n.bad, &n.scalars, n.comm), LAC_ERR_CONFIG, "'*.wieght' fits no parameter of 'net'");
    LAC_CHECK(n.o == NULL && n.weight->master == NULL);
    n.ps->frozen = true;
    n.config.n_groups = 0;
    LAC_CHECK_FAILS(lac_optim_new(&n.o, &(lac_trained){ { n.ps }, 1 }, &n.config, &n.bad, &n.scalars, n.comm), LAC_ERR_STATE, "'net' has no parameter to train");
    n.config.n_groups = 1;
    close_net(&n);
}

LAC_TEST(optim_survives_running_out_of_memory)
{
    net n;
    open_net(&n, LAC_BF16, "{ \"ema\": 0.5, \"groups\": [ { \"match\": \"*\" } ] }");
    lac_status s = LAC_ERR_MEM;
    for (int k = 0; s != LAC_OK && k < 100; k++) {
        lac_alloc_fail_after(k);
        s = lac_optim_new(&n.o, &(lac_trained){ { n.ps }, 1 }, &n.config, &n.bad, &n.scalars, n.comm);
        lac_alloc_fail_after(-1);
        LAC_CHECK(s == LAC_OK || (s == LAC_ERR_MEM && n.o == NULL && n.weight->master == NULL && n.bias->value->data != NULL));
    }
    LAC_CHECK(s == LAC_OK);
    close_net(&n);
}
