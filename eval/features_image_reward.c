/* ImageReward (models/reward/image_reward.h) of a picture and its prompt: one number, 0 where there is no prompt. Weights: "image-reward", ImageReward.pt, and "bert-vocab", the vocab.txt of
 * bert-base-uncased. A prompt is cut to 35 tokens, and read without padding: the published code pads to 35 and masks what it added. */
#include "eval/features.h"

#include "core/memory.h"
#include "core/text/tokenizer.h"
#include "eval/clip_input.h"
#include "models/network.h"
#include "models/reward/image_reward.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 16 };            /* pictures at once */

typedef struct judge { lac_network net; lac_tape *tape; lac_tokenizer *words; } judge;

static const lac_image_reward *model_of(const judge *j) { return j->net.model; }

/* ---- opening ---- */

static lac_status learn_to_read(judge *j, const lac_eval_weights *weights)
{
    const lac_eval_files *vocabulary;
    LAC_TRY(lac_eval_weights_want(weights, "bert-vocab", &vocabulary));
    LAC_TRY(lac_tokenizer_open_file(&j->words, "wordpiece", vocabulary->file[0].path, NULL));
    const int64_t words = lac_tokenizer_special(j->words).size, rows = model_of(j)->text.c.vocabulary;
    return words <= rows ? LAC_OK : LAC_FAIL(LAC_ERR_SHAPE, "weights 'bert-vocab' have %lld ids, and 'image-reward' has %lld rows for them", (long long)words, (long long)rows);
}

static lac_status open(lac_features *f, const char *option)
{
    const lac_eval_files *files;
    char *mark;
    judge *j;
    if (option[0] != '\0')
        return LAC_FAIL(LAC_ERR_ARG, "it takes no option, found '%s'", option);
    LAC_TRY(lac_calloc(&f->state, 1, sizeof *j));
    j = f->state;
    LAC_TRY(lac_eval_weights_want(f->weights, "image-reward", &files));
    LAC_TRY(lac_eval_files_open_network(files, &j->net, &lac_network_image_reward, f->backend));
    LAC_TRY(learn_to_read(j, f->weights));
    LAC_TRY(lac_tape_new(&j->tape, f->backend));
    LAC_TRY(lac_eval_files_mark(files, &mark));
    const lac_status s = lac_format(&f->recipe, "blip=%lldpx/%lld,text={caption},tokens=%d,truncate,weights=%s", (long long)model_of(j)->vision.c.image,
                                    (long long)model_of(j)->vision.c.patch, LAC_IMAGE_REWARD_TOKENS, mark);
    free(mark);
    return s;
}

static void close(lac_features *f)
{
    judge *j = f->state;
    if (j == NULL)
        return;
    lac_tape_free(j->tape);
    lac_tokenizer_close(j->words);
    lac_network_close(&j->net);
    free(j);
}

/* ---- running ---- */

static lac_status see(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_image_reward_see(t, model, in[0]);
    return lac_tape_status(t);
}

static lac_status weigh(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_image_reward_judge(t, model, in[0], in[1], NULL);
    return lac_tape_status(t);
}

/* States [n, P, C] of n pictures: the caller's. */
static lac_status see_all(judge *j, const lac_picture *picture, int64_t n, lac_tensor **states)
{
    const int64_t side = model_of(j)->vision.c.image;
    lac_tensor *x;
    LAC_TRY(lac_tensor_new(&x, LAC_F32, 4, (int64_t[]){ n, side, side, 3 }));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        s = lac_clip_input((float *)x->data + i * side * side * 3, NULL, side, picture[i].pixels, picture[i].height, picture[i].width, LAC_CLIP_INPUT);
    if (s == LAC_OK)
        s = lac_network_run(&j->net, j->tape, "picture", see, &x, 1, states, 1);
    lac_tensor_free(x);
    return s;
}

/* Row i of the states beside the text's own tokens. */
static lac_status judge_one(judge *j, const char *prompt, const lac_tensor *states, int64_t i, float *reward)
{
    int32_t ids[LAC_IMAGE_REWARD_TOKENS];
    const int64_t most = LAC_MIN(LAC_IMAGE_REWARD_TOKENS, model_of(j)->text.c.positions), row = states->dim[1] * states->dim[2];
    int64_t n;
    lac_tensor *in[2] = { NULL, NULL }, *out = NULL;
    LAC_TRY(lac_tokenizer_encode(j->words, prompt, strlen(prompt), LAC_I32, most, ids, &n));
    n = LAC_MIN(n, most);
    lac_status s = lac_tensor_new(&in[0], LAC_I32, 2, (int64_t[]){ 1, n });
    if (s == LAC_OK)
        s = lac_tensor_new(&in[1], LAC_F32, 3, (int64_t[]){ 1, states->dim[1], states->dim[2] });
    if (s == LAC_OK) {
        memcpy(in[0]->data, ids, (size_t)n * sizeof *ids);
        memcpy(in[1]->data, (const float *)states->data + i * row, (size_t)row * sizeof(float));
        s = lac_network_run(&j->net, j->tape, "text", weigh, in, 2, &out, 1);
    }
    if (s == LAC_OK)
        *reward = *(const float *)out->data;
    lac_tensor_free(in[0]);
    lac_tensor_free(in[1]);
    lac_tensor_free(out);
    return s;
}

static lac_status run_batch(judge *j, const lac_picture *picture, int64_t n, float *feature)
{
    lac_tensor *states = NULL;
    lac_status s = see_all(j, picture, n, &states);
    for (int64_t i = 0; s == LAC_OK && i < n; i++) {
        feature[i] = 0;
        if (picture[i].said.prompt != NULL)
            s = judge_one(j, picture[i].said.prompt, states, i, &feature[i]);
    }
    lac_tensor_free(states);
    return s;
}

static lac_status of(lac_features *f, const lac_picture *picture, int64_t n, float *feature)
{
    for (int64_t i = 0; i < n; i += BATCH)
        LAC_TRY(run_batch(f->state, picture + i, LAC_MIN(BATCH, n - i), feature + i));
    return LAC_OK;
}

static const char *const weights[] = { "image-reward", "bert-vocab", NULL };

const lac_features_def lac_features_image_reward = { "image-reward", "ImageReward of a picture and its prompt", 1, open, of, close, .weights = weights };
