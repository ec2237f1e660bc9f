/* Masks, boxes and key points against each other, and how COCO stores masks. */
#include "cli/probe/probe.h"

#include "core/image/image.h"
#include "core/image/rle.h"
#include "core/memory.h"
#include "eval/coco_ap.h"
#include "eval/oks.h"
#include "eval/segmentation.h"

#include <stdlib.h>
#include <string.h>

static bool is(const lac_probe *p, const char *key, const char *word) { return strcmp(lac_config_str(p->config, key), word) == 0; }

static lac_status one_i64(lac_probe *p, const char *name, int64_t value)
{
    lac_tensor *x;
    LAC_TRY(lac_probe_result(p, name, LAC_I64, 0, NULL, &x));
    *(int64_t *)x->data = value;
    return LAC_OK;
}

static lac_status numbers(lac_probe *p, const char *name, int ndim, const int64_t *dim, double **to)
{
    lac_tensor *x;
    LAC_TRY(lac_probe_result(p, name, LAC_F64, ndim, dim, &x));
    *to = x->data;
    return LAC_OK;
}

/* ---- rle */

static const lac_key rle_keys[] = {
    { "op", LAC_KEY_STR, "\"encode\"", .choices = "encode|decode", .help = "mask to runs, or runs to mask" },
    { "layout", LAC_KEY_STR, "\"coco\"", .choices = "coco|brushbench", .help = "runs down the columns, or BrushBench's pairs (start, length) along the rows" },
    { "height", LAC_KEY_INT, "", .min = 0, .max = 1 << 20, .help = "of the mask that is decoded" },
    { "width", LAC_KEY_INT, "", .min = 0, .max = 1 << 20, .help = "of the mask that is decoded" },
    { NULL },
};

static const lac_port rle_ports[] = {
    { "mask", LAC_LAYOUT_PLAIN, 2, LAC_PORT_U8 | LAC_PORT_OPTIONAL, "[H,W]" }, { "counts", LAC_LAYOUT_PLAIN, 1, LAC_PORT_I64 | LAC_PORT_OPTIONAL, "[K]" },
    { "string", LAC_LAYOUT_PLAIN, 1, LAC_PORT_U8 | LAC_PORT_OPTIONAL, "[L]" }, { NULL },
};

static lac_status put_size(lac_probe *p, const lac_rle *r)
{
    double *box;
    LAC_TRY(one_i64(p, "area", lac_rle_area(r)));
    LAC_TRY(numbers(p, "bbox", 1, (int64_t[]){ 4 }, &box));
    lac_rle_box(r, box);
    return LAC_OK;
}

static lac_status put_text(lac_probe *p, const lac_rle *r)
{
    lac_tensor *x;
    char *text;
    size_t size;
    LAC_TRY(lac_rle_text(r, &text, &size));
    const lac_status s = lac_probe_result(p, "string", LAC_U8, 1, (int64_t[]){ (int64_t)size }, &x);
    if (s == LAC_OK && size > 0)
        memcpy(x->data, text, size);
    free(text);
    return s;
}

static lac_status encode(lac_probe *p, lac_rle *r)
{
    const lac_tensor *mask = lac_probe_host(p, "mask");
    lac_tensor *counts;
    LAC_TRY(lac_rle_encode(r, mask->data, mask->dim[0], mask->dim[1]));
    LAC_TRY(lac_probe_result(p, "counts", LAC_I64, 1, &r->n, &counts));
    for (int64_t i = 0; i < r->n; i++)
        ((int64_t *)counts->data)[i] = r->count[i];
    LAC_TRY(put_text(p, r));
    return put_size(p, r);
}

static lac_status put_mask(lac_probe *p, const lac_rle *r)
{
    lac_tensor *mask;
    LAC_TRY(lac_probe_result(p, "mask", LAC_U8, 2, (int64_t[]){ r->height, r->width }, &mask));
    lac_rle_decode(r, mask->data);
    return LAC_OK;
}

