/* Experiments in Lua: what loads, what each kind of bad config ends in, overrides, and the way back to Lua. */
#include "cli/lua_host.h"
#include "cli/lua_text.h"
#include "cli/preset.h"
#include "core/file/atomic.h"
#include "tests/harness/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Few instructions, so that loops end soon; all the time that a busy machine may need. */
static const lac_lua_limits limits = { .memory = 64u << 20, .instructions = 5000000, .seconds = 60 };

static const char *file_in(const char *folder, const char *name, const char *text, size_t size)
{
    static char path[8][256];
    static int turn;
    char *p = path[turn++ & 7], *slash;
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    slash = strrchr(p, '/');
    *slash = '\0';
    LAC_CHECK_STATUS(lac_make_folders(p));
    *slash = '/';
    LAC_CHECK_STATUS(lac_file_write(p, text, size));
    return p;
}

static lac_status load(lac_experiment *e, const char *text)
{
    return lac_experiment_load(e, file_in(lac_test_folder(), "x.lua", text, strlen(text)), NULL, 0, &limits);
}

static bool holds(const lac_experiment *e, const char *expected)
{
    char *found = json_dumps(e->config, JSON_COMPACT | JSON_SORT_KEYS);
    const bool same = strcmp(found, expected) == 0;
    if (!same)
        print_error("found    %s\nexpected %s\n", found, expected);
    free(found);
    return same;
}

static const char *where(lac_experiment *e, const char *path)
{
    static char line[300];
    line[0] = '\0';
    lac_experiment_where(e, path, line, sizeof line);
    const char *slash = strrchr(line, '/');
    return slash ? slash + 1 : line;
}

LAC_TEST(config_values_keep_their_kind)
{
    lac_experiment e;
    LAC_CHECK_STATUS(load(&e, "return { n = 3, x = 3.0, y = 1e-4, s = \"a\\n\\u{fc}\", t = true, l = { 1, 2.5, { k = 1 } }, empty = {},\n"
                              "  sum = (\"ab\"):rep(2) .. #{ 1, 2 } .. math.max(1, 2), v = type(lac.version) }"));
    LAC_CHECK(holds(&e, "{\"empty\":{},\"l\":[1,2.5,{\"k\":1}],\"n\":3,\"s\":\"a\\n\xc3\xbc\",\"sum\":\"abab22\",\"t\":true,"
                        "\"v\":\"string\",\"x\":3.0,\"y\":0.0001}"));
    lac_experiment_free(&e);
}

LAC_TEST(config_pairs_go_by_sorted_keys)
{
    lac_experiment e;
    LAC_CHECK_STATUS(load(&e, "local l = {} for k in pairs { z = 1, a = 2, m = 3, 7, 8 } do l[#l + 1] = tostring(k) end return { l = l }"));
    LAC_CHECK(holds(&e, "{\"l\":[\"1\",\"2\",\"a\",\"m\",\"z\"]}"));
    lac_experiment_free(&e);
    LAC_CHECK_STATUS(load(&e, "return { z = 1, y = { b = 1, a = 2 }, x = 3, w = 4, v = 5, u = 6 }"));       /* and so does the config itself */
    char *text = json_dumps(e.config, JSON_COMPACT | JSON_PRESERVE_ORDER);
    LAC_CHECK(strcmp(text, "{\"u\":6,\"v\":5,\"w\":4,\"x\":3,\"y\":{\"a\":2,\"b\":1},\"z\":1}") == 0);
    free(text);
    lac_experiment_free(&e);
}

