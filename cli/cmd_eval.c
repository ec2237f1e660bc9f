/* lacuna eval: runs, models and baselines scored over a split of a packed set. */
#include "cli/commands.h"
#include "cli/contest.h"
#include "cli/eval_coco.h"
#include "cli/eval_images.h"
#include "cli/protocol.h"
#include "cli/run_report.h"
#include "cli/weights_arg.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "eval/table.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_AT_ONCE = 4096, UNSAID = INT32_MIN };

static const char default_metrics[] = "l1-pm1@hole,l1-percent@hole,l2-percent@hole,psnr@hole,psnr,ssim,tv";

static lac_status table_of(const lac_contest *c, const lac_contest_wish *w, lac_table *t)
{
    const lac_score_origin origin = lac_contest_origin(c, w);
    json_t *summary;
    LAC_TRY(lac_score_summary(&c->score, &origin, &summary));
    const lac_status s = lac_table_add(t, summary);
    json_decref(summary);
    return s;
}

/* ---- what comes out ---- */

static lac_status write_text(const char *stem, const char *ending, const lac_table *t, lac_status (*make)(const lac_table *, char **))
{
    char *path = NULL, *text = NULL;
    lac_status s = make(t, &text);
    if (s == LAC_OK)
        s = lac_format(&path, "%s.%s", stem, ending);
    if (s == LAC_OK)
        s = lac_file_write(path, text, strlen(text));
    free(path);
    free(text);
    return s;
}

static lac_status write_sheet(const lac_contest *c, const char *stem)
{
    char *path;
    if (c->watch.n_shown == 0)
        return LAC_OK;
    LAC_TRY(lac_format(&path, "%s.png", stem));
    const lac_status s = lac_eval_watch_sheet(&c->watch, path);
    free(path);
    return s;
}

/* DIR/SET-SPLIT-SIZE.json, .images.jsonl, .images.csv, .md, .csv, .tex, .html, .png; and the reports of the runs among `words`. */
static lac_status write_files(const lac_contest *c, const lac_contest_wish *w, const lac_table *t, const lac_words *words)
{
    const lac_score_origin origin = lac_contest_origin(c, w);
    char *stem;
    LAC_TRY(lac_make_folders(c->folder));
    LAC_TRY(lac_format(&stem, "%s/%s", c->folder, c->name));
    lac_status s = lac_score_save(&c->score, &origin, stem);
    if (s == LAC_OK)
        s = write_text(stem, "md", t, lac_table_markdown);
    if (s == LAC_OK)
        s = write_text(stem, "csv", t, lac_table_csv);
    if (s == LAC_OK)
        s = write_text(stem, "tex", t, lac_table_latex);
    if (s == LAC_OK)
        s = write_text(stem, "html", t, lac_table_html);
    if (s == LAC_OK)
        s = write_sheet(c, stem);
    for (int i = 0; s == LAC_OK && i < words->n; i++)
        if (lac_model_is_run(words->word[i]))
            s = lac_write_report(words->word[i]);
    if (s == LAC_OK)
        fprintf(stderr, "written: %s.{json,images.jsonl,images.csv,md,csv,tex,html%s}%s%s\n", stem, c->watch.n_shown > 0 ? ",png" : "",
                origin.pictures != NULL ? ", pictures below " : "", origin.pictures != NULL ? stem : "");
    free(stem);
    return s;
}

static lac_status report(const lac_contest *c, const lac_contest_wish *w, const lac_words *words)
{
    lac_table t = { 0 };
    char *text = NULL;
    lac_status s = table_of(c, w, &t);
    if (s == LAC_OK)
        s = lac_table_markdown(&t, &text);
    if (s == LAC_OK)
        fputs(text, stdout);
    if (s == LAC_OK && c->folder != NULL)
        s = write_files(c, w, &t, words);
    free(text);
    lac_table_free(&t);
    return s;
}

/* Every rank has models and set open and scores its share; the first prints and writes. */
static lac_status evaluate(const lac_contest_wish *w, const lac_words *words, lac_comm *comm)
{
    lac_contest c = { .model = NULL };
    lac_status s = lac_comm_agree(comm, lac_contest_prepare(&c, w, words));
    if (s == LAC_OK)
        s = lac_contest_score(&c, w, comm);
    if (s == LAC_OK)
        s = lac_comm_agree(comm, comm->rank == 0 ? report(&c, w, words) : LAC_OK);
    if (s == LAC_OK)
        s = lac_comm_agree(comm, comm->rank == 0 ? lac_contest_forget(&c) : LAC_OK);
    lac_contest_free(&c);
    return s;
}

