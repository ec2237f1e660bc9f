/* lacuna inpaint: a picture and a mask, or two folders of them, through a trained model. */
#include "cli/commands.h"
#include "cli/model_arg.h"
#include "core/file/atomic.h"
#include "core/image/grow.h"
#include "core/image/paste.h"
#include "core/memory.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DILATE = 4096, MOST_AT_ONCE = 4096, MOST_RESULTS = 1000000 };

typedef struct task { char *image, *mask, *out; bool bad; } task;        /* out: with --count the seed comes in before its ending */
typedef struct tasks { task *at; int64_t n, capacity; } tasks;

static void free_tasks(tasks *t)
{
    for (int64_t i = 0; i < t->n; i++) {
        free(t->at[i].image);
        free(t->at[i].mask);
        free(t->at[i].out);
    }
    free(t->at);
}

static lac_status new_task(tasks *t, task **to)
{
    LAC_TRY(lac_grow((void **)&t->at, t->n, &t->capacity, sizeof *t->at));
    *to = &t->at[t->n++];
    **to = (task){ NULL };
    return LAC_OK;
}

/* ---- one picture ---- */

static lac_status load_mask(lac_image *mask, const char *path, int64_t grow)
{
    bool hole = false;
    LAC_TRY(lac_image_load(mask, path, 1));
    lac_mask_binarise(mask->pixels, mask->height * mask->width);
    for (int64_t i = 0; i < mask->height * mask->width; i++)
        hole |= mask->pixels[i];
    return hole ? lac_mask_grow(mask->pixels, mask->height, mask->width, grow) : LAC_FAIL(LAC_ERR_FORMAT, "mask '%s' has no hole: no pixel is above 127", path);
}

static lac_status load_pair(const task *t, int64_t grow, lac_image *image, lac_image *mask)
{
    LAC_TRY(lac_image_load(image, t->image, 3));
    LAC_TRY(load_mask(mask, t->mask, grow));
    if (image->height != mask->height || image->width != mask->width)
        return LAC_FAIL(LAC_ERR_SHAPE, "mask '%s' is %lldx%lld, picture '%s' %lldx%lld (width x height)", t->mask, (long long)mask->width,
                        (long long)mask->height, t->image, (long long)image->width, (long long)image->height);
    return LAC_OK;
}

/* What is the same for all pictures. */
typedef struct wish { lac_ask ask; int64_t grow, seed, count, batch; } wish;

/* ---- several at once ---- */

/* Pictures of one size that wait until there are `most` of them; arrays of that length. */
typedef struct queue {
    const lac_inpainter *ip;
    lac_tape *tape;
    const wish *wish;
    task **of;
    lac_image *image, *mask;
    lac_ask *ask;
    int64_t n, most;
    bool many;                              /* several pictures */
} queue;

static lac_status new_queue(queue *q, const lac_inpainter *ip, lac_tape *tape, const wish *w, int64_t pictures)
{
    *q = (queue){ .ip = ip, .tape = tape, .wish = w, .most = LAC_MIN(w->batch, pictures), .many = pictures > 1 };
    LAC_TRY(lac_calloc((void **)&q->of, (size_t)q->most, sizeof *q->of));
    LAC_TRY(lac_calloc((void **)&q->ask, (size_t)q->most, sizeof *q->ask));
    LAC_TRY(lac_calloc((void **)&q->image, (size_t)(2 * q->most), sizeof *q->image));
    q->mask = q->image + q->most;
    return LAC_OK;
}

static void empty_queue(queue *q)
{
    for (int64_t i = 0; i < q->n; i++) {
        lac_image_free(&q->image[i]);
        lac_image_free(&q->mask[i]);
    }
    q->n = 0;
}

static void end_queue(queue *q)
{
    empty_queue(q);
    free(q->of);
    free(q->ask);
    free(q->image);
}