LAC_TEST(config_extends_what_it_requires)
{
    lac_experiment e;
    const char *folder = lac_test_folder(), *own = lac_test_folder(), *roots[] = { own };
    const char base[] = "return { steps = 1, optim = {\n  g = { lr = 1, betas = { 0, 1 } },\n  d = { lr = 2 } } }";
    const char main_file[] = "local base = require \"base.deepfill\"\n"
                             "local c = lac.extend(base, { optim = { g = {\n  betas = { 5 } } },\n  [\"new\"] = require \"own\" })\n"
                             "c.extra = base.optim.g.betas[2]\nreturn c";
    file_in(folder, "configs-lua/base/deepfill.lua", base, strlen(base));
    file_in(own, "own.lua", "return { 1 }", 12);
    const char *path = file_in(folder, "configs-lua/deepfill/x.lua", main_file, strlen(main_file));
    LAC_CHECK_STATUS(lac_experiment_load(&e, path, roots, 1, &limits));
    LAC_CHECK(holds(&e, "{\"extra\":1,\"new\":[1],\"optim\":{\"d\":{\"lr\":2},\"g\":{\"betas\":[5],\"lr\":1}},\"steps\":1}"));
    LAC_CHECK(strcmp(where(&e, "optim.g.betas"), "x.lua:3") == 0 && strcmp(where(&e, "optim.d.lr"), "deepfill.lua:3") == 0);
    LAC_CHECK(strcmp(where(&e, "new"), "x.lua:4") == 0 && strcmp(where(&e, "extra"), "x.lua:5") == 0);
    LAC_CHECK(strcmp(where(&e, "optim.g.betas.1"), "x.lua:3") == 0 && strcmp(where(&e, "nobody"), "") == 0);
    lac_experiment_free(&e);
    file_in(folder, "configs-lua/base/deepfill.lua", "return require 'base.deepfill'", 30);
    LAC_CHECK_FAILS(lac_experiment_load(&e, path, roots, 1, &limits), LAC_ERR_CONFIG, "'base.deepfill' requires itself");
}

LAC_TEST(config_requires_nothing_from_elsewhere)
{
    lac_experiment e;
    char link[300];
    const char *folder = lac_test_folder(), *other = lac_test_folder();
    file_in(other, "secret.lua", "return {}", 9);
    const char *path = file_in(folder, "configs-lua/x.lua", "return require 'secret'", 23);
    LAC_CHECK_FAILS(lac_experiment_load(&e, path, NULL, 0, &limits), LAC_ERR_CONFIG, "no module 'secret'");
    snprintf(link, sizeof link, "%s/configs-lua/secret.lua", folder);                 /* to a folder with a name as long */
    LAC_CHECK(symlink(file_in(other, "as-long-dir/secret.lua", "return {}", 9), link) == 0);
    LAC_CHECK_FAILS(lac_experiment_load(&e, path, NULL, 0, &limits), LAC_ERR_CONFIG, "no module 'secret'");
    LAC_CHECK_FAILS(load(&e, "return require '../secret'"), LAC_ERR_CONFIG, "is no module name");
    LAC_CHECK_FAILS(load(&e, "return require '/etc/passwd'"), LAC_ERR_CONFIG, "is no module name");
    LAC_CHECK_FAILS(load(&e, "return require 'a..b'"), LAC_ERR_CONFIG, "is no module name");
    file_in(folder, "configs-lua/secret/y.lua", "return 3", 8);
    path = file_in(folder, "configs-lua/x.lua", "return require 'secret.y'", 25);
    LAC_CHECK_FAILS(lac_experiment_load(&e, path, NULL, 0, &limits), LAC_ERR_CONFIG, "module 'secret.y' returns a number");
}

