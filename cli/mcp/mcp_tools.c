#include "mcp_tools.h"

#include "added_text.h"
#include "json_text.h"
#include "jobs_error.h"
#include "source_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HITS_UNASKED = 10, HITS_A_CALL = 100, TEXTS_A_CALL = 256, NOTICES_A_CALL = 16 };

const struct quern_mcp_tool quern_mcp_tools[QUERN_MCP_TOOLS] = {
    {"search",
     "\"title\":\"Search the index\",\"description\":\"Finds the passages of the user's notes, documents or code that "
     "are nearest in meaning to a query. Returns for each the file, its lines, the title and the text, the best "
     "first.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
     "\"query\":{\"type\":\"string\",\"description\":\"A question, or what the passage should be about.\"},"
     "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":10,\"description\":\"How many passages "
     "to find at most.\"},"
     "\"hybrid\":{\"type\":\"boolean\",\"default\":false,\"description\":\"Search by words too. Use it for names, "
     "numbers and identifiers.\"},"
     "\"path\":{\"type\":\"string\",\"description\":\"Look only in files or folders like this: 'docs', 'docs/*.md', "
     "'/home/me/notes'. * stands for any characters of a name, ** for any characters.\"}},\"required\":[\"query\"]},"
     "\"outputSchema\":{\"type\":\"object\",\"properties\":{\"hits\":{\"type\":\"array\",\"items\":{"
     "\"type\":\"object\",\"properties\":{\"id\":{\"type\":[\"string\",\"integer\"]},\"score\":{\"type\":\"number\"},"
     "\"path\":{\"type\":\"string\"},\"line\":{\"type\":\"integer\"},\"last_line\":{\"type\":\"integer\"},"
     "\"begin\":{\"type\":\"integer\"},\"end\":{\"type\":\"integer\"},\"title\":{\"type\":\"string\"},"
     "\"text\":{\"type\":\"string\"}},\"required\":[\"id\",\"score\"]}},\"certified\":{\"type\":\"boolean\"}},"
     "\"required\":[\"hits\",\"certified\"]},\"annotations\":{\"readOnlyHint\":true,\"openWorldHint\":false}"},
    {"embed",
     "\"title\":\"Embed texts\",\"description\":\"Turns texts into vectors. The cosine of two vectors of the same "
     "space says how similar the texts are.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
     "\"texts\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":256},"
     "\"task\":{\"type\":\"string\",\"default\":\"none\",\"description\":\"What the vectors are for: none, query, "
     "document, similarity, classification, clustering, code, summarization, question-answering or "
     "fact-checking.\"}},"
     "\"required\":[\"texts\"]},\"outputSchema\":{\"type\":\"object\",\"properties\":{\"vectors\":{\"type\":\"array\","
     "\"items\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}}},\"dimensions\":{\"type\":\"integer\"},"
     "\"space\":{\"type\":\"string\"}},\"required\":[\"vectors\",\"dimensions\",\"space\"]},"
     "\"annotations\":{\"readOnlyHint\":true,\"openWorldHint\":false}"},
    {"add",
     "\"title\":\"Add to the index\",\"description\":\"Adds a text, or a file or folder, to the index, so that search "
     "finds it. Give either text or path. Files must lie in the folders that the user has indexed or allowed; what has "
     "changed in them is brought up to date.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
     "\"text\":{\"type\":\"string\",\"description\":\"Plain text or Markdown.\"},"
     "\"title\":{\"type\":\"string\",\"description\":\"The title of the text.\"},"
     "\"path\":{\"type\":\"string\",\"description\":\"The absolute path of a file or folder.\"}}},"
     "\"outputSchema\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"passages\":{\"type\":\"integer\"},\"files\":{\"type\":\"integer\"},\"new\":{\"type\":\"integer\"},"
     "\"changed\":{\"type\":\"integer\"},\"removed\":{\"type\":\"integer\"},\"failed\":{\"type\":\"integer\"},"
     "\"notices\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}},\"required\":[\"passages\"]},"
     "\"annotations\":{\"readOnlyHint\":false,\"destructiveHint\":false,\"idempotentHint\":true,"
     "\"openWorldHint\":false}"}};