static lac_status decode(lac_probe *p, lac_rle *r)
{
    const int64_t h = lac_config_int(p->config, "height"), w = lac_config_int(p->config, "width");
    const lac_tensor *counts = lac_probe_host(p, "counts"), *text = lac_probe_host(p, "string");
    LAC_TRY(counts != NULL ? lac_context(lac_rle_from_counts(r, h, w, counts->data, counts->dim[0]), "input 'counts'")
                           : lac_context(lac_rle_from_text(r, h, w, text->data, (size_t)text->dim[0]), "input 'string'"));
    LAC_TRY(put_mask(p, r));
    return put_size(p, r);
}

static lac_status decode_pairs(lac_probe *p, lac_rle *r)
{
    const int64_t h = lac_config_int(p->config, "height"), w = lac_config_int(p->config, "width");
    const lac_tensor *counts = lac_probe_host(p, "counts");
    lac_tensor *mask;
    LAC_TRY(lac_probe_result(p, "mask", LAC_U8, 2, (int64_t[]){ h, w }, &mask));
    LAC_TRY(lac_context(lac_mask_from_pairs(mask->data, h, w, LAC_PAIRS_BY_ROWS, counts->data, counts->dim[0]), "input 'counts'"));
    LAC_TRY(lac_rle_encode(r, mask->data, h, w));
    return put_size(p, r);
}

static lac_status check_rle(const lac_probe *p)
{
    const bool encodes = is(p, "op", "encode"), pairs = is(p, "layout", "brushbench");
    const bool mask = lac_probe_host(p, "mask") != NULL, counts = lac_probe_host(p, "counts") != NULL, text = lac_probe_host(p, "string") != NULL;
    if (encodes && pairs)
        return LAC_FAIL(LAC_ERR_CONFIG, "'layout' \"brushbench\" is for 'op' \"decode\" alone");
    if (encodes && (!mask || counts || text))
        return LAC_FAIL(LAC_ERR_KEY, mask ? "'op' \"encode\" takes 'mask' alone, found '%s' too" : "input 'mask' is missing: 'op' \"encode\" wants it", counts ? "counts" : "string");
    if (encodes)
        return LAC_OK;
    if (mask || counts == text || (pairs && text))
        return LAC_FAIL(LAC_ERR_KEY, "'op' \"decode\" wants 'counts'%s, found %s", pairs ? " alone" : " or 'string'",
                        mask ? "'mask'" : counts && text ? "both" : text ? "'string'" : "neither");
    for (int i = 0; i < 2; i++)
        if (!lac_config_has(p->config, i == 0 ? "height" : "width"))
            return LAC_FAIL(LAC_ERR_CONFIG, "'%s' is missing: 'op' \"decode\" wants it", i == 0 ? "height" : "width");
    const int64_t pixels = lac_config_int(p->config, "height") * lac_config_int(p->config, "width");
    return pixels <= LAC_IMAGE_MAX_PIXELS ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "'height' times 'width' is %lld, at most %lld are possible", (long long)pixels, (long long)LAC_IMAGE_MAX_PIXELS);
}

static lac_status rle(lac_probe *p)
{
    lac_rle r = { 0 };
    LAC_TRY(check_rle(p));
    const lac_status s = is(p, "op", "encode") ? encode(p, &r) : is(p, "layout", "coco") ? decode(p, &r) : decode_pairs(p, &r);
    lac_rle_free(&r);
    return s;
}

/* ---- polygon-mask */

static const lac_key polygon_keys[] = {
    { "height", LAC_KEY_INT, NULL, .min = 0, .max = 1 << 20, .help = "of the mask" },
    { "width", LAC_KEY_INT, NULL, .min = 0, .max = 1 << 20, .help = "of the mask" },
    { NULL },
};

