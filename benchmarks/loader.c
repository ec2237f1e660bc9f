/* benchmarks/loader.c -- bench-loader [threads] [seconds]: the loader against a bare libjpeg-turbo loop over the same files.
 *
 * Makes 256 JPEGs of 512x512 pixels, about 60 KB each, packs them, and alternates rounds of both: the bare loop decodes every picture into
 * memory on as many threads, the loader makes batches of 256x256 crops with drawn masks. Prints images a second and core of each, and
 * the ratio of the medians. */
#include "core/memory.h"
#include "core/clock.h"
#include "core/philox.h"
#include "data/loader.h"
#include "data/pack.h"

#include <pthread.h>
#include <stdio.h>                  /* before jpeglib.h, which wants FILE */
#include <jpeglib.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 256, SIDE = 512, CROP = 256, BATCH = 16, MAX_ROUNDS = 64, MAX_THREADS = 64 };

typedef struct jpeg { uint8_t *bytes; size_t size; } jpeg;
typedef struct rates { double wall, cpu; } rates;      /* images a second, images a second of CPU */
typedef struct share { const jpeg *files; int from, step; } share;

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(lac_status s)
{
    if (s != LAC_OK) {
        fprintf(stderr, "bench-loader: %s\n", lac_error_message());
        exit(1);
    }
}

/* Blocks of flat colour in several sizes, blended, with noise: about 60 KB at quality 85. */
static void paint(lac_image *image, uint64_t seed)
{
    uint8_t coarse[3][16][16][3];
    lac_stream s = lac_stream_at(seed, 1, 0, 0);
    for (size_t i = 0; i < sizeof coarse; i++)
        ((uint8_t *)coarse)[i] = (uint8_t)lac_stream_below(&s, 256);
    for (int64_t y = 0; y < SIDE; y++)
        for (int64_t x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++) {
                const int v = coarse[0][y / 128][x / 128][c] + coarse[1][y / 40][x / 40][c] / 2 + coarse[2][y / 13 % 16][x / 13 % 16][c] / 4;
                image->pixels[(y * SIDE + x) * 3 + c] = (uint8_t)(v * 4 / 7 + (int)lac_stream_below(&s, 22));
            }
}

static void make_files(jpeg *files, const char *set)
{
    lac_image image;
    lac_pack *p;
    size_t total = 0;
    check(lac_image_new(&image, SIDE, SIDE, 3));
    check(lac_pack_new(&p, set, "bench"));
    for (int i = 0; i < FILES; i++) {
        char name[32];
        paint(&image, (uint64_t)i);
        check(lac_image_encode_jpeg(&image, 85, &files[i].bytes, &files[i].size));
        snprintf(name, sizeof name, "%d.jpg", i);
        check(lac_pack_add(p, &(lac_record){ .height = SIDE, .width = SIDE, .length = (int64_t)files[i].size, .name = name, .split = "train" },
                           files[i].bytes));
        total += files[i].size;
    }
    check(lac_pack_finish(p));
    lac_image_free(&image);
    printf("%d JPEGs of %dx%d, %.1f KB each\n", FILES, SIDE, SIDE, (double)total / FILES / 1024);
}

/* What anybody would write first: default settings, one buffer, row by row. */
static void *bare(void *context)
{
    const share *s = context;
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr errors;
    uint8_t *pixels = malloc(3 * SIDE * SIDE);
    d.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&d);
    for (int i = s->from; i < FILES && pixels != NULL; i += s->step) {
        jpeg_mem_src(&d, s->files[i].bytes, s->files[i].size);
        jpeg_read_header(&d, TRUE);
        d.out_color_space = JCS_RGB;
        jpeg_start_decompress(&d);
        while (d.output_scanline < d.output_height)
            jpeg_read_scanlines(&d, &(JSAMPROW){ pixels + 3 * SIDE * d.output_scanline }, 1);
        jpeg_finish_decompress(&d);
    }
    jpeg_destroy_decompress(&d);
    free(pixels);
    return NULL;
}

