/* models/clip/text_prompt.h -- from texts to the states that a picture is conditioned on.
 *
 *     lac_tensor *ids;                            of texts, or of the captions of a batch
 *     int64_t lost;
 *     LAC_TRY(lac_text_ids(prompts, (const char *[]){ "", "a red stamp" }, 2, &ids, &lost));
 *     ... within a region: lac_tensor *states = lac_clip_text_states(t, text, ids);           [2, 77, C]
 *
 * Every place is filled, with padding behind the text, and all of them are states: so Stable Diffusion 1.x was trained. */
#pragma once

#include "models/clip/text.h"
#include "models/prompts.h"

/* *ids: i32 [n, lac_prompts_length], the caller's until lac_tensor_free; a text that is NULL is the empty one. What does not fit is cut as the tokenizer does
 * it; *lost (may be NULL) says how many tokens the longest of them lost. Errors are the tokenizer's, naming the text by its place. */
lac_status lac_text_ids(const lac_prompts *p, const char *const *text, int64_t n, lac_tensor **ids, int64_t *lost);

/* The same of the batch field `caption`, u8 [n, bytes] in the host's memory, zeros behind each text. LAC_ERR_SHAPE or LAC_ERR_DTYPE for another tensor. */
lac_status lac_caption_ids(const lac_prompts *p, const lac_tensor *caption, lac_tensor **ids, int64_t *lost);

/* Of such ids, in the host's memory until the region ends: states after the final norm, [n, length, C]. NULL after an error; LAC_ERR_ARG for an id that the
 * network has no row for (a tokenizer of another network). */
lac_tensor *lac_clip_text_states(lac_tape *t, const lac_clip_text *m, const lac_tensor *ids);
