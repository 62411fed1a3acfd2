/* Jobs on a tiny model: order, bad texts, progress, cancellation, failing sinks, titles, formats. */
#include "jobs.h"

#include "base/count.h"
#include "gguf/gguf.h"
#include "trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS = 600 }; /* three batches */

static quern_model *model;
static quern_context *context;
static char words[TEXTS][16], long_word[4000];
static quern_text texts[TEXTS];
static float rows[TEXTS * TRIAL_WIDTH];

static int set_up(void **state)
{
    (void)state;
    model = trial_model(QUERN_TYPE_Q8_0, true, NULL);
    context = trial_context(model, QUERN_PATH_FAST, 1, 0);
    for (size_t i = 0; i < sizeof long_word; i++)
        long_word[i] = i % 2 == 0 ? 'x' : ' ';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    quern_context_free(context);
    quern_model_close(model);
    return 0;
}

/* Before each test: texts that differ. */
static int reset(void **state)
{
    (void)state;
    for (int i = 0; i < TEXTS; i++)
        texts[i] = (quern_text){words[i], (size_t)snprintf(words[i], sizeof words[i], "text %d", i)};
    memset(rows, 0, sizeof rows);
    return 0;
}

/* Makes text i one that has too many tokens. */
static void make_too_long(int i)
{
    texts[i] = (quern_text){long_word, sizeof long_word};
}

static struct quern_jobs_embedding make_job(void)
{
    return (struct quern_jobs_embedding){
        .model = model, .context = context, .options = {.size = sizeof(quern_embed_options)}};
}

/* Whether row i is the vector that text i has alone. */
static void check_row(int i, const quern_text *title)
{
    float alone[TRIAL_WIDTH];
    quern_embed_options options = {.size = sizeof options};
    if (title != NULL) {
        options.task = QUERN_TASK_DOCUMENT;
        options.title = *title;
    }
    assert_int_equal(quern_embed(context, &texts[i], 1, &options, alone, TRIAL_WIDTH, NULL, NULL), QUERN_OK);
    assert_memory_equal(alone, rows + i * TRIAL_WIDTH, sizeof alone);
}

static void check_zeros(int i)
{
    static const float zeros[TRIAL_WIDTH];
    assert_memory_equal(zeros, rows + i * TRIAL_WIDTH, sizeof zeros);
}

/* A sink that keeps what it gets in rows, counts, and fails or cancels when told. */
struct probe {
    struct quern_jobs_sink sink;
    int batches, reports, finishes;
    uint64_t next; /* position that the next batch must have */
    int fail_batch, cancel_report, fail_finish;
    int codes[TEXTS];
    struct quern_jobs_progress last;
};

static int probe_put(struct quern_jobs_sink *sink, const struct quern_jobs_vectors *batch, quern_error *error)
{
    struct probe *probe = (struct probe *)sink;
    assert_int_equal(batch->first, probe->next);
    assert_int_equal(batch->dimensions, TRIAL_WIDTH);
    assert_true(batch->count > 0 && batch->count <= QUERN_JOBS_BATCH);
    if (++probe->batches == probe->fail_batch) {
        *error = (quern_error){QUERN_EIO, "no room", -1};
        return QUERN_EIO;
    }
    memcpy(rows + probe->next * TRIAL_WIDTH, batch->rows, batch->count * TRIAL_WIDTH * sizeof *rows);
    for (size_t i = 0; i < batch->count; i++)
        probe->codes[probe->next + i] = batch->results[i].code;
    probe->next += batch->count;
    return QUERN_OK;
}

static int probe_finish(struct quern_jobs_sink *sink, quern_error *error)
{
    struct probe *probe = (struct probe *)sink;
    probe->finishes++;
    if (!probe->fail_finish)
        return QUERN_OK;
    *error = (quern_error){QUERN_EIO, "no end", -1};
    return QUERN_EIO;
}

static bool probe_report(void *user, const struct quern_jobs_progress *progress)
{
    struct probe *probe = user;
    assert_true(progress->texts > probe->last.texts);
    assert_int_equal(progress->texts, probe->next);
    probe->last = *progress;
    return ++probe->reports != probe->cancel_report;
}

static int run(struct probe *probe, int count, enum quern_jobs_policy policy, struct quern_jobs_progress *progress,
               quern_error *error)
{
    struct quern_jobs_array array;
    struct quern_jobs_embedding job = make_job();
    job.policy = policy;
    job.report = probe_report;
    job.user = probe;
    probe->sink = (struct quern_jobs_sink){probe_put, probe_finish};
    quern_jobs_array_open(&array, texts, (size_t)count);
    return quern_jobs_embed(&job, &array.source, &probe->sink, progress, error);
}

