#include "cli/lua_host.h"

#include "core/clock.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "core/resource.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ROOTS = 64, MAX_SOURCE = 1 << 20, MAX_ANSWER = 64 << 20 };

const lac_lua_limits lac_lua_default_limits = { .memory = 64u << 20, .instructions = 100 * 1000 * 1000, .seconds = 5 };

/* ---- in the child ---- */

typedef struct root_list { char own[MAX_ROOTS][PATH_MAX]; const char *root[2 * MAX_ROOTS]; int n; } root_list;

/* The file's folder, its parents up to configs-lua if there is one, then what the caller gave. */
static void collect_roots(root_list *r, const char *path, const char *const *given, int n_given)
{
    char at[PATH_MAX];
    int kept = 1;
    r->n = 0;
    if (realpath(path, at) == NULL)
        at[0] = '\0';
    for (char *slash; r->n < MAX_ROOTS && (slash = strrchr(at, '/')) != NULL; r->n++) {
        *slash = '\0';
        snprintf(r->own[r->n], PATH_MAX, "%s", at[0] ? at : "/");
        r->root[r->n] = r->own[r->n];
        const char *name = strrchr(at, '/');
        if (name != NULL && strcmp(name, "/configs-lua") == 0)
            kept = r->n + 1;
    }
    r->n = LAC_MIN(kept, r->n);
    for (int i = 0; i < n_given && i < MAX_ROOTS; i++)
        r->root[r->n++] = given[i];
}

static lac_status run_file(const char *path, const char *const *given, int n_given, const lac_lua_limits *limits, char **answer)
{
    root_list *roots = NULL;
    lac_lua_source source = { .file = path };
    char *text = NULL;
    json_t *config = NULL, *lines = NULL;
    LAC_TRY(lac_malloc((void **)&roots, sizeof *roots));
    lac_status s = lac_file_read(path, MAX_SOURCE, &text, &source.size);
    source.text = text;
    collect_roots(roots, path, given, n_given);
    if (s == LAC_OK)
        s = lac_lua_run(&source, roots->root, roots->n, limits, &config, &lines);
    if (s == LAC_OK) {
        json_t *both = json_pack("{s:o, s:o}", "config", config, "lines", lines);
        *answer = json_dumps(both, JSON_COMPACT);
        json_decref(both);
        s = *answer ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory for the config '%s'", path);
    }
    free(text);
    free(roots);
    return s;
}

static void send_all(int fd, const char *text, size_t size)
{
    for (ssize_t sent; size > 0 && (sent = write(fd, text, size)) > 0; text += sent, size -= (size_t)sent)
        continue;
}

/* The answer is a letter for the status, then JSON or the message. */
static void child(int fd, pid_t parent, const char *path, const char *const *roots, int n_roots, const lac_lua_limits *limits)
{
    char *answer = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    const lac_status s = run_file(path, roots, n_roots, limits, &answer);
    const char letter = (char)('A' + s);
    send_all(fd, &letter, 1);
    send_all(fd, s == LAC_OK ? answer : lac_error_message(), strlen(s == LAC_OK ? answer : lac_error_message()));
    _exit(0);
}

/* ---- in the parent ---- */

typedef struct answer { char *text; size_t size; } answer;

/* Reads until the other end closes; LAC_ERR_TIMEOUT when that has not happened in time. */
static lac_status receive(int fd, double seconds, answer *a)
{
    char piece[65536];
    const double end = lac_seconds() + seconds;
    for (;;) {
        const double left = end - lac_seconds();
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        if (left <= 0 || a->size > MAX_ANSWER)
            return LAC_ERR_TIMEOUT;
        if (poll(&ready, 1, (int)(1000 * left) + 1) <= 0)
            continue;
        const ssize_t got = read(fd, piece, sizeof piece);
        if (got == 0)
            return LAC_OK;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return LAC_FAIL(LAC_ERR_IO, "reading from the config's process: %s", strerror(errno));
        LAC_TRY(lac_realloc((void **)&a->text, a->size + (size_t)got + 1));
        memcpy(a->text + a->size, piece, (size_t)got);
        a->size += (size_t)got;
        a->text[a->size] = '\0';
    }
}

static lac_status understand(lac_experiment *e, const char *path, const answer *a)
{
    if (a->size == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "%s: the process that ran it died", path);
    const lac_status s = (lac_status)(a->text[0] - 'A');
    if (s != LAC_OK)
        return LAC_FAIL(s, "%s", a->text + 1);
    json_t *both = json_loads(a->text + 1, 0, NULL);
    e->config = json_incref(json_object_get(both, "config"));
    e->lines = json_incref(json_object_get(both, "lines"));
    json_decref(both);
    if (e->config != NULL && e->lines != NULL)
        return LAC_OK;
    lac_experiment_free(e);
    return LAC_FAIL(LAC_ERR_MEM, "out of memory for the config '%s'", path);
}

static lac_status listen_to(lac_experiment *e, pid_t pid, int fd, const char *path, const lac_lua_limits *limits)
{
    answer a = { 0 };
    lac_status s = receive(fd, limits->seconds, &a);
    if (s != LAC_OK)
        kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (s == LAC_OK)
        s = understand(e, path, &a);
    else if (s == LAC_ERR_TIMEOUT)
        s = LAC_FAIL(LAC_ERR_CONFIG, "%s: not done after %g s: an endless loop, perhaps within string.find?", path, limits->seconds);
    free(a.text);
    return s;
}

lac_status lac_experiment_load(lac_experiment *e, const char *path, const char *const *roots, int n_roots, const lac_lua_limits *limits)
{
    int fd[2];
    *e = (lac_experiment){ 0 };
    if (pipe2(fd, O_CLOEXEC) != 0)
        return LAC_FAIL(LAC_ERR_IO, "no pipe for the config '%s': %s", path, strerror(errno));
    const pid_t self = getpid(), pid = fork();
    if (pid == 0)
        child(fd[1], self, path, roots, n_roots, limits);
    close(fd[1]);
    const lac_status s = pid > 0 ? listen_to(e, pid, fd[0], path, limits)
                                 : LAC_FAIL(LAC_ERR_IO, "no process for the config '%s': %s", path, strerror(errno));
    close(fd[0]);
    return s;
}

lac_status lac_experiment_open(lac_experiment *e, const char *path)
{
    char *root = NULL;
    const lac_status found = lac_resource(&root, "configs-lua");
    if (found == LAC_ERR_MEM)
        return found;
    const char *const roots[] = { root };       /* an installation without configs is none's fault */
    const lac_status s = lac_experiment_load(e, path, roots, found == LAC_OK ? 1 : 0, &lac_lua_default_limits);
    free(root);
    return s;
}

void lac_experiment_free(lac_experiment *e)
{
    json_decref(e->config);
    json_decref(e->lines);
    *e = (lac_experiment){ 0 };
}

void lac_experiment_where(void *experiment, const char *dotted_path, char *where, size_t size)
{
    const lac_experiment *e = experiment;
    size_t length = strlen(dotted_path);
    while (length > 0) {
        const char *line = json_string_value(json_object_getn(e->lines, dotted_path, length));
        if (line != NULL) {
            snprintf(where, size, "%s", line);
            return;
        }
        while (length > 0 && dotted_path[--length] != '.')
            continue;
    }
}