static int run_on_ranks(const lac_contest_wish *w, const lac_words *words)
{
    lac_comm *comm = NULL;
    lac_status s = lac_comm_open(&comm, 600);
    if (s == LAC_OK)
        s = evaluate(w, words, comm);
    const int code = lac_finish_rank(s, comm, true);
    lac_comm_free(comm);
    return code;
}

/* ---- the two ways in ---- */

/* Finished pictures: what belongs to the other way has no place beside --reference. */
static int run_on_images(const lac_contest_wish *w, lac_eval_images_wish *images, const lac_words *words)
{
    const struct { const char *option; bool given; } other[] = {
        { "--set", w->set != NULL }, { "--split", w->split != NULL }, { "--crop", w->crop != NULL }, { "--shorter", w->shorter >= 0 },
        { "--mask (it is --masks)", w->mask != NULL }, { "--prompt (it is --prompts)", w->prompt != NULL }, { "--baselines", w->baselines != NULL },
        { "--protocol", w->protocol_name != NULL }, { "--through", w->through != NULL },
    };
    for (size_t i = 0; i < LAC_COUNT(other); i++)
        if (other[i].given)
            return lac_finish(LAC_FAIL(LAC_ERR_ARG, "%s does not go with --reference", other[i].option));
    if (words->n != 1)
        return lac_finish(LAC_FAIL(LAC_ERR_ARG, "one folder of finished pictures goes with --reference, found %d", words->n));
    images->images = words->word[0];
    images->metrics = w->metrics;
    images->out = w->out;
    images->size = w->size;
    images->limit = w->limit;
    images->batch = w->batch;
    images->seed = LAC_MAX(w->seed, 0);
    images->how = &w->how;
    return lac_eval_images(images);
}

/* Two files of annotations, and nothing else. */
static int run_on_coco(const lac_contest_wish *w, const lac_eval_images_wish *images, lac_eval_coco_wish *coco, const lac_words *words)
{
    const struct { const char *option; bool given; } other[] = {
        { "a word beside the options", words->n > 0 }, { "--reference", images->reference != NULL }, { "--masks", images->masks != NULL }, { "--metrics", w->metrics != NULL },
        { "--set", w->set != NULL }, { "--protocol", w->protocol_name != NULL }, { "--limit", w->limit != 0 }, { "--size", w->size != 0 },
    };
    for (size_t i = 0; i < LAC_COUNT(other); i++)
        if (other[i].given)
            return lac_finish(LAC_FAIL(LAC_ERR_ARG, "%s does not go with --ground-truth and --detections", other[i].option));
    coco->out = w->out;
    return lac_finish(lac_eval_coco(coco));
}

/* What the protocol says and no option. */
static lac_status take_protocol(lac_contest_wish *w)
{
    if (w->protocol_name == NULL)
        return LAC_OK;
    LAC_TRY(lac_protocol_open(&w->protocol, w->protocol_name));
    w->seed = w->seed == UNSAID ? lac_config_int(w->protocol, "seed") : w->seed;
    if (w->metrics != NULL)
        return LAC_OK;
    LAC_TRY(lac_protocol_metrics(w->protocol, &w->protocol_metrics));
    w->metrics = w->protocol_metrics;
    return LAC_OK;
}

static int run_on_set(lac_contest_wish *w, const lac_eval_images_wish *images, const lac_words *words)
{
    lac_weights_arg weights = { .weights = { NULL, 0, 0 } };
    if (images->masks != NULL || images->prompts != NULL || images->cache != NULL || images->strict)
        return lac_finish(LAC_FAIL(LAC_ERR_ARG, "%s is for finished pictures, which want --reference",
                                   images->masks != NULL ? "--masks" : images->prompts != NULL ? "--prompts" : images->cache != NULL ? "--cache" : "--strict"));
    lac_status s = take_protocol(w);
    if (s == LAC_OK)
        s = lac_weights_arg_open(&weights, &images->weights);
    w->weights = &weights.weights;
    w->seed = LAC_MAX(w->seed, 0);
    w->metrics = w->metrics != NULL ? w->metrics : default_metrics;
    w->baselines = w->baselines != NULL ? w->baselines : "on";
    const int code = s == LAC_OK ? run_on_ranks(w, words) : lac_finish(s);
    lac_weights_arg_close(&weights);
    json_decref(w->protocol);
    free(w->protocol_metrics);
    return code;
}

