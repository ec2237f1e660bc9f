/* train/visual.h -- CAT-Diffusion's visual prompt while a recipe learns (models/catdiff/visual.h), and what teaches SemInpainter (models/catdiff/distill.h). */
#pragma once

#include "models/catdiff/visual.h"
#include "train/recipe.h"

/* What RefAdapters read: CLIP's features of the whole picture, of the one with its hole, or what SemInpainter says of it; auto: the last there is. */
typedef enum { LAC_VISUAL_AUTO, LAC_VISUAL_TRUTH, LAC_VISUAL_MASKED, LAC_VISUAL_PREDICTED } lac_visual_from;
#define LAC_VISUALS "auto|truth|masked|predicted"

/* Whether what CLIP says is kept (train/latents.h): of whole pictures, and where masks are their records' of those with their hole. */
enum { LAC_VISUAL_CACHE_OFF, LAC_VISUAL_CACHE_PICTURES, LAC_VISUAL_CACHE_BOTH };
#define LAC_VISUAL_CACHES "off|pictures|both"
#define LAC_VISUAL_CACHE_HELP "what CLIP's image tower says is made once: of whole pictures; both: and of those with their hole if masks are fixed"

/* For open: keeps what the config's model.cache_features allows of what is wanted, by lac_latent_kind. */
lac_status lac_visual_keep(lac_recipe *r, const lac_network *vision, const json_t *config, const bool wanted[LAC_LATENT_KINDS]);

/* Picture i of a batch as CLIP sees it, and the patches of its hole; either NULL: it is not wanted, and without `seen` the picture needs no pixels. */
lac_status lac_visual_derive(const lac_network *vision, const lac_image *picture, const uint8_t *hole, int64_t i, lac_tensor *seen, lac_tensor *patches);

/* What CLIP says of it: seen f32 [N, S, S, 3], or what it said, kept, f32 [N, 1 + P, C], of which `last` and `pooled` are made. */
lac_clip_vision_out lac_visual_look(lac_tape *t, const lac_recipe *r, const lac_network *vision, lac_tensor *seen);

/* SemInpainter's lesson: losses of the patches and of the class token, the latter NULL without one. */
enum { LAC_LESSON_PATCHES, LAC_LESSON_GLOBAL, LAC_LESSONS };
typedef struct lac_visual_lesson {
    const lac_sem_inpainter_out *said;
    const lac_clip_vision_out *truth;
    lac_tensor *cells;                  /* f32 [N, S, S, 1] */
    bool masked;                        /* cells of the hole alone; all of them */
} lac_visual_lesson;
#define LAC_LESSON_REGIONS "masked|all"
void lac_visual_teach(lac_tape *t, const lac_visual_lesson *lesson, lac_tensor *sum[LAC_LESSONS]);

/* What these are divided by, of this rank's batch: the cells of the hole and one, of which every picture of `global` has its share; and the numbers of the class tokens. */
void lac_visual_count(const lac_tensor *cells, const lac_sem_inpainter *m, int64_t global, double count[LAC_LESSONS]);

double lac_visual_holes(const lac_tensor *cells);           /* how many cells are hole */