static void test_order_and_progress(void **state)
{
    (void)state;
    struct probe probe = {0};
    struct quern_jobs_progress progress;
    assert_int_equal(run(&probe, TEXTS, QUERN_JOBS_STOP, &progress, NULL), QUERN_OK);
    assert_int_equal(probe.next, TEXTS);
    assert_int_equal(probe.batches, 3);
    assert_int_equal(probe.reports, 3);
    assert_int_equal(probe.finishes, 1);
    for (int i = 0; i < TEXTS; i += 7)
        check_row(i, NULL);
    assert_int_equal(progress.texts, TEXTS);
    assert_int_equal(progress.done, TEXTS);
    assert_int_equal(progress.total, TEXTS);
    assert_int_equal(progress.failed, 0);
    assert_int_equal(progress.cut, 0);
    assert_true(progress.tokens >= 3 * TEXTS); /* one and the special ones */
    assert_memory_equal(&progress, &probe.last, sizeof progress);
}

static void test_no_texts(void **state)
{
    (void)state;
    struct probe probe = {0};
    struct quern_jobs_progress progress;
    assert_int_equal(run(&probe, 0, QUERN_JOBS_STOP, &progress, NULL), QUERN_OK);
    assert_int_equal(probe.batches, 0);
    assert_int_equal(probe.reports, 0);
    assert_int_equal(probe.finishes, 1);
    assert_int_equal(progress.texts, 0);
}

/* The sink gets all texts before a bad one, and the error has the place in the whole input. */
static void test_stop_at_a_bad_text(void **state)
{
    (void)state;
    const int places[] = {0, 1, 255, 256, 300, 599};
    for (size_t i = 0; i < QUERN_COUNT(places); i++) {
        struct probe probe = {0};
        struct quern_jobs_progress progress;
        quern_error error;
        reset(NULL);
        make_too_long(places[i]);
        make_too_long(TEXTS - 1);
        assert_int_equal(run(&probe, TEXTS, QUERN_JOBS_STOP, &progress, &error), QUERN_ETOOLONG);
        assert_int_equal(error.code, QUERN_ETOOLONG);
        assert_int_equal(error.index, places[i]);
        assert_non_null(strstr(error.text, "the text has"));
        assert_int_equal(probe.next, places[i]);
        assert_int_equal(progress.texts, places[i]);
        assert_int_equal(progress.failed, 0);
        assert_int_equal(probe.finishes, 0);
        if (places[i] > 0)
            check_row(places[i] - 1, NULL);
    }
}

static void test_skip_bad_texts(void **state)
{
    (void)state;
    struct probe probe = {0};
    struct quern_jobs_progress progress;
    make_too_long(3);
    make_too_long(256);
    assert_int_equal(run(&probe, 300, QUERN_JOBS_SKIP, &progress, NULL), QUERN_OK);
    assert_int_equal(probe.next, 300);
    assert_int_equal(probe.finishes, 1);
    assert_int_equal(progress.texts, 300);
    assert_int_equal(progress.failed, 2);
    for (int i = 0; i < 300; i++)
        assert_int_equal(probe.codes[i], i == 3 || i == 256 ? QUERN_ETOOLONG : QUERN_OK);
    check_row(2, NULL);
    check_zeros(3);
    check_row(4, NULL);
    check_zeros(256);
    check_row(257, NULL);
}

static void test_cut_texts_are_counted(void **state)
{
    (void)state;
    struct quern_jobs_array array;
    struct quern_jobs_matrix matrix;
    struct quern_jobs_progress progress;
    struct quern_jobs_embedding job = make_job();
    job.options.flags = QUERN_TRUNCATE;
    make_too_long(5);
    quern_jobs_array_open(&array, texts, 10);
    quern_jobs_matrix_open(&matrix, rows, 10);
    assert_int_equal(quern_jobs_embed(&job, &array.source, &matrix.sink, &progress, NULL), QUERN_OK);
    assert_int_equal(progress.cut, 1);
    assert_int_equal(progress.failed, 0);
}

static void test_cancel(void **state)
{
    (void)state;
    struct probe probe = {.cancel_report = 2};
    struct quern_jobs_progress progress;
    assert_int_equal(run(&probe, TEXTS, QUERN_JOBS_STOP, &progress, NULL), QUERN_JOBS_CANCELLED);
    assert_int_equal(probe.batches, 2);
    assert_int_equal(probe.finishes, 0);
    assert_int_equal(progress.texts, 2 * QUERN_JOBS_BATCH);
}

