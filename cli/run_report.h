/* cli/run_report.h -- RUN/report.html from what a run has left behind so far: curves, samples, config, and each table of RUN/eval/. */
#pragma once

#include "core/status.h"

lac_status lac_write_report(const char *folder);
