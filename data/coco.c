#include "data/coco.h"

#include "core/json.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30 };

typedef struct hearing { lac_coco_refuse *refuse; void *context; } hearing;

void lac_coco_close(lac_coco *c)
{
    free(c->image);
    free(c->category);
    free(c->object);
    free(c->path);
    json_decref(c->json);
    *c = (lac_coco){ 0 };
}

/* ---- fields of a record */

static lac_status want_int(const json_t *record, const char *key, int64_t *value)
{
    const json_t *x = json_object_get(record, key);
    return lac_json_whole(x, value) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %s, expected an integer", key, lac_json_sort(x));
}

/* Stands as it was where the key is absent, or null where that may be. */
static lac_status may_int(const json_t *record, const char *key, int64_t *value)
{
    return json_object_get(record, key) != NULL ? want_int(record, key, value) : LAC_OK;
}

static lac_status may_number(const json_t *record, const char *key, double *value, bool *there)
{
    const json_t *x = json_object_get(record, key);
    *there = x != NULL && !json_is_null(x);
    if (!*there)
        return LAC_OK;
    *value = json_number_value(x);
    return json_is_number(x) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %s, expected a number", key, lac_json_sort(x));
}

static lac_status may_string(const json_t *record, const char *key, const char **value)
{
    const json_t *x = json_object_get(record, key);
    *value = x != NULL ? json_string_value(x) : "";
    return *value != NULL ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %s, expected a string", key, lac_json_sort(x));
}

static lac_status read_numbers(const json_t *list, const char *what, int64_t n, double *to)
{
    if (!json_is_array(list))
        return LAC_FAIL(LAC_ERR_FORMAT, "%s is %s, expected a list", what, lac_json_sort(list));
    if (json_array_size(list) != (size_t)n)
        return LAC_FAIL(LAC_ERR_FORMAT, "%s has %zu elements, expected %lld", what, json_array_size(list), (long long)n);
    for (size_t i = 0; i < (size_t)n; i++) {
        const json_t *x = json_array_get(list, i);
        if (!json_is_number(x))
            return LAC_FAIL(LAC_ERR_FORMAT, "%s[%zu] is %s, expected a number", what, i, lac_json_sort(x));
        to[i] = json_number_value(x);
    }
    return LAC_OK;
}

static lac_status read_box(const json_t *record, lac_coco_object *o)
{
    const json_t *box = json_object_get(record, "bbox");
    o->has_box = box != NULL && !(json_is_array(box) && json_array_size(box) == 0);
    return o->has_box ? read_numbers(box, "'bbox'", 4, o->box) : LAC_OK;
}

/* ---- records */

static lac_status read_image(lac_coco_image *to, const json_t *record)
{
    LAC_TRY(want_int(record, "id", &to->id));
    LAC_TRY(may_int(record, "height", &to->height));
    LAC_TRY(may_int(record, "width", &to->width));
    if (to->height < 0 || to->width < 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "the picture is %lld x %lld (height, width)", (long long)to->height, (long long)to->width);
    return may_string(record, "file_name", &to->file);
}

static lac_status read_category(lac_coco_category *to, const json_t *record)
{
    LAC_TRY(want_int(record, "id", &to->id));
    return may_string(record, "name", &to->name);
}

static lac_status read_object(lac_coco_object *to, const json_t *record)
{
    int64_t crowd = 0;
    bool scored;
    const json_t *flag = json_object_get(record, "iscrowd");
    to->n_labelled = -1;
    LAC_TRY(want_int(record, "image_id", &to->image_id));
    LAC_TRY(want_int(record, "category_id", &to->category_id));
    LAC_TRY(json_is_boolean(flag) ? LAC_OK : may_int(record, "iscrowd", &crowd));
    LAC_TRY(may_int(record, "num_keypoints", &to->n_labelled));
    LAC_TRY(read_box(record, to));
    LAC_TRY(may_number(record, "area", &to->area, &to->has_area));
    LAC_TRY(may_number(record, "score", &to->score, &scored));
    to->crowd = crowd != 0 || json_is_true(flag);
    to->segmentation = json_object_get(record, "segmentation");
    to->points = json_object_get(record, "keypoints");
    return LAC_OK;
}

static lac_status read_annotation(lac_coco_object *to, const json_t *record)
{
    LAC_TRY(want_int(record, "id", &to->id));
    return read_object(to, record);
}

static lac_status read_result(lac_coco_object *to, const json_t *record)
{
    to->id = to->place + 1;
    if (!json_is_number(json_object_get(record, "score")))
        return LAC_FAIL(LAC_ERR_FORMAT, "'score' is %s, expected a number", lac_json_sort(json_object_get(record, "score")));
    return read_object(to, record);
}

/* ---- lists */

static lac_status refused(const lac_coco *c, const hearing *h, lac_status s, const char *list, int64_t place)
{
    lac_context(s, "'%s', %s[%lld]", c->path, list, (long long)place);
    return s == LAC_ERR_MEM || h->refuse == NULL ? s : h->refuse(h->context, s, c->path);
}

