/* train/report.h -- report.html of a run, or of several side by side: one file, nothing fetched, and no script of its own.
 *
 * Numbers of log.jsonl become charts: "loss.d" and "loss.g" share the chart "loss"; "validate.NAME" joins the chart of NAME, drawn
 * stronger. The newest picture of samples/ is embedded whole, some earlier ones small beside it. Tables of scores are made
 * elsewhere (eval/table.h) and handed in as sections. */
#pragma once

#include "core/status.h"

typedef struct lac_report_fact { const char *name, *value; } lac_report_fact;          /* "seed", "1" */
typedef struct lac_report_section { const char *title, *html; } lac_report_section;    /* html goes in as it is */

typedef struct lac_report {
    const char *title;
    const lac_report_fact *facts;               /* code version, machine, seed, ... */
    int n_facts;
    const lac_report_section *sections;
    int n_sections;
    const char *style, *script;                 /* that sections want beside the page's own; NULL: none */
} lac_report;

/* From FOLDER/log.jsonl, samples/NAME.png and config.lua, whichever are there; written aside and renamed. */
lac_status lac_report_run(const lac_report *r, const char *folder, const char *path);

/* The same numbers of several runs in one chart each: what is under "loss" and "validate". */
typedef struct lac_report_entry { const char *name, *folder; } lac_report_entry;
lac_status lac_report_compare(const lac_report *r, const lac_report_entry *runs, int n_runs, const char *path);