/* Says which argument is wrong. Returns a code, to be returned. */
static int misuse(quern_error *error, const char *name, const char *must, const struct quern_value *is)
{
    return quern_jobs_fail(error, QUERN_EINVAL, "%s must be %s; it is %s", name, must, quern_value_kind_name(is));
}

/* ---------------------------------------------------------------- search */

/* What a search is asked for. */
struct asked {
    quern_text query, path; /* path.length 0: any */
    int64_t limit;
    bool hybrid;
};

static int read_search(const struct quern_value *arguments, struct asked *asked, quern_error *error)
{
    const struct quern_value *query = quern_value_member(arguments, "query");
    const struct quern_value *limit = quern_value_member(arguments, "limit");
    const struct quern_value *hybrid = quern_value_member(arguments, "hybrid");
    const struct quern_value *path = quern_value_member(arguments, "path");
    if (!quern_value_is(query, QUERN_VALUE_TEXT))
        return misuse(error, "query", "a string", query);
    if (quern_value_text(query).length == 0)
        return quern_jobs_fail(error, QUERN_EINVAL, "query must not be empty");
    *asked = (struct asked){.query = quern_value_text(query), .path = quern_value_text(path), .limit = HITS_UNASKED,
                            .hybrid = quern_value_is_true(hybrid)};
    if (limit != NULL && !quern_value_is(limit, QUERN_VALUE_NULL)) {
        asked->limit = quern_value_integer(limit);
        if (asked->limit < 1 || asked->limit > HITS_A_CALL)
            return quern_jobs_fail(error, QUERN_EINVAL, "limit must be a whole number from 1 to %d", HITS_A_CALL);
    }
    if (hybrid != NULL && !quern_value_is(hybrid, QUERN_VALUE_BOOLEAN) && !quern_value_is(hybrid, QUERN_VALUE_NULL))
        return misuse(error, "hybrid", "true or false", hybrid);
    if (path != NULL && !quern_value_is(path, QUERN_VALUE_TEXT) && !quern_value_is(path, QUERN_VALUE_NULL))
        return misuse(error, "path", "a string", path);
    return QUERN_OK;
}

/* Searches in the index, which is open; vector[its dimensions] and hits[asked->limit] are scratch memory. */
static int find(struct quern_mcp_toolbox *box, const struct asked *asked, float *vector, struct quern_shown_hit *hits,
                FILE *out, quern_error *error)
{
    const quern_index_info *info = &box->index.info;
    char space[QUERN_SPACE_SIZE];
    quern_embed_options embed;
    quern_search_result result;
    const struct quern_row_filter filter = {.by_path = true, .patterns = &asked->path, .pattern_count = 1};
    quern_context_info context = {.size = sizeof context};
    struct quern_hit_search search = {
        .searcher = box->index.searcher, .index = box->index.index, .queries = vector, .count = 1,
        .words = asked->hybrid ? &asked->query : NULL, .filter = asked->path.length > 0 ? &filter : NULL,
        .options = {.size = sizeof search.options, .hits = (size_t)asked->limit, .space = space}};
    int code = quern_context_describe(box->session->context, &context, error);
    search.threads = context.threads;
    if (code == QUERN_OK)
        code = quern_hit_options(box->session->model, info, QUERN_TASK_QUERY, &embed, error);
    if (code == QUERN_OK)
        code = quern_space(box->session->model, &embed, space, error);
    if (code == QUERN_OK)
        code = quern_embed(box->session->context, &asked->query, 1, &embed, vector, (size_t)info->dimensions, NULL,
                           error);
    if (code == QUERN_OK)
        code = quern_find_hits(&search, hits, &result, error);
    if (code != QUERN_OK)
        return code;
    fputs("{\"hits\":[", out);
    for (size_t i = 0; i < result.hits; i++) {
        fputs(i > 0 ? "," : "", out);
        quern_put_hit(out, &hits[i], info->ids == QUERN_INDEX_NAMES, false);
    }
    fprintf(out, "],\"certified\":%s}", result.certified ? "true" : "false");
    return QUERN_OK;
}

