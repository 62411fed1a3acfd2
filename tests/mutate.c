/* Opens damaged model files, and embeds with those that open: mutate COUNT [SEED]. Every file must give vectors or one
 * clear error. Anything else, a crash or a finding of a sanitizer, ends the program. */
#include "model_maker.h"

#include "base/count.h"
#include "formats/formats.h"
#include "quern.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADER_BYTES 24000 /* about as many as the keys and tensor descriptions of a tiny model have */

struct file {
    unsigned char *data; /* [size] */
    size_t size;
};

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 32) * below >> 32);
}

static int make_base(struct file *file, struct quern_recipe recipe, bool head)
{
    char path[] = "/tmp/quern-mutate-XXXXXX";
    quern_error error;
    recipe.head = head && recipe.arch == QUERN_RECIPE_GEMMA;
    recipe.context = 20; /* short, so that a file is tried soon; more than the window of 16 tokens */
    int descriptor = mkstemp(path);
    if (descriptor < 0)
        return 1;
    close(descriptor);
    FILE *stream = quern_model_make(path, &recipe, &error) == QUERN_OK ? fopen(path, "rb") : NULL;
    unlink(path);
    if (stream == NULL || fseek(stream, 0, SEEK_END) != 0)
        return 1;
    file->size = (size_t)ftell(stream);
    rewind(stream);
    file->data = malloc(file->size);
    if (file->data == NULL || fread(file->data, 1, file->size, stream) != file->size)
        return 1;
    return fclose(stream);
}

/* Damages one place: a bit, a byte, a number of 4 or 8 bytes by an extreme one, a few bytes moved. */
static void damage(struct file *file)
{
    static const uint64_t extremes[] = {
        0, 1, 0x7f, 0xff, 0x7fff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
        0xffffffffffffffff, 0x7f800000, 0x7fc00000, 0x20, 0x1000};
    size_t reach = draw(4) > 0 && file->size > HEADER_BYTES ? HEADER_BYTES : file->size;
    size_t at = draw((uint32_t)(reach - 16));
    uint64_t value = extremes[draw(QUERN_COUNT(extremes))];
    switch (draw(6)) {
    case 0: file->data[at] ^= (unsigned char)(1u << draw(8)); break;
    case 1: file->data[at] = (unsigned char)draw(256); break;
    case 2: memcpy(file->data + at, &value, 4); break;
    case 3: memcpy(file->data + at, &value, 8); break;
    case 4: memmove(file->data + at, file->data + at + 1 + draw(8), 8); break;
    default: file->data[at] = (unsigned char)(file->data[at] + (draw(2) > 0 ? 1 : 255)); break;
    }
}

static int embed(quern_model *model, int path)
{
    static const int32_t ids[] = {2, 300, 4, 300, 1};
    static const quern_tokens tokens[2] = {{ids, 5}, {ids, 3}};
    static float vectors[2 * 65536];
    static char longer[600];
    quern_context *context = NULL;
    quern_context_options options = {.size = sizeof options, .threads = 1, .path = path};
    quern_embed_options how = {.size = sizeof how, .task = QUERN_TASK_DOCUMENT, .flags = QUERN_TRUNCATE};
    memset(longer, 'y', sizeof longer);
    const quern_text texts[2] = {{"a short text", 12}, {longer, sizeof longer}};
    quern_model_info info = {.size = sizeof info};
    int code = quern_context_new(&context, model, &options, NULL);
    if (code == QUERN_OK)
        code = quern_embed(context, texts, 2, &how, vectors, QUERN_COUNT(vectors), NULL, NULL);
    if (code == QUERN_EUNSUPPORTED) /* the model has no tokenizer */
        code = quern_embed_tokens(context, tokens, 2, NULL, vectors, QUERN_COUNT(vectors), NULL, NULL);
    if (code == QUERN_OK && quern_model_describe(model, &info, NULL) == QUERN_OK)
        for (int i = 0; i < 2 * info.dimensions; i++)
            if (!isfinite(vectors[i])) {
                puts("a vector that is not finite was given out");
                abort();
            }
    quern_context_free(context);
    return code;
}

