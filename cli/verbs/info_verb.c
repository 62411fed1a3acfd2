#include "arguments.h"
#include "store/session.h"

#include "json_text.h"

#include <string.h>

struct info_options {
    struct quern_cli_session_options session;
    bool json;
};

/* Writes members of a JSON object or lines "name   value". */
struct info_report {
    bool json;
    int written;
};

static void begin(struct info_report *report, const char *name)
{
    if (report->json)
        printf("%s\n  \"%s\": ", report->written++ == 0 ? "{" : ",", name);
    else
        printf("%-26s ", name);
}

static void put_text(struct info_report *report, const char *name, const char *value)
{
    begin(report, name);
    if (report->json) {
        quern_json_put_string(stdout, (quern_text){value, strlen(value)});
        return;
    }
    quern_cli_put_clean(value);
    putchar('\n');
}

static void put_number(struct info_report *report, const char *name, uint64_t value)
{
    begin(report, name);
    printf(report->json ? "%llu" : "%llu\n", (unsigned long long)value);
}

static void put_bytes(struct info_report *report, const char *name, uint64_t value)
{
    if (report->json) {
        put_number(report, name, value);
        return;
    }
    begin(report, name);
    printf("%llu (%.1f MiB)\n", (unsigned long long)value, (double)value / 1048576);
}

static void put_truth(struct info_report *report, const char *name, bool value)
{
    begin(report, name);
    if (report->json)
        fputs(value ? "true" : "false", stdout);
    else
        puts(value ? "yes" : "no");
}

/* Prompts of tasks, one after another: "name: text". */
static void put_prompts(struct info_report *report, const quern_model *model)
{
    const char *name;
    for (int task = QUERN_TASK_NONE + 1; (name = quern_task_name((quern_task)task)) != NULL; task++) {
        char key[64];
        snprintf(key, sizeof key, "prompt_%s", name);
        for (char *c = key; *c != '\0'; c++)
            *c = *c == '-' ? '_' : *c;
        put_text(report, key, quern_model_prompt(model, (quern_task)task));
    }
}

/* The published model that the file is. */
static void put_known(struct info_report *report, const quern_model_info *info)
{
    quern_known_info known = {.size = sizeof known};
    if (quern_known_describe(quern_known_find(info->known), &known, NULL) != QUERN_OK)
        return;
    put_text(report, "known", known.name);
    put_text(report, "known_reason", info->known_reason);
    put_text(report, "published_as", known.repository);
    put_text(report, "license", known.license);
    put_number(report, "published_tokens", (uint64_t)known.most_tokens);
    put_number(report, "least_dimensions", (uint64_t)known.least_dimensions);
    put_truth(report, "needs_prompts", known.needs_prompts);
}

static void put_model(struct info_report *report, const struct quern_cli_session *session)
{
    const quern_model_info *info = &session->info;
    put_text(report, "file", session->path);
    put_text(report, "architecture", info->architecture);
    put_text(report, "name", info->name);
    put_known(report, info);
    put_text(report, "types", info->types);
    put_number(report, "parameters", info->parameters);
    put_number(report, "dimensions", (uint64_t)info->dimensions);
    put_text(report, "pooling", info->pooling);
    put_truth(report, "head", info->has_head);
    put_number(report, "head_hidden_dimensions", (uint64_t)info->head_hidden_dimensions);
    put_number(report, "context_length", (uint64_t)info->context_length);
    put_number(report, "most_context_length", (uint64_t)info->most_context_length);
    put_number(report, "layers", (uint64_t)info->layers);
    put_number(report, "heads", (uint64_t)info->heads);
    put_number(report, "kv_heads", (uint64_t)info->kv_heads);
    put_number(report, "head_dimensions", (uint64_t)info->head_dimensions);
    put_number(report, "ffn_dimensions", (uint64_t)info->ffn_dimensions);
    put_number(report, "sliding_window", (uint64_t)info->sliding_window);
    put_bytes(report, "file_bytes", info->file_bytes);
    put_text(report, "prompts", info->has_prompts ? "by task" : "none");
    if (info->has_prompts)
        put_prompts(report, session->model);
    if (info->notice != NULL)
        put_text(report, "notice", info->notice);
}

static void put_tokenizer(struct info_report *report, const quern_tokenizer_info *info)
{
    put_text(report, "tokenizer", info->kind);
    put_number(report, "vocabulary", (uint64_t)info->vocabulary);
}

static void put_engine(struct info_report *report, const struct quern_cli_session *session, const char *space)
{
    const quern_model_info *info = &session->info;
    const quern_context_info *context = &session->context_info;
    put_text(report, "version", quern_version());
    put_text(report, "space", space);
    put_text(report, "path", context->path);
    put_text(report, "activations", context->activations);
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

static int print_info(const struct quern_cli_session *session, bool json)
{
    struct info_report report = {.json = json};
    quern_tokenizer_info tokenizer = {.size = sizeof tokenizer};
    quern_embed_options embed = QUERN_CLI_EMBED_DEFAULTS;
    char space[QUERN_SPACE_SIZE];
    quern_error error;
    quern_cli_set_task(session, &embed, QUERN_TASK_DOCUMENT);
    if (quern_space(session->model, &embed, space, &error) != QUERN_OK ||
        quern_tokenizer_describe(session->model, &tokenizer, &error) != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    put_model(&report, session);
    put_tokenizer(&report, &tokenizer);
    put_engine(&report, session, space);
    if (json)
        puts("\n}");
    return QUERN_CLI_DONE;
}

static int info(const void *given, struct quern_cli_arguments arguments)
{
    const struct info_options *options = given;
    struct quern_cli_session session;
    if (arguments.count > 0)
        return quern_cli_misuse("info", "it takes no arguments; the model is given with -m");
    int code = quern_cli_session_open(&session, &options->session);
    if (code != QUERN_CLI_DONE)
        return code;
    code = print_info(&session, options->json);
    quern_cli_session_close(&session);
    return code;
}

static struct info_options defaults;

static const struct quern_cli_option table[] = {
    QUERN_CLI_MODEL_OPTION(struct info_options),
    QUERN_CLI_AS_OPTION(struct info_options),
    QUERN_CLI_THREADS_OPTION(struct info_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct info_options),
    QUERN_CLI_CONTEXT_OPTION(struct info_options),
    QUERN_CLI_JSON_OPTION(struct info_options),
    {0},
};

const struct quern_cli_verb quern_cli_info = {
    .name = "info",
    .summary = "Tells what a model file holds, and how this machine will compute with it.",
    .table = table,
    .more = "known is the published model that the file is. published_tokens, least_dimensions and needs_prompts are\n"
            "what its publisher says: most tokens of a text, the fewest dimensions that a vector may be cut to (0: it\n"
            "should not be cut), and whether every text must have a prompt.\n"
            "The space is that of all dimensions and the task document (none, if the model takes no prompts).\n"
            "Memory is what is planned; pages that are not used take no memory.\n\n"
            "example:\n"
            "  quern info -m embeddinggemma-300M-Q8_0.gguf\n",
    .options = &defaults,
    .run = info,
};
