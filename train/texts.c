#include "train/texts.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lac_text { uint8_t key[LAC_SHA256_SIZE]; int64_t part; };        /* a caption, or the object whose label it is; -1: the empty text */
typedef struct lac_text text;

/* ---- which texts: sorted by their sums, each once ---- */

static int by_key(const void *a, const void *b) { return memcmp(((const text *)a)->key, ((const text *)b)->key, LAC_SHA256_SIZE); }

static int64_t sort_out(text *all, int64_t n)
{
    int64_t kept = 1;
    qsort(all, (size_t)n, sizeof *all, by_key);
    for (int64_t i = 1; i < n; i++)
        if (by_key(&all[i], &all[kept - 1]) != 0)
            all[kept++] = all[i];
    return kept;
}

typedef struct texts { text *all; int64_t n, capacity; } texts;

/* part -1: the empty text. */
static lac_status add_text(texts *t, const lac_set *set, int64_t part)
{
    const lac_part p = part >= 0 ? lac_set_part(set, part) : (lac_part){ .kind = LAC_PART_OBJECT, .label = "" };
    LAC_TRY(lac_grow((void **)&t->all, t->n, &t->capacity, sizeof *t->all));
    text *own = &t->all[t->n++];
    own->part = part;
    if (p.kind == LAC_PART_OBJECT)
        lac_sha256_of(p.label, strlen(p.label), own->key);
    else
        memcpy(own->key, p.digest, LAC_SHA256_SIZE);
    return LAC_OK;
}

static lac_status add_texts(texts *t, const lac_set *set, int64_t record, lac_part_kind kind)
{
    int64_t first;
    const int64_t n = lac_set_parts(set, record, kind, &first);
    for (int64_t k = 0; k < n; k++)
        LAC_TRY(add_text(t, set, first + k));
    return LAC_OK;
}

/* What a batch may say of a split: captions, objects' labels, and nothing. */
static lac_status list_texts(const lac_source *source, text **all, int64_t *n)
{
    int64_t *id = NULL, records;
    texts t = { 0 };
    *all = NULL;
    *n = 0;
    LAC_TRY(lac_set_select(source->set, source->split, LAC_KIND_PHOTO, &id, &records));
    lac_status s = add_text(&t, source->set, -1);
    for (int64_t i = 0; s == LAC_OK && i < records; i++) {
        s = add_texts(&t, source->set, id[i], LAC_PART_CAPTION);
        if (s == LAC_OK)
            s = add_texts(&t, source->set, id[i], LAC_PART_OBJECT);
    }
    *all = t.all;
    *n = t.n;
    free(id);
    *n = s == LAC_OK ? sort_out(*all, *n) : 0;
    return s;
}

/* ---- what the rows are a function of ---- */

static void hash_texts(const text *all, int64_t n, char hex[LAC_SHA256_HEX])
{
    uint8_t digest[LAC_SHA256_SIZE];
    lac_sha256 h;
    lac_sha256_start(&h);
    for (int64_t i = 0; i < n; i++)
        lac_sha256_add(&h, all[i].key, LAC_SHA256_SIZE);
    lac_sha256_end(&h, digest);
    lac_sha256_hex(digest, hex);
}

static void hash_files(const lac_text_files *files, char hex[LAC_SHA256_HEX])
{
    uint8_t digest[LAC_SHA256_SIZE];
    lac_sha256 h;
    lac_sha256_start(&h);
    for (int i = 0; i < files->n; i++) {
        const uint64_t size = files->file[i].size;
        lac_sha256_add(&h, files->file[i].name, strlen(files->file[i].name) + 1);
        lac_sha256_add(&h, &size, sizeof size);
        lac_sha256_add(&h, files->file[i].bytes, files->file[i].size);
    }
    lac_sha256_end(&h, digest);
    lac_sha256_hex(digest, hex);
}