/* As lac_inpainted. */
static lac_status save(void *context, int64_t i, int64_t k, lac_image *result)
{
    const queue *q = context;
    const char *out = q->of[i]->out, *dot = strrchr(out, '.'), *slash = strrchr(out, '/');
    const int stem = (int)(dot != NULL && (slash == NULL || dot > slash) ? dot - out : (long)strlen(out));
    char *path;
    if (q->wish->count == 1)
        return lac_image_save_png(result, out);
    LAC_TRY(lac_format(&path, "%.*s-%llu%s", stem, out, (unsigned long long)q->ask[i].seed + (unsigned long long)k, out + stem));
    const lac_status s = lac_image_save_png(result, path);
    free(path);
    return s;
}

static lac_status tell(lac_status s)
{
    if (s != LAC_OK)
        fprintf(stderr, "lacuna: %s\n", lac_error_message());
    return s;
}

/* What waits is painted and written. What fails is bad in every picture of it: told here, where others are to be done all the same, else the status. */
static lac_status work_off(queue *q)
{
    if (q->n == 0)
        return LAC_OK;
    const char *first = q->of[0]->image, *last = q->of[q->n - 1]->image;
    lac_status s = lac_inpaint_each(q->ip, q->tape, q->n, q->image, q->mask, q->ask, q->wish->count, q->wish->batch, save, q);
    s = first == last ? lac_context(s, "'%s'", first) : lac_context(s, "'%s' to '%s'", first, last);
    for (int64_t i = 0; s != LAC_OK && i < q->n; i++)
        q->of[i]->bad = true;
    empty_queue(q);
    return q->many ? tell(s), LAC_OK : s;
}

/* The picture joins those that wait. */
static lac_status line_up(queue *q, task *t)
{
    lac_image image = { 0 }, mask = { 0 };
    lac_status s = load_pair(t, q->wish->grow, &image, &mask);
    if (s == LAC_OK && (q->n == q->most || (q->n > 0 && (q->image[0].height != image.height || q->image[0].width != image.width))))
        s = work_off(q);
    t->bad |= s != LAC_OK;
    if (s != LAC_OK) {
        lac_image_free(&image);
        lac_image_free(&mask);
        return s;
    }
    q->of[q->n] = t;
    q->ask[q->n] = q->wish->ask;
    q->image[q->n] = image;
    q->mask[q->n++] = mask;
    return LAC_OK;
}

/* ---- folders ---- */

static bool is_picture(const struct dirent *e)
{
    static const char *const ending[] = { ".png", ".jpg", ".jpeg" };
    const char *dot = strrchr(e->d_name, '.');
    for (size_t i = 0; dot != NULL && dot != e->d_name && i < LAC_COUNT(ending); i++)
        if (strcasecmp(dot, ending[i]) == 0)
            return true;
    return false;
}

static int picture_filter(const struct dirent *e) { return is_picture(e); }
static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

typedef struct listing { struct dirent **entry; int n; } listing;

static lac_status list(listing *l, const char *folder)
{
    l->n = scandir(folder, &l->entry, picture_filter, by_name);
    if (l->n < 0)
        return LAC_FAIL(LAC_ERR_IO, "cannot read the folder '%s'", folder);
    return l->n > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "there is no .png, .jpg or .jpeg in '%s'", folder);
}

static void free_listing(listing *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->entry[i]);
    free(l->entry);
}

static int stem(const char *name) { return (int)(strrchr(name, '.') - name); }

static const char *same_stem(const listing *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (stem(l->entry[i]->d_name) == stem(name) && strncmp(l->entry[i]->d_name, name, (size_t)stem(name)) == 0)
            return l->entry[i]->d_name;
    return NULL;
}

static lac_status pair_up(tasks *t, const char *images, const char *masks, const char *out, const listing *image, const listing *mask)
{
    for (int i = 0; i < image->n; i++) {
        const char *name = image->entry[i]->d_name, *other = same_stem(mask, name);
        task *to;
        if (other == NULL)
            return LAC_FAIL(LAC_ERR_IO, "there is no mask '%.*s' in '%s'", stem(name), name, masks);
        if (i > 0 && stem(image->entry[i - 1]->d_name) == stem(name) && strncmp(image->entry[i - 1]->d_name, name, (size_t)stem(name)) == 0)
            return LAC_FAIL(LAC_ERR_IO, "'%s' holds both '%s' and '%s'", images, image->entry[i - 1]->d_name, name);
        LAC_TRY(new_task(t, &to));
        LAC_TRY(lac_format(&to->image, "%s/%s", images, name));
        LAC_TRY(lac_format(&to->mask, "%s/%s", masks, other));
        LAC_TRY(lac_format(&to->out, "%s/%.*s.png", out, stem(name), name));
    }
    return lac_make_folders(out);
}

