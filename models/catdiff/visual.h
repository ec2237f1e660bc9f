/* models/catdiff/visual.h -- CAT-Diffusion's visual prompt (arXiv:2409.08260): what CLIP sees of a picture with its hole, and what SemInpainter makes of that. */
#pragma once

#include "core/image/image.h"
#include "models/catdiff/sem_inpainter.h"
#include "models/clip/vision.h"

/* A picture as CLIP wants its pixels, to[S S 3], squashed to CLIP's square with the hole 127 (models/catdiff/input.h). hole: a byte for each pixel, any but 0 is hole; NULL: there
 * is none. cells[(S / patch)^2]: 1 for the patches of the hole, else 0. to or cells NULL: not wanted. */
lac_status lac_visual_see(float *to, float *cells, const lac_clip_vision_config *c, const lac_image *picture, const uint8_t *hole);

/* Below, all NULL after an error. What CLIP says of the patches, behind the class token: [N, P, C]. */
lac_tensor *lac_visual_patches(lac_tape *t, const lac_clip_vision_out *seen);

/* The visual prompt without SemInpainter: means of 2 x 2 patches of a square of them. */
lac_tensor *lac_visual_as_seen(lac_tape *t, const lac_clip_vision_out *seen);

/* What SemInpainter says: of each patch, whatever its `sample`. cells f32 [N, S, S, 1]; text [N, width], the prompt's pooled state. */
lac_sem_inpainter_out lac_visual_said(lac_tape *t, const lac_sem_inpainter *m, const lac_clip_vision_out *seen, lac_tensor *cells, lac_tensor *text);

/* The visual prompt of it. */
lac_tensor *lac_visual_prompt(lac_tape *t, const lac_sem_inpainter *m, const lac_sem_inpainter_out *said, const lac_clip_vision_out *seen, lac_tensor *cells);
