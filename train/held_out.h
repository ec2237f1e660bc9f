/* train/held_out.h -- the recipe's own losses on pictures that no step sees (data.eval), as an evaluation sees them: nothing is learnt, no buffer moves.
 *
 * What is drawn, timestep and noise say, is drawn by picture from a seed of its own, the same at every step and in every run: so losses of several steps, and of runs, differ by
 * their weights alone. They are summed picture by picture in batches that know no ranks, so that any number of ranks gives the same bits. Losses and phases of one mode of a
 * step (train/recipe.h) are left out, and phases that train nothing. A recipe may judge all these pictures together as well (lac_recipe_def.judge). */
#pragma once

#include "train/step.h"

typedef struct lac_held_out_from {
    lac_trainer *trainer;
    const lac_loader_config *data;          /* lac_eval_loader's, with the recipe's fields; borrowed while it opens, its source for good */
    int64_t draws, batch;                   /* how often every picture is taken, each time with draws of its own; pictures at once */
    lac_tape *tape;                         /* without a lane */
} lac_held_out_from;

typedef struct lac_held_out lac_held_out;

lac_status lac_held_out_open(lac_held_out **h, const lac_held_out_from *from);
void lac_held_out_close(lac_held_out *h);

int64_t lac_held_out_pictures(const lac_held_out *h);
/* What one picture costs, drawn once; plans, runs nothing. */
lac_status lac_held_out_flops(lac_held_out *h, int64_t *flops);

/* With the weights as they are: mean over all that each loss counts, unweighted, NaN of what is left out; *total, weighed, of the last phase that has one. Every rank calls it,
 * and all get the same. */
lac_status lac_held_out_run(lac_held_out *h, double loss[LAC_MAX_PHASES][LAC_MAX_LOSSES], double *total);

/* After it: what the recipe judged, one number for each of its names (r->def->judged); *n is how many, 0 where it judges nothing. */
lac_status lac_held_out_judge(const lac_held_out *h, double value[LAC_MAX_JUDGED], int *n);
