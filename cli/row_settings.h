/* cli/row_settings.h -- how a table's row is told to paint, as options of its inpainter. */
#pragma once

#include "cli/options.h"

#include <jansson.h>

/* "KEY=VALUE" of each of a row's `settings`. lac_row_settings_free ends them, after a failure too; safe on zeroes. */
lac_status lac_row_settings(lac_words *set, const json_t *row);
void lac_row_settings_free(lac_words *set);
