/* train/schedule.h -- the learning rate as a function of the 0-based step, and of nothing else.
 *
 *     s < warmup    lr s / warmup
 *     constant      lr
 *     linear        lr + (final - lr) q            q = min((s - warmup) / (total - warmup), 1)
 *     cosine        final + (lr - final) (1 + cos(pi q)) / 2
 *     step          lr gamma^floor(s / every)
 *     multistep     lr gamma^(number of milestones <= s)
 *
 * `total` is a key of its own: the length of a run may change without changing any step of it. */
#pragma once

#include "core/config.h"

typedef enum { LAC_SCHEDULE_CONSTANT, LAC_SCHEDULE_LINEAR, LAC_SCHEDULE_COSINE, LAC_SCHEDULE_STEP, LAC_SCHEDULE_MULTISTEP } lac_schedule_kind;

typedef struct lac_schedule {
    lac_schedule_kind kind;
    double lr, final, gamma;
    int64_t warmup, total, every;
    int64_t *milestones, n_milestones;          /* owned */
} lac_schedule;

double lac_schedule_at(const lac_schedule *s, int64_t step);
void lac_schedule_free(lac_schedule *s);        /* what it owns; the struct is the caller's */

/* Keys of a table that is a schedule alone (probe), and of one whose `lr` stands beside it (optim.NAME.schedule). */
extern const lac_key lac_schedule_keys[], lac_schedule_shape_keys[];

/* From a table that one of the two resolved; `lr` is used where the table has none. LAC_ERR_CONFIG names a missing or senseless
 * key. The caller's until lac_schedule_free. */
lac_status lac_schedule_from_config(lac_schedule *s, const json_t *config, double lr);
