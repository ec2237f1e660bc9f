/* Optimizers and schedules: what k steps make of a parameter, and learning rates by step. */
#include "cli/probe/probe.h"

#include "core/memory.h"
#include "train/schedule.h"
#include "core/update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIM_KEYS(decay)                                                                                                   \
    { "lr", LAC_KEY_NUM, "1e-3", .help = "learning rate" },                                                                 \
    { "betas", LAC_KEY_LIST, "[0.9, 0.999]", .of = LAC_KEY_NUM, .help = "of the two moments" },                             \
    { "eps", LAC_KEY_NUM, "1e-8", .help = "in the denominator" },                                                           \
    { "weight_decay", LAC_KEY_NUM, decay, .help = "L2 (adam) or decoupled (adamw)" },                                       \
    { "t0", LAC_KEY_INT, "1", .help = "exponent of the first step" },                                                       \
    { "dt", LAC_KEY_INT, "1", .help = "what each further step adds to it" }

static const lac_key adam_keys[] = {
    OPTIM_KEYS("0"), { "form", LAC_KEY_STR, "\"torch\"", .choices = "torch|tf", .help = "where eps stands" }, { NULL },
};
static const lac_key adamw_keys[] = { OPTIM_KEYS("0.01"), { NULL } };

typedef struct flat { float *master, *m, *v; double *partial; } flat;

static lac_status check_shapes(const lac_probe *p, const lac_tensor *param)
{
    for (int64_t i = 0; i < p->n_in; i++)
        if (!lac_same_shape(p->input[i].host, param))
            return LAC_FAIL(LAC_ERR_SHAPE, "input '%s' is %s, expected %s as 'param'", p->input[i].name, lac_shape_str(p->input[i].host), lac_shape_str(param));
    return json_array_size(lac_config_at(p->config, "betas")) == 2 ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "'betas' must be a list of two, found %zu", json_array_size(lac_config_at(p->config, "betas")));
}

static lac_status make_outputs(lac_probe *p, const lac_tensor *param, flat *f)
{
    static const char *const name[3] = { "param", "m", "v" };
    float **const to[3] = { &f->master, &f->m, &f->v };
    for (int i = 0; i < 3; i++) {
        lac_tensor *x;
        const lac_tensor *start = lac_probe_host(p, name[i]);
        LAC_TRY(lac_probe_result(p, name[i], LAC_F32, param->ndim, param->dim, &x));
        if (start != NULL)
            memcpy(x->data, start->data, lac_bytes(x));
        *to[i] = x->data;
    }
    return LAC_OK;
}

static lac_status take_steps(lac_probe *p, flat *f, int64_t n, bool decoupled)
{
    const json_t *c = p->config, *betas = lac_config_at(c, "betas");
    const bool tf = lac_config_has(c, "form") && strcmp(lac_config_str(c, "form"), "tf") == 0;
    lac_update_range range = { .start = 0, .n = n, .lr = 1, .decay = (float)lac_config_num(c, "weight_decay") };
    lac_update_scalars scalars = { 0 };
    lac_update_state state = { { 0 }, 0 };
    uint32_t bad = 0;
    lac_update u = { .pass = LAC_UPDATE_APPLY, .n_ranges = 1, .range = &range, .master = f->master, .m = f->m, .v = f->v,
        .beta1 = json_number_value(json_array_get(betas, 0)), .beta2 = json_number_value(json_array_get(betas, 1)),
        .eps = lac_config_num(c, "eps"), .decoupled = decoupled, .scalars = &scalars, .state = &state, .bad = &bad };
    u.n_chunks = lac_update_lay_out(&range, 1);
    LAC_TRY(lac_malloc((void **)&f->partial, (size_t)u.n_chunks * sizeof(double)));
    u.partial = f->partial;
    lac_status s = LAC_OK;
    for (int k = 0; s == LAC_OK; k++) {
        char name[32];
        snprintf(name, sizeof name, "grad_%d", k);
        const lac_tensor *g = lac_probe_host(p, name);
        if (g == NULL)
            break;
        u.grad = g->data;
        lac_update_scalars_set(&scalars, lac_config_num(c, "lr"), u.beta1, u.beta2, (double)(lac_config_int(c, "t0") + k * lac_config_int(c, "dt")), tf);
        s = lac_update_cpu(&u);
    }
    free(f->partial);
    return s;
}

static lac_status optimize(lac_probe *p, bool decoupled)
{
    const lac_tensor *param = lac_probe_host(p, "param");
    flat f = { 0 };
    LAC_TRY(check_shapes(p, param));
    LAC_TRY(make_outputs(p, param, &f));
    return take_steps(p, &f, lac_numel(param), decoupled);
}

static lac_status adam(lac_probe *p) { return optimize(p, false); }
static lac_status adamw(lac_probe *p) { return optimize(p, true); }

static const lac_port optim_ports[] = {
    { "param", LAC_LAYOUT_PLAIN, -1, 0, "[..]" },
    { "grad", LAC_LAYOUT_PLAIN, -1, LAC_PORT_NUMBERED, "[..]" },
    { "m", LAC_LAYOUT_PLAIN, -1, LAC_PORT_OPTIONAL, "[..]" },
    { "v", LAC_LAYOUT_PLAIN, -1, LAC_PORT_OPTIONAL, "[..]" },
    { NULL },
};
const lac_kind lac_kind_optim_adam = { "optim/adam", "k steps of Adam", adam_keys, optim_ports, "param, m, v", .compute = adam };
const lac_kind lac_kind_optim_adamw = { "optim/adamw", "k steps of AdamW", adamw_keys, optim_ports, "param, m, v", .compute = adamw };

static lac_status schedule(lac_probe *p)
{
    const lac_tensor *step = lac_probe_host(p, "step");
    lac_schedule s;
    lac_tensor *lr;
    LAC_TRY(lac_schedule_from_config(&s, p->config, 0));
    const lac_status status = lac_probe_result(p, "lr", LAC_F32, 1, step->dim, &lr);
    for (int64_t i = 0; status == LAC_OK && i < lac_numel(step); i++)
        ((float *)lr->data)[i] = (float)lac_schedule_at(&s, ((const int64_t *)step->data)[i]);
    lac_schedule_free(&s);
    return status;
}

static const lac_port schedule_ports[] = { { "step", LAC_LAYOUT_PLAIN, 1, LAC_PORT_I64, "[n]" }, { NULL } };
const lac_kind lac_kind_schedule = { "schedule", "learning rate by 0-based step", lac_schedule_keys, schedule_ports, "lr", .compute = schedule };
