/* CLIP (eval/backbone_clip.h) as features of a picture, or of its object, and of what is said of it: the picture's embedding, then each text's, of length 1; zeros where there
 * is no hole to cut, and for a text that nobody said.
 *
 *     clip            whole; the prompt. Option: what stands before each ("A photo depicts ")
 *     clip-image      whole
 *     clip-after      whole; the caption after the change, else the prompt
 *     clip-change     whole, as instruct-pix2pix brings it to size; captions before and after
 *     clip-squared    the hole's box in a black square (eval/object_crop.h); the label, else the prompt
 *     clip-cut        the hole's box alone; the label, else the prompt. Option: "clip" or "hf", whose preprocessing (eval/clip_input.h)
 *     mini-clip       a miniature's, trained at home: whole. Option: "text", and the prompt as its template has it */
#include "eval/backbone_clip.h"

#include "core/memory.h"
#include "eval/object_crop.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_TEXTS = 2 };

typedef const char *text_of(const lac_said *said);

typedef struct look {
    enum { WHOLE, SQUARED, CUT } part;
    lac_clip_recipe input;
    int n_texts;
    text_of *text[MOST_TEXTS];
    const char *words;                  /* of the recipe; %s: the option */
} look;

typedef struct clip { lac_clip_backbone *backbone; look look; } clip;

static const char *prompt_of(const lac_said *s) { return s->prompt; }
static const char *name_of(const lac_said *s) { return s->label != NULL ? s->label : s->prompt; }
static const char *before_of(const lac_said *s) { return s->before; }
static const char *after_of(const lac_said *s) { return s->after; }
static const char *last_of(const lac_said *s) { return s->after != NULL ? s->after : s->prompt; }

/* ---- opening ---- */

static lac_status make_recipe(lac_features *f, const clip *c, const char *option)
{
    const char *words = c->look.words, *at = strstr(words, "%s");
    char *clip;
    LAC_TRY(lac_clip_backbone_recipe(c->backbone, &clip));
    const lac_status s = at == NULL ? lac_format(&f->recipe, "%s%s", clip, words)
                                    : lac_format(&f->recipe, "%s%.*s%s%s", clip, (int)(at - words), words, option, at + 2);
    free(clip);
    return s;
}

static lac_status open_on(lac_features *f, const char *option, const look *l, bool mini)
{
    clip *c;
    LAC_TRY(lac_calloc(&f->state, 1, sizeof *c));
    c = f->state;
    c->look = *l;
    LAC_TRY(mini ? lac_clip_backbone_get_mini(f, &c->backbone) : lac_clip_backbone_get(f, l->n_texts > 0, &c->backbone));
    f->n = (1 + l->n_texts) * lac_clip_backbone_width(c->backbone);
    return make_recipe(f, c, option);
}

static lac_status open(lac_features *f, const char *option, const look *l) { return open_on(f, option, l, false); }

static lac_status open_mini(lac_features *f, const char *option)
{
    const bool reads = strcmp(option, "text") == 0;
    if (!reads && option[0] != '\0')
        return LAC_FAIL(LAC_ERR_ARG, "its option is text, found '%s'", option);
    return open_on(f, option, &(look){ WHOLE, LAC_CLIP_INPUT, reads, { prompt_of }, reads ? ",text={caption},truncate" : "" }, true);
}

static lac_status open_clip(lac_features *f, const char *option)
{
    return open(f, option, &(look){ WHOLE, LAC_CLIP_INPUT, 1, { prompt_of }, ",text=%s{caption},truncate" });
}

static lac_status open_plain(lac_features *f, const char *option, const look *l)
{
    return option[0] == '\0' ? open(f, option, l) : LAC_FAIL(LAC_ERR_ARG, "it takes no option, found '%s'", option);
}

static lac_status open_image(lac_features *f, const char *option) { return open_plain(f, option, &(look){ WHOLE, LAC_CLIP_INPUT, 0, { NULL }, "" }); }

static lac_status open_after(lac_features *f, const char *option)
{
    return open_plain(f, option, &(look){ WHOLE, LAC_CLIP_INPUT, 1, { last_of }, ",text={after|caption},truncate" });
}

static lac_status open_change(lac_features *f, const char *option)
{
    return open_plain(f, option, &(look){ WHOLE, LAC_CLIP_INPUT_IP2P, 2, { before_of, after_of }, ",resize=torch-bicubic,text={before}|{after},truncate" });
}

