/* data/draw.h -- which numbers a sample's draws are: the loader's purposes, by name.
 *
 *     counter = (step, place in the global batch), or in evaluation order the two halves of the record's id
 *     purpose = what is drawn, and the stream: loaders of one run with different streams are independent
 *
 *     lac_stream s = lac_draw(seed, lac_draw_stream("main/train"), LAC_DRAW_MASK, 6, 4);      the mask of step 6, sample 4 */
#pragma once

#include "core/philox.h"

#define LAC_DRAW_ORDER "order"          /* which record (data/order.h) */
#define LAC_DRAW_CROP "crop"            /* window, flip, turn, then tint */
#define LAC_DRAW_MASK "mask"            /* of a generator (data/mask.h) */
#define LAC_DRAW_EDITED "edited"        /* which of a record's parts of a kind */
#define LAC_DRAW_OBJECT "object"
#define LAC_DRAW_CAPTION "caption"
#define LAC_DRAW_NOISE "noise"
#define LAC_DRAW_TIME "time"

static inline uint32_t lac_draw_stream(const char *name) { return 31 * lac_purpose(name); }
static inline uint32_t lac_draw_purpose(uint32_t stream, const char *what) { return lac_purpose(what) ^ stream; }

static inline lac_stream lac_draw(uint64_t seed, uint32_t stream, const char *what, uint32_t step, uint32_t sample)
{
    return lac_stream_at(seed, lac_draw_purpose(stream, what), step, sample);
}
