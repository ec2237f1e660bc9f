#include "data/mask_source.h"

#include "core/image/grow.h"
#include "core/memory.h"
#include "data/field.h"
#include "data/mask_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A way to come by masks. `prefix` is the word, or its beginning where it ends in a colon or a plus; "" takes every other word. */
typedef struct way {
    const char *prefix;
    unsigned needs;
    bool of_record;
    lac_status (*open)(lac_mask_source *m, const char *rest, lac_mask_locate *locate, void *context);
    lac_status (*make)(const lac_mask_source *m, const lac_sample *s, uint8_t *to);
} way;

enum { CHOICES = 4 };

struct lac_mask_source {
    const way *way;
    lac_mask_source *choice[CHOICES];   /* of which one is drawn */
    int choices;
    int64_t size, grow;
    char *about;
    lac_mask_file file;
    const lac_mask_kind *kind;
    lac_mask_params params;
};

/* ---- fixed masks: they belong to the record's place in its split ---- */

static lac_status load_file(lac_mask_source *m, const char *path)
{
    const char *slash = strrchr(path, '/');
    LAC_TRY(lac_mask_file_load(&m->file, path));
    if (m->file.size != m->size)
        return LAC_FAIL(LAC_ERR_CONFIG, "the masks of '%s' are %" PRId64 " pixels wide, the pictures %" PRId64, path, m->file.size, m->size);
    return lac_format(&m->about, "%s sha256 %s", slash != NULL ? slash + 1 : path, m->file.hash);
}

static lac_status open_file(lac_mask_source *m, const char *name, lac_mask_locate *locate, void *context)
{
    char *path;
    LAC_TRY(locate != NULL ? locate(context, name, &path) : lac_strdup(&path, name));
    const lac_status s = load_file(m, path);
    free(path);
    return s;
}

static lac_status take_from_file(const lac_mask_source *m, const lac_sample *s, uint8_t *to)
{
    memcpy(to, m->file.pixels + s->place % m->file.n * m->size * m->size, (size_t)(m->size * m->size));
    return LAC_OK;
}

/* ---- a generator ---- */

static lac_status open_generator(lac_mask_source *m, const char *name, lac_mask_locate *locate, void *context)
{
    (void)locate, (void)context;
    LAC_TRY(lac_mask_check(&m->params));
    LAC_TRY(lac_mask_named(&m->kind, name));
    return lac_format(&m->about, "%s by record id", name);
}

static lac_status draw(const lac_mask_source *m, const lac_sample *s, uint8_t *to)
{
    lac_stream random = lac_sample_draw(s, LAC_DRAW_MASK);
    return lac_mask_make(to, m->size, m->size, m->kind, &m->params, &random);
}

/* ---- an object of the record ---- */

static lac_status open_object(lac_mask_source *m, const char *rest, lac_mask_locate *locate, void *context)
{
    (void)rest, (void)locate, (void)context;
    return lac_format(&m->about, "%s by record id", m->way->prefix);
}

static lac_status cut_object(const lac_mask_source *m, const lac_sample *s, uint8_t *to)
{
    bool some = false;
    LAC_TRY(lac_sample_cut_part(s, lac_sample_object(s), 1, to));
    for (int64_t i = 0; i < m->size * m->size; i++)
        some |= to[i] >= 128;
    for (int64_t i = 0; i < m->size * m->size; i++)
        to[i] = to[i] >= (some ? 128 : 1);
    return LAC_OK;
}

static lac_status open_grown(lac_mask_source *m, const char *rest, lac_mask_locate *locate, void *context)
{
    enum { MOST = 4096 };
    char *end;
    m->grow = strtol(rest, &end, 10);
    if (rest[0] < '0' || rest[0] > '9' || *end != '\0' || m->grow > MOST)
        return LAC_FAIL(LAC_ERR_CONFIG, "mask 'object+N' wants pixels, 0 to %d, found '%s'", MOST, rest);
    (void)locate, (void)context;
    return lac_format(&m->about, "object+%" PRId64 " by record id", m->grow);
}

static lac_status grow_object(const lac_mask_source *m, const lac_sample *s, uint8_t *to)
{
    LAC_TRY(cut_object(m, s, to));
    return lac_mask_grow(to, m->size, m->size, m->grow);
}

static lac_status box_object(const lac_mask_source *m, const lac_sample *s, uint8_t *to)
{
    LAC_TRY(cut_object(m, s, to));
    const lac_box b = lac_box_around(to, m->size, m->size);
    for (int64_t y = 0; y < (int64_t)b.height; y++)
        memset(to + ((int64_t)b.top + y) * m->size + (int64_t)b.left, 1, (size_t)b.width);
    return LAC_OK;
}

/* ---- all of the picture, or nothing ---- */

static lac_status fill_whole(const lac_mask_source *m, const lac_sample *s, uint8_t *to)
{
    (void)s;
    memset(to, 1, (size_t)(m->size * m->size));
    return LAC_OK;
}

static lac_status fill_none(const lac_mask_source *m, const lac_sample *s, uint8_t *to)
{
    (void)s;
    memset(to, 0, (size_t)(m->size * m->size));
    return LAC_OK;
}

