/* tests/harness/catdiff.h -- the smallest training of CAT-Diffusion: networks of its four stages, and what they hold. */
#pragma once

#include "tests/harness/latent.h"
#include "tests/harness/run.h"
#include "tests/harness/training.h"

/* Members of a stage's 'model', beside each other. Pictures of LAC_TEST_SIDE are as large as CLIP's, 4 x 4 patches: nothing is resized. */
#define LAC_TEST_CATDIFF_VISION                                                                                                                            \
    "'clip_vision': { 'config': { 'hidden_size': 12, 'intermediate_size': 16, 'num_hidden_layers': 1, 'num_attention_heads': 2, 'image_size': 16, 'patch_size': 4 } }"
#define LAC_TEST_CATDIFF_SEM                                                                                                                               \
    "'sem_inpainter': { 'config': { 'hidden_size': 12, 'intermediate_size': 16, 'num_attention_heads': 2, 'num_hidden_layers': 1, 'patch_size': 4, 'image_size': 16,"    \
    "  'label_mlp': { 'in_channels': 8, 'intermediate_size': 9, 'out_channels': 12 }, 'spatial_mlp': { 'hidden_size': 12, 'intermediate_size': 10 },"           \
    "  'global_mlp': { 'hidden_size': 12, 'intermediate_size': 10 }, 'global_token': true } }"
#define LAC_TEST_CATDIFF_WORDS                                                                                                                             \
    "'tokenizer': 'data/stamps/tokenizer', 'prompts': { 'max_length': 6 }, 'text_encoder': { 'config': { 'max_position_embeddings': 6, " LAC_TEST_LATENT_TEXT " } }"
#define LAC_TEST_CATDIFF_FED LAC_TEST_LATENT_MODEL("9, 'fusion_dim': 12")

/* Of a first stage, of the others, of row 2 of the ablation and of its row 1. */
#define LAC_TEST_CATDIFF_DISTILL "{ 'model': { " LAC_TEST_CATDIFF_WORDS ", " LAC_TEST_CATDIFF_VISION ", " LAC_TEST_CATDIFF_SEM " } }"
#define LAC_TEST_CATDIFF_LATENT                                                                                                                            \
    "{ 'model': { 'system': 'catdiff', " LAC_TEST_CATDIFF_FED ", " LAC_TEST_CATDIFF_VISION ", " LAC_TEST_CATDIFF_SEM " }, 'loss': { 'prompt_dropout': 0 } }"
#define LAC_TEST_CATDIFF_ROW2 "{ 'model': { 'system': 'catdiff-masked', " LAC_TEST_CATDIFF_FED ", " LAC_TEST_CATDIFF_VISION " }, 'loss': { 'prompt_dropout': 0 } }"
#define LAC_TEST_CATDIFF_ROW1 "{ 'model': { " LAC_TEST_LATENT_MODEL("9") " }, 'loss': { 'prompt_dropout': 0 } }"

/* Such a config with `more`, JSON of the same sort, laid over it. A fresh value. */
json_t *lac_test_catdiff(const char *config, const char *more);
/* Opens a training of it in f32 on the CPU. */
void lac_test_catdiff_begin(lac_test_training *t, const char *recipe, const char *config, const char *more);

/* What is zero in fresh networks lets no gradient through: N(0, 0.2^2) in its place. */
void lac_test_catdiff_draw(lac_test_training *t);
/* The pictures of that step, as lac_test_step draws them. lac_batch_free ends it. */
void lac_test_catdiff_batch(const lac_test_training *t, lac_batch *b, int64_t step);