static lac_status check_numbers(const lac_contest_wish *w)
{
    if (w->pictures < 0 || w->size < 0)
        return LAC_FAIL(LAC_ERR_ARG, "--pictures and --size must not be negative");
    if (w->batch < 1 || w->batch > MOST_AT_ONCE)
        return LAC_FAIL(LAC_ERR_ARG, "--batch must be 1 to %d, found %lld", MOST_AT_ONCE, (long long)w->batch);
    if (w->seed < 0 && w->seed != UNSAID)
        return LAC_FAIL(LAC_ERR_ARG, "--seed must not be negative, found %lld", (long long)w->seed);
    return LAC_OK;
}

static const char about[] =
    "Scores runs, weights files and the runs of configs, with simple fills beside them, over a split of a packed set. Set, split,\n"
    "size and masks are those of the first run's data.eval unless given. The table is printed as Markdown; the files are\n"
    "SET-SPLIT-SIZE.json (summary), .images.jsonl and .csv (a line a picture and method), .md, .csv, .tex, .html and .png (known, each method,\n"
    "truth). Brackets are 95 % intervals that resample backgrounds. Started by mpirun or srun, the ranks share the pictures and the first\n"
    "writes the files, the same to the byte. Stopped and started again with the same question, it goes on where it stood (SET-SPLIT-SIZE.journal-RANK).\n\n"
    "With --reference the word is a folder of finished pictures, by whomever, measured against a folder of references (docs/evaluation.md):\n\n"
    "    lacuna eval IMAGES --reference DIR|STATS.npz [--masks DIR] [--prompts FILE.json] --metrics NAME[@hole|@known],...\n"
    "                [--weights NAME=FILE]... [--size N] [--fid-dims N] [--kid-subsets N] [--kid-subset-size N] [--strict] --out OUT.json\n\n"
    "Files of one name without its ending are pairs. OUT.json has each metric's value, its recipe and what is broken, unmatched or undefined;\n"
    "OUT.images.jsonl and .csv a line a pair. Stopped, it goes on where it stood (OUT.journal-RANK). Metrics: l1 mse psnr tv ssim ssim-valid ssim-zero\n"
    "ssim-reflect ssim-uniform7 lpips-alex lpips-vgg lpips-squeeze, each also @hole and @known; ms-ssim ms-ssim-reflect brushnet-psnr\n"
    "brushnet-mse brushnet-lpips; of two sets fid fid-clean fid-tf kid is precision recall p-ids u-ids\n"
    "lfid-bbox lfid-bbox-ann lfid-sq lfid-sq-1.25 lfid-sq-1.5 lfid-mask;\n"
    "of captions clip-score clipscore-w2.5 clip-sim clip-dir clip-dir-image clip-dir-text image-reward hps-v2 hps-v2.1; of labels clip-local clip-local2 clip-cat clip@1 clip@3 clip@5 clip-distance;\n"
    "of models that imagine features sem-cosine sem-cosine-input;\n"
    "of pictures alone clip-i aesthetic-v1 aesthetic-v2; of folders of masks iou m-iou c-iou p@0.5 p@0.6 p@0.7 p@0.8 p@0.9.\n\n"
    "    lacuna eval --ground-truth instances.json --detections results.json [--iou-type bbox|segm|keypoints] --out OUT.json\n\n"
    "is COCOeval's AP and AR of a detector's results. Exit status: 0 done, 76 another rank was lost, else an error.";

