#include "data/object_list.h"

#include "core/memory.h"
#include "core/philox.h"
#include "data/set.h"

#include <stdlib.h>
#include <string.h>

static void free_object(lac_object *o)
{
    free(o->image);
    free(o->name);
    free(o->label);
    free(o->licence);
    free(o->author);
}

void lac_object_list_free(lac_object_list *l)
{
    for (int64_t i = 0; i < l->n; i++)
        free_object(&l->item[i]);
    free(l->item);
    *l = (lac_object_list){ 0 };
}

/* ---- adding ---- */

static lac_status check_box(const lac_object *o)
{
    bool inside = true;
    for (int k = 0; k < 2; k++) {
        const double whole = o->unit[k], slack = whole / 1000, from = o->box[k], to = o->box[k + 2];
        inside &= whole > 0 && from >= -slack && to > from && to <= whole + slack;         /* false for what is no number */
    }
    return inside ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "its box from %g, %g to %g, %g is not inside a picture of %g x %g (width, height)", o->box[0], o->box[1], o->box[2],
                                      o->box[3], o->unit[0], o->unit[1]);
}

static lac_status copy_text(const char *from, char **to) { return from != NULL ? lac_strdup(to, from) : LAC_OK; }

lac_status lac_object_add(lac_object_list *l, const lac_object *o)
{
    if (o->name[0] == '\0' || o->image[0] == '\0')
        return LAC_FAIL(LAC_ERR_FORMAT, "an object without a %s", o->name[0] == '\0' ? "name" : "picture");
    if (strlen(o->label) >= LAC_LABEL_BYTES)
        return LAC_FAIL(LAC_ERR_FORMAT, "its label '%.40s...' has %zu bytes, expected at most %d", o->label, strlen(o->label), LAC_LABEL_BYTES - 1);
    LAC_TRY(check_box(o));
    LAC_TRY(lac_grow((void **)&l->item, l->n, &l->capacity, sizeof *l->item));
    lac_object *to = &l->item[l->n++];
    *to = *o;
    to->image = to->name = to->label = to->licence = to->author = NULL;
    LAC_TRY(copy_text(o->image, &to->image));
    LAC_TRY(copy_text(o->name, &to->name));
    LAC_TRY(copy_text(o->label, &to->label));
    LAC_TRY(copy_text(o->licence, &to->licence));
    return copy_text(o->author, &to->author);
}

/* ---- order ---- */

static int by_picture(const void *a, const void *b)
{
    const lac_object *x = a, *y = b;
    const int d = strcmp(x->image, y->image), e = d != 0 ? d : strcmp(x->name, y->name);
    return e != 0 ? e : (x->place > y->place) - (x->place < y->place);
}

static bool twins(const lac_object *a, const lac_object *b) { return strcmp(a->image, b->image) == 0 && strcmp(a->name, b->name) == 0; }

void lac_object_sort(lac_object_list *l)
{
    if (l->n > 0)
        qsort(l->item, (size_t)l->n, sizeof *l->item, by_picture);
}

int64_t lac_object_find(const lac_object_list *l, const char *image, const char *name)
{
    int64_t from = 0, to = l->n;
    while (from < to) {
        const int64_t at = (from + to) / 2;
        int d = strcmp(l->item[at].image, image);
        if (d == 0 && name != NULL)
            d = strcmp(l->item[at].name, name);
        if (d < 0)
            from = at + 1;
        else
            to = at;
    }
    const bool found = from < l->n && strcmp(l->item[from].image, image) == 0 && (name == NULL || strcmp(l->item[from].name, name) == 0);
    return found ? from : -1;
}