static lac_status open_squared(lac_features *f, const char *option)
{
    return open_plain(f, option, &(look){ SQUARED, LAC_CLIP_INPUT, 1, { name_of }, ",crop=bbox of the mask,pad=black square,resize=opencv-cubic,text={label|caption},truncate" });
}

static lac_status open_cut(lac_features *f, const char *option)
{
    const bool hf = strcmp(option, "hf") == 0;
    if (!hf && strcmp(option, "clip") != 0)
        return LAC_FAIL(LAC_ERR_ARG, "its preprocessing is clip or hf, found '%s'", option);
    return open(f, option, &(look){ CUT, hf ? LAC_CLIP_INPUT_HF : LAC_CLIP_INPUT, 1, { name_of }, ",crop=bbox of the mask,input=%s,text={label|caption},truncate" });
}

/* ---- pictures ---- */

static lac_status cut_out(const void *context, const lac_picture *p, lac_image *part, bool *there)
{
    const clip *c = context;
    lac_cutout hole;
    *there = p->mask != NULL && lac_hole_around(p->mask, p->height, p->width, &hole);
    if (!*there)
        return LAC_OK;
    return c->look.part == CUT ? lac_object_cut(part, p, &hole) : lac_object_squared(part, p, &hole, lac_clip_backbone_side(c->backbone));
}

static lac_status see(const clip *c, const lac_picture *picture, int64_t n, float *found)
{
    return c->look.part == WHOLE ? lac_clip_backbone_see(c->backbone, picture, n, c->look.input, found)
                                 : lac_clip_backbone_see_parts(c->backbone, picture, n, c->look.input, cut_out, c, found);
}

/* ---- texts ---- */

/* Text k of n pictures, behind the option of "clip". */
static lac_status read_texts(const lac_features *f, const clip *c, const lac_picture *picture, int64_t n, int k, char **text, float *found)
{
    const char *before = f->def == &lac_features_clip ? f->option : "";
    for (int64_t i = 0; i < n; i++) {
        const char *said = c->look.text[k](&picture[i].said);
        if (said != NULL)
            LAC_TRY(lac_format(&text[i], "%s%s", before, said));
    }
    return lac_clip_backbone_read(c->backbone, (const char *const *)text, n, found);
}

static lac_status read(const lac_features *f, const clip *c, const lac_picture *picture, int64_t n, int k, float *found)
{
    char **text;
    LAC_TRY(lac_calloc((void **)&text, (size_t)n, sizeof *text));
    const lac_status s = read_texts(f, c, picture, n, k, text, found);
    for (int64_t i = 0; i < n; i++)
        free(text[i]);
    free(text);
    return s;
}

static lac_status of(lac_features *f, const lac_picture *picture, int64_t n, float *feature)
{
    const clip *c = f->state;
    const int64_t width = lac_clip_backbone_width(c->backbone);
    float *found;
    LAC_TRY(lac_calloc((void **)&found, (size_t)(n * width), sizeof *found));
    lac_status s = LAC_OK;
    for (int k = 0; s == LAC_OK && k <= c->look.n_texts; k++) {
        s = k == 0 ? see(c, picture, n, found) : read(f, c, picture, n, k - 1, found);
        for (int64_t i = 0; s == LAC_OK && i < n; i++)
            memcpy(feature + i * f->n + k * width, found + i * width, (size_t)width * sizeof *found);
    }
    free(found);
    return s;
}

static void close(lac_features *f) { free(f->state); }

static const char *const sees[] = { "clip", NULL }, *const reads[] = { "clip", "clip-vocab", NULL }, *const miniature[] = { "mini-clip", NULL };

#define CLIP(identifier, called, what, opens, wants) \
    const lac_features_def lac_features_##identifier = { called, "CLIP's embeddings of " what, .open = opens, .of = of, .close = close, .weights = wants }
CLIP(clip, "clip", "a picture and its prompt", open_clip, reads);
CLIP(clip_image, "clip-image", "a picture", open_image, sees);
CLIP(clip_after, "clip-after", "a picture and its caption after a change", open_after, reads);
CLIP(clip_change, "clip-change", "a picture and captions before and after", open_change, reads);
CLIP(clip_squared, "clip-squared", "the hole's box in a square and its name", open_squared, reads);
CLIP(clip_cut, "clip-cut", "the hole's box and its name", open_cut, reads);
CLIP(mini_clip, "mini-clip", "a picture, by a miniature trained at home", open_mini, miniature);