static const lac_port polygon_ports[] = { { "polygon.", LAC_LAYOUT_PLAIN, 1, LAC_PORT_F64 | LAC_PORT_NUMBERED, "[2K]" }, { NULL } };

static lac_status add_polygon(lac_probe *p, lac_rle *all, const lac_probe_value *v)
{
    lac_rle one = { 0 };
    lac_status s = lac_context(lac_rle_polygon(&one, lac_config_int(p->config, "height"), lac_config_int(p->config, "width"), v->host->data, v->host->dim[0]),
                               "input '%s'", v->name);
    if (s == LAC_OK && all->n > 0)
        s = lac_rle_add(all, &one);
    else if (s == LAC_OK) {
        *all = one;
        return s;
    }
    lac_rle_free(&one);
    return s;
}

static lac_status polygon_mask(lac_probe *p)
{
    lac_rle all = { 0 };
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < p->n_in; i++)
        s = add_polygon(p, &all, &p->input[i]);
    s = s == LAC_OK ? put_mask(p, &all) : s;
    s = s == LAC_OK ? one_i64(p, "area", lac_rle_area(&all)) : s;
    lac_rle_free(&all);
    return s;
}

/* ---- iou */

static const lac_key iou_keys[] = { { "kind", LAC_KEY_STR, "\"mask\"", .choices = "mask|box", .help = "what a and b are" }, { NULL } };

#define REGIONS(name) { name, LAC_LAYOUT_PLAIN, -1, LAC_PORT_F64 | LAC_PORT_OR_U8, "[N,H,W] or [N,4]" }
static const lac_port iou_ports[] = { REGIONS("a"), REGIONS("b"), { "crowd", LAC_LAYOUT_PLAIN, 1, LAC_PORT_U8 | LAC_PORT_OPTIONAL, "[M]" }, { NULL } };

static lac_status check_regions(const lac_probe *p, const char *name, bool masks)
{
    const lac_tensor *x = lac_probe_host(p, name);
    const bool good = masks ? x->dtype == LAC_U8 && x->ndim == 3 : x->dtype == LAC_F64 && x->ndim == 2 && x->dim[1] == 4;
    return good ? LAC_OK : LAC_FAIL(LAC_ERR_SHAPE, "input '%s' is %s %s, expected %s for kind \"%s\"", name, lac_dtype_name(x->dtype), lac_shape_str(x),
                                    masks ? "u8 [N,H,W]" : "f64 [N,4]", masks ? "mask" : "box");
}

static lac_status check_iou(const lac_probe *p, bool masks)
{
    const lac_tensor *a = lac_probe_host(p, "a"), *b = lac_probe_host(p, "b"), *crowd = lac_probe_host(p, "crowd");
    LAC_TRY(check_regions(p, "a", masks));
    LAC_TRY(check_regions(p, "b", masks));
    if (masks && (a->dim[1] != b->dim[1] || a->dim[2] != b->dim[2]))
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'b' is %s, expected the height and width of 'a' %s", lac_shape_str(b), lac_shape_str(a));
    if (crowd != NULL && crowd->dim[0] != b->dim[0])
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'crowd' has %lld values, expected %lld, one for each of 'b'", (long long)crowd->dim[0], (long long)b->dim[0]);
    return LAC_OK;
}

static lac_status encode_all(lac_rle *r, const lac_tensor *x)
{
    for (int64_t i = 0; i < x->dim[0]; i++)
        LAC_TRY(lac_rle_encode(&r[i], (const uint8_t *)x->data + i * x->dim[1] * x->dim[2], x->dim[1], x->dim[2]));
    return LAC_OK;
}

