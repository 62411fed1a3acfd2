#include "base/count.h"
#include "gguf/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/quern-writer-XXXXXX");
    snprintf(path, sizeof path, "%s/model.gguf", mkdtemp(folder));
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails when anything is left over */
}

static void put_file(const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void expect_file(const char *text)
{
    char read[32] = "";
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(read, 1, sizeof read - 1, file), strlen(text));
    fclose(file);
    assert_string_equal(read, text);
}

/* The number of unfinished files in the folder. */
static int count_parts(void)
{
    static const char ending[] = ".part";
    int count = 0;
    DIR *open = opendir(folder);
    for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
        size_t length = strlen(entry->d_name), wanted = strlen(ending);
        count += length >= wanted && strcmp(entry->d_name + length - wanted, ending) == 0;
    }
    closedir(open);
    return count;
}

static struct quern_gguf_writer *begin(void)
{
    struct quern_gguf_writer *writer;
    assert_int_equal(quern_gguf_writer_new(&writer, path, NULL, NULL), QUERN_OK);
    return writer;
}

static void put_vector(struct quern_gguf_writer *writer, const char *name, uint64_t length)
{
    quern_gguf_put_tensor(writer, name, QUERN_TYPE_F32, &length, 1);
}

static void test_target_appears_when_finished(void **state)
{
    (void)state;
    static const float data[3] = {1, 2, 3};
    put_file("old");
    struct quern_gguf_writer *writer = begin(), *other;
    quern_error error;
    assert_int_equal(quern_gguf_writer_new(&other, path, NULL, &error), QUERN_EIO); /* two at once do not meet */
    assert_non_null(strstr(error.text, "another process is writing it"));
    assert_int_equal(count_parts(), 1);
    put_vector(writer, "a", 3);
    quern_gguf_put_data(writer, data, sizeof data);
    expect_file("old");
    assert_int_equal(quern_gguf_writer_finish(writer, NULL), QUERN_OK);
    assert_int_equal(count_parts(), 0);
    quern_gguf_writer_abandon(begin());
    quern_gguf_writer_abandon(NULL);
    assert_int_equal(count_parts(), 0);

    struct quern_gguf gguf;
    assert_int_equal(quern_gguf_open(&gguf, path, NULL), QUERN_OK);
    assert_int_equal(gguf.version, 3);
    assert_memory_equal(quern_gguf_tensor_find(&gguf, "a")->data, data, sizeof data);
    quern_gguf_close(&gguf);
}

