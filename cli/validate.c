#include "cli/validate.h"

#include "core/memory.h"
#include "eval/gather.h"
#include "eval/set_value.h"

#include <math.h>
#include <stdlib.h>

static void forget_score(lac_validator *v)
{
    lac_score_free(&v->score);
    json_decref(v->metrics);
    v->metrics = NULL;
}

void lac_validator_close(lac_validator *v)
{
    forget_score(v);
    lac_eval_set_close(v->set);
    *v = (lac_validator){ .set = NULL };
}

static lac_status new_score(lac_validator *v, const json_t *metrics, const lac_inpainter_def *def, const lac_backend *b)
{
    const size_t n = json_array_size(metrics);
    const char **names;
    if (n == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "there is no metric to score by");
    LAC_TRY(lac_calloc((void **)&names, n, sizeof *names));
    for (size_t i = 0; i < n; i++)
        names[i] = json_string_value(json_array_get(metrics, i));
    const lac_status s = lac_score_new(&v->score, names, (int64_t)n, &def->name, 1, &(lac_eval_means){ .backend = b, .imagined = def->imagine != NULL ? def->imagines : NULL });
    free(names);
    return s;
}

/* An empty score by these metrics, on this device: the one before, cleared, where that will do. */
static lac_status open_score(lac_validator *v, const json_t *metrics, const lac_inpainter_def *def, const lac_backend *b)
{
    if (v->metrics != NULL && json_equal(v->metrics, metrics) && v->def == def && v->backend == b)
        return lac_score_clear(&v->score), LAC_OK;
    forget_score(v);
    LAC_TRY(new_score(v, metrics, def, b));
    v->metrics = json_deep_copy(metrics);
    v->def = def;
    v->backend = b;
    return LAC_OK;
}

static lac_status take_values(const lac_score *s, json_t *values, double *score)
{
    for (int64_t k = 0; k < s->n_metrics; k++) {
        lac_set_value found;
        LAC_TRY(lac_score_set_value(s, 0, -1, k, false, 0, &found));
        const double v = found.v.value;
        if (k == 0 && isnan(v))
            return found.undefined != NULL ? LAC_FAIL(LAC_ERR_STATE, "'%s' is undefined: %s", s->metric_name[k], found.undefined)
                                           : LAC_FAIL(LAC_ERR_STATE, "'%s' is defined on no picture", s->metric_name[k]);
        if (!isnan(v))
            json_object_set_new(values, s->metric_name[k], json_real(v));
        if (k == 0)
            *score = s->metric[k].def->higher_is_better ? -v : v;
    }
    return LAC_OK;
}

static lac_status open(lac_validator *v, const lac_inpainter *ip, lac_tape *t, const json_t *config, lac_eval_locate *locate)
{
    LAC_TRY(lac_eval_set_open(&v->set, lac_config_at(config, "data.eval"), lac_config_int(config, "validate.limit"), locate, NULL));
    return open_score(v, lac_config_at(config, "validate.metrics"), ip->def, lac_tape_backend(t));
}

lac_status lac_validator_run(lac_validator *v, const lac_inpainter *ip, lac_tape *t, const json_t *config, lac_eval_locate *locate, lac_comm *comm,
                             json_t **values, double *score)
{
    lac_eval_painter painter = { ip, t, 0, LAC_EVAL_BATCH };
    LAC_TRY(lac_comm_agree(comm, open(v, ip, t, config, locate)));
    const lac_eval_method method = lac_eval_inpainter_method(ip->def->name, &painter);
    const lac_eval_share own = lac_eval_share_of(lac_eval_set_count(v->set), comm);
    LAC_TRY(lac_eval_share_run(&own, &v->score, lac_eval_set_read, v->set, &method, painter.batch, NULL, comm));
    LAC_TRY(lac_score_gather(&v->score, comm));
    *values = json_object();
    const lac_status s = take_values(&v->score, *values, score);
    if (s != LAC_OK) {
        json_decref(*values);
        *values = NULL;
    }
    return s;
}
