/* data/format.h -- a published data layout, read into one packed set.
 *
 * data/formats.def lists them; each is defined in data/pack_NAME.c, and reads its sources through the helpers below. What one file is wrong with is
 * skipped, named and counted; with `strict` it is the error, and nothing is written. */
#pragma once

#include "data/pack.h"

/* What every format takes. */
typedef struct lac_pack_options {
    const char *title;              /* NULL: the target's name without folder and ending */
    const char *split, *licence;    /* of every picture; NULL: "train", "" */
    bool strict;
    lac_set_complain *skipped;      /* hears of each; may be NULL */
    void (*note)(void *context, const char *text);      /* hears what was found out about the sources; may be NULL */
    void *context;
    const void *own;                /* the format's own struct; NULL: all zero */
} lac_pack_options;

typedef struct lac_pack_counts { int64_t pictures, skipped, part[LAC_N_PARTS]; } lac_pack_counts;

typedef struct lac_pack_job {
    lac_pack *pack;
    const lac_pack_options *options;
    const void *own;                /* never NULL */
    lac_pack_counts counts;
} lac_pack_job;

typedef enum { LAC_FORMAT_FLAG, LAC_FORMAT_TEXT, LAC_FORMAT_NUMBER } lac_pack_own_kind;       /* bool, const char *, int64_t of 0 or more */

/* An option of one format alone: where it lies in the format's own struct. */
typedef struct lac_pack_own_option { const char *name, *argument, *about; lac_pack_own_kind kind; size_t at; } lac_pack_own_option;

enum { LAC_FORMAT_OPTIONS = 16, LAC_FORMAT_OWN = 256 };          /* most options of a format, most bytes of its struct */

typedef struct lac_pack_format {
    const char *name, *about;       /* "folder", one line */
    const char *sources, *help;     /* "SRC...", lines of help */
    int least, most;                /* how many sources; most < 0: any number */
    const lac_pack_own_option *options;       /* ends with { NULL }; NULL: none */
    size_t own;                     /* bytes of its struct */
    const char *title;              /* not NULL: this very set, which names title ("": its file does), split and licence itself; nothing of it is skipped */
    lac_status (*pack)(lac_pack_job *j, const char *const *sources, int n);
} lac_pack_format;

#define LAC_FORMAT(name) extern const lac_pack_format lac_format_##name;
#include "data/formats.def"
#undef LAC_FORMAT

const lac_pack_format *const *lac_pack_formats(int *n);

/* Reads the sources and writes the set, whole or not at all. LAC_ERR_FORMAT when no picture is left. */
lac_status lac_pack_run(const lac_pack_format *format, const char *const *sources, int n, const char *out, const lac_pack_options *options,
                           lac_pack_counts *counts);

/* ---- for formats ---- */

/* A failure that concerns one file: named by its message, counted, LAC_OK; what no other file would be spared (memory) and, with strict, anything is
 * handed back. */
lac_status lac_job_skip(lac_pack_job *j, lac_status s, const char *name);

/* What a reader found out about its sources and did not have to be told: a line for whoever packs. */
void lac_job_note(lac_pack_job *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* FOLDER/NAME, fresh; LAC_ERR_FORMAT where that would lead out of the folder. */
lac_status lac_job_path(char **path, const char *folder, const char *name);

typedef struct lac_job_file { uint8_t *bytes; size_t size; int64_t height, width; } lac_job_file;     /* an encoded picture; free(bytes) */

/* Reads a picture and decodes it: a header may lie. like: the picture whose size it must have, or NULL. mask: it is one, and not empty. On failure
 * the file is empty. */
lac_status lac_job_load(lac_job_file *f, const char *path, const lac_job_file *like, bool mask);

/* The same of bytes that are there already: f's, which stay where they are. */
lac_status lac_job_decode(lac_job_file *f, const char *name, const lac_job_file *like, bool mask);

/* Into the set, counted. Of r, size and length are the file's, split and licence the options' where it has none. A part that is refused is skipped. */
lac_status lac_job_add(lac_pack_job *j, const lac_record *r, const lac_job_file *f);
lac_status lac_job_part(lac_pack_job *j, const lac_part *part, const void *bytes, const char *name);
/* An object by its mask, of the record's size: what is not 0 is the object, and becomes 255. It is encoded, and its box is the one around it. `name` is
 * for messages; an empty mask is skipped. */
lac_status lac_job_object(lac_pack_job *j, lac_image *mask, const char *label, const char *name);