/* Whether there is no file of the index yet. */
static bool is_missing(const struct quern_mcp_toolbox *box)
{
    return access(box->index.path, F_OK) != 0 && errno == ENOENT;
}

static int run_search(struct quern_mcp_toolbox *box, const struct quern_mcp_call *call, FILE *out, quern_error *error)
{
    struct asked asked;
    int code = read_search(call->arguments, &asked, error);
    if (code == QUERN_OK && is_missing(box)) {
        fputs("{\"hits\":[],\"certified\":true}", out);
        return QUERN_OK;
    }
    if (code == QUERN_OK)
        code = quern_followed_index_look(&box->index, error);
    if (code != QUERN_OK)
        return code;
    float *vector = calloc((size_t)box->index.info.dimensions, sizeof *vector);
    struct quern_shown_hit *hits = calloc((size_t)asked.limit, sizeof *hits);
    code = vector != NULL && hits != NULL ? find(box, &asked, vector, hits, out, error)
                                          : quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a search");
    free(vector);
    free(hits);
    return code;
}

/* ---------------------------------------------------------------- embed */

/* Reads the texts, which are [TEXTS_A_CALL], and the task. */
static int read_embed(const struct quern_value *arguments, quern_text *texts, size_t *count, quern_task *task,
                      quern_error *error)
{
    const struct quern_value *list = quern_value_member(arguments, "texts");
    const struct quern_value *name = quern_value_member(arguments, "task");
    *count = 0;
    if (quern_value_size(list) < 1 || quern_value_size(list) > TEXTS_A_CALL)
        return quern_jobs_fail(error, QUERN_EINVAL, "texts must be a list of 1 to %d strings", TEXTS_A_CALL);
    for (const struct quern_value *item = quern_value_first(list); item != NULL; item = quern_value_next(item)) {
        if (!quern_value_is(item, QUERN_VALUE_TEXT))
            return misuse(error, "each of texts", "a string", item);
        texts[(*count)++] = quern_value_text(item);
    }
    *task = QUERN_TASK_NONE;
    if (name == NULL || quern_value_is(name, QUERN_VALUE_NULL))
        return QUERN_OK;
    const int found = quern_task_find(quern_value_string(name));
    if (found < 0)
        return quern_jobs_fail(error, QUERN_EINVAL, "task must be none, query, document, similarity, classification, "
                               "clustering, code, summarization, question-answering or fact-checking");
    *task = (quern_task)found;
    return QUERN_OK;
}

static int run_embed(struct quern_mcp_toolbox *box, const struct quern_mcp_call *call, FILE *out, quern_error *error)
{
    quern_text texts[TEXTS_A_CALL];
    quern_embed_options embed = {.size = sizeof embed};
    char space[QUERN_SPACE_SIZE];
    size_t count;
    quern_task task;
    const size_t width = (size_t)box->session->info.dimensions;
    int code = read_embed(call->arguments, texts, &count, &task, error);
    if (code != QUERN_OK)
        return code;
    embed.task = box->session->info.has_prompts ? (int)task : QUERN_TASK_NONE;
    float *rows = calloc(count, width * sizeof *rows);
    if (rows == NULL)
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for the vectors");
    code = quern_space(box->session->model, &embed, space, error);
    if (code == QUERN_OK)
        code = quern_embed(box->session->context, texts, count, &embed, rows, count * width, NULL, error);
    for (size_t i = 0; code == QUERN_OK && i < count * width; i++) {
        fputs(i == 0 ? "{\"vectors\":[[" : i % width == 0 ? "],[" : ",", out);
        quern_json_put_float(out, rows[i]);
    }
    if (code == QUERN_OK)
        fprintf(out, "]],\"dimensions\":%zu,\"space\":\"%s\"}", width, space);
    free(rows);
    return code;
}

