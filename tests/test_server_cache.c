/* The cache of vectors by itself: what is known, missing and awaited, and that memory is bounded. */
#include "../server/steps/cache_file.h"
#include "base/count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WIDTH = 4, MOST = 8 };

static struct quern_cache cache;

struct asked { /* texts of one to three ids */
    struct quern_claims claims;
    struct quern_job job;
    int32_t ids[MOST][3];
    quern_tokens texts[MOST];
    size_t wanted[MOST];
    float vectors[MOST * WIDTH];
    int settled;
};

static void on_settled(void *owner)
{
    ((struct asked *)owner)->settled++;
}

static size_t slice; /* texts at a call; all tests are run with several values */

static void take_all(struct quern_claims *claims)
{
    while (!quern_claims_take(claims, slice))
        continue;
}

static void settle_all(struct quern_claims *claims, bool succeeded)
{
    while (!quern_claims_computed(claims, succeeded, slice))
        continue;
}

/* Begins the claims of a request whose texts are set, and claims them. */
static void begin(struct asked *asked, size_t count)
{
    asked->job = (struct quern_job){.texts = asked->texts, .vectors = asked->vectors, .count = count,
                                    .wanted = asked->wanted};
    asked->claims =
        (struct quern_claims){.cache = &cache, .job = &asked->job, .settled = on_settled, .owner = asked};
    assert_int_equal(quern_claims_begin(&asked->claims), QUERN_OK);
    take_all(&asked->claims);
}

static int setup(void **state)
{
    (void)state;
    return quern_cache_init(&cache, 100000, WIDTH);
}

static int teardown(void **state)
{
    (void)state;
    quern_cache_free(&cache);
    return 0;
}

/* Claims texts, each named by its number. */
static void claim(struct asked *asked, int count, const int *numbers)
{
    memset(asked, 0, sizeof *asked);
    for (int i = 0; i < count; i++) {
        asked->ids[i][0] = 2;
        asked->ids[i][1] = numbers[i];
        asked->texts[i] = (quern_tokens){asked->ids[i], 2};
    }
    begin(asked, (size_t)count);
}

/* Computes what is missing: a vector of the text's number. */
static void compute(struct asked *asked)
{
    for (size_t i = 0; i < asked->job.wanted_count; i++)
        for (size_t j = 0; j < WIDTH; j++)
            asked->vectors[asked->wanted[i] * WIDTH + j] = (float)asked->texts[asked->wanted[i]].ids[1];
    settle_all(&asked->claims, true);
}

static void assert_met(struct asked *asked)
{
    assert_true(quern_claims_are_met(&asked->claims));
    assert_false(asked->claims.computing);
    assert_int_equal(asked->claims.awaited, 0);
    for (size_t i = 0; i < asked->job.count; i++)
        assert_true(asked->vectors[i * WIDTH + WIDTH - 1] == (float)asked->ids[i][1]);
    quern_claims_end(&asked->claims);
}

#define CLAIM(asked, ...) \
    claim(asked, (int)QUERN_COUNT(((int[]){__VA_ARGS__})), (const int[]){__VA_ARGS__})

static void test_what_was_computed_is_known(void **state)
{
    (void)state;
    struct asked a, b;
    CLAIM(&a, 7, 8, 9);
    assert_int_equal(a.job.wanted_count, 3);
    compute(&a);
    assert_met(&a);
    CLAIM(&b, 9, 6, 7);
    assert_int_equal(b.job.wanted_count, 1);
    assert_int_equal(b.wanted[0], 1);
    compute(&b);
    assert_met(&b);
    assert_int_equal(b.settled, 0);
    CLAIM(&b, 9, 6, 7);
    assert_false(b.claims.computing);
    assert_met(&b);
    assert_int_equal(cache.counts.known, 5);
    assert_int_equal(cache.counts.missed, 4);
    assert_int_equal(cache.entries, 4);
}

