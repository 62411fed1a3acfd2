#include "cli.h"
#include "store/session.h"

#include <string.h>

/* Writes "name": value pairs or lines "name   value", whatever was asked for. */
struct report {
    bool json;
    int written;
};

static void begin(struct report *report, const char *name)
{
    if (report->json)
        printf("%s\n  \"%s\": ", report->written++ == 0 ? "{" : ",", name);
    else
        printf("%-24s ", name);
}

static void put_text(struct report *report, const char *name, const char *value)
{
    begin(report, name);
    if (report->json)
        quern_cli_put_string(stdout, (quern_text){value, strlen(value)});
    else
        puts(value);
}

static void put_number(struct report *report, const char *name, uint64_t value)
{
    begin(report, name);
    printf(report->json ? "%llu" : "%llu\n", (unsigned long long)value);
}

static void put_bytes(struct report *report, const char *name, uint64_t value)
{
    if (report->json) {
        put_number(report, name, value);
        return;
    }
    begin(report, name);
    printf("%llu (%.1f MiB)\n", (unsigned long long)value, (double)value / 1048576);
}

static void put_model(struct report *report, const struct quern_cli_session *session)
{
    const quern_model_info *info = &session->info;
    put_text(report, "file", session->path);
    put_text(report, "architecture", info->architecture);
    put_text(report, "name", info->name);
    put_text(report, "types", info->types);
    put_number(report, "parameters", info->parameters);
    put_number(report, "dimensions", (uint64_t)info->dimensions);
    begin(report, "head");
    if (report->json)
        fputs(info->has_head ? "true" : "false", stdout);
    else
        puts(info->has_head ? "yes" : "no");
    put_text(report, "prompts", info->has_prompts ? "by task" : "none");
    put_number(report, "head_hidden_dimensions", (uint64_t)info->head_hidden_dimensions);
    put_number(report, "context_length", (uint64_t)info->context_length);
    put_number(report, "layers", (uint64_t)info->layers);
    put_number(report, "heads", (uint64_t)info->heads);
    put_number(report, "kv_heads", (uint64_t)info->kv_heads);
    put_number(report, "head_dimensions", (uint64_t)info->head_dimensions);
    put_number(report, "ffn_dimensions", (uint64_t)info->ffn_dimensions);
    put_number(report, "sliding_window", (uint64_t)info->sliding_window);
    put_number(report, "vocabulary", (uint64_t)info->vocabulary);
    put_bytes(report, "file_bytes", info->file_bytes);
}

static void put_engine(struct report *report, const struct quern_cli_session *session, const char *space)
{
    const quern_model_info *info = &session->info;
    const quern_context_info *context = &session->context_info;
    put_text(report, "version", quern_version());
    put_text(report, "space", space);
    put_text(report, "path", context->path);
    put_text(report, "kernels", info->kernels);
    put_text(report, "kernels_reason", info->kernels_reason);
    put_number(report, "threads", (uint64_t)context->threads);
    put_text(report, "threads_reason", context->threads_reason);
    put_number(report, "step_tokens", (uint64_t)context->step_tokens);
    put_bytes(report, "packed_bytes", info->packed_bytes);
    put_bytes(report, "vocabulary_bytes", info->vocabulary_bytes);
    put_bytes(report, "arena_bytes", context->arena_bytes);
    put_bytes(report, "memory_bytes", info->packed_bytes + info->vocabulary_bytes + context->arena_bytes);
}

static int info(const struct quern_cli_options *options)
{
    struct quern_cli_session session;
    struct report report = {.json = options->json};
    char space[QUERN_SPACE_SIZE];
    quern_error error;
    if (options->text_count > 0)
        return quern_cli_misuse("info", "it takes no arguments; the model is given with -m");
    int code = quern_cli_session_open(&session, options);
    if (code != QUERN_CLI_DONE)
        return code;
    const int task = quern_cli_task(&session, options, QUERN_TASK_DOCUMENT);
    quern_embed_options embed = quern_cli_embed_options(options, task);
    if (quern_space(session.model, &embed, space, &error) != QUERN_OK) {
        quern_cli_say("%s", error.text);
        code = QUERN_CLI_FAILED;
    } else {
        put_model(&report, &session);
        if (session.info.notice != NULL)
            put_text(&report, "notice", session.info.notice);
        put_engine(&report, &session, space);
        if (report.json)
            puts("\n}");
    }
    quern_cli_session_close(&session);
    return code;
}

const struct quern_cli_verb quern_cli_info = {
    .name = "info",
    .summary = "Tells what a model file holds, and how this machine will compute with it.",
    .options = "mAJE",
    .more = "space is that of the task document (none, if the model takes no prompts), all dimensions.\n"
            "Memory is planned; pages that are not used take none.\n\n"
            "example:\n"
            "  quern info -m embeddinggemma-300M-Q8_0.gguf\n",
    .run = info,
};