static lac_status mask_iou(const lac_tensor *a, const lac_tensor *b, const uint8_t *crowd, double *iou)
{
    lac_rle *r;
    const int64_t n = a->dim[0], m = b->dim[0];
    LAC_TRY(lac_calloc((void **)&r, (size_t)(n + m), sizeof *r));
    lac_status s = encode_all(r, a);
    s = s == LAC_OK ? encode_all(r + n, b) : s;
    for (int64_t i = 0; s == LAC_OK && i < n * m; i++)
        iou[i] = lac_rle_iou(&r[i / m], &r[n + i % m], crowd != NULL && crowd[i % m]);
    for (int64_t i = 0; i < n + m; i++)
        lac_rle_free(&r[i]);
    free(r);
    return s;
}

static lac_status compute_iou(lac_probe *p)
{
    const lac_tensor *a = lac_probe_host(p, "a"), *b = lac_probe_host(p, "b"), *c = lac_probe_host(p, "crowd");
    const uint8_t *crowd = c != NULL ? c->data : NULL;
    double *iou;
    LAC_TRY(check_iou(p, is(p, "kind", "mask")));
    LAC_TRY(numbers(p, "iou", 2, (int64_t[]){ a->dim[0], b->dim[0] }, &iou));
    if (is(p, "kind", "mask"))
        return mask_iou(a, b, crowd, iou);
    for (int64_t i = 0, m = b->dim[0]; i < a->dim[0] * m; i++)
        iou[i] = lac_box_iou((double *)a->data + i / m * 4, (double *)b->data + i % m * 4, crowd != NULL && crowd[i % m]);
    return LAC_OK;
}

/* ---- segmentation-score */

static const lac_port score_ports[] = {
    { "prediction", LAC_LAYOUT_PLAIN, 3, LAC_PORT_U8, "[N,H,W]" }, { "reference", LAC_LAYOUT_PLAIN, 3, LAC_PORT_U8, "[N,H,W]" }, { NULL },
};

static lac_status segmentation_score(lac_probe *p)
{
    const lac_tensor *x = lac_probe_host(p, "prediction"), *y = lac_probe_host(p, "reference");
    double *iou, *mean, *total, *above;
    LAC_TRY(lac_probe_same_shape(p, "prediction", "reference"));
    LAC_TRY(numbers(p, "iou", 1, x->dim, &iou));
    LAC_TRY(numbers(p, "m_iou", 0, NULL, &mean));
    LAC_TRY(numbers(p, "c_iou", 0, NULL, &total));
    LAC_TRY(numbers(p, "p_at", 1, (int64_t[]){ LAC_SEGMENTATION_THRESHOLDS }, &above));
    const lac_segmentation s = lac_segmentation_score(x->data, y->data, x->dim[0], x->dim[1] * x->dim[2], iou);
    *mean = s.mean_iou;
    *total = s.total_iou;
    memcpy(above, s.above, sizeof s.above);
    return LAC_OK;
}

/* ---- oks */

static const lac_key oks_keys[] = {
    { "sigmas", LAC_KEY_LIST, "", .of = LAC_KEY_INT | LAC_KEY_NUM, .min = 1e-9, .max = 1e9, .help = "17 numbers, one a key point (absent: COCO's)" }, { NULL },
};

static const lac_port oks_ports[] = {
    { "prediction", LAC_LAYOUT_PLAIN, 3, LAC_PORT_F64, "[N,17,3]" }, { "reference", LAC_LAYOUT_PLAIN, 3, LAC_PORT_F64, "[M,17,3]" },
    { "area", LAC_LAYOUT_PLAIN, 1, LAC_PORT_F64, "[M]" }, { "bbox", LAC_LAYOUT_PLAIN, 2, LAC_PORT_F64, "[M,4]" }, { NULL },
};

static lac_status read_sigmas(const lac_probe *p, double *sigma)
{
    const json_t *given = lac_config_at(p->config, "sigmas");
    memcpy(sigma, lac_oks_sigmas, sizeof lac_oks_sigmas);
    if (given == NULL)
        return LAC_OK;
    if (json_array_size(given) != LAC_OKS_POINTS)
        return LAC_FAIL(LAC_ERR_CONFIG, "'sigmas' has %zu numbers, expected %d", json_array_size(given), LAC_OKS_POINTS);
    for (size_t k = 0; k < LAC_OKS_POINTS; k++)
        sigma[k] = json_number_value(json_array_get(given, k));
    return LAC_OK;
}

