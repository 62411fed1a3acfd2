/* A text's vector is the same, bit for bit, whatever it is computed together with, in which order, by how many threads
 * and in steps of which size. QUERN_TEST_SEED=N draws other cases. */
#include "base/count.h"
#include "formats/formats.h"
#include "trial.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXTS = 12, ROUNDS = 4 };

struct texts {
    int32_t ids[TEXTS][TRIAL_CONTEXT];
    quern_tokens tokens[TEXTS];
    float vectors[TEXTS][TRIAL_WIDTH]; /* computed one by one, by one thread */
};

static uint64_t seed = 1, state;

static int draw(int below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int)((state >> 33) % (uint64_t)below);
}

/* Lengths around blocks, tiles and the window (16) as often as any others. */
static int draw_length(void)
{
    static const int edges[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 256};
    return draw(2) ? edges[draw(QUERN_COUNT(edges))] : 1 + draw(draw(8) ? 40 : TRIAL_CONTEXT);
}

static void draw_texts(struct texts *t)
{
    for (int i = 0; i < TEXTS; i++) {
        t->tokens[i] = (quern_tokens){t->ids[i], (size_t)draw_length()};
        for (size_t k = 0; k < t->tokens[i].count; k++)
            t->ids[i][k] = draw(640);
    }
}

static void embed(quern_context *context, const quern_tokens *texts, int count, float (*vectors)[TRIAL_WIDTH])
{
    quern_error error;
    const quern_embed_options options = {.size = sizeof options, .dimensions = TRIAL_WIDTH};
    const int code = quern_embed_tokens(context, texts, (size_t)count, &options, vectors[0],
                                        (size_t)count * TRIAL_WIDTH, NULL, &error);
    if (code != QUERN_OK)
        fail_msg("%s", error.text);
}

static void embed_singly(quern_model *model, int path, struct texts *t)
{
    quern_context *context = trial_context(model, path, 1, 0);
    for (int i = 0; i < TEXTS; i++)
        embed(context, &t->tokens[i], 1, &t->vectors[i]);
    quern_context_free(context);
}

static void shuffle(int *order)
{
    for (int i = 0; i < TEXTS; i++) {
        const int k = draw(i + 1);
        order[i] = order[k];
        order[k] = i;
    }
}

/* All texts in a random order, in random batches. */
static void check_batches(quern_context *context, const struct texts *t, const char *what)
{
    int order[TEXTS];
    shuffle(order);
    for (int first = 0, count; first < TEXTS; first += count) {
        quern_tokens batch[TEXTS];
        float vectors[TEXTS][TRIAL_WIDTH];
        count = 1 + draw(TEXTS - first);
        for (int i = 0; i < count; i++)
            batch[i] = t->tokens[order[first + i]];
        embed(context, batch, count, vectors);
        for (int i = 0; i < count; i++)
            if (memcmp(vectors[i], t->vectors[order[first + i]], sizeof vectors[i]) != 0)
                fail_msg("seed %llu, %s: text of %zu tokens, number %d of a batch of %d", (unsigned long long)seed,
                         what, batch[i].count, i, count);
    }
}

static void check_model(const char *kernels, quern_model *model, uint32_t type, int path)
{
    static const int threads[] = {1, 2, 3, 5}, steps[] = {0, 1, 64, 300, 1000};
    static struct texts texts;
    draw_texts(&texts);
    embed_singly(model, path, &texts);
    for (int round = 0; round < ROUNDS; round++) {
        char what[100];
        const int n = threads[round % 4], step = steps[draw(5)];
        quern_context *context = trial_context(model, path, n, step);
        snprintf(what, sizeof what, "%s, type %u, path %d, %d threads, steps of %d", kernels, type, path, n, step);
        check_batches(context, &texts, what);
        quern_context_free(context);
    }
    quern_model_close(model);
}

/* Every table with 8-bit weights and with one of the other types. */
static void check_path(int path)
{
    static const uint32_t types[] = {QUERN_TYPE_Q4_0, QUERN_TYPE_F32, QUERN_TYPE_F16, QUERN_TYPE_BF16};
    const char *kernels;
    state = seed;
    for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++) {
        const uint32_t other = types[(k + path) % 4];
        check_model(kernels, trial_model(QUERN_TYPE_Q8_0, true, kernels), QUERN_TYPE_Q8_0, path);
        check_model(kernels, trial_model(other, false, kernels), other, path);
    }
}

/* The packed forms of small weights: Q4_K mixes in Q5_0, Q6_K and Q8_0. The vectors are cut. */
static void test_small_weights(void **unused)
{
    static const uint32_t types[] = {QUERN_TYPE_Q4_K, QUERN_TYPE_Q2_K, QUERN_TYPE_IQ4_NL};
    const char *kernels;
    (void)unused;
    state = seed;
    for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++) {
        char file[TRIAL_PATH];
        struct quern_recipe recipe = quern_recipe_wide();
        recipe.type = types[(seed + (uint64_t)k) % 3];
        trial_make(file, &recipe);
        check_model(kernels, trial_open(file, kernels), recipe.type, QUERN_PATH_FAST);
        unlink(file);
    }
}

