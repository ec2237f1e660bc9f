/* cli/validate.h -- an inpainter scored in the middle of its training, with the same pictures, metrics and values that `lacuna eval` has;
 * without intervals, which nobody reads there. */
#pragma once

#include "cli/eval_run.h"

/* What stays open from one validation to the next: pictures, decoded, and the networks that metrics stand on. A zeroed one is empty. */
typedef struct lac_validator {
    lac_eval_set *set;
    lac_score score;
    json_t *metrics;                /* what score is of; NULL: of nothing */
    const lac_inpainter_def *def;
    const lac_backend *backend;
} lac_validator;

/* config: a stage's, resolved (data.eval, validate). Every rank scores its share; on each *values, a new reference, has each metric's value
 * where there is one, *score the first metric's, negated where higher is better. LAC_ERR_STATE when that one is defined nowhere. */
lac_status lac_validator_run(lac_validator *v, const lac_inpainter *ip, lac_tape *t, const json_t *config, lac_eval_locate *locate, lac_comm *comm,
                             json_t **values, double *score);
void lac_validator_close(lac_validator *v);
