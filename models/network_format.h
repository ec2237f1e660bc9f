/* models/network_format.h -- weights in files of others: whose they are, what config they tell, where each parameter lies.
 *
 * Every network can be read and written under its own published names (format "probe": "conv1.weight", [O, I, kh, kw]). A network that
 * others save otherwise lists formats in its definition, each with the hooks that it needs; import and export know nothing more of it.
 * What a container holds beside tensors (a folder's config.json) reaches `infer` as the file's metadata. */
#pragma once

#include "models/network.h"

enum { LAC_FOREIGN_KEY = 300 };

/* Where and how a parameter lies in a file. */
typedef struct lac_foreign {
    char key[LAC_FOREIGN_KEY];
    lac_shape shape;                    /* of the tensor there; of the part of it that is this parameter, where `of` is above 0 */
    int64_t from, of;                   /* a part: rows [from, from + shape.dim[0]) of a tensor of `of` rows. Such are read, not written */
    int axis[LAC_MAX_DIMS];             /* in the order of its memory: the i-th axis there is ours axis[i] (core/tensor.h) */
} lac_foreign;

typedef struct lac_network_format {
    const char *name;                   /* "tf": a word of `export --layout`; "probe" is the network's own names */
    bool bgr;                           /* such weights expect pictures blue first, where nothing else is said */
    /* What stands before our names in the file ("" or "generator."), NULL when these are not the network's weights in this format. */
    const char *(*recognises)(const struct lac_weights *w);
    /* Sets the keys of the config that the file tells, as its shapes do; NULL: none. */
    lac_status (*infer)(const struct lac_weights *w, const char *prefix, json_t *config);
    /* Where p lies, `prefix` before it where the format has it; false: nowhere. NULL: prefix and own name, in the border's layout. */
    bool (*place)(const lac_param *p, const char *prefix, lac_foreign *f);
    bool (*ignores)(const char *key);   /* with place: whether a tensor that is no parameter is passed over, not surplus; NULL: none is */
} lac_network_format;

/* For place, under f->key: ours as it lies, as published (OIHW; of the rest as it lies), or with the filters last (HWIO, [I, O]). */
void lac_foreign_as_is(const lac_param *p, lac_foreign *f);
void lac_foreign_border(const lac_param *p, lac_foreign *f);
void lac_foreign_filters_last(const lac_param *p, lac_foreign *f);

/* Numbers laid as p is, a gradient for one, into their places in the tensor that f speaks of: of f->of rows, where that is above 0. */
void lac_foreign_put(float *whole, const float *from, const lac_param *p, const lac_foreign *f);
lac_shape lac_foreign_whole(const lac_foreign *f);

/* For infer. The dim of a tensor under a key, 0 where there is none such; a key of the config set, unless value is 0. */
int64_t lac_foreign_dim(const struct lac_weights *w, int axis, const char *format, ...) __attribute__((format(printf, 3, 4)));
lac_status lac_foreign_tells(json_t *config, const char *key, int64_t value);

/* A format by its word; def NULL: own names alone. LAC_ERR_ARG, naming the network, where it has none such. */
lac_status lac_network_format_find(const lac_network_def *def, const char *word, const lac_network_format **format);

/* Which format of the network the file is in, and what stands before its names; own names and "" when none recognises it. */
void lac_network_format_of(const lac_network_def *def, const struct lac_weights *w, const lac_network_format **format, const char **prefix);

/* Whose weights a file holds: by its metadata, by the class in a folder's config.json, or by the first network that recognises it. LAC_ERR_FORMAT, naming all networks. */
lac_status lac_network_recognise(const struct lac_weights *w, const lac_network_def **def);

/* Loads all values. Missing, surplus and misshapen keys are one error that lists all, first twenty by name; nothing is written before all
 * was checked. */
lac_status lac_network_read(lac_params *ps, const struct lac_weights *w, const lac_network_format *format, const char *prefix);

/* What the writer borrows until its file is written. */
typedef struct lac_borrowed { void **data; int64_t n, capacity; } lac_borrowed;
void lac_borrowed_free(lac_borrowed *b);

/* Adds all values to a file under construction, which reads them one by one when it is finished. LAC_ERR_KEY for a parameter that the
 * format has no place for. */
struct lac_weights_writer;
lac_status lac_network_write(struct lac_weights_writer *w, const lac_params *ps, const lac_network_format *format, const char *prefix,
                             lac_dtype d, lac_borrowed *keep);

/* The metadata of lac_network_save. */
lac_status lac_network_describe(struct lac_weights_writer *w, const lac_network_def *def, const json_t *config, bool bgr);
