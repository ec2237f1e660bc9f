#include "cli/run_hooks.h"

#include "cli/commands.h"
#include "cli/locate.h"
#include "cli/lua_text.h"
#include "cli/validate.h"
#include "core/clock.h"
#include "core/file/atomic.h"
#include "core/memory.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t asked_to_stop;
static bool line_stands;

static void on_signal(int number) { (void)number, asked_to_stop = 1; }

void lac_progress_end(void)
{
    if (line_stands)
        fputc('\n', stdout);
    line_stands = false;
    fflush(stdout);
}

static void say(void *context, const char *line)
{
    (void)context;
    lac_progress_end();
    printf("%s\n", line);
    fflush(stdout);
}

/* On a terminal one line that changes; elsewhere a line now and then. */
static void progress(void *context, const lac_progress *p)
{
    static double last;
    char line[200];
    const bool terminal = isatty(STDOUT_FILENO);
    const double now = lac_seconds();
    (void)context;
    if (now - last < (terminal ? 0.2 : 20) && p->step != p->steps)
        return;
    last = now;
    lac_progress_line(line, sizeof line, p);
    printf(terminal ? "\r\033[K%s" : "%s\n", line);
    line_stands = terminal;
    fflush(stdout);
}

static bool stop(void *context) { return (void)context, asked_to_stop != 0; }

static lac_status begun(void *context, const char *folder, const lac_stages *stages)
{
    char header[160], *text = NULL, *path = NULL;
    json_t *config = lac_stages_json(stages);
    (void)context;
    snprintf(header, sizeof header, "resolved config; lacuna %s (%s)", lac_code_version(), lac_code_revision());
    lac_status s = lac_lua_print(config, header, &text);
    if (s == LAC_OK)
        s = lac_format(&path, "%s/config.lua", folder);
    if (s == LAC_OK)
        s = lac_file_write(path, text, strlen(text));
    json_decref(config);
    free(text);
    free(path);
    return s;
}

static lac_status validate(void *context, const lac_inpainter *ip, lac_tape *t, const json_t *config, lac_comm *comm, json_t **values,
                           double *score)
{
    return lac_validator_run(context, ip, t, config, lac_locate, comm, values, score);
}

lac_run_hooks lac_run_hooks_here(void)
{
    static lac_validator validator;         /* what it opened stays open from one validation to the next */
    const struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGXFSZ, SIG_IGN);               /* a file over the limit of its size is an error of the write, as a full disk is */
    return (lac_run_hooks){ &validator, say, progress, stop, lac_locate, validate, begun, lac_code_revision() };
}