lac_status lac_object_drop_twins(lac_object_list *l, lac_status (*tell)(void *context, const lac_object *o), void *context)
{
    lac_status s = LAC_OK;
    int64_t n = 0;
    lac_object_sort(l);
    for (int64_t i = 0; i < l->n; i++)
        if (n > 0 && twins(&l->item[n - 1], &l->item[i])) {
            s = s == LAC_OK ? tell(context, &l->item[i]) : s;
            free_object(&l->item[i]);
        } else
            l->item[n++] = l->item[i];
    l->n = n;
    return s;
}

/* ---- the rule ---- */

/* An object of the sorted list, while it is chosen. */
typedef struct draw { const char *name; uint32_t hash; int64_t at, picture; } draw;

static int by_hash(const void *a, const void *b)
{
    const draw *x = a, *y = b;
    return x->hash != y->hash ? (x->hash > y->hash) - (x->hash < y->hash) : strcmp(x->name, y->name);
}

static double box_share(const lac_object *o) { return (o->box[2] - o->box[0]) * (o->box[3] - o->box[1]) / (o->unit[0] * o->unit[1]); }

static int64_t list_draws(const lac_object_list *l, draw *d, lac_object_chosen *chosen)
{
    int64_t n = 0, pictures = 0;
    for (int64_t i = 0; i < l->n; i++) {
        const double share = box_share(&l->item[i]);
        pictures += i == 0 || strcmp(l->item[i].image, l->item[i - 1].image) != 0;
        if (share >= LAC_OBJECT_LEAST_BOX && share <= LAC_OBJECT_MOST_BOX)
            d[n++] = (draw){ l->item[i].name, lac_purpose(l->item[i].name), i, pictures - 1 };
        else
            chosen->by_box++;
    }
    chosen->pictures = pictures;
    return n;
}

/* taken: of each object; of_picture: how many so far. */
static lac_status take(const lac_object_list *l, const draw *d, int64_t n, const lac_object_rule *rule, lac_object_share *share, void *context, lac_object_chosen *chosen, bool *taken,
                       int64_t *of_picture)
{
    int64_t all = 0;
    for (int64_t i = 0; i < n && (rule->limit == 0 || all < rule->limit); i++) {
        double part;
        if (rule->per_picture > 0 && of_picture[d[i].picture] >= rule->per_picture)
            continue;
        LAC_TRY(share(context, &l->item[d[i].at], &part));
        chosen->unread += part < 0;
        chosen->by_mask += part >= 0 && part < LAC_OBJECT_LEAST_MASK;
        if (part >= LAC_OBJECT_LEAST_MASK) {
            taken[d[i].at] = true;
            of_picture[d[i].picture]++;
            all++;
        }
    }
    return LAC_OK;
}

static void keep(lac_object_list *l, const bool *taken)
{
    int64_t n = 0;
    for (int64_t i = 0; i < l->n; i++)
        if (taken[i])
            l->item[n++] = l->item[i];
        else
            free_object(&l->item[i]);
    l->n = n;
}

lac_status lac_object_choose(lac_object_list *l, const lac_object_rule *rule, lac_object_share *share, void *context, lac_object_chosen *chosen)
{
    draw *d = NULL;
    bool *taken = NULL;
    int64_t *of_picture = NULL;
    lac_object_sort(l);
    *chosen = (lac_object_chosen){ .all = l->n };
    lac_status s = lac_calloc((void **)&d, (size_t)l->n, sizeof *d);
    if (s == LAC_OK)
        s = lac_calloc((void **)&taken, (size_t)l->n, sizeof *taken);
    if (s == LAC_OK)
        s = lac_calloc((void **)&of_picture, (size_t)l->n, sizeof *of_picture);
    const int64_t n = s == LAC_OK ? list_draws(l, d, chosen) : 0;
    if (n > 0 && !rule->every) {
        qsort(d, (size_t)n, sizeof *d, by_hash);
        s = take(l, d, n, rule, share, context, chosen, taken, of_picture);
    }
    if (s == LAC_OK && !rule->every)
        keep(l, taken);
    free(of_picture);
    free(taken);
    free(d);
    return s;
}
