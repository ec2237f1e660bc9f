#include "models/inception/inception.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/avg_pool/avg_pool.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/linear/linear.h"
#include "autograd/ops/max_pool/max_pool.h"
#include "autograd/ops/resize/resize.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

const lac_key lac_inception_keys[] = {
    { "folded", LAC_KEY_BOOL, "false", .help = "biases in place of the norms" },
    { NULL },
};

/* ---- parameters ---- */

typedef struct unit_spec { const char *name; int64_t in, out, kh, kw, stride, pad_h, pad_w; } unit_spec;

static lac_status add_params(lac_inception *m, lac_inception_unit *u, const unit_spec *s)
{
    lac_params *ps = m->params;
    LAC_TRY(lac_params_name(ps, &u->name, "conv"));
    LAC_TRY(lac_param_new(ps, &u->weight, LAC_ROLE_CONV, 4, (int64_t[]){ s->out, s->kh, s->kw, s->in }, LAC_INIT_XAVIER, 0, "conv.weight"));
    if (m->folded)
        return lac_param_new(ps, &u->bias, LAC_ROLE_BIAS, 1, &s->out, LAC_INIT_ZERO, 0, "conv.bias");
    u->norm = (lac_batch_norm_layer){ .eps = 1e-3f, .momentum = 0.1f };
    return lac_batch_norm_layer_init(&u->norm, ps, "bn", s->out);
}

static lac_status add(lac_inception *m, const unit_spec *s)
{
    lac_inception_unit *u = &m->unit[m->n_units++];
    *u = (lac_inception_unit){ .stride = s->stride, .pad = { s->pad_h, s->pad_w } };
    LAC_TRY(lac_params_enter(m->params, "%s", s->name));
    LAC_TRY(add_params(m, u, s));
    lac_params_leave(m->params);
    return LAC_OK;
}

/* k x k with zeros around; 1 x 7 and the like; k x k of stride 2 without zeros. */
#define SQUARE(name, in, out, k) { name, in, out, k, k, 1, (k) / 2, (k) / 2 }
#define OBLONG(name, in, out, kh, kw) { name, in, out, kh, kw, 1, (kh) / 2, (kw) / 2 }
#define HALVE(name, in, out) { name, in, out, 3, 3, 2, 0, 0 }

static lac_status add_block(lac_inception *m, const char *name, const unit_spec *units, size_t n)
{
    LAC_TRY(lac_params_enter(m->params, "%s", name));
    for (size_t i = 0; i < n; i++)
        LAC_TRY(add(m, &units[i]));
    lac_params_leave(m->params);
    return LAC_OK;
}
#define ADD_BLOCK(m, name, ...)                                             \
    do {                                                                    \
        const unit_spec units[] = { __VA_ARGS__ };                          \
        LAC_TRY(add_block(m, name, units, LAC_COUNT(units)));               \
    } while (0)

static lac_status add_a(lac_inception *m, const char *name, int64_t in, int64_t pool)
{
    ADD_BLOCK(m, name, SQUARE("branch1x1", in, 64, 1), SQUARE("branch5x5_1", in, 48, 1), SQUARE("branch5x5_2", 48, 64, 5), SQUARE("branch3x3dbl_1", in, 64, 1),
              SQUARE("branch3x3dbl_2", 64, 96, 3), SQUARE("branch3x3dbl_3", 96, 96, 3), SQUARE("branch_pool", in, pool, 1));
    return LAC_OK;
}

static lac_status add_c(lac_inception *m, const char *name, int64_t c)
{
    ADD_BLOCK(m, name, SQUARE("branch1x1", 768, 192, 1), SQUARE("branch7x7_1", 768, c, 1), OBLONG("branch7x7_2", c, c, 1, 7), OBLONG("branch7x7_3", c, 192, 7, 1),
              SQUARE("branch7x7dbl_1", 768, c, 1), OBLONG("branch7x7dbl_2", c, c, 7, 1), OBLONG("branch7x7dbl_3", c, c, 1, 7), OBLONG("branch7x7dbl_4", c, c, 7, 1),
              OBLONG("branch7x7dbl_5", c, 192, 1, 7), SQUARE("branch_pool", 768, 192, 1));
    return LAC_OK;
}