static void test_failing_sinks(void **state)
{
    (void)state;
    struct probe probe = {.fail_batch = 2};
    struct quern_jobs_progress progress;
    quern_error error;
    assert_int_equal(run(&probe, TEXTS, QUERN_JOBS_STOP, &progress, &error), QUERN_EIO);
    assert_string_equal(error.text, "no room");
    assert_int_equal(error.index, -1);
    assert_int_equal(progress.texts, QUERN_JOBS_BATCH);
    assert_int_equal(probe.finishes, 0);

    probe = (struct probe){.fail_finish = 1};
    assert_int_equal(run(&probe, 3, QUERN_JOBS_STOP, &progress, &error), QUERN_EIO);
    assert_string_equal(error.text, "no end");

    /* When the sink fails, and also a text behind those that it should get, the job fails as the sink did. */
    probe = (struct probe){.fail_batch = 1};
    make_too_long(2);
    assert_int_equal(run(&probe, 3, QUERN_JOBS_STOP, &progress, &error), QUERN_EIO);
    assert_string_equal(error.text, "no room");

    struct quern_jobs_array array;
    struct quern_jobs_matrix small;
    struct quern_jobs_embedding job = make_job();
    reset(NULL);
    quern_jobs_array_open(&array, texts, 3);
    quern_jobs_matrix_open(&small, rows, 2);
    assert_int_equal(quern_jobs_embed(&job, &array.source, &small.sink, &progress, &error), QUERN_ETOOLONG);
    assert_int_equal(error.index, -1);
}

/* A source of one batch, and then an error. */
static int fail_next(struct quern_jobs_source *source, struct quern_jobs_texts *batch, quern_error *error)
{
    *batch = (struct quern_jobs_texts){.count = 3, .texts = texts};
    if (source->done++ == 0)
        return QUERN_OK;
    *error = (quern_error){QUERN_EIO, "no source", -1};
    return QUERN_EIO;
}

static void test_failing_source(void **state)
{
    (void)state;
    struct quern_jobs_source source = {.next = fail_next};
    struct probe probe = {.sink = {probe_put, probe_finish}};
    struct quern_jobs_progress progress;
    struct quern_jobs_embedding job = make_job();
    quern_error error;
    assert_int_equal(quern_jobs_embed(&job, &source, &probe.sink, &progress, &error), QUERN_EIO);
    assert_string_equal(error.text, "no source");
    assert_int_equal(probe.next, 3);
    assert_int_equal(progress.texts, 3);
    assert_int_equal(probe.finishes, 0);
}

/* A failure that no text has caused ends the job, and no text gets it as its result. */
static void test_wrong_options(void **state)
{
    (void)state;
    struct quern_jobs_array array;
    struct quern_jobs_matrix matrix;
    struct quern_jobs_progress progress;
    struct quern_jobs_embedding job = make_job();
    quern_error error;
    job.options.dimensions = TRIAL_WIDTH + 1;
    job.policy = QUERN_JOBS_SKIP;
    quern_jobs_array_open(&array, texts, 3);
    quern_jobs_matrix_open(&matrix, rows, 3);
    assert_int_equal(quern_jobs_embed(&job, &array.source, &matrix.sink, &progress, &error), QUERN_EINVAL);
    assert_int_equal(error.index, -1);
    assert_int_equal(progress.texts, 0);
}

static void test_titles(void **state)
{
    (void)state;
    quern_text titles[12] = {[2] = {"one", 3}, [3] = {"one", 3}, [4] = {"other", 5}, [11] = {"last", 4}};
    struct quern_jobs_array array;
    struct quern_jobs_matrix matrix;
    struct quern_jobs_progress progress;
    struct quern_jobs_embedding job = make_job();
    quern_error error;
    job.options.task = QUERN_TASK_DOCUMENT;
    quern_jobs_array_open(&array, texts, 12);
    array.titles = titles;
    quern_jobs_matrix_open(&matrix, rows, 12);
    assert_int_equal(quern_jobs_embed(&job, &array.source, &matrix.sink, &progress, NULL), QUERN_OK);
    for (int i = 0; i < 12; i++)
        check_row(i, &titles[i]);

    make_too_long(8); /* in a call of its own that begins at text 5 */
    quern_jobs_array_open(&array, texts, 12);
    array.titles = titles;
    assert_int_equal(quern_jobs_embed(&job, &array.source, &matrix.sink, &progress, &error), QUERN_ETOOLONG);
    assert_int_equal(error.index, 8);
    assert_int_equal(progress.texts, 8);
}

