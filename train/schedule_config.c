#include "core/memory.h"
#include "train/schedule.h"

#include <stdlib.h>
#include <string.h>

#define KINDS "constant|linear|cosine|step|multistep"
#define SHAPE                                                                                                              \
    { .name = "kind", .type = LAC_KEY_STR, .value = "\"constant\"", .choices = KINDS, .help = "how the learning rate runs" }, \
    { .name = "warmup", .type = LAC_KEY_INT, .value = "0", .min = 0, .max = 1e15, .help = "steps of linear warm-up from 0" }, \
    { .name = "total", .type = LAC_KEY_INT, .value = "", .min = 0, .max = 1e15, .help = "linear, cosine: step where `final` is reached" }, \
    { .name = "final", .type = LAC_KEY_NUM, .value = "0", .min = 0, .max = 1e9, .help = "linear, cosine: last learning rate" }, \
    { .name = "every", .type = LAC_KEY_INT, .value = "", .min = 0, .max = 1e15, .help = "step: steps between two drops" },   \
    { .name = "gamma", .type = LAC_KEY_NUM, .value = "0.1", .min = 0, .max = 1e9, .help = "step, multistep: factor of a drop" }, \
    { .name = "milestones", .type = LAC_KEY_LIST, .of = LAC_KEY_INT, .value = "", .help = "multistep: the steps of the drops" }, \
    { NULL }

const lac_key lac_schedule_keys[] = {
    { .name = "lr", .type = LAC_KEY_NUM, .value = "1e-4", .min = 0, .max = 1e9, .help = "learning rate" }, SHAPE
};
const lac_key lac_schedule_shape_keys[] = { SHAPE };

static lac_schedule_kind kind_of(const char *word)
{
    static const char *const words[] = { "constant", "linear", "cosine", "step", "multistep" };
    for (size_t i = 0; i < LAC_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0)
            return (lac_schedule_kind)i;
    return LAC_SCHEDULE_CONSTANT;
}

static lac_status check_keys(const lac_schedule *s, const json_t *c, const char *kind)
{
    const char *missing = NULL;
    if (s->kind == LAC_SCHEDULE_LINEAR || s->kind == LAC_SCHEDULE_COSINE)
        missing = lac_config_has(c, "total") ? NULL : "total";
    else if (s->kind == LAC_SCHEDULE_STEP)
        missing = lac_config_has(c, "every") ? NULL : "every";
    else if (s->kind == LAC_SCHEDULE_MULTISTEP)
        missing = lac_config_has(c, "milestones") ? NULL : "milestones";
    if (missing != NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "schedule: kind '%s' needs the key '%s'", kind, missing);
    if (s->kind == LAC_SCHEDULE_STEP && s->every < 1)
        return LAC_FAIL(LAC_ERR_CONFIG, "schedule: every is %lld, should be at least 1", (long long)s->every);
    if ((s->kind == LAC_SCHEDULE_LINEAR || s->kind == LAC_SCHEDULE_COSINE) && s->total < 1)
        return LAC_FAIL(LAC_ERR_CONFIG, "schedule: total is %lld, should be at least 1", (long long)s->total);
    if ((s->kind == LAC_SCHEDULE_LINEAR || s->kind == LAC_SCHEDULE_COSINE) && s->total < s->warmup)
        return LAC_FAIL(LAC_ERR_CONFIG, "schedule: total is %lld, less than warmup, which is %lld", (long long)s->total, (long long)s->warmup);
    return LAC_OK;
}

static lac_status read_milestones(lac_schedule *s, const json_t *list)
{
    const size_t n = json_array_size(list);
    LAC_TRY(lac_calloc((void **)&s->milestones, n, sizeof s->milestones[0]));
    for (size_t i = 0; i < n; i++)
        s->milestones[i] = json_integer_value(json_array_get(list, i));
    s->n_milestones = (int64_t)n;
    return LAC_OK;
}

lac_status lac_schedule_from_config(lac_schedule *s, const json_t *c, double lr)
{
    const char *kind = lac_config_str(c, "kind");
    *s = (lac_schedule){
        .kind = kind_of(kind), .lr = lac_config_has(c, "lr") ? lac_config_num(c, "lr") : lr, .final = lac_config_num(c, "final"),
        .gamma = lac_config_num(c, "gamma"), .warmup = lac_config_int(c, "warmup"), .total = lac_config_int(c, "total"),
        .every = lac_config_int(c, "every"),
    };
    LAC_TRY(check_keys(s, c, kind));
    return read_milestones(s, lac_config_at(c, "milestones"));
}
