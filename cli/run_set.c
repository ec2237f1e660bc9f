#include "cli/run_set.h"

#include "cli/preset.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its place among the runs; one of the same name must be of the same config. */
static lac_status put(lac_run_set *s, lac_sweep_run *run, int64_t *at)
{
    for (*at = 0; *at < s->n; ++*at) {
        if (strcmp(s->run[*at].name, run->name) != 0)
            continue;
        return json_equal(s->run[*at].config, run->config) ? LAC_OK
             : LAC_FAIL(LAC_ERR_CONFIG, "run '%s' would be of two configs, here and at '%s': give them names of their own", run->name, s->run[*at].place);
    }
    LAC_TRY(lac_grow((void **)&s->run, s->n, &s->capacity, sizeof *s->run));
    s->run[s->n++] = *run;
    *run = (lac_sweep_run){ .name = NULL };
    return LAC_OK;
}

static lac_status add_first(lac_run_set *s, const json_t *first, const char *place)
{
    size_t i;
    json_t *config;
    if (first != NULL && !json_is_array(first) && json_object_size(first) > 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'first' should be a list of configs");
    json_array_foreach((json_t *)first, i, config) {
        char own[sizeof s->run->place];
        int64_t *at = NULL, n;
        snprintf(own, sizeof own, "%s%sfirst.%d", place, place[0] != '\0' ? "." : "", (int)i + 1);
        json_t *copy = json_deep_copy(config);
        const lac_status status = json_is_object(copy) ? lac_run_set_add(s, copy, own, &at, &n) : LAC_FAIL(LAC_ERR_CONFIG, "it should be a config");
        json_decref(copy);
        free(at);
        LAC_TRY(lac_context(status, "'%s'", own));
    }
    return LAC_OK;
}

lac_status lac_run_set_add(lac_run_set *s, json_t *config, const char *place, int64_t **at, int64_t *n)
{
    lac_sweep_run *run = NULL;
    *at = NULL;
    LAC_TRY(lac_preset_apply(config, NULL, NULL));
    json_t *first = json_incref(json_object_get(config, "first"));
    json_object_del(config, "first");
    lac_status status = add_first(s, first, place);
    json_decref(first);
    if (status == LAC_OK)
        status = lac_sweep_expand(config, &run, n);
    LAC_TRY(status);
    status = lac_calloc((void **)at, (size_t)*n, sizeof **at);
    for (int64_t i = 0; status == LAC_OK && i < *n; i++) {
        snprintf(run[i].place, sizeof run[i].place, "%s", place);
        status = put(s, &run[i], &(*at)[i]);
    }
    lac_sweep_free(run, *n);
    return status;
}

void lac_run_set_free(lac_run_set *s)
{
    lac_sweep_free(s->run, s->n);
    *s = (lac_run_set){ NULL, 0, 0 };
}
