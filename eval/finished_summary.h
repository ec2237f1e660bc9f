/* eval/finished_summary.h -- what `lacuna eval IMAGES` found (OUT.json, eval/finished.h) as a summary of one method (eval/summary.h), for tables and reports:
 * its manifest is the references', its masks the masks', its pictures and backgrounds the pairs. So results on the same references and masks share a table,
 * whoever finished the pictures. */
#pragma once

#include "core/status.h"

#include <jansson.h>

bool lac_is_finished_result(const json_t *result);

/* name: the method's. *summary is a new reference, with "method": name for lines that name none. */
lac_status lac_finished_summary(const json_t *result, const char *name, json_t **summary);