/* What is written of three texts, the second of which has no vector. The caller frees it. */
static char *write_format(enum quern_jobs_format format, size_t *length)
{
    char *data = NULL;
    FILE *file = open_memstream(&data, length);
    struct quern_jobs_writer writer = {.file = file, .name = "memory", .format = format, .space = "2n-0-none",
                                       .path = "exact", .dimensions = 2};
    const float two[] = {1, -0.5f, 0, 0, 0.25f, 2};
    const quern_result results[] = {{.tokens = 3}, {.code = QUERN_ETOOLONG}, {.tokens = 4, .truncated = 1}};
    const struct quern_jobs_vectors batch = {3, 7, 2, two, results};
    assert_non_null(file);
    assert_int_equal(quern_jobs_writer_open(&writer, NULL), QUERN_OK);
    assert_int_equal(writer.sink.put(&writer.sink, &batch, NULL), QUERN_OK);
    assert_int_equal(writer.sink.finish(&writer.sink, NULL), QUERN_OK);
    fclose(file);
    return data;
}

static void test_formats(void **state)
{
    (void)state;
    size_t length;
    char *data = write_format(QUERN_JOBS_JSONL, &length);
    assert_string_equal(data, "{\"index\":7,\"tokens\":3,\"truncated\":0,\"embedding\":[1,-0.5]}\n"
                              "{\"index\":9,\"tokens\":4,\"truncated\":1,\"embedding\":[0.25,2]}\n");
    free(data);
    data = write_format(QUERN_JOBS_JSON, &length);
    assert_string_equal(data, "{\"space\":\"2n-0-none\",\"path\":\"exact\",\"dimensions\":2,\"embeddings\":[\n"
                              "{\"index\":7,\"tokens\":3,\"truncated\":0,\"embedding\":[1,-0.5]}\n"
                              ",{\"index\":9,\"tokens\":4,\"truncated\":1,\"embedding\":[0.25,2]}\n]}\n");
    free(data);
    data = write_format(QUERN_JOBS_TEXT, &length);
    assert_string_equal(data, "1 -0.5\n0 0\n0.25 2\n");
    free(data);
    const float all[] = {1, -0.5f, 0, 0, 0.25f, 2};
    data = write_format(QUERN_JOBS_F32, &length);
    assert_int_equal(length, sizeof all);
    assert_memory_equal(data, all, sizeof all);
    free(data);
    assert_true(quern_jobs_format_rewinds(QUERN_JOBS_NPY));
    assert_false(quern_jobs_format_rewinds(QUERN_JOBS_F32));
}

static void test_npy(void **state)
{
    (void)state;
    char data[256] = "";
    FILE *file = fmemopen(data, sizeof data, "w+");
    struct quern_jobs_writer writer = {.file = file, .name = "memory", .format = QUERN_JOBS_NPY, .dimensions = 2};
    const float one[] = {1, 2};
    const quern_result result = {.tokens = 3};
    const struct quern_jobs_vectors batch = {1, 0, 2, one, &result};
    assert_non_null(file);
    assert_int_equal(quern_jobs_writer_open(&writer, NULL), QUERN_OK);
    assert_int_equal(writer.sink.put(&writer.sink, &batch, NULL), QUERN_OK);
    assert_int_equal(writer.sink.finish(&writer.sink, NULL), QUERN_OK);
    fclose(file);
    const char header[] = "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
    assert_memory_equal(data, header, sizeof header - 1);
    assert_int_equal(data[127], '\n');
    assert_memory_equal(data + 128, one, sizeof one);
}

static void test_a_full_disk(void **state)
{
    (void)state;
    FILE *file = fopen("/dev/full", "w");
    struct quern_jobs_writer writer = {.file = file, .name = "the disk", .format = QUERN_JOBS_F32};
    struct quern_jobs_array array;
    struct quern_jobs_progress progress;
    struct quern_jobs_embedding job = make_job();
    quern_error error;
    assert_non_null(file);
    writer.dimensions = TRIAL_WIDTH;
    quern_jobs_array_open(&array, texts, 3);
    assert_int_equal(quern_jobs_writer_open(&writer, NULL), QUERN_OK);
    assert_int_equal(quern_jobs_embed(&job, &array.source, &writer.sink, &progress, &error), QUERN_EIO);
    assert_string_equal(error.text, "cannot write to the disk: No space left on device");
    assert_int_equal(progress.texts, 0);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order_and_progress, reset),
        cmocka_unit_test_setup(test_no_texts, reset),
        cmocka_unit_test_setup(test_stop_at_a_bad_text, reset),
        cmocka_unit_test_setup(test_skip_bad_texts, reset),
        cmocka_unit_test_setup(test_cut_texts_are_counted, reset),
        cmocka_unit_test_setup(test_cancel, reset),
        cmocka_unit_test_setup(test_failing_sinks, reset),
        cmocka_unit_test_setup(test_failing_source, reset),
        cmocka_unit_test_setup(test_wrong_options, reset),
        cmocka_unit_test_setup(test_titles, reset),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_npy),
        cmocka_unit_test_setup(test_a_full_disk, reset),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