static lac_status add_e(lac_inception *m, const char *name, int64_t in)
{
    ADD_BLOCK(m, name, SQUARE("branch1x1", in, 320, 1), SQUARE("branch3x3_1", in, 384, 1), OBLONG("branch3x3_2a", 384, 384, 1, 3), OBLONG("branch3x3_2b", 384, 384, 3, 1),
              SQUARE("branch3x3dbl_1", in, 448, 1), SQUARE("branch3x3dbl_2", 448, 384, 3), OBLONG("branch3x3dbl_3a", 384, 384, 1, 3),
              OBLONG("branch3x3dbl_3b", 384, 384, 3, 1), SQUARE("branch_pool", in, 192, 1));
    return LAC_OK;
}

static lac_status add_stem(lac_inception *m)
{
    const unit_spec units[] = { HALVE("Conv2d_1a_3x3", 3, 32), { "Conv2d_2a_3x3", 32, 32, 3, 3, 1, 0, 0 }, SQUARE("Conv2d_2b_3x3", 32, 64, 3),
                                SQUARE("Conv2d_3b_1x1", 64, 80, 1), { "Conv2d_4a_3x3", 80, 192, 3, 3, 1, 0, 0 } };
    for (size_t i = 0; i < LAC_COUNT(units); i++)
        LAC_TRY(add(m, &units[i]));
    return LAC_OK;
}

lac_status lac_inception_init(lac_inception *m, lac_params *ps, const json_t *config)
{
    *m = (lac_inception){ .params = ps, .folded = lac_config_bool(config, "folded") };
    LAC_TRY(add_stem(m));
    LAC_TRY(add_a(m, "Mixed_5b", 192, 32));
    LAC_TRY(add_a(m, "Mixed_5c", 256, 64));
    LAC_TRY(add_a(m, "Mixed_5d", 288, 64));
    ADD_BLOCK(m, "Mixed_6a", HALVE("branch3x3", 288, 384), SQUARE("branch3x3dbl_1", 288, 64, 1), SQUARE("branch3x3dbl_2", 64, 96, 3), HALVE("branch3x3dbl_3", 96, 96));
    LAC_TRY(add_c(m, "Mixed_6b", 128));
    LAC_TRY(add_c(m, "Mixed_6c", 160));
    LAC_TRY(add_c(m, "Mixed_6d", 160));
    LAC_TRY(add_c(m, "Mixed_6e", 192));
    ADD_BLOCK(m, "Mixed_7a", SQUARE("branch3x3_1", 768, 192, 1), HALVE("branch3x3_2", 192, 320), SQUARE("branch7x7x3_1", 768, 192, 1),
              OBLONG("branch7x7x3_2", 192, 192, 1, 7), OBLONG("branch7x7x3_3", 192, 192, 7, 1), HALVE("branch7x7x3_4", 192, 192));
    LAC_TRY(add_e(m, "Mixed_7b", 1280));
    LAC_TRY(add_e(m, "Mixed_7c", 2048));
    LAC_TRY(lac_param_new(ps, &m->fc_weight, LAC_ROLE_LINEAR, 2, (int64_t[]){ LAC_INCEPTION_CLASSES, 2048 }, LAC_INIT_XAVIER, 0, "fc.weight"));
    return lac_param_new(ps, &m->fc_bias, LAC_ROLE_BIAS, 1, (int64_t[]){ LAC_INCEPTION_CLASSES }, LAC_INIT_ZERO, 0, "fc.bias");
}

/* ---- folding ---- */