/* Other architectures: causal attention, groups of heads, windows in some layers. */
static void test_architectures(void **unused)
{
    struct quern_recipe (*const recipes[])(void) = {quern_recipe_nomic, quern_recipe_qwen3, quern_recipe_modern};
    const char *kernels;
    (void)unused;
    state = seed;
    for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++)
        for (size_t i = 0; i < QUERN_COUNT(recipes); i++) {
            char file[TRIAL_PATH];
            struct quern_recipe recipe = recipes[i]();
            recipe.type = (k + (int)i) % 2 ? QUERN_TYPE_Q8_0 : QUERN_TYPE_F32;
            trial_make(file, &recipe);
            for (int path = 0; path < 2; path++)
                check_model(kernels, trial_open(file, kernels), recipe.type, path);
            unlink(file);
        }
}

static void test_exact(void **unused)
{
    (void)unused;
    check_path(QUERN_PATH_EXACT);
}

static void test_int8(void **unused)
{
    (void)unused;
    check_path(QUERN_PATH_FAST);
}

/* ---------------------------------------------------------------- threads of the caller */

struct caller {
    quern_model *model;
    const struct texts *texts;
    int differences, path;
};

static void *call(void *argument)
{
    struct caller *caller = argument;
    const quern_context_options options = {.size = sizeof options, .threads = 2, .path = caller->path};
    quern_context *context;
    float vectors[TEXTS][TRIAL_WIDTH];
    caller->differences = 1;
    if (quern_context_new(&context, caller->model, &options, NULL) != QUERN_OK)
        return NULL;
    for (int round = 0; round < 4; round++)
        if (quern_embed_tokens(context, caller->texts->tokens, TEXTS, NULL, vectors[0], TEXTS * TRIAL_WIDTH, NULL,
                               NULL) == QUERN_OK)
            caller->differences = memcmp(vectors, caller->texts->vectors, sizeof vectors) != 0;
    quern_context_free(context);
    return NULL;
}

/* Two contexts on one model, at the same time. */
static void test_two_callers(void **unused)
{
    (void)unused;
    static struct texts texts;
    quern_model *model = trial_model(QUERN_TYPE_Q8_0, true, NULL);
    state = seed;
    draw_texts(&texts);
    for (int path = 0; path < 2; path++) {
        struct caller callers[2];
        pthread_t threads[2];
        embed_singly(model, path, &texts);
        for (int i = 0; i < 2; i++) {
            callers[i] = (struct caller){.model = model, .texts = &texts, .path = path};
            assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
        }
        for (int i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(callers[i].differences, 0);
        }
    }
    quern_model_close(model);
}

/* ---------------------------------------------------------------- pauses */

struct paused {
    quern_context *other;
    const struct texts *texts;
    int calls, differences;
};

static void embed_in_pause(void *argument)
{
    struct paused *paused = argument;
    const int i = draw(TEXTS);
    float vector[1][TRIAL_WIDTH];
    embed(paused->other, &paused->texts->tokens[i], 1, vector);
    paused->calls++;
    paused->differences += memcmp(vector, paused->texts->vectors[i], sizeof vector) != 0;
}

/* Between two layers of a context, another one computes with the same threads. It goes on when the first is freed. */
static void check_pauses(quern_model *model, int path, int threads)
{
    static struct texts texts;
    struct paused paused = {.texts = &texts};
    quern_context_options options = {.size = sizeof options, .threads = threads, .path = path, .pause = embed_in_pause,
                                     .pause_argument = &paused};
    quern_context *context = NULL;
    draw_texts(&texts);
    embed_singly(model, path, &texts);
    assert_int_equal(quern_context_new(&context, model, &options, NULL), QUERN_OK);
    options = (quern_context_options){.size = sizeof options, .threads_of = context, .path = path};
    assert_int_equal(quern_context_new(&paused.other, model, &options, NULL), QUERN_OK);
    for (int round = 0; round < ROUNDS; round++)
        check_batches(context, &texts, "with pauses");
    paused.calls = 0;
    embed(context, texts.tokens, 1, &texts.vectors[0]);
    assert_int_equal(paused.calls, TRIAL_LAYERS - 1);
    quern_context_free(context);
    check_batches(paused.other, &texts, "after pauses");
    quern_context_free(paused.other);
    assert_int_equal(paused.differences, 0);
}

static void test_pauses(void **unused)
{
    const char *kernels;
    (void)unused;
    state = seed;
    for (int k = 0; (kernels = trial_kernels(k)) != NULL; k++) {
        quern_model *model = trial_model(QUERN_TYPE_Q8_0, true, kernels);
        for (int path = 0; path < 2; path++)
            for (int threads = 1; threads <= 3; threads += 2)
                check_pauses(model, path, threads);
        quern_model_close(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_int8),
        cmocka_unit_test(test_small_weights),
        cmocka_unit_test(test_architectures),
        cmocka_unit_test(test_two_callers),
        cmocka_unit_test(test_pauses),
    };
    if (getenv("QUERN_TEST_SEED") != NULL)
        seed = strtoull(getenv("QUERN_TEST_SEED"), NULL, 10);
    print_message("QUERN_TEST_SEED=%llu\n", (unsigned long long)seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