static lac_status describe(const lac_recipe_texts *t, const text *all, int64_t n, char **about)
{
    const lac_network *encoder = t->encoder;
    char weights[LAC_SHA256_HEX], texts[LAC_SHA256_HEX], files[LAC_SHA256_HEX];
    LAC_TRY(lac_params_hash(encoder->params, weights));
    hash_texts(all, n, texts);
    hash_files(&t->prompts->files, files);
    char *config = encoder->config != NULL ? lac_config_text(encoder->config, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    char *prompts = lac_config_text(t->prompts->config, JSON_COMPACT | JSON_SORT_KEYS);
    const lac_status s = lac_format(about, "texts 1\ntexts %lld %s\ntokenizer %s\nfiles %s\nencoder %s %s\nweights %s\ndtype %s\n", (long long)n, texts,
                                    prompts != NULL ? prompts : "", files, encoder->def->name, config != NULL ? config : "", weights, lac_dtype_name(t->dtype));
    free(config);
    free(prompts);
    return s;
}

/* ---- one source ---- */

typedef struct making {
    const lac_texts_from *from;
    const lac_source *source;
    const text *all;
    lac_tensor *ids, *made;
    struct lac_buffer buffer;
} making;

static lac_status open_cache(const lac_texts_from *f, const text *all, int64_t n, lac_latent_layout *layout, lac_latent_cache **cache)
{
    const lac_recipe_texts *t = &f->recipe->texts;
    char *about;
    LAC_TRY(describe(t, all, n, &about));
    *layout = (lac_latent_layout){ .about = about, .records = n, .views = 1, .one = t->one, .name = "states", .dtype = t->dtype, .kept = { true } };
    const lac_status s = lac_latent_cache_open(cache, f->folder, layout);
    layout->about = NULL;
    free(about);
    return s;
}

static lac_status put_ids(making *m, int64_t at, int64_t row)
{
    const lac_prompts *p = m->from->recipe->texts.prompts;
    int32_t *ids = (int32_t *)m->ids->data + row * lac_prompts_length(p);
    char words[LAC_CAPTION_BYTES] = "";
    const int64_t part = at >= 0 ? m->all[at].part : -1;
    if (part >= 0 && lac_set_part(m->source->set, part).kind == LAC_PART_OBJECT) {
        snprintf(words, sizeof words, "%s", lac_set_part(m->source->set, part).label);
    } else if (part >= 0) {
        const int64_t n = lac_set_part(m->source->set, part).length;
        LAC_TRY(lac_set_read_part(m->source->set, part, &m->buffer.bytes, &m->buffer.capacity));
        memcpy(words, m->buffer.bytes, (size_t)LAC_MIN(n, LAC_CAPTION_BYTES - 1));
    }
    return lac_prompts_ids(p, words, ids, NULL);
}

static lac_status encode(lac_tape *t, void *context)
{
    making *m = context;
    const lac_network *e = m->from->recipe->texts.encoder;
    lac_tensor *states = e->def->states(t, e->model, lac_tape_input(t, m->ids, LAC_I32));
    LAC_TRY(lac_tape_status(t));
    return lac_keep(t, states, &m->made);
}

/* As many texts as a step has, whatever n is: so the kernels are the step's. */
static lac_status make_rows(void *context, int64_t view, int64_t place, int64_t n, char *const rows[LAC_LATENT_KINDS], int64_t first, int64_t by)
{
    making *m = context;
    char signature[64];
    (void)view;
    for (int64_t i = 0; i < m->from->batch; i++)
        LAC_TRY(put_ids(m, i < n ? place + i : -1, i));
    snprintf(signature, sizeof signature, "texts/n%lld", (long long)m->from->batch);
    LAC_TRY(lac_tape_run(m->from->tape, signature, encode, m));
    m->made->dim[0] = n;
    lac_cache_put_rows(m->made, m->from->recipe->texts.dtype, rows[0], first, by);
    lac_tensor_free(m->made);
    m->made = NULL;
    return LAC_OK;
}

static lac_status make_missing(const lac_texts_from *f, const lac_source *source, const lac_latent_layout *layout, const text *all, lac_latent_cache *cache)
{
    making m = { .from = f, .source = source, .all = all };
    const lac_cache_maker maker = { .cache = cache, .layout = layout, .what = "states of text", .comm = f->comm, .batch = f->batch, .watch = f->watch, .context = &m,
                                    .make = make_rows };
    LAC_TRY(lac_comm_agree(f->comm, lac_tensor_new(&m.ids, LAC_I32, 2, (int64_t[]){ f->batch, lac_prompts_length(f->recipe->texts.prompts) })));
    const lac_status s = lac_cache_make(&maker);
    lac_tensor_free(m.ids);
    free(m.buffer.bytes);
    return s;
}

lac_status lac_texts_add(lac_texts *x, const lac_texts_from *f, const lac_source *source)
{
    lac_latent_layout layout;
    int64_t n;
    if (x->n == LAC_TEXTS_MAX)
        return LAC_FAIL(LAC_ERR_STATE, "texts of more than %d sources", LAC_TEXTS_MAX);
    const int k = x->n++;
    lac_status s = list_texts(source, &x->source[k].text, &n);
    if (s == LAC_OK)
        s = open_cache(f, x->source[k].text, n, &layout, &x->source[k].cache);
    LAC_TRY(lac_comm_agree(f->comm, s));
    f->recipe->texts.kept = x;
    return make_missing(f, source, &layout, x->source[k].text, x->source[k].cache);
}

void lac_texts_close(lac_texts *x)
{
    for (int i = 0; i < x->n; i++) {
        lac_latent_cache_close(x->source[i].cache);
        free(x->source[i].text);
    }
    *x = (lac_texts){ 0 };
}

lac_status lac_texts_read(const lac_texts *x, const char *words, float *to)
{
    text wanted;
    lac_sha256_of(words != NULL ? words : "", words != NULL ? strlen(words) : 0, wanted.key);
    for (int i = 0; i < x->n; i++) {
        const text *all = x->source[i].text;
        const text *found = bsearch(&wanted, all, (size_t)lac_latent_cache_records(x->source[i].cache), sizeof wanted, by_key);
        if (found != NULL)
            return lac_latent_cache_read(x->source[i].cache, LAC_LATENT_PICTURE, found - all, 0, to);
    }
    return LAC_FAIL(LAC_ERR_STATE, "the states of '%s' are not kept", words != NULL ? words : "");
}

/* ---- what it costs ---- */

typedef struct planning { const lac_network *encoder; lac_tensor ids; } planning;

static lac_tensor *read_one(lac_tape *t, void *context)
{
    planning *p = context;
    return p->encoder->def->states(t, p->encoder->model, lac_tape_input(t, &p->ids, LAC_I32));
}

lac_status lac_texts_plan(lac_cache_row *row, const lac_network *encoder, int64_t ids, const lac_backend *b)
{
    planning p = { .encoder = encoder };
    lac_tensor_shape(&p.ids, LAC_I32, 2, (int64_t[]){ 1, ids });
    return lac_cache_plan(row, b, read_one, &p);
}

lac_status lac_texts_estimate(const lac_texts_from *f, const lac_source *source, lac_cache_cost *cost)
{
    const lac_recipe_texts *t = &f->recipe->texts;
    lac_latent_layout layout;
    lac_latent_cache *cache = NULL;
    lac_cache_row row = { .flops = 0 };
    text *all = NULL;
    int64_t n;
    lac_status s = list_texts(source, &all, &n);
    if (s == LAC_OK)
        s = open_cache(f, all, n, &layout, &cache);
    if (s == LAC_OK)
        lac_cache_add_cost(cost, cache, 1);
    lac_latent_cache_close(cache);
    free(all);
    if (s == LAC_OK)
        s = lac_texts_plan(&row, t->encoder, lac_prompts_length(t->prompts), f->recipe->backend);
    cost->flops = row.flops;
    return s;
}
