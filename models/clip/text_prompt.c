#include "models/clip/text_prompt.h"

#include "autograd/ops/embedding/embedding.h"

#include <string.h>

/* Text i of many, its size beside it. */
typedef const char *text_at(const void *texts, int64_t i, size_t *size);

static lac_status encode_all(const lac_prompts *p, text_at *at, const void *texts, int64_t n, lac_tensor **ids, int64_t *lost)
{
    const int64_t length = lac_prompts_length(p);
    int64_t most = 0;
    lac_tensor *x;
    LAC_TRY(lac_tensor_new(&x, LAC_I32, 2, (int64_t[]){ n, length }));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < n; i++) {
        int64_t tokens = 0;
        size_t size;
        const char *text = at(texts, i, &size);
        s = lac_context(lac_tokenizer_encode(p->tokenizer, text, size, LAC_I32, length, (int32_t *)x->data + i * length, &tokens), "text %lld", (long long)i);
        most = LAC_MAX(most, tokens - length);
    }
    if (s != LAC_OK)
        return lac_tensor_free(x), s;
    *ids = x;
    if (lost != NULL)
        *lost = most;
    return LAC_OK;
}

static const char *string_at(const void *texts, int64_t i, size_t *size)
{
    const char *text = ((const char *const *)texts)[i];
    *size = text != NULL ? strlen(text) : 0;
    return text != NULL ? text : "";
}

static const char *caption_at(const void *texts, int64_t i, size_t *size)
{
    const lac_tensor *caption = texts;
    const char *text = (const char *)caption->data + i * caption->dim[1];
    *size = strnlen(text, (size_t)caption->dim[1]);
    return text;
}

lac_status lac_text_ids(const lac_prompts *p, const char *const *text, int64_t n, lac_tensor **ids, int64_t *lost)
{
    return encode_all(p, string_at, text, n, ids, lost);
}

lac_status lac_caption_ids(const lac_prompts *p, const lac_tensor *caption, lac_tensor **ids, int64_t *lost)
{
    if (caption->dtype != LAC_U8)
        return LAC_FAIL(LAC_ERR_DTYPE, "captions are u8, got %s", lac_dtype_name(caption->dtype));
    if (caption->ndim != 2)
        return LAC_FAIL(LAC_ERR_SHAPE, "captions are [n, bytes], got %s", lac_shape_str(caption));
    return encode_all(p, caption_at, caption, caption->dim[0], ids, lost);
}

lac_tensor *lac_clip_text_states(lac_tape *t, const lac_clip_text *m, const lac_tensor *ids)
{
    const lac_status s = lac_embedding_check(ids, m->c.vocabulary, "tokens");
    return s != LAC_OK ? lac_tape_fail(t, s) : lac_clip_text_forward(t, m, lac_tape_input(t, ids, LAC_I32)).last;
}
