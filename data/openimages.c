#include "data/openimages.h"

#include "core/csv.h"
#include "core/memory.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAME_BOX 1e-4           /* the table of masks has six digits of what the table of boxes has more of */

void lac_oi_close(lac_oi *d)
{
    for (int64_t i = 0; i < d->n; i++) {
        free(d->row[i].image);
        free(d->row[i].mask);
        free(d->row[i].class_name);
    }
    free(d->row);
    free(d->segments);
    free(d->boxes);
    free(d->classes);
    free(d->rotations);
}

/* ---- where things lie ---- */

/* %s: the split. */
static const char *const segment_places[] = { "%s-annotations-object-segmentation.csv", "%s/labels/segmentations.csv", NULL };
static const char *const box_places[] = { "%s-annotations-bbox.csv", "oidv6-%s-annotations-bbox.csv", "%s/labels/detections.csv", NULL };
static const char *const class_places[] = { "class-descriptions-boxable.csv", "oidv6-class-descriptions.csv", "class-descriptions.csv", "%s/metadata/classes.csv", NULL };
static const char *const rotation_places[] = { "%s-images-with-rotation.csv", "oidv6-%s-images-with-labels-with-rotation.csv", "%s-images-with-labels-with-rotation.csv",
                                               "image_ids_and_rotation.csv", "%s/metadata/image_ids.csv", NULL };

static void write_place(char *to, size_t size, const char *place, const char *split)
{
    const char *at = strstr(place, "%s");
    if (at == NULL)
        snprintf(to, size, "%s", place);
    else
        snprintf(to, size, "%.*s%s%s", (int)(at - place), place, split, at + 2);
}

/* *path NULL: it is nowhere. */
static lac_status find(const lac_oi *d, const char *const *places, char **path)
{
    char name[512];
    for (*path = NULL; *places != NULL; places++) {
        write_place(name, sizeof name, *places, d->split);
        LAC_TRY(lac_format(path, "%s/%s", d->root, name));
        if (access(*path, F_OK) == 0)
            return LAC_OK;
        free(*path);
        *path = NULL;
    }
    return LAC_OK;
}

static lac_status must_find(const lac_oi *d, const char *what, const char *const *places, char **path)
{
    char name[512], all[2048] = "";
    LAC_TRY(find(d, places, path));
    if (*path != NULL)
        return LAC_OK;
    for (int i = 0; places[i] != NULL; i++) {
        write_place(name, sizeof name, places[i], d->split);
        const size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s%s", i == 0 ? "" : places[i + 1] != NULL ? ", " : " and ", name);
    }
    return LAC_FAIL(LAC_ERR_IO, "'%s' has no %s: looked for %s", d->root, what, all);
}

lac_status lac_oi_open(lac_oi *d, bool tables)
{
    if (tables) {
        LAC_TRY(must_find(d, "table of masks", segment_places, &d->segments));
        LAC_TRY(must_find(d, "table of boxes", box_places, &d->boxes));
        LAC_TRY(must_find(d, "names of classes", class_places, &d->classes));
    }
    return find(d, rotation_places, &d->rotations);
}

static lac_status first_there(const lac_oi *d, char (*name)[512], int n, char **path)
{
    for (int i = 0; i < n; i++) {
        LAC_TRY(lac_job_path(path, d->root, name[i]));
        if (access(*path, F_OK) == 0)
            return LAC_OK;
        free(*path);
    }
    return lac_job_path(path, d->root, name[0]);
}

lac_status lac_oi_picture(const lac_oi *d, const char *image, char **path)
{
    char name[2][512];
    snprintf(name[0], sizeof name[0], "%.100s/%.300s.jpg", d->split, image);
    snprintf(name[1], sizeof name[1], "%.100s/data/%.300s.jpg", d->split, image);
    return first_there(d, name, 2, path);
}

lac_status lac_oi_mask(const lac_oi *d, const char *mask, char **path)
{
    char name[3][512];
    snprintf(name[0], sizeof name[0], "%.100s-masks-%c/%.300s", d->split, tolower((unsigned char)mask[0]), mask);
    snprintf(name[1], sizeof name[1], "%.100s-masks/%.300s", d->split, mask);
    snprintf(name[2], sizeof name[2], "%.100s/labels/masks/%c/%.300s", d->split, toupper((unsigned char)mask[0]), mask);
    return first_there(d, name, 3, path);
}

/* ---- tables ---- */

