/* cli/contest.h -- models and baselines scored over a split of a packed set: what `lacuna eval` and tables of runs have in common.
 *
 *     lac_contest c = { NULL };
 *     lac_contest_prepare (every rank; then they agree), lac_contest_score, what is to be made of c.score, lac_contest_forget, lac_contest_free
 *
 * With a folder, what was found is noted there (cli/eval_notes.h): prepared again with the same question, it is scored from the notes alone. */
#pragma once

#include "cli/eval_watch.h"
#include "cli/model_arg.h"

/* As the options of `lacuna eval` say it; NULL, and 0: not said. Borrowed. */
typedef struct lac_contest_wish {
    const char *set, *split, *crop, *mask, *metrics;
    const char *baselines;          /* "on", "off", or the name of one */
    const char *out;                /* the folder */
    const char *prompt;
    const char *through;            /* a run or model of an autoencoder: the set's pictures are what it makes of them; NULL: the protocol's, if any */
    int64_t size, shorter, limit, pictures, batch, seed;        /* shorter -1: not said */
    bool keep;
    int64_t keep_first;             /* so many pictures; 0: all */
    const char *name;               /* what a single model is called */
    bool others_imagine;            /* a metric of imagined features is no error where no model here imagines any: it is undefined */
    const char *protocol_name;
    json_t *protocol;               /* cli/protocol.h; NULL: none */
    char *protocol_metrics;
    const lac_eval_weights *weights;        /* of the metrics' networks */
    lac_model_how how;
} lac_contest_wish;

/* What stands in a row of the table: a model, or a baseline when tape is NULL. */
typedef struct lac_contender { lac_model model; lac_tape *tape; lac_eval_painter painter; } lac_contender;

typedef struct lac_contest {
    lac_contender **model;          /* each of its own, since methods point into it */
    int64_t n, capacity;
    lac_eval_method *method;
    const char **row;               /* the methods' names */
    int64_t n_methods;
    lac_eval_set *set;
    lac_contender *through;         /* who makes its pictures anew; NULL: nobody */
    lac_eval_method anew;           /* it */
    char *view;                     /* how pictures are brought here, with it */
    const char **label;             /* of its pictures, each once */
    int64_t n_labels;
    char *imagined;                 /* whose features its models imagine before they paint; NULL: none does, or nobody asks */
    lac_score score;
    lac_eval_watch watch;
    json_t *models;                 /* what they are, by name; NULL where nothing is written */
    char *journal, question[LAC_SHA256_HEX];        /* the stem of the journals, NULL where nothing is written; all that the values depend on */
    char *folder, *name;            /* where the files go, NULL: nowhere; and "SET-SPLIT-SIZE", what they are called */
} lac_contest;

/* words: runs, model files, configs. */
lac_status lac_contest_prepare(lac_contest *c, const lac_contest_wish *w, const lac_words *words);
/* Every rank has models and set open and scores its share; then all have c->score whole. Says on stderr whose prompts were cut. */
lac_status lac_contest_score(lac_contest *c, const lac_contest_wish *w, lac_comm *comm);
lac_score_origin lac_contest_origin(const lac_contest *c, const lac_contest_wish *w);
lac_status lac_contest_forget(const lac_contest *c);        /* nobody needs the journals of an evaluation whose files are written */
void lac_contest_free(lac_contest *c);                      /* safe on zeroes */