int lac_cmd_eval(int argc, char **argv)
{
    lac_contest_wish w = { .shorter = -1, .seed = UNSAID, .pictures = 8, .batch = LAC_EVAL_BATCH, .how = { "auto", "auto" } };
    lac_eval_images_wish images = { .settings = LAC_METRIC_SETTINGS };
    lac_eval_coco_wish coco = { .iou_type = "bbox" };
    const lac_option options[] = {
        { "protocol", 0, "NAME", LAC_OPTION_STRING, &w.protocol_name, "a benchmark's own split, masks, size, sampling, seed and metrics (configs-lua/protocols/), with what was published beside the table" },
        { "set", 0, "NAME", LAC_OPTION_STRING, &w.set, "packed set: a path, or a name below $LACUNA_SETS or sets/" },
        { "split", 0, "NAME", LAC_OPTION_STRING, &w.split, "of the set" },
        { "size", 0, "N", LAC_OPTION_INT, &w.size, "side of the pictures; finished ones are brought to N x N before paired metrics" },
        { "crop", 0, "NAME", LAC_OPTION_STRING, &w.crop, "center or squash" },
        { "shorter", 0, "N", LAC_OPTION_INT, &w.shorter, "shorter side before the crop; 0: as large as the crop allows" },
        { "mask", 0, "NAME", LAC_OPTION_STRING, &w.mask, "file of fixed masks, a path or a name below data/masks; or what data.eval.mask may be: object, object-box, a generator" },
        { "through", 0, "RUN|MODEL", LAC_OPTION_STRING, &w.through, "an autoencoder: pictures are what it makes of the set's, so that its loss is nobody's" },
        { "metrics", 0, "LIST", LAC_OPTION_STRING, &w.metrics, "separated by commas; a region may follow: psnr@hole, psnr@known" },
        { "limit", 0, "N", LAC_OPTION_INT, &w.limit, "pictures, the first of the split; 0: all (default)" },
        { "baselines", 0, "on|off|NAME", LAC_OPTION_STRING, &w.baselines, "rows for copy nothing, mean colour and Laplace fill (default on), or for one: copy-nothing, mean-colour, laplace" },
        { "prompt", 0, "TEXT", LAC_OPTION_STRING, &w.prompt, "for every picture, in place of data.eval.prompt and the records' captions" },
        { "seed", 0, "N", LAC_OPTION_INT, &w.seed, "of what models draw at random, and of the intervals' resamples (default 0)" },
        { "batch", 0, "N", LAC_OPTION_INT, &w.batch, "pictures at once, which changes no value (default 8)" },
        { "pictures", 0, "N", LAC_OPTION_INT, &w.pictures, "rows of the sheet of pictures; 0: no sheet (default 8)" },
        { "keep", 0, NULL, LAC_OPTION_FLAG, &w.keep, "every finished picture, the truth and the masks as PNG below DIR/SET-SPLIT-SIZE/: for lacuna report, or any other tool" },
        { "out", 'o', "DIR|OUT.json", LAC_OPTION_STRING, &w.out, "where the files go (default RUN/eval for one run, else none are written)" },
        { "reference", 0, "DIR|STATS.npz", LAC_OPTION_STRING, &images.reference, "finished pictures are measured against these, or their statistics" },
        { "cache", 0, "DIR", LAC_OPTION_STRING, &images.cache, "what Inception makes of finished pictures and references is kept there, for evaluations to come" },
        { "save-statistics", 0, "FILE.npz", LAC_OPTION_STRING, &images.statistics,
          "mu and sigma of the reference's features, by the first of fid, fid-clean and fid-tf among --metrics (default fid), for --reference later; of IMAGES, without --reference" },
        { "masks", 0, "DIR", LAC_OPTION_STRING, &images.masks, "masks of finished pictures: 128 and above is hole" },
        { "prompts", 0, "FILE.json", LAC_OPTION_STRING, &images.prompts, "captions of finished pictures by id, and labels, boxes, captions before and after" },
        { "weights", 0, "NAME=FILE", LAC_OPTION_MULTIPLE, &images.weights, "weights of a metric's network; several files of one NAME are joined; of mini-clip a run too" },
        { "fid-dims", 0, "N", LAC_OPTION_INT, &images.settings.fid_dims, "features of Inception: 64, 192, 768 or 2048 (default)" },
        { "kid-subsets", 0, "N", LAC_OPTION_INT, &images.settings.kid_subsets, "default 100" },
        { "kid-subset-size", 0, "N", LAC_OPTION_INT, &images.settings.kid_subset_size, "default 1000" },
        { "ground-truth", 0, "FILE.json", LAC_OPTION_STRING, &coco.ground_truth, "COCO's instances or person_keypoints: --detections are scored by its AP and AR" },
        { "detections", 0, "FILE.json", LAC_OPTION_STRING, &coco.detections, "a detector's results, as COCO wants them" },
        { "iou-type", 0, "bbox|segm|keypoints", LAC_OPTION_STRING, &coco.iou_type, "what is compared: boxes (default), masks, or key points by OKS" },
        { "strict", 0, NULL, LAC_OPTION_FLAG, &images.strict, "a finished picture that is broken, unmatched or undefined is an error" },
        LAC_MODEL_HOW_OPTIONS(w.how),
        { NULL },
    };
    const lac_command command = { "lacuna eval", "[RUN|MODEL|CONFIG|IMAGES ...]", 0, -1, about, options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go && s == LAC_OK)
        s = check_numbers(&w);
    const int code = !go || s != LAC_OK ? lac_finish(s) : coco.ground_truth != NULL || coco.detections != NULL ? run_on_coco(&w, &images, &coco, &words)
                   : images.reference != NULL || images.statistics != NULL ? run_on_images(&w, &images, &words) : run_on_set(&w, &images, &words);
    lac_words_free(&words);
    lac_words_free(&w.how.set);
    lac_words_free(&images.weights);
    return code;
}