static lac_status find_tasks(tasks *t, const char *image, const char *mask, const char *out)
{
    listing images = { NULL, 0 }, masks = { NULL, 0 };
    task *one;
    const bool folder = lac_model_is_run(image);
    if (folder != lac_model_is_run(mask))
        return LAC_FAIL(LAC_ERR_ARG, "--image and --mask must both be files or both folders");
    if (!folder) {
        LAC_TRY(new_task(t, &one));
        LAC_TRY(lac_strdup(&one->image, image));
        LAC_TRY(lac_strdup(&one->mask, mask));
        return lac_strdup(&one->out, out);
    }
    lac_status s = list(&images, image);
    if (s == LAC_OK)
        s = list(&masks, mask);
    if (s == LAC_OK)
        s = pair_up(t, image, mask, out, &images, &masks);
    free_listing(&images);
    free_listing(&masks);
    return s;
}

/* ---- all of them ---- */

/* A single pair is looked at before the model is, which may take long to load. */
static lac_status look_first(const tasks *t, int64_t grow)
{
    lac_image image = { 0 }, mask = { 0 };
    const lac_status s = t->n == 1 ? load_pair(&t->at[0], grow, &image, &mask) : LAC_OK;
    lac_image_free(&image);
    lac_image_free(&mask);
    return s;
}

/* A bad pair among many is named and counted; the others are done all the same. */
static lac_status paint_many(queue *q, const tasks *t)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < t->n; i++)
        tell(line_up(q, &t->at[i]));
    work_off(q);
    for (int64_t i = 0; i < t->n; i++)
        bad += t->at[i].bad;
    return bad == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "%lld of %lld pictures could not be done", (long long)bad, (long long)t->n);
}

static lac_status paint_all(const lac_model *m, lac_tape *tape, const tasks *t, const wish *w)
{
    queue q;
    lac_status s = new_queue(&q, &m->ip, tape, w, t->n);
    if (s == LAC_OK && t->n > 1)
        s = paint_many(&q, t);
    else if (s == LAC_OK && (s = line_up(&q, &t->at[0])) == LAC_OK)
        s = work_off(&q);
    end_queue(&q);
    return s;
}

static lac_status check_wish(const lac_inpainter_def *def, const wish *w)
{
    if (w->seed >= 0 && !(def->asks & LAC_ASK_SEED))
        return LAC_FAIL(LAC_ERR_ARG, "%s draws nothing at random: --seed has no meaning", def->name);
    if (w->count > 1 && !(def->asks & LAC_ASK_SEED))
        return LAC_FAIL(LAC_ERR_ARG, "%s draws nothing at random: --count has no meaning", def->name);
    return lac_inpainter_takes(def, &w->ask);
}

/* A prompt that the encoder reads only in part is painted all the same. */
static lac_status warn_of_length(const lac_prompts *p, const char *what, const char *text)
{
    int64_t lost = 0;
    if (text == NULL || p->tokenizer == NULL)
        return LAC_OK;
    LAC_TRY(lac_prompts_ids(p, text, NULL, &lost));
    if (lost > 0)
        fprintf(stderr, "lacuna: %s: %lld tokens beyond %lld are not read\n", what, (long long)lost, (long long)lac_prompts_length(p));
    return LAC_OK;
}