/* A file that a killed process left is longer than the file that is written now. */
static void test_part_left_behind_is_written_over(void **state)
{
    (void)state;
    static const float data[3] = {1, 2, 3};
    char part[sizeof path + 8];
    snprintf(part, sizeof part, "%s.part", path);
    FILE *file = fopen(part, "wb");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        assert_true(fputs("left behind ", file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct quern_gguf_writer *writer = begin();
    put_vector(writer, "a", 3);
    quern_gguf_put_data(writer, data, sizeof data);
    assert_int_equal(quern_gguf_writer_finish(writer, NULL), QUERN_OK);
    assert_int_equal(count_parts(), 0);
    struct quern_gguf gguf;
    assert_int_equal(quern_gguf_open(&gguf, path, NULL), QUERN_OK);
    assert_int_equal(gguf.map.size, 96); /* header, one tensor, its padded data */
    quern_gguf_close(&gguf);
}

/* What no writer can have left is neither waited for nor written to. */
static void test_what_is_in_the_way_is_left_alone(void **state)
{
    (void)state;
    char part[sizeof path + 8], message[160];
    quern_error error;
    struct quern_gguf_writer *writer;
    snprintf(part, sizeof part, "%s.part", path);
    snprintf(message, sizeof message, "%s is in the way", part);
    put_file("of another");
    for (int kind = 0; kind < 4; kind++) {
        const int made = kind == 0 ? mkfifo(part, 0600) : kind == 1 ? symlink(path, part) :
                         kind == 2 ? mkdir(part, 0700) : link(path, part);
        assert_int_equal(made, 0);
        assert_int_equal(quern_gguf_writer_new(&writer, path, NULL, &error), QUERN_EIO);
        assert_non_null(strstr(error.text, message));
        assert_int_equal(count_parts(), 1);
        assert_int_equal(remove(part), 0);
    }
    expect_file("of another");
}

static void test_only_regular_files_are_replaced(void **state)
{
    (void)state;
    struct quern_gguf_writer *writer;
    quern_error error;
    assert_int_equal(quern_gguf_writer_new(&writer, "/dev/null", NULL, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "not a regular file"));
    assert_int_equal(quern_gguf_writer_new(&writer, "/tmp", "a name", &error), QUERN_EIO);
    assert_string_equal(error.text, "cannot write a name: it is a folder; name a file in it");
}

/* ---------------------------------------------------------------- misuse and failures */

static const float zeros[64];

static void write_key_after_tensor(struct quern_gguf_writer *writer)
{
    put_vector(writer, "a", 1);
    quern_gguf_put_u32(writer, "late", 1);
    quern_gguf_put_data(writer, zeros, sizeof zeros); /* too much, but the first failure is the one reported */
}

static void write_tensor_after_data(struct quern_gguf_writer *writer)
{
    put_vector(writer, "a", 1);
    quern_gguf_put_data(writer, zeros, 4);
    put_vector(writer, "late", 1);
}

static void write_too_little(struct quern_gguf_writer *writer)
{
    put_vector(writer, "a", 2);
    put_vector(writer, "b", 2);
    quern_gguf_put_data(writer, zeros, 15);
}

static void write_nothing(struct quern_gguf_writer *writer)
{
    put_vector(writer, "a", 2);
}

static void write_too_much(struct quern_gguf_writer *writer)
{
    put_vector(writer, "a", 2);
    quern_gguf_put_data(writer, zeros, 9);
}

static void write_part_of_a_block(struct quern_gguf_writer *writer)
{
    quern_gguf_put_tensor(writer, "odd", QUERN_TYPE_Q8_0, (uint64_t[]){33, 2}, 2);
}

static void write_no_type(struct quern_gguf_writer *writer)
{
    quern_gguf_put_tensor(writer, "odd", 31, (uint64_t[]){32}, 1);
}

static void write_empty(struct quern_gguf_writer *writer)
{
    quern_gguf_put_tensor(writer, "odd", QUERN_TYPE_F32, (uint64_t[]){4, 0}, 2);
}

static void write_five_dimensions(struct quern_gguf_writer *writer)
{
    quern_gguf_put_tensor(writer, "odd", QUERN_TYPE_F32, (uint64_t[]){1, 1, 1, 1, 1}, 5);
}

static void write_far_too_large(struct quern_gguf_writer *writer)
{
    put_vector(writer, "a", 1);
    quern_gguf_put_tensor(writer, "odd", QUERN_TYPE_F32, (uint64_t[]){1u << 31, 1u << 31}, 2);
}

static void write_beyond_the_limit(struct quern_gguf_writer *writer) /* of the file's size, which the test sets */
{
    put_vector(writer, "a", 1 << 16);
    for (int i = 0; i < 1 << 10; i++)
        quern_gguf_put_data(writer, zeros, sizeof zeros);
}

static const struct {
    void (*write)(struct quern_gguf_writer *writer);
    int code;
    const char *fragment;
} failures[] = {
    {write_key_after_tensor, QUERN_EINVAL, "a key comes too late"},
    {write_tensor_after_data, QUERN_EINVAL, "a tensor comes too late"},
    {write_too_little, QUERN_EINVAL, "less data"},
    {write_nothing, QUERN_EINVAL, "less data"},
    {write_too_much, QUERN_EINVAL, "more data"},
    {write_part_of_a_block, QUERN_EINVAL, "'odd' has an invalid type or shape"},
    {write_no_type, QUERN_EINVAL, "'odd' has an invalid type or shape"},
    {write_empty, QUERN_EINVAL, "'odd' has an invalid type or shape"},
    {write_five_dimensions, QUERN_EINVAL, "'odd' has an invalid type or shape"},
    {write_far_too_large, QUERN_EINVAL, "'odd' has an invalid type or shape"},
    {write_beyond_the_limit, QUERN_EIO, "File too large"},
};

static void test_a_link_is_kept(void **state)
{
    (void)state;
    char link_path[112];
    struct stat status;
    struct quern_gguf_writer *writer;
    put_file("old");
    snprintf(link_path, sizeof link_path, "%s.link", path);
    assert_int_equal(symlink(path, link_path), 0);
    assert_int_equal(quern_gguf_writer_new(&writer, link_path, NULL, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_writer_finish(writer, NULL), QUERN_OK);
    assert_int_equal(lstat(link_path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_true(stat(path, &status) == 0 && status.st_size > 3);
    unlink(link_path);
}

static void test_failure_leaves_the_target_alone(void **state)
{
    (void)state;
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 17, before.rlim_max});
    put_file("old");
    for (size_t i = 0; i < QUERN_COUNT(failures); i++) {
        struct quern_gguf_writer *writer = begin();
        quern_error error;
        failures[i].write(writer);
        assert_int_equal(quern_gguf_writer_finish(writer, &error), failures[i].code);
        if (!strstr(error.text, failures[i].fragment))
            fail_msg("'%s' does not say '%s'", error.text, failures[i].fragment);
        assert_non_null(strstr(error.text, path));
        expect_file("old");
        assert_int_equal(count_parts(), 0);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
}

static void test_target_cannot_be(void **state)
{
    (void)state;
    quern_error error;
    struct quern_gguf_writer *writer = NULL;
    assert_int_equal(quern_gguf_writer_new(&writer, "/tmp/quern-no-such-folder/x", NULL, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "No such file"));
    assert_null(writer);
    writer = begin();
    assert_int_equal(mkdir(path, 0700), 0); /* a folder where the file should go, since then */
    assert_int_equal(quern_gguf_writer_finish(writer, &error), QUERN_EIO);
    assert_non_null(strstr(error.text, "directory"));
    assert_int_equal(rmdir(path), 0);
}

/* ---------------------------------------------------------------- copies */

static void put_all_kinds(struct quern_gguf_writer *writer)
{
    static const quern_text texts[] = {{"one", 3}, {"", 0}, {"\0\xFF", 2}};
    static const int16_t numbers[] = {-1, 2, 3};
    quern_gguf_put_u32(writer, "u32", 7);
    quern_gguf_put_f32(writer, "f32", 0.5f);
    quern_gguf_put_bool(writer, "bool", true);
    quern_gguf_put_string(writer, "string", (quern_text){"text", 4});
    quern_gguf_put_strings(writer, "strings", texts, 3);
    quern_gguf_put_array(writer, "array", QUERN_GGUF_I16, numbers, 3);
    quern_gguf_put_strings(writer, "none", NULL, 0);
}

static void test_values_are_copied(void **state)
{
    (void)state;
    char copy_path[112];
    struct quern_gguf original, copy;
    struct quern_gguf_writer *writer = begin();
    quern_gguf_put_u32(writer, "general.alignment", 32);
    put_all_kinds(writer);
    assert_int_equal(quern_gguf_writer_finish(writer, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_open(&original, path, NULL), QUERN_OK);

    snprintf(copy_path, sizeof copy_path, "%s.copy", path);
    assert_int_equal(quern_gguf_writer_new(&writer, copy_path, NULL, NULL), QUERN_OK);
    for (size_t i = 0; i < original.value_count; i++)
        quern_gguf_put_value(writer, &original.values[i]);
    assert_int_equal(quern_gguf_writer_finish(writer, NULL), QUERN_OK);
    assert_int_equal(quern_gguf_open(&copy, copy_path, NULL), QUERN_OK);
    assert_int_equal(copy.value_count, original.value_count - 1); /* without the alignment */
    for (size_t i = 0; i < copy.value_count; i++) {
        const struct quern_gguf_value *a = &original.values[i + 1], *b = &copy.values[i];
        assert_int_equal(a->key.length, b->key.length);
        assert_memory_equal(a->key.data, b->key.data, a->key.length);
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->element, b->element);
        assert_int_equal(a->count, b->count);
        assert_int_equal(a->bytes, b->bytes);
        assert_memory_equal(a->data, b->data, a->bytes);
    }
    quern_gguf_close(&original);
    quern_gguf_close(&copy);
    unlink(copy_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_target_appears_when_finished, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_part_left_behind_is_written_over, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_what_is_in_the_way_is_left_alone, make_folder, remove_folder),
        cmocka_unit_test(test_only_regular_files_are_replaced),
        cmocka_unit_test_setup_teardown(test_a_link_is_kept, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_failure_leaves_the_target_alone, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_target_cannot_be, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_values_are_copied, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