static lac_status want_list(const lac_coco *c, const char *name, json_t **list)
{
    *list = json_object_get(c->json, name);
    return json_is_array(*list) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "'%s': '%s' is %s, expected a list", c->path, name, lac_json_sort(*list));
}

#define BY_ID(function, type)                                                       \
    static int function(const void *a, const void *b)                               \
    {                                                                               \
        const type *x = a, *y = b;                                                  \
        return (x->id > y->id) - (x->id < y->id);                                   \
    }
BY_ID(image_by_id, lac_coco_image)
BY_ID(category_by_id, lac_coco_category)

static lac_status read_images(lac_coco *c, const hearing *h)
{
    json_t *list;
    LAC_TRY(want_list(c, "images", &list));
    LAC_TRY(lac_calloc((void **)&c->image, json_array_size(list), sizeof *c->image));
    for (size_t i = 0; i < json_array_size(list); i++) {
        lac_coco_image *to = &c->image[c->n_images];
        *to = (lac_coco_image){ .place = (int64_t)i };
        const lac_status s = read_image(to, json_array_get(list, i));
        c->n_images += s == LAC_OK;
        if (s != LAC_OK)
            LAC_TRY(refused(c, h, s, "images", to->place));
    }
    if (c->n_images > 0)
        qsort(c->image, (size_t)c->n_images, sizeof *c->image, image_by_id);
    for (int64_t i = 1; i < c->n_images; i++)
        if (c->image[i - 1].id == c->image[i].id)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s', images[%lld]: id %lld is that of images[%lld] too", c->path, (long long)c->image[i].place,
                            (long long)c->image[i].id, (long long)c->image[i - 1].place);
    return LAC_OK;
}

static lac_status read_categories(lac_coco *c, const hearing *h)
{
    json_t *list;
    LAC_TRY(want_list(c, "categories", &list));
    LAC_TRY(lac_calloc((void **)&c->category, json_array_size(list), sizeof *c->category));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const lac_status s = read_category(&c->category[c->n_categories], json_array_get(list, i));
        c->n_categories += s == LAC_OK;
        if (s != LAC_OK)
            LAC_TRY(refused(c, h, s, "categories", (int64_t)i));
    }
    if (c->n_categories > 0)
        qsort(c->category, (size_t)c->n_categories, sizeof *c->category, category_by_id);
    for (int64_t i = 1; i < c->n_categories; i++)
        if (c->category[i - 1].id == c->category[i].id)
            return LAC_FAIL(LAC_ERR_FORMAT, "'%s': two categories have the id %lld", c->path, (long long)c->category[i].id);
    return LAC_OK;
}

static lac_status read_objects(lac_coco *c, const json_t *list, lac_status (*read)(lac_coco_object *, const json_t *), const hearing *h)
{
    LAC_TRY(lac_calloc((void **)&c->object, json_array_size(list), sizeof *c->object));
    for (size_t i = 0; i < json_array_size(list); i++) {
        lac_coco_object *to = &c->object[c->n_objects];
        *to = (lac_coco_object){ .place = (int64_t)i };
        lac_status s = read(to, json_array_get(list, i));
        if (s == LAC_OK && c->list[0] != '\0' && lac_coco_find_image(c, to->image_id) < 0)
            s = LAC_FAIL(LAC_ERR_FORMAT, "'image_id' %lld is that of no image", (long long)to->image_id);
        c->n_objects += s == LAC_OK;
        if (s != LAC_OK)
            LAC_TRY(refused(c, h, s, c->list, to->place));
    }
    return LAC_OK;
}

/* ---- files */

static lac_status read_file(lac_coco *c, const char *path)
{
    LAC_TRY(lac_strdup(&c->path, path));
    return lac_json_load(&c->json, path, MAX_FILE);
}

static lac_status read_truth(lac_coco *c, const char *path, const hearing *h)
{
    json_t *list;
    LAC_TRY(read_file(c, path));
    if (!json_is_object(c->json))
        return LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %s, expected an object with images, annotations, categories", path, lac_json_sort(c->json));
    c->list = "annotations";
    LAC_TRY(read_images(c, h));
    LAC_TRY(read_categories(c, h));
    LAC_TRY(want_list(c, "annotations", &list));
    return read_objects(c, list, read_annotation, h);
}

static lac_status read_results(lac_coco *c, const char *path)
{
    LAC_TRY(read_file(c, path));
    c->list = "";
    return json_is_array(c->json) ? read_objects(c, c->json, read_result, &(hearing){ 0 })
         : LAC_FAIL(LAC_ERR_FORMAT, "'%s' is %s, expected a list of detections", path, lac_json_sort(c->json));
}

lac_status lac_coco_open(lac_coco *c, const char *path, lac_coco_refuse *refuse, void *context)
{
    *c = (lac_coco){ 0 };
    const lac_status s = read_truth(c, path, &(hearing){ refuse, context });
    if (s != LAC_OK)
        lac_coco_close(c);
    return s;
}