static lac_status oks(lac_probe *p)
{
    enum { POINT = 3 * LAC_OKS_POINTS };
    const lac_tensor *x = lac_probe_host(p, "prediction"), *y = lac_probe_host(p, "reference");
    const lac_tensor *area = lac_probe_host(p, "area"), *box = lac_probe_host(p, "bbox");
    const int64_t m = y->dim[0];
    double sigma[LAC_OKS_POINTS], *to;
    LAC_TRY(read_sigmas(p, sigma));
    if (area->dim[0] != m || box->dim[0] != m)
        return LAC_FAIL(LAC_ERR_SHAPE, "'area' is %s and 'bbox' %s, expected %lld rows as 'reference' %s", lac_shape_str(area), lac_shape_str(box), (long long)m, lac_shape_str(y));
    LAC_TRY(numbers(p, "oks", 2, (int64_t[]){ x->dim[0], m }, &to));
    for (int64_t i = 0; i < x->dim[0] * m; i++)
        to[i] = lac_oks((double *)x->data + i / m * POINT, (double *)y->data + i % m * POINT, sigma, LAC_OKS_POINTS, ((double *)area->data)[i % m], (double *)box->data + i % m * 4);
    return LAC_OK;
}

/* ---- coco-ap */

static const lac_key ap_keys[] = {
    { "ground_truth", LAC_KEY_STR, NULL, .help = "COCO's instances or person_keypoints JSON; relative to the config" },
    { "detections", LAC_KEY_STR, NULL, .help = "COCO's results JSON; relative to the config" },
    { "iou_type", LAC_KEY_STR, "\"bbox\"", .choices = LAC_COCO_WORDS, .help = "what is compared" },
    { NULL },
};

static const lac_port no_ports[] = { { NULL } };

static lac_status coco_ap(lac_probe *p)
{
    const lac_coco_sort sort = (lac_coco_sort)lac_config_choice(p->config, "iou_type", LAC_COCO_WORDS);
    char *truth, *found = NULL;
    lac_coco_result result;
    double *to;
    LAC_TRY(lac_probe_path(p, "ground_truth", &truth));
    lac_status s = lac_probe_path(p, "detections", &found);
    if (s == LAC_OK)
        s = lac_coco_ap(truth, found, sort, &result);
    free(truth);
    free(found);
    LAC_TRY(s);
    LAC_TRY(numbers(p, "stats", 1, &result.n, &to));
    memcpy(to, result.stats, (size_t)result.n * sizeof *to);
    return LAC_OK;
}

const lac_kind lac_kind_rle = { "rle", "masks as COCO's run lengths and back", rle_keys, rle_ports, "counts, string, area, bbox; or mask, area, bbox", .compute = rle };
const lac_kind lac_kind_polygon_mask = { "polygon-mask", "union of polygons, as pycocotools draws them", polygon_keys, polygon_ports, "mask, area", .compute = polygon_mask };
const lac_kind lac_kind_iou = { "iou", "intersection over union, detections by ground truths", iou_keys, iou_ports, "iou", .compute = compute_iou };
const lac_kind lac_kind_segmentation_score = { "segmentation-score", "IoU of masks, and what is made of it over a set", NULL, score_ports, "iou, m_iou, c_iou, p_at",
                                               .compute = segmentation_score };
const lac_kind lac_kind_oks = { "oks", "similarity of key points, detections by ground truths", oks_keys, oks_ports, "oks", .compute = oks };
const lac_kind lac_kind_coco_ap = { "coco-ap", "COCOeval's statistics", ap_keys, no_ports, "stats", .compute = coco_ap };