static lac_status fold_unit(lac_inception_unit *to, const lac_inception_unit *from, float *w, float *bias, float *const norm[4])
{
    const int64_t out = from->weight->value->dim[0], n = lac_numel(from->weight->value) / out;
    LAC_TRY(lac_param_get(from->weight, w));
    const lac_param *const of[] = { from->norm.weight, from->norm.bias, from->norm.mean, from->norm.var };
    for (int i = 0; i < 4; i++)
        LAC_TRY(lac_param_get(of[i], norm[i]));
    for (int64_t o = 0; o < out; o++) {
        const double scale = norm[0][o] / sqrt((double)norm[3][o] + from->norm.eps);
        for (int64_t k = 0; k < n; k++)
            w[o * n + k] = (float)(w[o * n + k] * scale);
        bias[o] = (float)(norm[1][o] - norm[2][o] * scale);
    }
    LAC_TRY(lac_param_set(to->weight, w));
    return lac_param_set(to->bias, bias);
}

static lac_status fold_all(lac_inception *to, const lac_inception *from, float *w, float *small)
{
    enum { MOST = 2048 };
    float *const norm[4] = { small + MOST, small + 2 * MOST, small + 3 * MOST, small + 4 * MOST };
    for (int i = 0; i < from->n_units; i++)
        LAC_TRY(fold_unit(&to->unit[i], &from->unit[i], w, small, norm));
    LAC_TRY(lac_param_get(from->fc_weight, w));
    LAC_TRY(lac_param_set(to->fc_weight, w));
    LAC_TRY(lac_param_get(from->fc_bias, small));
    return lac_param_set(to->fc_bias, small);
}

lac_status lac_inception_fold(lac_inception *to, const lac_inception *from)
{
    float *w, *small = NULL;
    LAC_TRY(lac_malloc((void **)&w, (size_t)(LAC_INCEPTION_CLASSES * 2048) * sizeof *w));      /* the largest of all */
    lac_status s = lac_malloc((void **)&small, 5 * 2048 * sizeof *small);
    if (s == LAC_OK)
        s = fold_all(to, from, w, small);
    free(w);
    free(small);
    return s;
}

/* ---- forward ---- */

/* What is left of the units goes along: each call takes those that it runs. */
typedef struct run { lac_tape *t; const lac_inception *m; const lac_inception_unit *next; } run;

static lac_tensor *unit(run *r, lac_tensor *x, lac_act act)
{
    const lac_inception_unit *u = r->next++;
    const lac_conv2d_attr a = { .stride = { u->stride, u->stride }, .dilation = { 1, 1 }, .pad = { u->pad[0], u->pad[0], u->pad[1], u->pad[1] }, .groups = 1,
                                .act = lac_act_of(r->m->folded ? act : LAC_ACT_NONE) };
    lac_batch_norm_state none = { NULL, NULL };
    lac_tape_enter(r->t, u->name);
    x = lac_conv2d(r->t, x, u->weight->value, r->m->folded ? u->bias->value : NULL, NULL, &a);
    lac_tape_leave(r->t);
    if (r->m->folded)
        return x;
    x = lac_batch_norm_layer_forward(r->t, &u->norm, x, false, lac_act_of(LAC_ACT_NONE), &none);
    return act == LAC_ACT_NONE ? x : lac_activation(r->t, x, act);
}

static lac_tensor *units(run *r, lac_tensor *x, int n)
{
    for (int i = 0; i < n; i++)
        x = unit(r, x, LAC_ACT_RELU);
    return x;
}

/* Convolution and mean commute, and so does the norm between. */
static lac_tensor *mean_branch(run *r, lac_tensor *x)
{
    x = lac_avg_pool(r->t, unit(r, x, LAC_ACT_NONE), 3);
    return lac_activation(r->t, x, LAC_ACT_RELU);
}