lac_status lac_coco_open_results(lac_coco *c, const char *path)
{
    *c = (lac_coco){ 0 };
    const lac_status s = read_results(c, path);
    if (s != LAC_OK)
        lac_coco_close(c);
    return s;
}

int64_t lac_coco_find_image(const lac_coco *c, int64_t id)
{
    const lac_coco_image key = { .id = id }, *found = c->n_images > 0 ? bsearch(&key, c->image, (size_t)c->n_images, sizeof key, image_by_id) : NULL;
    return found != NULL ? found - c->image : -1;
}

int64_t lac_coco_find_category(const lac_coco *c, int64_t id)
{
    const lac_coco_category key = { .id = id }, *found = c->n_categories > 0 ? bsearch(&key, c->category, (size_t)c->n_categories, sizeof key, category_by_id) : NULL;
    return found != NULL ? found - c->category : -1;
}

lac_status lac_coco_at(const lac_coco *c, const lac_coco_object *o, lac_status s)
{
    if (c->list[0] == '\0')
        return lac_context(s, "'%s', [%lld]", c->path, (long long)o->place);
    return lac_context(s, "'%s', %s[%lld] (id %lld)", c->path, c->list, (long long)o->place, (long long)o->id);
}

/* ---- masks and key points */

static lac_status add_polygon(lac_rle *mask, const json_t *list, int64_t height, int64_t width)
{
    lac_rle one = { 0 };
    double *xy;
    const int64_t n = (int64_t)json_array_size(list);
    LAC_TRY(lac_malloc((void **)&xy, (size_t)n * sizeof *xy));
    lac_status s = read_numbers(list, "it", n, xy);
    s = s == LAC_OK ? lac_rle_polygon(&one, height, width, xy, n) : s;
    s = s == LAC_OK ? lac_rle_add(mask, &one) : s;
    lac_rle_free(&one);
    free(xy);
    return s;
}

static lac_status from_polygons(lac_rle *mask, const json_t *list, int64_t height, int64_t width)
{
    const int64_t pixels = height * width;
    if (height == 0 || width == 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "its polygons want the picture's 'height' and 'width', which the file does not say");
    if (json_array_size(list) == 0)
        return LAC_FAIL(LAC_ERR_FORMAT, "'segmentation' is an empty list");
    LAC_TRY(lac_rle_from_counts(mask, height, width, &pixels, 1));
    for (size_t i = 0; i < json_array_size(list); i++)
        LAC_TRY(lac_context(add_polygon(mask, json_array_get(list, i), height, width), "segmentation[%zu]", i));
    return LAC_OK;
}

static lac_status from_list(lac_rle *mask, const json_t *list, int64_t height, int64_t width)
{
    int64_t *count, n;
    LAC_TRY(lac_json_wholes(list, "counts", &count, &n));
    const lac_status s = lac_rle_from_counts(mask, height, width, count, n);
    free(count);
    return s;
}

static lac_status from_runs(lac_rle *mask, const json_t *runs, int64_t height, int64_t width)
{
    const json_t *counts = json_object_get(runs, "counts"), *size = json_object_get(runs, "size");
    int64_t h, w;
    if (json_array_size(size) != 2 || !lac_json_whole(json_array_get(size, 0), &h) || !lac_json_whole(json_array_get(size, 1), &w))
        return LAC_FAIL(LAC_ERR_FORMAT, "segmentation 'size' is %s, expected height and width", json_is_array(size) ? "another list" : lac_json_sort(size));
    if (height * width > 0 && (h != height || w != width))
        return LAC_FAIL(LAC_ERR_FORMAT, "its runs are of %lld x %lld, its picture is %lld x %lld (height, width)", (long long)h, (long long)w, (long long)height, (long long)width);
    if (json_is_string(counts))
        return lac_rle_from_text(mask, h, w, json_string_value(counts), json_string_length(counts));
    return json_is_array(counts) ? from_list(mask, counts, h, w) : LAC_FAIL(LAC_ERR_FORMAT, "'counts' is %s, expected a list or a string", lac_json_sort(counts));
}

lac_status lac_coco_mask(const lac_coco *c, const lac_coco_object *o, int64_t height, int64_t width, lac_rle *mask)
{
    const json_t *s = o->segmentation;
    return lac_coco_at(c, o, json_is_array(s) ? from_polygons(mask, s, height, width) : json_is_object(s) ? from_runs(mask, s, height, width)
                           : LAC_FAIL(LAC_ERR_FORMAT, "'segmentation' is %s, expected polygons or runs", lac_json_sort(s)));
}

lac_status lac_coco_points(const lac_coco *c, const lac_coco_object *o, int64_t n, double *points)
{
    return lac_coco_at(c, o, o->points != NULL ? read_numbers(o->points, "'keypoints'", 3 * n, points) : LAC_FAIL(LAC_ERR_FORMAT, "'keypoints' is missing"));
}