/* `each` for every record; a bad one is skipped, by name. */
static lac_status walk(lac_oi *d, lac_csv *c, lac_status (*each)(lac_oi *d, lac_csv *c, const int *column, void *context), const int *column, void *context)
{
    for (bool more = true; more;) {
        lac_status s = lac_csv_next(c, &more);
        if (s != LAC_OK && s != LAC_ERR_FORMAT)
            return s;
        if (s == LAC_OK && more)
            s = each(d, c, column, context);
        if (s != LAC_OK) {
            more = true;
            LAC_TRY(lac_job_skip(d->job, s, ""));
        }
    }
    return LAC_OK;
}

typedef lac_status each_record(lac_oi *d, lac_csv *c, const int *column, void *context);

static lac_status read_table(lac_oi *d, const char *path, const char *const *header, const char *const *wanted, each_record *each, void *context)
{
    lac_csv *c;
    int column[16] = { 0 };
    LAC_TRY(lac_csv_open(&c, path, header));
    lac_status s = LAC_OK;
    for (int i = 0; s == LAC_OK && wanted[i] != NULL; i++)
        s = lac_csv_find(c, wanted[i], &column[i]);
    if (s == LAC_OK)
        s = walk(d, c, each, column, context);
    lac_csv_close(c);
    return s;
}

/* Names with or without a line that says so. */
static lac_status add_class(lac_oi *d, lac_csv *c, const int *column, void *classes)
{
    (void)d;
    const char *name = lac_csv_text(c, column[0]);
    if (strcmp(name, "LabelName") == 0)
        return LAC_OK;
    return json_object_set_new(classes, name, json_string(lac_csv_text(c, column[1]))) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: names of classes");
}

/* Left, top, right, bottom from columns XMin, XMax, YMin, YMax. */
static lac_status read_box(const lac_csv *c, const int *column, double box[4])
{
    static const int to[] = { 0, 2, 1, 3 };
    for (int k = 0; k < 4; k++)
        LAC_TRY(lac_csv_number(c, column[k], &box[to[k]]));
    return LAC_OK;
}

static lac_status add_segment(lac_oi *d, lac_csv *c, const int *column, void *context)
{
    (void)context;
    const char *mask = lac_csv_text(c, column[0]), *slash = strrchr(mask, '/');
    lac_oi_row r = { .distance = 2, .line = lac_csv_line(c) };
    LAC_TRY(read_box(c, column + 3, r.box));
    LAC_TRY(lac_grow((void **)&d->row, d->n, &d->capacity, sizeof *d->row));
    lac_oi_row *to = &d->row[d->n++];
    *to = r;
    LAC_TRY(lac_strdup(&to->mask, slash != NULL ? slash + 1 : mask));
    LAC_TRY(lac_strdup(&to->image, lac_csv_text(c, column[1])));
    return lac_strdup(&to->class_name, lac_csv_text(c, column[2]));
}

static int by_class(const void *a, const void *b)
{
    const lac_oi_row *x = a, *y = b;
    const int d = strcmp(x->image, y->image), e = d != 0 ? d : strcmp(x->class_name, y->class_name);
    return e != 0 ? e : (x->line > y->line) - (x->line < y->line);
}

/* The first row of that picture and class, or where it would stand. */
static int64_t first_row(const lac_oi *d, const char *image, const char *class_name)
{
    int64_t from = 0, to = d->n;
    while (from < to) {
        const int64_t at = (from + to) / 2;
        int k = strcmp(d->row[at].image, image);
        k = k != 0 ? k : strcmp(d->row[at].class_name, class_name);
        if (k < 0)
            from = at + 1;
        else
            to = at;
    }
    return from;
}

static bool is_of(const lac_oi_row *r, const char *image, const char *class_name) { return strcmp(r->image, image) == 0 && strcmp(r->class_name, class_name) == 0; }

/* A box, to the masks whose it may be. */
static lac_status match_box(lac_oi *d, lac_csv *c, const int *column, void *context)
{
    (void)context;
    const char *image = lac_csv_text(c, column[0]), *class_name = lac_csv_text(c, column[1]);
    int64_t i = first_row(d, image, class_name);
    double box[4], group, depiction;
    if (i == d->n || !is_of(&d->row[i], image, class_name))
        return LAC_OK;
    LAC_TRY(read_box(c, column + 2, box));
    LAC_TRY(lac_csv_number(c, column[6], &group));
    LAC_TRY(lac_csv_number(c, column[7], &depiction));
    for (; i < d->n && is_of(&d->row[i], image, class_name); i++) {
        double gap = 0;
        for (int k = 0; k < 4; k++)
            gap = LAC_MAX(gap, fabs(box[k] - d->row[i].box[k]));
        if (gap <= SAME_BOX && gap < d->row[i].distance) {
            d->row[i].distance = gap;
            d->row[i].whole = group == 0 && depiction == 0;
        }
    }
    return LAC_OK;
}

