/* cli/probe/run.h -- the parts of probe, folder-local: config.c (--config), values.c (files), run.c (tape), probe.c (the subcommand). */
#pragma once

#include "cli/probe/probe.h"

lac_status lac_probe_read_config(lac_probe *p, const char *path);      /* path NULL: defaults */
const char *lac_probe_join(const lac_port *port);       /* between a numbered port's name and the number: "_", or "" after a dot */
lac_status lac_probe_read_inputs(lac_probe *p);         /* all of them, surplus and missing ones refused */
lac_status lac_probe_read_grads(lac_probe *p);          /* grad.NAME of the outputs now known */
lac_status lac_probe_run_tape(lac_probe *p);
lac_status lac_probe_write(lac_probe *p, const char *path);