static void test_texts_are_told_apart_by_every_id(void **state)
{
    (void)state;
    struct asked a;
    CLAIM(&a, 1, 2);
    compute(&a);
    assert_met(&a);
    memset(&a, 0, sizeof a);
    static const int32_t ids[][3] = {{2, 1, 0}, {0, 2, 1}, {2, 0, 1}, {1, 2, 0}};
    for (size_t i = 0; i < 4; i++)
        a.texts[i] = (quern_tokens){ids[i], 3};
    begin(&a, 4);
    assert_int_equal(a.job.wanted_count, 4);
    quern_claims_end(&a.claims);
}

static void test_texts_in_flight_are_computed_once(void **state)
{
    (void)state;
    struct asked a, b, c;
    CLAIM(&a, 1);
    CLAIM(&b, 1);
    CLAIM(&c, 1, 2, 1);
    assert_int_equal(b.job.wanted_count, 0);
    assert_int_equal(b.claims.awaited, 1);
    assert_int_equal(c.job.wanted_count, 1);
    assert_int_equal(c.claims.awaited, 2);
    assert_false(quern_claims_are_met(&b.claims));
    compute(&a);
    assert_int_equal(b.settled, 1);
    assert_int_equal(c.settled, 0); /* it is computing */
    compute(&c);
    assert_met(&a);
    assert_met(&b);
    assert_met(&c);
    assert_int_equal(cache.counts.joined, 3);
}

static void test_a_request_may_have_a_text_twice(void **state)
{
    (void)state;
    struct asked a;
    CLAIM(&a, 5, 5, 5, 6);
    assert_int_equal(a.job.wanted_count, 2);
    compute(&a);
    assert_int_equal(a.settled, 0);
    assert_met(&a);
}

/* A query does not wait for a large request only because one of its texts is the same. */
static void test_small_requests_do_not_await_large_ones(void **state)
{
    (void)state;
    struct asked large, small;
    CLAIM(&large, 1, 2, 3, 4);
    CLAIM(&small, 4);
    assert_int_equal(small.job.wanted_count, 1);
    compute(&small);
    assert_met(&small);
    compute(&large);
    assert_met(&large);
    assert_int_equal(cache.entries, 4);
}

static void test_who_awaits_computes_what_failed(void **state)
{
    (void)state;
    struct asked a, b, c;
    CLAIM(&a, 1);
    CLAIM(&b, 1);
    CLAIM(&c, 1);
    settle_all(&a.claims, false);
    assert_false(quern_claims_are_met(&a.claims));
    assert_int_equal(b.settled, 1);
    assert_int_equal(c.settled, 1);
    assert_int_equal(cache.entries, 0);
    take_all(&b.claims);
    take_all(&c.claims);
    assert_int_equal(b.job.wanted_count + c.job.wanted_count, 1);
    quern_claims_end(&a.claims);
    compute(&b);
    assert_int_equal(c.settled, 2);
    assert_met(&b);
    assert_met(&c);
}

static void test_who_leaves_is_not_missed(void **state)
{
    (void)state;
    struct asked a, b, c;
    CLAIM(&a, 1);
    CLAIM(&b, 1);
    CLAIM(&c, 1);
    quern_claims_end(&b.claims); /* its client has left */
    quern_claims_end(&a.claims); /* so has the client of the one that was computing */
    assert_int_equal(b.settled, 0);
    assert_int_equal(c.settled, 1);
    take_all(&c.claims);
    compute(&c);
    assert_met(&c);
}

