/* models/inpainter_source.h -- for models/inpainter_model.c: what a file or a folder says that it holds, before any network is opened. */
#pragma once

#include "models/inpainter.h"

/* Before the names of a tokenizer's files. */
#define LAC_MODEL_TOKENIZER "tokenizer."

typedef struct lac_source_part {
    char role[32];                      /* "": a network alone, whatever its role */
    const lac_network_def *def;
    json_t *config;                     /* resolved */
    bool bgr;
    struct lac_weights *weights;        /* own, or NULL: the source's file */
    bool foreign;                       /* there under names of others (models/network_format.h) */
} lac_source_part;

typedef struct lac_source {
    struct lac_weights *file;           /* NULL: a folder */
    lac_source_part part[LAC_INPAINTER_ROLES];
    int n;
    char *inpainter;                    /* that it names; NULL: none */
    json_t *config;                     /* of the inpainter, in part where it is a folder; NULL: says nothing */
    lac_text_files text;
    json_t *tokenizer;                  /* config of the tokenizer; NULL: has none */
} lac_source;

lac_status lac_source_open(lac_source *s, const char *path);
void lac_source_close(lac_source *s);       /* also after a failure */

/* Whether a file has denoiser and first stage under CompVis' names, as Stable Diffusion's .ckpt does. */
bool lac_source_is_checkpoint(const struct lac_weights *w);

bool lac_role_takes(const lac_inpainter_role *role, const char *network);
/* Whether def can be made of it: LAC_ERR_FORMAT says which network is missing or of another kind. */
lac_status lac_source_fits(const lac_source *s, const lac_inpainter_def *def);
lac_status lac_source_unused(const lac_source *s);                                      /* the message that no inpainter can */
json_t *lac_source_networks(const lac_source *s, const lac_inpainter_def *def);         /* as lac_inpainter_open takes it; NULL: no memory */

lac_status lac_source_read(const lac_source *s, const char *role, lac_params *ps);      /* all values */
lac_status lac_source_prompts(lac_source *s, lac_prompts *p);                           /* none where it has none */