LAC_TEST(config_that_misbehaves_ends_in_one_line)
{
    static const struct { const char *text, *message; } bad[] = {
        { "return {\n  a = = 1 }", "x.lua:2: unexpected symbol near '='" },
        { "os.execute('touch /tmp/x')", "x.lua:1: there is no 'os' in a config" },
        { "return { f = io.open('/etc/passwd') }", "there is no 'io'" }, { "load('x')()", "there is no 'load'" },
        { "debug.sethook()", "there is no 'debug'" }, { "setmetatable({}, {})", "there is no 'setmetatable'" },
        { "collectgarbage()", "there is no 'collectgarbage'" }, { "print(1)", "there is no 'print'" },
        { "return { a = ture }", "x.lua:1: there is no 'ture' in a config" },
        { "\n\nwhile true do end", "x.lua:3: more than 5 million instructions" },
        { "while true do pcall(function() while true do end end) end", "more than 5 million instructions" },
        { "return { s = ('x'):rep(1 << 40) }", "x.lua" }, { "return { s = ('x'):rep(1 << 28) }", "x.lua: more than 64 MB of memory" },
        { "local t = {} while true do t[#t + 1] = ('x'):rep(1000000) .. #t end", "x.lua: more than 64 MB of memory" },
        { "local function f() return 1 + f() end f()", "x.lua: more than 64 MB of memory" },
        { "error('first\\nsecond')", "x.lua:1: first second" }, { "error({})", "x.lua: an error that is no text" },
        { "", "x.lua: a config returns a table, this one returns nil" }, { "return 3", "this one returns number" },
        { "\x1bLua", "attempt to load a binary chunk" },
        { "return { a = { 1, nil, 3 } }", "x.lua: 'a' is a list with holes: 2 values, the last at 3" },
        { "return { a = { 1, b = 2 } }", "'a' mixes a list with named keys" }, { "return { a = { [1.5] = 2 } }", "'a' has a key" },
        { "return { a = { b = function() end } }", "'a.b' is a function" }, { "return { a = 0 / 0 }", "'a' is not a finite number" },
        { "return { a = -1 / 0 }", "'a' is not a finite number" }, { "return { a = '\\xff' }", "'a' is not UTF-8" },
        { "return { ['\\xff'] = 1 }", "is not UTF-8" }, { "return { a = 'x\\0y' }", "'a' is not UTF-8 text" },
        { "local t = {} t.t = t return t", "nests deeper than 32" }, { "local t = {} t.t = t return lac.extend(t, t)", "deeper than 32" },
        { "local t = {} for i = 1, 30 do t = { t, t } end return t", "more than 200000 values" },
        { "local s = ('x'):rep(1 << 22) return { s, s, s, s, s }", "16 MB of text" },
        { "local c = lac.extend({}, 1) return c", "x.lua:1: lac.extend wants two tables" },
    };
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        lac_experiment e;
        if (load(&e, bad[i].text) != LAC_ERR_CONFIG || strstr(lac_error_message(), bad[i].message) == NULL)
            print_error("%s\nexpected %s\n", bad[i].text, bad[i].message);
        LAC_CHECK(strstr(lac_error_message(), bad[i].message) != NULL);
        LAC_CHECK(e.config == NULL && strchr(lac_error_message(), '\n') == NULL && strstr(lac_error_message(), "x.lua") != NULL);
    }
}

LAC_TEST(config_that_hangs_within_a_pattern_is_stopped_by_the_clock)
{
    static const char text[] = "local s = ('a'):rep(50000) return { s:find(('.-'):rep(30) .. 'b') }";
    const lac_lua_limits brief = { .memory = limits.memory, .instructions = limits.instructions, .seconds = 0.3 };
    lac_experiment e;
    const char *path = file_in(lac_test_folder(), "x.lua", text, strlen(text));
    LAC_CHECK_FAILS(lac_experiment_load(&e, path, NULL, 0, &brief), LAC_ERR_CONFIG, "x.lua: not done after 0.3 s");
    LAC_CHECK(e.config == NULL && lac_lua_default_limits.seconds == 5);
}

/* Whose parent dies becomes ours, so that its end can be seen. */
LAC_TEST(config_process_ends_with_its_parent)
{
    static const char text[] = "local s = ('a'):rep(50000) return { s:find(('.-'):rep(30) .. 'b') }";
    const char *path = file_in(lac_test_folder(), "x.lua", text, strlen(text));
    LAC_CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    const pid_t loader = fork();
    if (loader == 0) {
        lac_experiment e;
        lac_experiment_load(&e, path, NULL, 0, &limits);
        _exit(0);
    }
    usleep(200000);                                 /* for it to start its child; too little would hide a fault, never invent one */
    LAC_CHECK(kill(loader, SIGKILL) == 0 && waitpid(loader, NULL, 0) == loader);
    pid_t orphan = 0;
    for (int i = 0; i < 1000 && (orphan = waitpid(-1, NULL, WNOHANG)) == 0; i++)
        usleep(10000);
    LAC_CHECK(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0 && orphan != 0);
}

LAC_TEST(config_of_bytecode_or_no_file_is_refused)
{
    static const char bytecode[] = "\x1bLuaT\0\x19\x93\r\n\x1a\n\x04\x08\x08xV\0\0\0\0\0\0\0\0\0\0\0(w@\x01";
    lac_experiment e;
    const char *path = file_in(lac_test_folder(), "x.lua", bytecode, sizeof bytecode - 1);
    LAC_CHECK_FAILS(lac_experiment_load(&e, path, NULL, 0, &limits), LAC_ERR_CONFIG, "binary chunk");
    LAC_CHECK_FAILS(lac_experiment_load(&e, "/nowhere/x.lua", NULL, 0, &limits), LAC_ERR_IO, "/nowhere/x.lua");
    LAC_CHECK_FAILS(lac_experiment_load(&e, "/", NULL, 0, &limits), LAC_ERR_IO, "not a regular file");
}

