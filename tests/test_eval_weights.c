/* Files of weights given by name: joined, hashed, refused. */
#include "eval/weights.h"

#include "core/file/atomic.h"
#include "tests/harness/test.h"

#include <stdlib.h>
#include <unistd.h>

static void write_tensor(const char *path, const char *name)
{
    static const float ones[2] = { 1, 1 };
    lac_weights_writer *w;
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    LAC_CHECK_STATUS(lac_weights_writer_add(w, name, LAC_F32, 1, (int64_t[]){ 2 }, ones));
    LAC_CHECK_STATUS(lac_weights_writer_finish(w, path));
    lac_weights_writer_free(w);
}

LAC_TEST(several_files_of_one_name_are_joined)
{
    lac_eval_weights w = { .n = 0 };
    const lac_eval_files *files;
    lac_weights *joined;
    LAC_CHECK(chdir(lac_test_folder()) == 0);
    write_tensor("a.safetensors", "backbone");
    write_tensor("b.safetensors", "head");
    LAC_CHECK_STATUS(lac_eval_weights_add(&w, "lpips-alex=a.safetensors"));
    LAC_CHECK_STATUS(lac_eval_weights_add(&w, "clip=b.safetensors"));
    LAC_CHECK_STATUS(lac_eval_weights_add(&w, "lpips-alex=b.safetensors"));
    LAC_CHECK(w.n == 2 && lac_eval_weights_find(&w, "lpips") == NULL && lac_eval_weights_find(NULL, "clip") == NULL);
    LAC_CHECK_STATUS(lac_eval_weights_want(&w, "lpips-alex", &files));
    LAC_CHECK(files->n == 2 && strcmp(files->file[1].path, "b.safetensors") == 0 && strcmp(files->file[0].sha256, files->file[1].sha256) != 0);
    char *mark;
    LAC_CHECK_STATUS(lac_eval_files_mark(files, &mark));
    LAC_CHECK(strlen(mark) == 25 && mark[12] == '+' && strncmp(mark + 13, files->file[1].sha256, 12) == 0);
    free(mark);
    LAC_CHECK_STATUS(lac_eval_files_open(files, &joined));
    LAC_CHECK(lac_weights_count(joined) == 2 && lac_weights_find(joined, "head") == 1);
    lac_weights_close(joined);
    LAC_CHECK_STATUS(lac_eval_weights_add(&w, "lpips-alex=a.safetensors"));
    LAC_CHECK_STATUS(lac_eval_weights_want(&w, "lpips-alex", &files));
    LAC_CHECK_FAILS(lac_eval_files_open(files, &joined), LAC_ERR_FORMAT, "weights 'lpips-alex': two tensors named 'backbone'");
    lac_eval_weights_free(&w);
}

LAC_TEST(what_is_no_file_of_weights_is_refused)
{
    lac_eval_weights w = { .n = 0 };
    const lac_eval_files *files;
    lac_weights *joined;
    LAC_CHECK(chdir(lac_test_folder()) == 0);
    LAC_CHECK_FAILS(lac_eval_weights_add(&w, "inception"), LAC_ERR_ARG, "NAME=FILE, found 'inception'");
    LAC_CHECK_FAILS(lac_eval_weights_add(&w, "=x"), LAC_ERR_ARG, "NAME=FILE");
    LAC_CHECK_FAILS(lac_eval_weights_add(&w, "inception=none.pth"), LAC_ERR_IO, "none.pth");
    LAC_CHECK_FAILS(lac_eval_weights_want(&w, "inception", &files), LAC_ERR_ARG, "--weights inception=FILE");
    LAC_CHECK_STATUS(lac_file_write("bad.pth", "nothing", 7));
    LAC_CHECK_STATUS(lac_eval_weights_add(&w, "inception=bad.pth"));
    LAC_CHECK(strcmp(w.entry[0].file[0].sha256, "1785cfc3bc6ac7738e8b38cdccd1af12563c2b9070e07af336a1bf8c0f772b6a") == 0);
    LAC_CHECK_STATUS(lac_eval_weights_want(&w, "inception", &files));
    LAC_CHECK_FAILS(lac_eval_files_open(files, &joined), LAC_ERR_FORMAT, "bad.pth");
    lac_eval_weights_free(&w);
}