static lac_tensor *halved(run *r, lac_tensor *x) { return lac_max_pool(r->t, x, &(lac_max_pool_attr){ .kernel = 3, .stride = 2 }); }

/* Three branches of so many units and a pool. */
static lac_tensor *block(run *r, lac_tensor *x, int first, int second, int third)
{
    lac_tensor *y[4];
    y[0] = units(r, x, first);
    y[1] = units(r, x, second);
    y[2] = units(r, x, third);
    y[3] = mean_branch(r, x);
    return lac_concat(r->t, y, 4, -1);
}

/* Both of the blocks that halve the map: two branches and a pool. */
static lac_tensor *block_down(run *r, lac_tensor *x, int first, int second)
{
    lac_tensor *y[3];
    y[0] = units(r, x, first);
    y[1] = units(r, x, second);
    y[2] = halved(r, x);
    return lac_concat(r->t, y, 3, -1);
}

static lac_tensor *block_e(run *r, lac_tensor *x, bool mean)
{
    lac_tensor *y[6], *z;
    y[0] = units(r, x, 1);
    z = units(r, x, 1);
    y[1] = units(r, z, 1);
    y[2] = units(r, z, 1);
    z = units(r, x, 2);
    y[3] = units(r, z, 1);
    y[4] = units(r, z, 1);
    y[5] = mean ? mean_branch(r, x) : units(r, lac_max_pool(r->t, x, &(lac_max_pool_attr){ .kernel = 3, .stride = 1, .pad = 1 }), 1);
    return lac_concat(r->t, y, 6, -1);
}

static lac_tensor *mean_over_map(lac_tape *t, lac_tensor *x)
{
    x = lac_resize(t, x, &(lac_resize_attr){ 1, 1, LAC_RESIZE_AREA, false });
    return x == NULL ? NULL : lac_reshape(t, x, 2, (int64_t[]){ x->dim[0], x->dim[3] });
}

static lac_tensor *to_768(run *r, lac_tensor *x)
{
    for (int i = 0; i < 3; i++)
        x = block(r, x, 1, 2, 3);
    x = block_down(r, x, 1, 3);
    for (int i = 0; i < 4; i++)
        x = block(r, x, 1, 3, 5);
    return x;
}

/* The mean over the map, where it is wanted; whether there is more to run. */
static bool take(run *r, lac_tensor *x, lac_inception_depth depth, unsigned wanted, lac_tensor **mean)
{
    if (wanted & lac_inception_bit(depth))
        *mean = mean_over_map(r->t, x);
    return wanted >> (depth + 1) != 0;
}

static void run_to(run *r, lac_tensor *x, unsigned wanted, lac_inception_features *f)
{
    lac_tape *t = r->t;
    x = halved(r, units(r, x, 3));
    if (!take(r, x, LAC_INCEPTION_64, wanted, &f->feature64))
        return;
    x = halved(r, units(r, x, 2));
    if (!take(r, x, LAC_INCEPTION_192, wanted, &f->feature192))
        return;
    x = to_768(r, x);
    if (!take(r, x, LAC_INCEPTION_768, wanted, &f->feature768))
        return;
    x = block_e(r, block_e(r, block_down(r, x, 2, 4), true), false);
    if (!take(r, x, LAC_INCEPTION_2048, wanted | lac_inception_bit(LAC_INCEPTION_2048), &f->pool3))
        return;
    f->logits_unbiased = lac_linear(t, f->pool3, r->m->fc_weight->value, NULL);
    f->logits = lac_linear(t, f->pool3, r->m->fc_weight->value, r->m->fc_bias->value);
}

void lac_inception_forward(lac_tape *t, const lac_inception *m, lac_tensor *x, unsigned wanted, lac_inception_features *found)
{
    run r = { t, m, m->unit };
    *found = (lac_inception_features){ NULL };
    lac_tape_enter(t, m->params->name);
    run_to(&r, x, wanted, found);
    lac_tape_leave(t);
}
