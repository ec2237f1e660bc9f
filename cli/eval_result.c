#include "cli/eval_result.h"

#include "core/file/atomic.h"
#include "core/file/relative.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void lac_eval_result_print(const json_t *result)
{
    const char *name;
    json_t *metric;
    json_object_foreach(json_object_get(result, "metrics"), name, metric) {
        const json_t *value = json_object_get(metric, "value"), *low = json_object_get(metric, "low"), *high = json_object_get(metric, "high");
        const long long n = json_integer_value(json_object_get(metric, "n"));
        if (!json_is_real(value))
            printf("%-20s undefined: %s\n", name, json_string_value(json_object_get(metric, "reason")));
        else if (json_is_real(low))
            printf("%-20s %.6g [%.6g, %.6g]   n %lld\n", name, json_real_value(value), json_real_value(low), json_real_value(high), n);
        else
            printf("%-20s %.6g   n %lld\n", name, json_real_value(value), n);
    }
}

lac_status lac_eval_result_write(const json_t *result, const char *path)
{
    char *text = json_dumps(result, JSON_INDENT(1)), *whole = NULL;
    lac_status s = text != NULL ? lac_format(&whole, "%s\n", text) : LAC_FAIL(LAC_ERR_MEM, "out of memory: '%s'", path);
    if (s == LAC_OK)
        s = lac_file_write(path, whole, strlen(whole));
    free(whole);
    free(text);
    return s;
}

lac_status lac_eval_result_make_folder(const char *path)
{
    char *folder;
    LAC_TRY(lac_path_folder(&folder, path));
    const lac_status s = lac_make_folders(folder);
    free(folder);
    return s;
}