static lac_status run(const char *model, const lac_model_how *how, const tasks *t, const wish *w)
{
    lac_model m;
    lac_tape *tape = NULL;
    LAC_TRY(look_first(t, w->grow));
    LAC_TRY(lac_model_open(&m, model, how));
    lac_status s = check_wish(m.ip.def, w);
    if (s == LAC_OK)
        s = warn_of_length(&m.ip.prompts, "prompt", w->ask.prompt);
    if (s == LAC_OK)
        s = warn_of_length(&m.ip.prompts, "negative prompt", w->ask.negative);
    if (s == LAC_OK)
        s = lac_tape_new(&tape, lac_inpainter_backend(&m.ip));
    if (s == LAC_OK)
        s = paint_all(&m, tape, t, w);
    lac_tape_free(tape);
    lac_model_close(&m);
    return s;
}

static lac_status inpaint(const char *model, const lac_model_how *how, const char *image, const char *mask, const char *out, const wish *w)
{
    tasks t = { NULL, 0, 0 };
    if (image == NULL || mask == NULL || out == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "inpaint wants --image, --mask and --out");
    if (w->grow < 0 || w->grow > MAX_DILATE)
        return LAC_FAIL(LAC_ERR_ARG, "--dilate must be 0 to %d, found %lld", MAX_DILATE, (long long)w->grow);
    if (w->seed < -1)
        return LAC_FAIL(LAC_ERR_ARG, "--seed must not be negative, found %lld", (long long)w->seed);
    if (w->count < 1 || w->count > MOST_RESULTS || w->batch < 1 || w->batch > MOST_AT_ONCE)
        return LAC_FAIL(LAC_ERR_ARG, "--count must be 1 to %d and --batch 1 to %d, found %lld and %lld", MOST_RESULTS, MOST_AT_ONCE, (long long)w->count, (long long)w->batch);
    lac_status s = find_tasks(&t, image, mask, out);
    if (s == LAC_OK)
        s = run(model, how, &t, w);
    free_tasks(&t);
    return s;
}

int lac_cmd_inpaint(int argc, char **argv)
{
    const char *image = NULL, *mask = NULL, *out = NULL;
    lac_model_how how = { "auto", "auto" };
    wish w = { .seed = -1, .count = 1, .batch = 1 };
    const lac_option options[] = {
        { "image", 'i', "FILE", LAC_OPTION_STRING, &image, "the picture, PNG or JPEG of any size; or a folder" },
        { "mask", 'm', "FILE", LAC_OPTION_STRING, &mask, "its mask, of the same size: above 127 is hole; or a folder" },
        { "out", 'o', "FILE", LAC_OPTION_STRING, &out, "the PNG to write; or a folder" },
        { "prompt", 0, "TEXT", LAC_OPTION_STRING, &w.ask.prompt, "what to paint, for a model that takes a prompt" },
        { "negative-prompt", 0, "TEXT", LAC_OPTION_STRING, &w.ask.negative, "what not to paint" },
        { "seed", 0, "N", LAC_OPTION_INT, &w.seed, "of what the model draws at random, where it does (default 0)" },
        { "count", 0, "N", LAC_OPTION_INT, &w.count, "results of each picture, of seeds --seed, --seed + 1, ...: OUT-SEED.png; what no seed changes is made once (default 1: OUT)" },
        { "batch", 0, "N", LAC_OPTION_INT, &w.batch, "results of one size that are made at once: more memory, the same pictures (default 1)" },
        { "dilate", 0, "N", LAC_OPTION_INT, &w.grow, "grow the hole by N pixels to all sides (default 0)" },
        LAC_MODEL_HOW_OPTIONS(how),
        { NULL },
    };
    const lac_command command = { "lacuna inpaint", "MODEL", 1, 1,
        "Fills the hole of a picture, with what --prompt says where the model takes a prompt. MODEL is a run's folder, a weights file that `lacuna export` or `lacuna import` wrote, or a folder of diffusers.\n"
        "The result has the picture's size, and outside the mask its very pixels (unless the model's `paste` says otherwise). With folders, pictures and masks of the same\n"
        "name (endings apart) belong together; a pair that cannot be read is named, the others are done, and the status is 1.", options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    w.ask.seed = (uint64_t)LAC_MAX(w.seed, 0);
    if (go)
        s = inpaint(words.word[0], &how, image, mask, out, &w);
    lac_words_free(&how.set);
    lac_words_free(&words);
    return lac_finish(s);
}