/* Opens what is in the memory file and embeds with it. Returns the last code. */
static int try_file(const char *path, int numeric_path)
{
    quern_model *model = NULL;
    quern_error error;
    quern_model_options options = {.size = sizeof options, .threads = 1};
    int code = quern_model_open(&model, path, &options, &error);
    if (code != QUERN_OK) {
        if (error.text[0] == '\0' || error.code != code || strchr(error.text, '\n') != NULL) {
            puts("an error without a clear message");
            abort();
        }
        return code;
    }
    code = embed(model, numeric_path);
    quern_model_close(model);
    return code;
}

static int mutate(const struct file *bases, int base_count, long count)
{
    long ended[8] = {0};
    char path[64];
    int descriptor = memfd_create("mutant", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    for (long i = 0; i < count; i++) {
        const struct file *base = &bases[draw((uint32_t)base_count)];
        struct file mutant = {malloc(base->size), base->size};
        if (mutant.data == NULL)
            return 1;
        memcpy(mutant.data, base->data, base->size);
        for (uint32_t n = 1 + draw(draw(2) > 0 ? 1 : 6); n > 0; n--)
            damage(&mutant);
        if (draw(20) == 0)
            mutant.size = draw((uint32_t)mutant.size);
        bool written = ftruncate(descriptor, 0) == 0 &&
                       pwrite(descriptor, mutant.data, mutant.size, 0) == (ssize_t)mutant.size;
        free(mutant.data);
        if (!written)
            return 1;
        int code = try_file(path, (int)draw(2));
        if (i > 0 && i % 1000 == 0) {
            printf("%ld of %ld files were tried\n", i, count);
            fflush(stdout);
        }
        ended[code <= 0 && code >= -7 ? -code : 0]++;
    }
    for (int code = 0; code < 8; code++)
        printf("%-12s %ld\n", code == 0 ? "vectors" : quern_error_name(-code), ended[code]);
    close(descriptor);
    /* A run in which no file opened, or no file was refused, has tested nothing. */
    return ended[0] == 0 || ended[-QUERN_EFORMAT] == 0;
}

int main(int argc, char **argv)
{
    static const struct {
        struct quern_recipe (*recipe)(void);
        uint32_t type;
    } models[] = {
        {quern_recipe_tiny, QUERN_TYPE_Q8_0}, {quern_recipe_tiny, QUERN_TYPE_Q4_0},
        {quern_recipe_tiny, QUERN_TYPE_F32},  {quern_recipe_tiny, QUERN_TYPE_BF16},
        {quern_recipe_tiny, QUERN_TYPE_Q5_1}, {quern_recipe_tiny, QUERN_TYPE_IQ4_NL},
        {quern_recipe_wide, QUERN_TYPE_Q4_K}, {quern_recipe_wide, QUERN_TYPE_Q2_K},
        {quern_recipe_bert, QUERN_TYPE_F32},  {quern_recipe_bert, QUERN_TYPE_Q8_0},
        {quern_recipe_nomic, QUERN_TYPE_F32}, {quern_recipe_nomic, QUERN_TYPE_Q4_0},
        {quern_recipe_qwen3, QUERN_TYPE_F16}, {quern_recipe_qwen3, QUERN_TYPE_Q8_0},
        {quern_recipe_modern, QUERN_TYPE_F32}, {quern_recipe_modern, QUERN_TYPE_Q8_0},
        {quern_recipe_gemma2, QUERN_TYPE_F32}, {quern_recipe_gemma2, QUERN_TYPE_Q8_0},
    };
    enum { BASES = QUERN_COUNT(models) };
    struct file bases[BASES] = {0};
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    int failed = count < 1;
    for (int i = 0; i < BASES && !failed; i++) {
        struct quern_recipe recipe = models[i].recipe();
        recipe.type = models[i].type;
        failed = make_base(&bases[i], recipe, i % 2 == 0);
    }
    if (!failed)
        failed = mutate(bases, BASES, count);
    for (int i = 0; i < BASES; i++)
        free(bases[i].data);
    return failed;
}