/* ---------------------------------------------------------------- add */

/* A run that adds files. */
struct adding_files {
    struct quern_mcp_toolbox *box;
    const struct quern_mcp_call *call;
    FILE *notices; /* items of a JSON array */
    int notice_count;
};

static int give_model(void *user, const char **model, const char *known, bool exact, const quern_model **opened,
                      quern_context **context)
{
    const struct adding_files *adding = user;
    (void)known;
    (void)exact; /* the session was opened as the index wants it */
    if (*model == NULL)
        *model = adding->box->model_name;
    *opened = adding->box->session->model;
    *context = adding->box->session->context;
    return QUERN_OK;
}

static bool report(void *user, const struct quern_indexing_progress *progress)
{
    const struct adding_files *adding = user;
    quern_mcp_tell_progress(adding->box->protocol, adding->call, progress->bytes, progress->total_bytes);
    return !atomic_load(&adding->call->is_cancelled);
}

static void take_notice(void *user, const char *line)
{
    struct adding_files *adding = user;
    if (adding->notice_count == NOTICES_A_CALL)
        return;
    fputs(adding->notice_count++ > 0 ? "," : "", adding->notices);
    quern_json_put_string(adding->notices, (quern_text){line, strlen(line)});
}

/* Whether a path lies in what the index has already, and whether it may be added at all. */
static int check_path(struct quern_mcp_toolbox *box, const char *path, bool *is_known, quern_error *error)
{
    struct quern_source_table table = {.count = 0};
    bool may_be_added = false;
    *is_known = false;
    int code = is_missing(box) ? QUERN_OK : quern_followed_index_look(&box->index, error);
    if (code == QUERN_OK && box->index.index != NULL)
        code = quern_source_table_read(&table, box->index.info.note, error);
    for (size_t i = 0; i < table.root_count; i++)
        *is_known |= quern_source_is_in(path, table.roots[i]);
    for (int i = 0; i < box->allowed_count; i++)
        may_be_added |= quern_source_is_in(path, box->allowed[i]);
    quern_source_table_free(&table);
    if (code == QUERN_OK && !*is_known && !may_be_added)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s is outside of what may be added: the files and folders of the "
                               "index, and those that quern mcp was started with (--allow)", path);
    return code;
}

static int add_files(struct quern_mcp_toolbox *box, const struct quern_mcp_call *call, const char *given, FILE *out,
                     quern_error *error)
{
    char *path = realpath(given, NULL), *text = NULL;
    size_t length;
    bool is_known;
    if (path == NULL)
        return quern_jobs_fail(error, QUERN_EIO, "cannot read %s: %s", given, strerror(errno));
    struct quern_indexing_progress done;
    struct adding_files adding = {.box = box, .call = call, .notices = open_memstream(&text, &length)};
    int code = adding.notices != NULL ? check_path(box, path, &is_known, error)
                                      : quern_jobs_fail(error, QUERN_ENOMEM, "no memory for notices");
    if (code == QUERN_OK) {
        const struct quern_indexing_options options = {
            .path = box->index.path, .roots = &path, .root_count = is_known ? 0 : 1,
            .is_confined = true, .chunk = {.size = sizeof options.chunk}, .commit_seconds = 20};
        const struct quern_indexing_job job = {.options = &options, .open = give_model, .report = report,
                                               .notice = take_notice, .user = &adding};
        code = quern_indexing_run(&job, &done, error);
    }
    if (adding.notices != NULL)
        fclose(adding.notices);
    if (code == QUERN_OK) {
        putc('{', out);
        quern_cli_put_indexing(out, &done);
        fprintf(out, ",\"notices\":[%s]}", text);
    } else if (code > 0) {
        code = quern_jobs_fail(error, QUERN_EINVAL, "the call was cancelled");
    }
    free(text);
    free(path);
    return code;
}

