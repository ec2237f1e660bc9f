/* train/visual.h -- CAT-Diffusion's visual prompt while a recipe learns (models/catdiff/visual.h), and what teaches SemInpainter (models/catdiff/distill.h). */
#pragma once

#include "models/catdiff/visual.h"
#include "train/recipe.h"

/* What RefAdapters read: CLIP's features of the whole picture, of the one with its hole, or what SemInpainter says of it; auto: the last there is. */
typedef enum { LAC_VISUAL_AUTO, LAC_VISUAL_TRUTH, LAC_VISUAL_MASKED, LAC_VISUAL_PREDICTED } lac_visual_from;
#define LAC_VISUALS "auto|truth|masked|predicted"

/* A picture of a batch as CLIP sees it; hole as there. */
lac_status lac_visual_derive(const lac_network *vision, const lac_tensor *image, int64_t i, const uint8_t *hole, lac_tensor *seen, lac_tensor *patches);

/* What CLIP says of it. seen f32 [N, S, S, 3]. */
lac_clip_vision_out lac_visual_look(lac_tape *t, const lac_network *vision, lac_tensor *seen);

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