/* ---- objects ---- */

static lac_status add_object(const lac_oi *d, int64_t i, const json_t *classes, lac_object_list *l)
{
    const lac_oi_row *r = &d->row[i];
    const char *label = json_string_value(json_object_get(classes, r->class_name));
    if (label == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "'LabelName' is '%.60s', which '%s' has no name for", r->class_name, d->classes);
    if (r->distance > 1)
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' has no box of this class and place for the picture '%.60s'", d->boxes, r->image);
    return lac_object_add(l, &(lac_object){ .image = r->image, .name = r->mask, .label = (char *)label, .place = i, .unit = { 1, 1 }, .box = { r->box[0], r->box[1], r->box[2], r->box[3] } });
}

static lac_status add_objects(lac_oi *d, const json_t *classes, lac_object_list *l)
{
    int64_t others = 0;
    for (int64_t i = 0; i < d->n; i++) {
        const bool other = d->row[i].distance <= 1 && !d->row[i].whole;
        others += other;
        const lac_status s = other ? LAC_OK : add_object(d, i, classes, l);
        if (s != LAC_OK)
            LAC_TRY(lac_job_skip(d->job, lac_context(s, "'%s', line %" PRId64, d->segments, d->row[i].line), d->row[i].mask));
    }
    if (others > 0)
        lac_job_note(d->job, "%" PRId64 " groups and depictions left out", others);
    return LAC_OK;
}

static lac_status read_all(lac_oi *d, json_t *classes, lac_object_list *l)
{
    static const char *const class_header[] = { "LabelName", "DisplayName", NULL };
    static const char *const segment_columns[] = { "MaskPath", "ImageID", "LabelName", "BoxXMin", "BoxXMax", "BoxYMin", "BoxYMax", NULL };
    static const char *const box_columns[] = { "ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsGroupOf", "IsDepiction", NULL };
    LAC_TRY(read_table(d, d->classes, class_header, class_header, add_class, classes));
    LAC_TRY(read_table(d, d->segments, NULL, segment_columns, add_segment, NULL));
    if (d->n > 0)
        qsort(d->row, (size_t)d->n, sizeof *d->row, by_class);
    LAC_TRY(read_table(d, d->boxes, NULL, box_columns, match_box, NULL));
    return add_objects(d, classes, l);
}

lac_status lac_oi_list(lac_oi *d, lac_object_list *l)
{
    json_t *classes = json_object();
    const lac_status s = classes != NULL ? read_all(d, classes, l) : LAC_FAIL(LAC_ERR_MEM, "out of memory: names of classes");
    json_decref(classes);
    return s;
}

/* ---- pictures ---- */

static lac_status replace(char **text, const char *with)
{
    free(*text);
    *text = NULL;
    return with[0] != '\0' ? lac_strdup(text, with) : LAC_OK;
}

/* Rotation: degrees, or nothing where it is not known. */
static lac_status add_rotation(lac_oi *d, lac_csv *c, const int *column, void *list)
{
    lac_object_list *l = list;
    const char *image = lac_csv_text(c, column[0]);
    double degrees = 0;
    int64_t i = lac_object_find(l, image, NULL);
    if (i < 0)
        return LAC_OK;
    if (lac_csv_text(c, column[3])[0] != '\0')
        LAC_TRY(lac_csv_number(c, column[3], &degrees));
    for (; i < l->n && strcmp(l->item[i].image, image) == 0; i++) {
        LAC_TRY(replace(&l->item[i].licence, lac_csv_text(c, column[1])));
        LAC_TRY(replace(&l->item[i].author, lac_csv_text(c, column[2])));
        d->row[l->item[i].place].turned = degrees != 0;
    }
    return LAC_OK;
}

lac_status lac_oi_rotations(lac_oi *d, lac_object_list *l)
{
    static const char *const columns[] = { "ImageID", "License", "Author", "Rotation", NULL };
    if (d->rotations == NULL)
        return LAC_OK;
    lac_object_sort(l);
    return read_table(d, d->rotations, NULL, columns, add_rotation, l);
}