static rates time_bare(const jpeg *files, int threads)
{
    pthread_t thread[MAX_THREADS];
    share shares[MAX_THREADS];
    const double from = lac_seconds(), spent = cpu();
    for (int i = 0; i < threads; i++) {
        shares[i] = (share){ files, i, threads };
        pthread_create(&thread[i], NULL, bare, &shares[i]);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    return (rates){ FILES / (lac_seconds() - from), FILES / (cpu() - spent) };
}

/* A fresh loader each round, so that nothing was decoded before the clock started. */
static rates time_loader(const lac_set *set, int threads, const char *mask)
{
    const lac_source source = { set, "train", 1 };
    const char *const fields[] = { "image", mask != NULL ? "mask" : NULL, NULL };
    const lac_loader_config c = { .source = &source, .n_sources = 1, .fields = fields, .view = { .size = CROP, .crop = LAC_CROP_RANDOM, .flip = true }, .mask = mask,
                                  .stream = "bench", .seed = 1, .global = BATCH, .count = BATCH, .threads = threads, .depth = 2 };
    lac_loader *l;
    const lac_batch *b;
    const double from = lac_seconds(), spent = cpu();
    check(lac_loader_new(&l, &c));
    for (int i = 0; i < FILES / BATCH; i++)
        check(lac_loader_next(l, &b));
    const double wall = lac_seconds() - from;
    lac_loader_free(l);
    return (rates){ FILES / wall, FILES / (cpu() - spent) };
}

static int ascending(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

static rates median(const rates *r, int n)
{
    double wall[MAX_ROUNDS], spent[MAX_ROUNDS];
    for (int i = 0; i < n; i++) {
        wall[i] = r[i].wall;
        spent[i] = r[i].cpu;
    }
    qsort(wall, (size_t)n, sizeof *wall, ascending);
    qsort(spent, (size_t)n, sizeof *spent, ascending);
    return (rates){ wall[n / 2], spent[n / 2] };
}

static void print(rates rate[3][MAX_ROUNDS], int n, int threads)
{
    static const char *const what[] = { "bare libjpeg-turbo", "loader", "loader, union masks" };
    const rates bare_rate = median(rate[0], n);
    printf("%d rounds on %d threads, medians; the second pair counts CPU seconds, which other programs disturb less\n", n, threads);
    printf("  %-20s %14s %6s %18s %6s\n", "", "images/s/thread", "ratio", "images/CPU second", "ratio");
    for (int k = 0; k < 3; k++) {
        const rates r = median(rate[k], n);
        printf("  %-20s %15.1f %6.3f %18.1f %6.3f\n", what[k], r.wall / threads, r.wall / bare_rate.wall, r.cpu, r.cpu / bare_rate.cpu);
    }
}

int main(int argc, char **argv)
{
    static jpeg files[FILES];
    static rates rate[3][MAX_ROUNDS];
    const int threads = argc > 1 ? LAC_MIN(LAC_MAX(atoi(argv[1]), 1), MAX_THREADS) : 1;
    const double until = argc > 2 ? atof(argv[2]) : 20;
    char path[] = "/tmp/lacuna-bench-XXXXXX";
    lac_set *set;
    const int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    make_files(files, path);
    check(lac_set_open(&set, path));
    unlink(path);
    int n = 0;
    for (const double from = lac_seconds(); n < MAX_ROUNDS && (n < 3 || lac_seconds() - from < until); n++) {
        rate[0][n] = time_bare(files, threads);
        rate[1][n] = time_loader(set, threads, NULL);
        rate[2][n] = time_loader(set, threads, "union");
    }
    print(rate, n, threads);
    lac_set_close(set);
    for (int i = 0; i < FILES; i++)
        free(files[i].bytes);
    return 0;
}