LAC_TEST(config_errors_of_the_schema_carry_the_line)
{
    static const lac_key lr[] = { { "lr", LAC_KEY_NUM, "1" }, { NULL } };
    static const lac_key optim[] = { { "generator", LAC_KEY_TABLE, "{}", .sub = lr }, { NULL } };
    static const lac_key schema[] = { { "steps", LAC_KEY_INT, "1" }, { "optim", LAC_KEY_TABLE, "{}", .sub = optim }, { NULL } };
    lac_experiment e;
    json_t *out = NULL;
    LAC_CHECK_STATUS(load(&e, "-- optm\nreturn {\n  steps = 3,   --[[ optm = { ]]\n  optm = { generator = { lr = 1 } },\n}"));
    LAC_CHECK_FAILS(lac_config_resolve(&out, schema, e.config, lac_experiment_where, &e), LAC_ERR_CONFIG,
                    "unknown key 'optm' (did you mean 'optim'?), /");
    LAC_CHECK(strstr(lac_error_message(), "/x.lua:4"));
    lac_experiment_free(&e);
    LAC_CHECK_STATUS(load(&e, "return { optim = {\n generator = {\n  lr = 'fast' } } }"));
    LAC_CHECK_FAILS(lac_config_resolve(&out, schema, e.config, lac_experiment_where, &e), LAC_ERR_CONFIG, "x.lua:3");
    LAC_CHECK_STATUS(lac_experiment_override(&e, "optim.generator.lr=slow"));
    LAC_CHECK_FAILS(lac_config_resolve(&out, schema, e.config, lac_experiment_where, &e), LAC_ERR_CONFIG,
                    "'optim.generator.lr' should be a number, is the string 'slow', command line");
    LAC_CHECK_STATUS(lac_experiment_override(&e, "optm.generator.lr=1"));
    LAC_CHECK_FAILS(lac_config_resolve(&out, schema, e.config, lac_experiment_where, &e), LAC_ERR_CONFIG, "'optm' (did you mean 'optim'?), command line");
    lac_experiment_free(&e);
}

LAC_TEST(overrides_are_lua_literals_or_bare_words)
{
    lac_experiment e;
    LAC_CHECK_STATUS(load(&e, "return { a = { b = 1, c = 2 }, list = { { x = 1 }, { x = 2 } } }"));
    static const char *const good[] = {
        "a.b=1e-4", "n=-7", "name=runs/x-1, y", "t=true", "q=\"1\"", "l={1, 2.5,word , 'a b',{}}", "k={every=5, ['a.b']={x=1},}",
        "a.new.deep=0", "list.2.x=9", "eq=a=b", "empty=",
    };
    for (size_t i = 0; i < LAC_COUNT(good); i++)
        LAC_CHECK_STATUS(lac_experiment_override(&e, good[i]));
    LAC_CHECK(holds(&e, "{\"a\":{\"b\":0.0001,\"c\":2,\"new\":{\"deep\":0}},\"empty\":\"\",\"eq\":\"a=b\",\"k\":{\"a.b\":{\"x\":1},\"every\":5},"
                        "\"l\":[1,2.5,\"word\",\"a b\",{}],\"list\":[{\"x\":1},{\"x\":9}],\"n\":-7,\"name\":\"runs/x-1, y\",\"q\":\"1\",\"t\":true}"));
    static const struct { const char *text, *message; } bad[] = {
        { "steps", "is no override" }, { "=3", "is no override" }, { "a={1", "'a={1', command line: a table without its closing }" },
        { "a={1,b=2}", "mixes" }, { "a='x", "without its closing '" }, { "a={}x", "surplus text 'x'" }, { "a={,}", "a value is missing" },
        { "a={['b']}", "a key in []" }, { "a={[1]=2}", "a key in [] wants quotes" }, { "n.x=1", "cannot set 'n.x', command line" },
        { "list.3.x=1", "cannot set 'list.3.x'" },
        { "list.0.x=1", "cannot set 'list.0.x'" }, { "a=\xff", "UTF-8" }, { "\xff=1", "cannot set" },
        { "a={{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{", "deeper" },
    };
    for (size_t i = 0; i < LAC_COUNT(bad); i++)
        LAC_CHECK(lac_experiment_override(&e, bad[i].text) != LAC_OK && strstr(lac_error_message(), bad[i].message));
    lac_experiment_free(&e);
}

