/* train/frozen.h -- what frozen networks hold, and how a run that goes on has it again.
 *
 * A frozen network may be large and never changes, so a checkpoint holds it only where it must. A run that goes on makes it again: from the seed,
 * then from the files that `init` named in this stage and those before it. Sums in the checkpoint say whether it came out as it was. Where it
 * cannot be had so, because an earlier stage trained it, or because it came from another run, which may go on or be gone,
 * lac_trainer.keeps is set and the checkpoint holds the values.
 *
 *     NETWORK/sum [2] i64         CRC-32C of the parameters as f32, 0 where they are bf16 here; and of the same rounded to bf16
 *     NETWORK/value/NAME f32      where it is kept
 */
#pragma once

#include "train/stages.h"
#include "train/step.h"

/* A frozen network of a new stage got the weights of the stage before: can it still be made again? all: every parameter of it. */
void lac_frozen_handed_over(lac_trainer *to, int net, const lac_trainer *from, const lac_params *source, bool all);
/* It took weights from a file, or from a run. */
void lac_frozen_loaded(lac_trainer *t, int net, bool from_run, bool strict);

/* Part of lac_trainer_state, _restored and _state_end. LAC_ERR_STATE where a network is not what it was. */
lac_status lac_frozen_state(lac_trainer *t, lac_state *s);
lac_status lac_frozen_restored(lac_trainer *t);
void lac_frozen_state_end(lac_trainer *t);
