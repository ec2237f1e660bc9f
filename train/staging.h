/* train/staging.h -- what a step takes from the host and gives back: scalars and pictures, losses and norms.
 *
 * The device has one place for each, so that captured work finds them. On a backend with a queue (core/queue.h) two slots of pinned memory take
 * turns: the host fills one while the step of the other runs, and pictures arrive beside the work. A slot keeps what its step was given until
 * the step has been looked at, so that it can be run again. On a backend without a queue there is one slot: the places themselves, and the
 * caller's pictures. */
#pragma once

#include "core/queue.h"
#include "core/update.h"
#include "train/recipe.h"

/* Changes from step to step; lies in the backend's memory. */
typedef struct lac_step_in {
    struct { float seed[LAC_MAX_LOSSES]; lac_update_scalars update; } phase[LAC_MAX_PHASES];      /* seed: weight / count, what backward starts from */
} lac_step_in;

typedef struct lac_step_out {
    struct { lac_update_state measured; uint32_t bad; } phase[LAC_MAX_PHASES];                    /* bad: the flag as the phase left it */
    struct { float sum[LAC_MAX_LOSSES], shown[LAC_MAX_SHOWN]; } micro[];                          /* by phase and micro-batch */
} lac_step_out;

typedef struct lac_step_slot {
    lac_step_in *in;                                    /* the host's */
    lac_step_out *out;
    uint8_t *pictures;
    lac_mark *done;
    bool under_way;                                     /* begun and not looked at; never without a queue */
    int64_t step;
    double count[LAC_MAX_PHASES][LAC_MAX_LOSSES];       /* over all ranks */
    lac_batch batch[LAC_MAX_PHASES];                    /* as the step reads it */
} lac_step_slot;

typedef struct lac_staging {
    const lac_backend *backend;
    int n_phases;
    int64_t n_micros;                                   /* of a phase, at most */
    lac_step_in *in;                                    /* the backend's */
    lac_step_out *out;
    uint32_t *bad;                                      /* sticky: a gradient was not finite */
    void *block;
    size_t block_bytes;
    uint8_t *arriving, *pictures;                       /* the backend's: where uploads go, where steps read */
    size_t pictures_bytes;
    uint64_t moves;                                     /* of the pictures */
    lac_step_slot slot[2];
    int n_slots, now;
} lac_staging;

lac_status lac_staging_open(lac_staging *s, const lac_backend *b, int n_phases, int64_t n_micros);
void lac_staging_finish(lac_staging *s);                /* waits for the device; safe on zeroes, as is _close, which does it too */
void lac_staging_close(lac_staging *s);

/* The slot whose turn it is; it must have been looked at. Its `in` is the caller's to fill, then _send takes it and the batches' fields to
 * the device. Equal pointers in batch[] are one batch. */
lac_step_slot *lac_staging_next(lac_staging *s);
lac_status lac_staging_send(lac_staging *s, lac_step_slot *slot, const lac_batch *const *batch);
int64_t lac_staging_offset(const lac_staging *s, const lac_batch *batch);      /* where a slot's batch lies among the pictures: part of a signature */
lac_status lac_staging_send_again(lac_staging *s, const lac_step_slot *slot);

/* Only with a queue. Behind the step: what it gives back is on its way to the slot. _receive waits for it. */
lac_status lac_staging_return(lac_staging *s, lac_step_slot *slot);
lac_status lac_staging_receive(lac_staging *s, const lac_step_slot *slot);