LAC_TEST(config_written_as_lua_loads_to_the_same_table)
{
    lac_experiment one, two;
    char *text = NULL, *again = NULL;
    LAC_CHECK_STATUS(load(&one, "return { s = '\"\\\\\\n\\1\\0652\\u{fc}', big = math.maxinteger, small = math.mininteger, tiny = 5e-324, x = 0.1,\n"
                                "  third = 1 / 3, whole = 1e15, huge = 1e300, minus = -0.0, ['end'] = 1, ['a.b'] = { 1, { k = {} } }, [' '] = false,\n"
                                "  deep = { l = { { {}, 2 } } } }"));
    LAC_CHECK_STATUS(lac_lua_print(one.config, "lacuna 0.1.0\nseed 7", &text));
    LAC_CHECK(strncmp(text, "-- lacuna 0.1.0\n-- seed 7\nreturn {\n  [\" \"] = false,\n", 50) == 0);
    LAC_CHECK_STATUS(load(&two, text));
    LAC_CHECK(json_equal(one.config, two.config));
    LAC_CHECK_STATUS(lac_lua_print(two.config, "lacuna 0.1.0\nseed 7", &again));
    LAC_CHECK(strcmp(text, again) == 0);
    free(text), free(again);
    lac_experiment_free(&one);
    lac_experiment_free(&two);
}

static const char with_presets[] = "return { name = 'a', steps = 9, data = { size = 64, set = 'x' }, list = { 1, 2, 3 },\n"
                                   "  presets = {\n    mini = { steps = 2, data = { size = 8 }, list = { 7 } },\n    other = 3, more = { steps = 4, data = { set = 'y' } } } }\n";

static lac_status with(lac_experiment *e, const char *text, const char *const *word, int n)
{
    const lac_words words = { (const char **)word, n };
    LAC_CHECK_STATUS(load(e, text));
    return lac_preset_override(e, &words, 0);
}

LAC_TEST(a_preset_lies_over_the_config_and_below_the_command_line)
{
    lac_experiment e;
    LAC_CHECK_STATUS(with(&e, with_presets, (const char *const[]){ "steps=5", "preset=mini" }, 2));
    LAC_CHECK(holds(&e, "{\"data\":{\"set\":\"x\",\"size\":8},\"list\":[7],\"name\":\"a\",\"steps\":5}"));
    LAC_CHECK(strcmp(where(&e, "data.size"), "x.lua:3") == 0 && strcmp(where(&e, "data.set"), "x.lua:1") == 0 && strcmp(where(&e, "steps"), "command line") == 0);
    lac_experiment_free(&e);
    LAC_CHECK_STATUS(with(&e, with_presets, (const char *const[]){ "preset=mini,more" }, 1));
    LAC_CHECK(holds(&e, "{\"data\":{\"set\":\"y\",\"size\":8},\"list\":[7],\"name\":\"a\",\"steps\":4}"));
    lac_experiment_free(&e);
    LAC_CHECK_STATUS(with(&e, with_presets, NULL, 0));
    LAC_CHECK(holds(&e, "{\"data\":{\"set\":\"x\",\"size\":64},\"list\":[1,2,3],\"name\":\"a\",\"steps\":9}"));
    lac_experiment_free(&e);
    LAC_CHECK_FAILS(with(&e, with_presets, (const char *const[]){ "preset=mimi" }, 1), LAC_ERR_CONFIG, "there is no preset 'mimi'; did you mean 'mini'?");
    lac_experiment_free(&e);
    LAC_CHECK_FAILS(with(&e, with_presets, (const char *const[]){ "preset=other" }, 1), LAC_ERR_CONFIG, "preset 'other' should be a table");
    lac_experiment_free(&e);
    LAC_CHECK_FAILS(with(&e, "return { a = 1 }", (const char *const[]){ "preset=mini" }, 1), LAC_ERR_CONFIG, "preset 'mini': the config has no 'presets'");
    lac_experiment_free(&e);
}