static lac_status open_plain(lac_mask_source *m, const char *rest, lac_mask_locate *locate, void *context)
{
    (void)rest, (void)locate, (void)context;
    return lac_strdup(&m->about, m->way->prefix);
}

/* ---- one of several ---- */

static lac_status open_choice(lac_mask_source *m, const char *word, size_t length, lac_mask_locate *locate, void *context)
{
    char *own;
    if (m->choices == CHOICES)
        return LAC_FAIL(LAC_ERR_CONFIG, "a mask is one of %d words at most", CHOICES);
    LAC_TRY(lac_format(&own, "%.*s", (int)length, word));
    const lac_status s = length > 0 ? lac_mask_source_open(&m->choice[m->choices], own, m->size, &m->params, locate, context)
                                    : LAC_FAIL(LAC_ERR_CONFIG, "a mask of several words has an empty one");
    free(own);
    m->choices += s == LAC_OK;
    return s;
}

static lac_status describe_choices(lac_mask_source *m)
{
    lac_status s = lac_strdup(&m->about, "");
    for (int i = 0; s == LAC_OK && i < m->choices; i++) {
        char *before = m->about;
        s = lac_format(&m->about, "%s%s%s", before, i > 0 ? ", or " : "", m->choice[i]->about);
        free(before);
    }
    return s;
}

static lac_status open_several(lac_mask_source *m, const char *rest, lac_mask_locate *locate, void *context)
{
    for (size_t n; n = strcspn(rest, "|"), rest[n] == '|'; rest += n + 1)
        LAC_TRY(open_choice(m, rest, n, locate, context));
    LAC_TRY(open_choice(m, rest, strlen(rest), locate, context));
    return describe_choices(m);
}

static lac_status draw_choice(const lac_mask_source *m, const lac_sample *s, uint8_t *to)
{
    lac_stream random = lac_sample_draw(s, "mask/choice");
    return lac_mask_source_make(m->choice[lac_stream_below(&random, (uint32_t)m->choices)], s, to);
}

static const way several = { "", 0, false, open_several, draw_choice };

/* ---- all of them ---- */

static const way ways[] = {
    { "file:", 0, true, open_file, take_from_file },
    { "object", LAC_NEEDS_OBJECT | LAC_NEEDS_OBJECT_MASK, true, open_object, cut_object },
    { "object+", LAC_NEEDS_OBJECT | LAC_NEEDS_OBJECT_MASK, true, open_grown, grow_object },
    { "object-box", LAC_NEEDS_OBJECT | LAC_NEEDS_OBJECT_MASK, true, open_object, box_object },
    { "whole", 0, true, open_plain, fill_whole },
    { "none", 0, true, open_plain, fill_none },
    { "", 0, false, open_generator, draw },
};

static const way *way_of(const char *word, const char **rest)
{
    const way *w = ways;
    *rest = word;
    if (strchr(word, '|') != NULL)
        return &several;
    for (size_t n; (n = strlen(w->prefix)) > 0; w++)
        if (w->prefix[n - 1] == ':' || w->prefix[n - 1] == '+' ? strncmp(word, w->prefix, n) == 0 : strcmp(word, w->prefix) == 0)
            break;
    *rest = word + strlen(w->prefix);
    return w;
}

lac_status lac_mask_source_open(lac_mask_source **source, const char *word, int64_t size, const lac_mask_params *params, lac_mask_locate *locate, void *context)
{
    lac_mask_source *m;
    const char *rest;
    LAC_TRY(lac_calloc((void **)&m, 1, sizeof *m));
    m->way = way_of(word, &rest);
    m->size = size;
    m->params = params != NULL ? *params : lac_mask_defaults();
    const lac_status s = m->way->open(m, rest, locate, context);
    if (s == LAC_OK)
        *source = m;
    else
        lac_mask_source_close(m);
    return s;
}

void lac_mask_source_close(lac_mask_source *m)
{
    if (m == NULL)
        return;
    for (int i = 0; i < m->choices; i++)
        lac_mask_source_close(m->choice[i]);
    lac_mask_file_free(&m->file);
    free(m->about);
    free(m);
}

bool lac_mask_source_knows(const char *word)
{
    const char *rest;
    const lac_mask_kind *kind;
    return way_of(word, &rest)->prefix[0] != '\0' || strchr(word, '|') != NULL || lac_mask_named(&kind, word) == LAC_OK;
}

bool lac_mask_source_of_record(const char *word)
{
    const char *rest;
    return way_of(word, &rest)->of_record;
}

unsigned lac_mask_source_needs(const lac_mask_source *m)
{
    unsigned needs = m->way->needs;
    for (int i = 0; i < m->choices; i++)
        needs |= lac_mask_source_needs(m->choice[i]);
    return needs;
}

const char *lac_mask_source_about(const lac_mask_source *m) { return m->about; }

lac_status lac_mask_source_make(const lac_mask_source *m, const lac_sample *s, uint8_t *to) { return m->way->make(m, s, to); }
