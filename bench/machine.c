/* Describes the machine, and measures the time and memory that it takes to open a model. */
#include "bench.h"

#include "base/count.h"
#include "kernels/kernels.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_SIZE = 512, LOADS = 5 };

/* Finds the line of a file that begins with key, and copies the value behind the key and its separators. */
static bool find_line(const char *path, const char *key, char out[TEXT_SIZE])
{
    FILE *file = fopen(path, "re");
    char line[TEXT_SIZE];
    bool found = false;
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        char *value = line + strlen(key);
        value += strspn(value, "\t :=\"");
        value[strcspn(value, "\"\n")] = '\0';
        strcpy(out, value);
        found = true;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* "L1 Data 48K, L1 Instruction 32K, L2 Unified 2048K" */
static void describe_caches(char out[TEXT_SIZE])
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < 8; i++) {
        char path[96], level[TEXT_SIZE], type[TEXT_SIZE], size[TEXT_SIZE];
        const char *names[] = {"level", "type", "size"};
        char *values[] = {level, type, size};
        bool all = true;
        for (int n = 0; n < 3; n++) {
            snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", i, names[n]);
            all = all && find_line(path, "", values[n]);
        }
        if (all && used < TEXT_SIZE)
            used += (size_t)snprintf(out + used, TEXT_SIZE - used, "%sL%.8s %.16s %.16s", used > 0 ? ", " : "", level,
                                     type, size);
    }
}

static void describe_features(char out[TEXT_SIZE])
{
    static const struct { uint32_t bit; const char *name; } names[] = {
        {QUERN_CPU_AVX2, "avx2"}, {QUERN_CPU_AVXVNNI, "avxvnni"}, {QUERN_CPU_AVX512VNNI, "avx512vnni"},
        {QUERN_CPU_AMX, "amx"}, {QUERN_CPU_NEON, "neon"}, {QUERN_CPU_DOTPROD, "dotprod"},
        {QUERN_CPU_I8MM, "i8mm"}};
    const uint32_t features = quern_cpu_features();
    out[0] = '\0';
    for (size_t i = 0; i < QUERN_COUNT(names); i++)
        if (features & names[i].bit)
            sprintf(out + strlen(out), "%s%s", out[0] != '\0' ? " " : "", names[i].name);
}

