/* eval/backbone_clip.h -- CLIP (models/clip/) for everything that stands on it: embeddings of length 1, of pictures and of texts, each found once.
 *
 * Weights: "clip", of any size under OpenAI's or transformers' names, and for texts "clip-vocab", OpenAI's bpe_simple_vocab_16e6.txt.gz. Texts longer than the tower reads are cut. */
#pragma once

#include "eval/backbones.h"
#include "eval/clip_input.h"
#include "eval/features.h"

typedef struct lac_clip_backbone lac_clip_backbone;

/* The evaluation's one; reads: whether texts are wanted too. */
lac_status lac_clip_backbone_get(const lac_features *f, bool reads, lac_clip_backbone **c);
/* Another one, trained at home (configs-lua/clip/): weights "mini-clip", a run's exported model, which has its tokenizer with it. */
lac_status lac_clip_backbone_get_mini(const lac_features *f, lac_clip_backbone **c);
/* HPS v2, or v2.1: weights "hps-v2", "hps-v2.1", and "clip-vocab"; it sees LAC_CLIP_INPUT_HPS. */
lac_status lac_clip_backbone_get_hps(const lac_features *f, bool first, lac_clip_backbone **c);

int64_t lac_clip_backbone_width(const lac_clip_backbone *c);        /* numbers of an embedding */
int64_t lac_clip_backbone_side(const lac_clip_backbone *c);         /* of the picture that it sees */
/* "clip=224px/32"; "mini-clip=64px/8,weights=0123456789ab", for two miniatures are two networks: fresh, for recipes. */
lac_status lac_clip_backbone_recipe(const lac_clip_backbone *c, char **text);

/* embedding [n][width] of n pictures of any size. */
lac_status lac_clip_backbone_see(lac_clip_backbone *c, const lac_picture *picture, int64_t n, lac_clip_recipe recipe, float *embedding);
/* A part of a picture, a new one; *there false: it has none, and nothing was made. */
typedef lac_status lac_clip_part(const void *context, const lac_picture *p, lac_image *part, bool *there);
/* The same of a part of each; zeros where there is none. */
lac_status lac_clip_backbone_see_parts(lac_clip_backbone *c, const lac_picture *picture, int64_t n, lac_clip_recipe recipe, lac_clip_part *part, const void *context,
                                       float *embedding);
/* Of n texts; zeros where text[i] is NULL. */
lac_status lac_clip_backbone_read(lac_clip_backbone *c, const char *const *text, int64_t n, float *embedding);
