#include "core/memory.h"
#include "train/optim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const lac_key group_keys[] = {
    { .name = "match", .type = LAC_KEY_STR, .help = "parameter names, alone or behind their network's, '*' and '?' as in a shell: \"*.bias\", \"unet/*\"" },
    { .name = "lr", .type = LAC_KEY_NUM, .value = "", .min = 0, .max = 1e9, .help = "learning rate in place of the optimizer's" },
    { .name = "decay", .type = LAC_KEY_NUM, .value = "", .min = 0, .max = 1e9, .help = "weight decay in place of the optimizer's" },
    { .name = "clip", .type = LAC_KEY_NUM, .value = "", .min = 0, .max = 1e30, .help = "largest gradient norm of these parameters by themselves" },
    { NULL }
};

const lac_key lac_optim_keys[] = {
    { .name = "kind", .type = LAC_KEY_STR, .value = "\"adam\"", .choices = "adam|adamw", .help = "adamw: decay is decoupled from the gradient" },
    { .name = "form", .type = LAC_KEY_STR, .value = "\"torch\"", .choices = "torch|tf", .help = "adam: tf does not correct eps for bias" },
    { .name = "lr", .type = LAC_KEY_NUM, .value = "1e-4", .min = 0, .max = 1e9, .help = "learning rate" },
    { .name = "beta1", .type = LAC_KEY_NUM | LAC_KEY_BELOW_MAX, .value = "0.9", .min = 0, .max = 1, .help = "decay of the gradient's mean" },
    { .name = "beta2", .type = LAC_KEY_NUM | LAC_KEY_BELOW_MAX, .value = "0.999", .min = 0, .max = 1, .help = "decay of the squared gradient's mean" },
    { .name = "eps", .type = LAC_KEY_NUM, .value = "1e-8", .min = 0, .max = 1, .help = "added to the root" },
    { .name = "decay", .type = LAC_KEY_NUM, .value = "0", .min = 0, .max = 1e9, .help = "weight decay; none on norms and biases" },
    { .name = "clip", .type = LAC_KEY_NUM, .value = "0", .min = 0, .max = 1e30, .help = "largest gradient norm; 0: any" },
    { .name = "ema", .type = LAC_KEY_NUM | LAC_KEY_BELOW_MAX, .value = "0", .min = 0, .max = 1, .help = "decay of the averaged weights; 0: none" },
    { .name = "ema_warmup", .type = LAC_KEY_BOOL, .value = "true", .help = "decay min(ema, (1 + n) / (10 + n)) at step n" },
    { .name = "t0", .type = LAC_KEY_INT, .value = "1", .min = 1, .max = 1e9, .help = "bias-correction exponent of the first step" },
    { .name = "dt", .type = LAC_KEY_INT, .value = "1", .min = 1, .max = 1e9, .help = "its growth a step; 2 where two optimizers share the powers" },
    { .name = "schedule", .type = LAC_KEY_TABLE, .value = "{}", .sub = lac_schedule_shape_keys, .help = "how lr runs" },
    { .name = "groups", .type = LAC_KEY_LIST, .value = "[]", .sub = group_keys, .help = "exceptions by parameter name, later ones win" },
    { NULL }
};

static double or_nan(const json_t *c, const char *key) { return lac_config_has(c, key) ? lac_config_num(c, key) : NAN; }

static lac_status read_groups(lac_optim_config *c, const json_t *list)
{
    const size_t n = json_array_size(list);
    LAC_TRY(lac_calloc((void **)&c->groups, n, sizeof c->groups[0]));
    for (size_t i = 0; i < n; i++) {
        const json_t *g = json_array_get(list, i);
        c->groups[i] = (lac_optim_group){ .lr = or_nan(g, "lr"), .decay = or_nan(g, "decay"), .clip = or_nan(g, "clip") };
        LAC_TRY(lac_strdup(&c->groups[i].match, lac_config_str(g, "match")));
        c->n_groups++;
    }
    return LAC_OK;
}

static lac_status read_all(lac_optim_config *c, const json_t *j)
{
    if (c->decoupled && c->tf_form)
        return LAC_FAIL(LAC_ERR_CONFIG, "optim: kind 'adamw' has no form 'tf'");
    LAC_TRY(lac_schedule_from_config(&c->schedule, lac_config_at(j, "schedule"), c->lr));
    return read_groups(c, lac_config_at(j, "groups"));
}

lac_status lac_optim_config_read(lac_optim_config *c, const json_t *j)
{
    *c = (lac_optim_config){
        .decoupled = strcmp(lac_config_str(j, "kind"), "adamw") == 0, .tf_form = strcmp(lac_config_str(j, "form"), "tf") == 0,
        .lr = lac_config_num(j, "lr"), .beta1 = lac_config_num(j, "beta1"), .beta2 = lac_config_num(j, "beta2"),
        .eps = lac_config_num(j, "eps"), .decay = lac_config_num(j, "decay"), .clip = lac_config_num(j, "clip"),
        .ema = lac_config_num(j, "ema"), .ema_warmup = lac_config_bool(j, "ema_warmup"),
        .t0 = lac_config_int(j, "t0"), .dt = lac_config_int(j, "dt"),
    };
    const lac_status s = read_all(c, j);
    if (s != LAC_OK)
        lac_optim_config_free(c);
    return s;
}

void lac_optim_config_free(lac_optim_config *c)
{
    for (int64_t i = 0; i < c->n_groups; i++)
        free(c->groups[i].match);
    free(c->groups);
    lac_schedule_free(&c->schedule);
    *c = (lac_optim_config){ 0 };
}