static void put(struct quern_bench *bench, struct quern_bench_table *table, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void put(struct quern_bench *bench, struct quern_bench_table *table, const char *name, const char *format, ...)
{
    char value[2 * TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    quern_bench_put(&bench->report, table, name, value);
}

static void put_machine(struct quern_bench *bench, struct quern_bench_table *table)
{
    char text[TEXT_SIZE];
    struct utsname system;
    const time_t now = time(NULL);
    struct tm utc;
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
    put(bench, table, "date", "%s", text);
    if (uname(&system) != 0)
        strcpy(system.machine, "unknown");
    put(bench, table, "cpu", "%s", find_line("/proc/cpuinfo", "model name", text) ? text : system.machine);
    put(bench, table, "cpus online", "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    describe_caches(text);
    put(bench, table, "caches", "%s", text);
    describe_features(text);
    put(bench, table, "features used", "%s", text);
    put(bench, table, "memory", "%.1f GiB", (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 0x1p30);
    put(bench, table, "huge pages", "%s",
        find_line("/sys/kernel/mm/transparent_hugepage/enabled", "", text) ? text : "unknown");
    put(bench, table, "system", "%s, %s %s", find_line("/etc/os-release", "PRETTY_NAME", text) ? text : "unknown",
        system.sysname, system.release);
#ifdef __clang__
    put(bench, table, "compiler", "%s", __VERSION__);
#else
    put(bench, table, "compiler", "gcc %s", __VERSION__);
#endif
}

int quern_bench_system(struct quern_bench *bench)
{
    const struct quern_cli_session *session = &bench->session;
    struct quern_bench_table *table = &bench->report.tables[0];
    put(bench, table, "quern", "%s", quern_version());
    put_machine(bench, table);
    put(bench, table, "model", "%s", session->path);
    put(bench, table, "tensors", "%s", session->info.types);
    put(bench, table, "model file", "%" PRIu64 " bytes", session->info.file_bytes);
    put(bench, table, "kernels", "%s: %s", session->info.kernels, session->info.kernels_reason);
    put(bench, table, "threads", "%d: %s", session->context_info.threads, session->context_info.threads_reason);
    put(bench, table, "path", "%s", session->context_info.path);
    put(bench, table, "packed weights", "%" PRIu64 " bytes", session->info.packed_bytes);
    put(bench, table, "arena", "%" PRIu64 " bytes planned", session->context_info.arena_bytes);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- load and memory */

static double status_mib(const char *key)
{
    char text[TEXT_SIZE];
    return find_line("/proc/self/status", key, text) ? strtod(text, NULL) / 1024 : NAN;
}

static void put_memory(struct quern_bench *bench, struct quern_bench_table *table, const char *when)
{
    quern_bench_put(&bench->report, table, when, status_mib("RssAnon:"), status_mib("RssFile:"), status_mib("VmHWM:"));
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Opens the model, makes a context and computes a first vector. Sets ms[0..2] to the milliseconds of each. With a
 * table, adds rows on the memory in use after each; memory may be NULL. */
static int load_once(struct quern_bench *bench, double ms[3], struct quern_bench_table *memory)
{
    const quern_model_options model_options = {.size = sizeof model_options, .threads = bench->options.session.threads};
    const quern_context_options context_options = {.size = sizeof context_options,
                                                   .threads = bench->options.session.threads};
    const quern_embed_options options = {.size = sizeof options, .flags = QUERN_TRUNCATE};
    const quern_text text = {QUERN_BENCH_SENTENCE, sizeof QUERN_BENCH_SENTENCE - 1};
    static float vector[QUERN_BENCH_WIDTH];
    quern_model *model = NULL;
    quern_context *context = NULL;
    const double begin = quern_bench_now_ns();
    int code = quern_model_open(&model, bench->options.session.model, &model_options, &bench->error);
    const double opened = quern_bench_now_ns();
    if (code == QUERN_OK && memory != NULL)
        put_memory(bench, memory, "model open");
    const double again = quern_bench_now_ns();
    if (code == QUERN_OK)
        code = quern_context_new(&context, model, &context_options, &bench->error);
    const double made = quern_bench_now_ns();
    if (code == QUERN_OK)
        code = quern_embed(context, &text, 1, &options, vector, QUERN_BENCH_WIDTH, NULL, &bench->error);
    ms[0] = (opened - begin) * 1e-6;
    ms[1] = (made - again) * 1e-6;
    ms[2] = (quern_bench_now_ns() - made) * 1e-6;
    if (code == QUERN_OK && memory != NULL)
        put_memory(bench, memory, "first vector");
    quern_context_free(context);
    quern_model_close(model);
    if (code == QUERN_OK && memory != NULL)
        put_memory(bench, memory, "all closed");
    return code;
}

int quern_bench_load(struct quern_bench *bench)
{
    static const struct quern_bench_column load[] = {
        {"step", "step", QUERN_BENCH_TEXT}, {"p50_ms", "p50, ms", 3}, {"min_ms", "least, ms", 3},
        {"bytes_per_op", "B/op", 0}, {"allocations_per_op", "allocations/op", 1}, {NULL, NULL, 0}};
    static const struct quern_bench_column memory[] = {
        {"when", "when", QUERN_BENCH_TEXT}, {"anonymous_mib", "anonymous, MiB", 1}, {"file_mib", "of files, MiB", 1},
        {"peak_mib", "peak, MiB", 1}, {NULL, NULL, 0}};
    static const char *const steps[] = {"open the model", "make a context", "first vector (69 bytes)", "all"};
    double ms[4][LOADS], first[3];
    struct quern_bench_table *loads = quern_bench_table_add(
        &bench->report, "load", "Load",
        "The model's file is in the page cache. B/op counts malloc only. Packed weights and arenas are mapped, and not "
        "counted.", load);
    struct quern_bench_table *table = quern_bench_table_add(
        &bench->report, "memory", "Memory",
        "Resident memory. The system can drop pages of the model's file at any time.",
        memory);
    put_memory(bench, table, "at first");
    int code = load_once(bench, first, table);
    const struct quern_bench_count before = quern_bench_counted();
    for (int i = 0; i < LOADS && code == QUERN_OK; i++) {
        double once[3] = {0};
        code = load_once(bench, once, NULL);
        for (int s = 0; s < 3; s++)
            ms[s][i] = once[s];
        ms[3][i] = once[0] + once[1] + once[2];
    }
    const struct quern_bench_count after = quern_bench_counted();
    for (int s = 0; s < 4 && code == QUERN_OK; s++) {
        qsort(ms[s], LOADS, sizeof **ms, compare);
        quern_bench_put(&bench->report, loads, steps[s], ms[s][LOADS / 2], ms[s][0],
                        s < 3 ? NAN : (double)(after.bytes - before.bytes) / LOADS,
                        s < 3 ? NAN : (double)(after.allocations - before.allocations) / LOADS);
    }
    return code;
}
