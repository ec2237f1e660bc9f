/* models/latent/texts.h -- prompts as a text encoder's states. */
#pragma once

#include "models/inpainter.h"

/* The ids of the pictures' prompts, or of what they should not show: i32 [N, length], host, fresh. */
lac_status lac_latent_ids(const lac_inpainter *ip, const lac_canvas *c, bool negative, lac_tensor **ids);

/* Of each picture's prompt, and, where it is guided, of what it should not show: f32 [N, T, C], host, fresh, the caller's also after a failure; both NULL without an
 * encoder (a zero network), when a prompt is LAC_ERR_ARG. LAC_ERR_STATE without a tokenizer. */
lac_status lac_latent_texts(const lac_inpainter *ip, const lac_network *encoder, lac_tape *t, const lac_canvas *c, bool guided, lac_tensor **text, lac_tensor **no_text);