/* The rest of a slice is done later; who leaves in between leaves nothing behind. */
static void test_slices_are_bounded(void **state)
{
    (void)state;
    struct asked a, b, c;
    CLAIM(&a, 1, 2, 3);
    CLAIM(&b, 3, 3, 3);
    CLAIM(&c, 1, 1, 1);
    assert_false(quern_claims_computed(&a.claims, true, 2));
    assert_int_equal(c.settled, 1);
    assert_int_equal(b.settled, 0); /* its text is the third one */
    quern_claims_end(&a.claims);
    assert_int_equal(b.settled, 1);
    assert_false(quern_claims_are_met(&b.claims));
    assert_int_equal(cache.entries, 2);
    assert_true(quern_claims_are_met(&c.claims));
    quern_claims_end(&b.claims);
    quern_claims_end(&c.claims);

    const int32_t ids[] = {7, 8, 9};
    memset(&a, 0, sizeof a);
    for (int i = 0; i < 3; i++)
        a.texts[i] = (quern_tokens){&ids[i], 1};
    a.job = (struct quern_job){.texts = a.texts, .vectors = a.vectors, .count = 3, .wanted = a.wanted};
    a.claims = (struct quern_claims){.cache = &cache, .job = &a.job, .settled = on_settled, .owner = &a};
    assert_int_equal(quern_claims_begin(&a.claims), QUERN_OK);
    assert_false(quern_claims_take(&a.claims, 2));
    assert_int_equal(cache.entries, 4);
    quern_claims_end(&a.claims);
    assert_int_equal(cache.entries, 2);
}

static void test_memory_is_bounded(void **state)
{
    (void)state;
    struct asked a, b;
    for (int i = 0; i < 3000; i++) {
        CLAIM(&a, 0, i);
        compute(&a);
        assert_met(&a);
        assert_true(cache.bytes <= cache.most_bytes);
    }
    assert_in_range(cache.entries, 100, 1000);
    assert_true(cache.counts.dropped > 2000);
    CLAIM(&b, 0, 2999, 10);
    assert_int_equal(b.job.wanted_count, 1); /* the text that was used all the time and the latest one are kept */
    assert_int_equal(b.wanted[0], 2);
    quern_claims_end(&b.claims);
}

/* Texts in flight cannot be dropped: further ones are computed without being kept. */
static void test_more_in_flight_than_there_is_room(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct asked *asked = calloc(MANY, sizeof *asked);
    for (int i = 0; i < MANY; i++) {
        CLAIM(&asked[i], i);
        assert_int_equal(asked[i].job.wanted_count, 1);
        assert_true(cache.bytes <= cache.most_bytes);
    }
    for (int i = 0; i < MANY; i++) {
        compute(&asked[i]);
        assert_met(&asked[i]);
    }
    assert_in_range(cache.entries, 100, MANY - 1);
    free(asked);
}

/* ---------------------------------------------------------------- the file */

/* A file with the vectors of texts 1 to count; the caller closes it. */
static FILE *written(int count)
{
    FILE *file = tmpfile();
    for (int i = 1; i <= count; i++) {
        struct asked asked;
        CLAIM(&asked, i);
        compute(&asked);
        assert_met(&asked);
    }
    assert_non_null(file);
    assert_true(quern_cache_file_write(&cache, file, "a key"));
    return file;
}

static void start_anew(void)
{
    quern_cache_free(&cache);
    assert_int_equal(setup(NULL), 0);
}

static void test_a_file_keeps_vectors(void **state)
{
    (void)state;
    struct asked asked;
    FILE *file = written(3);
    start_anew();
    assert_int_equal(quern_cache_file_read(&cache, file, "a key"), 3);
    CLAIM(&asked, 1, 2, 3);
    assert_int_equal(asked.job.wanted_count, 0);
    assert_met(&asked);
    start_anew();
    assert_int_equal(quern_cache_file_read(&cache, file, "another"), -1);
    assert_int_equal(cache.entries, 0);
    CLAIM(&asked, 7); /* fewer than before: old bytes behind them do not count */
    compute(&asked);
    assert_met(&asked);
    assert_true(quern_cache_file_write(&cache, file, "a key"));
    start_anew();
    assert_int_equal(quern_cache_file_read(&cache, file, "a key"), 1);
    fclose(file);
}