static int add_text(struct quern_mcp_toolbox *box, quern_text title, quern_text text, FILE *out, quern_error *error)
{
    const struct quern_added_text added = {.path = box->index.path, .model_name = box->model_name,
                                           .model = box->session->model, .context = box->session->context,
                                           .title = title, .text = text};
    char name[QUERN_ADDED_TEXT_NAME];
    uint64_t passages;
    const int code = quern_add_text(&added, name, &passages, error);
    if (code == QUERN_OK)
        fprintf(out, "{\"id\":\"%s\",\"passages\":%llu}", name, (unsigned long long)passages);
    return code;
}

static int run_add(struct quern_mcp_toolbox *box, const struct quern_mcp_call *call, FILE *out, quern_error *error)
{
    const struct quern_value *text = quern_value_member(call->arguments, "text");
    const struct quern_value *title = quern_value_member(call->arguments, "title");
    const struct quern_value *path = quern_value_member(call->arguments, "path");
    if ((text == NULL) == (path == NULL))
        return quern_jobs_fail(error, QUERN_EINVAL, "give either text or path");
    if (text != NULL && !quern_value_is(text, QUERN_VALUE_TEXT))
        return misuse(error, "text", "a string", text);
    if (path != NULL && !quern_value_is(path, QUERN_VALUE_TEXT))
        return misuse(error, "path", "a string", path);
    if (path != NULL && quern_value_string(path) == NULL)
        return quern_jobs_fail(error, QUERN_EINVAL, "path must have no NUL byte");
    if (path != NULL && quern_value_text(path).length == 0)
        return quern_jobs_fail(error, QUERN_EINVAL, "path must not be empty");
    if (title != NULL && (path != NULL || !quern_value_is(title, QUERN_VALUE_TEXT)))
        return quern_jobs_fail(error, QUERN_EINVAL, "title must be a string, and goes with text only");
    return path != NULL ? add_files(box, call, quern_value_string(path), out, error)
                        : add_text(box, quern_value_text(title), quern_value_text(text), out, error);
}

/* ---------------------------------------------------------------- results */

/* The result of a call: the object is given as a text, too, for clients of older versions. */
static void put_result(FILE *file, quern_text object)
{
    fputs("{\"content\":[{\"type\":\"text\",\"text\":", file);
    quern_json_put_string(file, object);
    fputs("}],\"structuredContent\":", file);
    fwrite(object.data, 1, object.length, file);
    fputs(",\"isError\":false}", file);
}

static void put_failure(FILE *file, const char *text)
{
    fputs("{\"content\":[{\"type\":\"text\",\"text\":", file);
    quern_json_put_string(file, (quern_text){text, strlen(text)});
    fputs("}],\"isError\":true}", file);
}

quern_text quern_mcp_run_tool(void *toolbox, const struct quern_mcp_call *call)
{
    static int (*const runs[QUERN_MCP_TOOLS])(struct quern_mcp_toolbox *, const struct quern_mcp_call *, FILE *,
                                              quern_error *) = {run_search, run_embed, run_add};
    char *object = NULL, *result = NULL;
    size_t object_length, result_length;
    quern_error error = {.index = -1};
    FILE *out = open_memstream(&object, &object_length), *file = open_memstream(&result, &result_length);
    int code = QUERN_ENOMEM;
    if (out != NULL)
        code = runs[call->tool](toolbox, call, out, &error);
    const bool is_whole = out != NULL && fclose(out) == 0;
    if (file != NULL && code == QUERN_OK && is_whole)
        put_result(file, (quern_text){object, object_length});
    else if (file != NULL)
        put_failure(file, code != QUERN_OK && error.text[0] != '\0' ? error.text : "there is no memory for the result");
    free(object);
    if (file == NULL || fclose(file) == 0)
        return (quern_text){result, file != NULL ? result_length : 0};
    free(result);
    return (quern_text){0};
}