/* When there is room for some vectors only, the last used ones stay. */
static void test_a_file_keeps_the_order(void **state)
{
    (void)state;
    struct asked asked;
    FILE *file = written(8);
    CLAIM(&asked, 1);
    assert_met(&asked);
    assert_true(quern_cache_file_write(&cache, file, "a key"));
    quern_cache_free(&cache);
    assert_int_equal(quern_cache_init(&cache, 64 * sizeof(void *) + 3 * 200, WIDTH), QUERN_OK);
    assert_int_equal(quern_cache_file_read(&cache, file, "a key"), 8);
    assert_in_range(cache.entries, 1, 7);
    CLAIM(&asked, 1);
    assert_int_equal(asked.job.wanted_count, 0);
    assert_met(&asked);
    fclose(file);
}

static void test_a_damaged_file_is_not_read(void **state)
{
    (void)state;
    FILE *file = written(2), *empty = tmpfile();
    char bytes[1024];
    rewind(file);
    const size_t length = fread(bytes, 1, sizeof bytes, file);
    assert_in_range(length, 100, sizeof bytes - 1);
    for (size_t i = 0; i < length; i++) {
        FILE *damaged = tmpfile(), *shorter = tmpfile();
        assert_true(damaged != NULL && shorter != NULL);
        start_anew();
        assert_int_equal(fwrite(bytes, 1, i, shorter), i);
        assert_int_equal(quern_cache_file_read(&cache, shorter, "a key"), i == 0 ? 0 : -1);
        bytes[i] ^= 0x10;
        assert_int_equal(fwrite(bytes, 1, length, damaged), length);
        bytes[i] ^= 0x10;
        const bool is_padding = i >= 8 + sizeof "a key" && i < 8 + QUERN_CACHE_KEY;
        assert_int_equal(quern_cache_file_read(&cache, damaged, "a key"), is_padding ? 2 : -1);
        assert_int_equal(cache.entries, is_padding ? 2 : 0);
        fclose(damaged);
        fclose(shorter);
    }
    assert_int_equal(quern_cache_file_read(&cache, empty, "a key"), 0);
    fclose(file);
    fclose(empty);
}

/* Whether a file with these bytes may be used. Opening it changes nothing. */
static bool opens(const void *bytes, size_t length)
{
    char path[] = "/tmp/quern-cache-XXXXXX", back[64];
    quern_error error = {0};
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0 && length <= sizeof back);
    assert_int_equal(write(descriptor, bytes, length), length);
    FILE *file = quern_cache_file_open(path, &error);
    assert_int_equal(pread(descriptor, back, sizeof back, 0), length);
    assert_memory_equal(back, bytes, length);
    if (file != NULL)
        fclose(file);
    else
        assert_non_null(strstr(error.text, "something else"));
    close(descriptor);
    unlink(path);
    return file != NULL;
}

static void test_other_files_are_refused(void **state)
{
    (void)state;
    static const char notes[] = "a dozen notes", cut_off[32], other[] = "quernvc2 of the future";
    static const char model[] = "GGUF\3\0\0\0";
    assert_true(opens("", 0));
    assert_true(opens(cut_off, sizeof cut_off));
    assert_true(opens(other, sizeof other));
    assert_false(opens(notes, sizeof notes));
    assert_false(opens(notes, 3));
    assert_false(opens(model, sizeof model));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_computed_is_known),
        TEST(test_texts_are_told_apart_by_every_id),
        TEST(test_texts_in_flight_are_computed_once),
        TEST(test_a_request_may_have_a_text_twice),
        TEST(test_small_requests_do_not_await_large_ones),
        TEST(test_who_awaits_computes_what_failed),
        TEST(test_who_leaves_is_not_missed),
        TEST(test_slices_are_bounded),
        TEST(test_memory_is_bounded),
        TEST(test_more_in_flight_than_there_is_room),
        TEST(test_a_file_keeps_vectors),
        TEST(test_a_file_keeps_the_order),
        TEST(test_a_damaged_file_is_not_read),
        TEST(test_other_files_are_refused),
    };
    int failed = 0;
    for (slice = 1; slice <= 4; slice *= 4)
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
