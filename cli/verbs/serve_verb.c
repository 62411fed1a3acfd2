#include "base/system/system.h"
#include "arguments.h"
#include "environment.h"
#include "store/model_list.h"
#include "store/session.h"

#include "server.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_WAIT 86400      /* seconds: a day */
#define MOST_BODY (16 << 20) /* bytes, unless --max-body says more */

#define INDEX_NAME 200       /* room for the name of an index */

enum { LOG_PLAIN, LOG_JSON };

struct serve_options {
    struct quern_cli_session_options session; /* model: not used */
    struct quern_cli_texts models, indexes;
    const char *folder, *name; /* of models, of one model */
    struct quern_server_options server;
    int log_format; /* LOG_PLAIN or LOG_JSON */
};

/* Checks options against each other, and lists of names. Returns -1, or an exit code after a message, which calls each
 * option as it was given. */
static int check(struct quern_server_options *server)
{
    char label[2][QUERN_CLI_LABEL], name[QUERN_CLI_LABEL];
    quern_error error;
    if (server->cache_file != NULL && server->cache_bytes == 0)
        return quern_cli_misuse("serve", "%s needs --cache, the memory to keep vectors in",
                                quern_cli_label("cache-file", label[0]));
    if (server->max_body > server->queue_bytes)
        return quern_cli_misuse("serve", "%s %d is more than %s %d, the memory of all requests: a body of this size "
                                "could never be taken", quern_cli_label("max-body", label[0]), server->max_body,
                                quern_cli_label("queue-bytes", label[1]), server->queue_bytes);
    if (server->max_body == 0)
        server->max_body = server->queue_bytes < MOST_BODY ? server->queue_bytes : MOST_BODY;
    if (quern_server_check(server, &error) == QUERN_OK)
        return -1;
    const int length = (int)strcspn(error.text, ":"); /* the text begins with "--NAME:" */
    snprintf(name, sizeof name, "%.*s", length - 2, error.text + 2);
    return quern_cli_misuse("serve", "%s%s", quern_cli_label(name, label[0]), error.text + length);
}

/* Says why the server did not start, and first which variable of the environment named what is at fault, if one did. */
static int fail(const struct quern_server_options *server, const quern_error *error)
{
    const struct {
        const char *option, *value;
    } named[] = {{"api-key-file", server->api_key_file}, {"cache-file", server->cache_file}, {"host", server->host}};
    char label[QUERN_CLI_LABEL];
    for (size_t i = 0; i < QUERN_COUNT(named); i++)
        if (quern_cli_label(named[i].option, label)[0] == '$' && strstr(error->text, named[i].value) != NULL) {
            quern_cli_say("%s: %s", label, error->text);
            return QUERN_CLI_FAILED;
        }
    return quern_cli_fail(NULL, error);
}

/* Describes the models to the server. An exit code after a message, or QUERN_CLI_DONE; then the caller frees
 * server->models. */
static int describe(struct quern_server_options *server, const struct serve_options *options,
                    const struct quern_cli_model_list *list)
{
    char label[2][QUERN_CLI_LABEL];
    if (options->name != NULL && list->count > 1)
        return quern_cli_misuse("serve", "%s is for a server of one model; of several each gets its own: %s NAME=FILE",
                                quern_cli_label("model-name", label[0]), quern_cli_label("model", label[1]));
    if (options->session.as != NULL && list->count > 1)
        return quern_cli_misuse("serve", "%s is for a server of one model", quern_cli_label("as", label[0]));
    struct quern_server_model *models = calloc(list->count, sizeof *models);
    if (models == NULL) {
        quern_cli_say("there is no memory for the list of models");
        return QUERN_CLI_FAILED;
    }
    for (size_t i = 0; i < list->count; i++) {
        const struct quern_cli_listed *listed = &list->models[i];
        models[i] = (struct quern_server_model){.name = options->name != NULL ? options->name : listed->name,
                                                .alias = listed->alias,
                                                .path = listed->path,
                                                .known = options->session.as,
                                                .is_optional = listed->is_of_folder};
    }
    server->models = models;
    server->model_count = list->count;
    return QUERN_CLI_DONE;
}

/* Divides NAME=FILE; without a name it is that of the file, without ".qidx". A file whose name has a '=' is a file. */
static int describe_index(struct quern_server_index *index, const char *given, char name[INDEX_NAME])
{
    char label[QUERN_CLI_LABEL];
    size_t length = strcspn(given, "=/");
    const bool is_named = length > 0 && given[length] == '=' && access(given, F_OK) != 0;
    const char *begin = is_named ? given : quern_system_file_name(given);
    index->path = is_named ? given + length + 1 : given;
    if (!is_named)
        length = strlen(begin);
    if (!is_named && length > 5 && strcmp(begin + length - 5, ".qidx") == 0)
        length -= 5;
    if (length >= INDEX_NAME)
        return quern_cli_misuse("serve", "%s %s: a name has at most %d bytes", quern_cli_label("index", label), given,
                                INDEX_NAME - 1);
    snprintf(name, INDEX_NAME, "%.*s", (int)length, begin);
    index->name = name;
    return QUERN_CLI_DONE;
}

/* Describes the indexes to the server. */
static int describe_indexes(const struct quern_cli_texts *given, struct quern_server_index *indexes,
                            char (*names)[INDEX_NAME])
{
    char label[QUERN_CLI_LABEL];
    for (int i = 0; i < given->count; i++) {
        const int code = describe_index(&indexes[i], given->values[i], names[i]);
        if (code != QUERN_CLI_DONE)
            return code;
        for (int k = 0; k < i; k++)
            if (strcmp(names[k], names[i]) == 0)
                return quern_cli_misuse("serve", "%s: two indexes would be called %s: give one another name, as "
                                        "NAME=FILE", quern_cli_label("index", label), names[i]);
    }
    return QUERN_CLI_DONE;
}

static int serve_models(const struct serve_options *options, const struct quern_cli_model_list *list)
{
    struct quern_server_options server = options->server;
    quern_error error;
    server.threads = options->session.threads;
    server.path = options->session.exact ? QUERN_PATH_EXACT : QUERN_PATH_FAST;
    server.context_length = options->session.context_length;
    server.log_json = options->log_format == LOG_JSON;
    struct quern_server_index indexes[QUERN_CLI_TEXTS];
    char names[QUERN_CLI_TEXTS][INDEX_NAME];
    int code = describe_indexes(&options->indexes, indexes, names);
    server.indexes = indexes;
    server.index_count = (size_t)options->indexes.count;
    if (code == QUERN_CLI_DONE)
        code = describe(&server, options, list);
    if (code != QUERN_CLI_DONE)
        return code;
    code = check(&server);
    if (code < 0)
        code = quern_server_run(&server, &error) == QUERN_OK ? QUERN_CLI_DONE : fail(&server, &error);
    free((void *)(uintptr_t)server.models);
    return code;
}

static int serve(const void *given, struct quern_cli_arguments arguments)
{
    const struct serve_options *options = given;
    struct quern_cli_model_list list;
    if (arguments.count > 0)
        return quern_cli_misuse("serve", "it takes no arguments; the model is given with -m");
    int code = quern_cli_model_list_make(&list, options->models.values, options->models.count, options->folder);
    if (code == QUERN_CLI_DONE)
        code = serve_models(options, &list);
    quern_cli_model_list_free(&list);
    return code;
}

static struct serve_options defaults = {
    .server = {.host = "127.0.0.1",
               .port = 8080,
               .default_task = -1,
               .queue_tokens = 524288,
               .queue_bytes = 256 << 20,
               .max_connections = 512,
               .timeout = 300,
               .read_timeout = 20,
               .idle_timeout = 180, /* longer than clients keep a connection to use it again; most take 90 */
               .drain_timeout = 60},
};

#define TEXT(field) QUERN_CLI_TEXT(struct serve_options, server.field)
#define SWITCH(field) QUERN_CLI_SWITCH(struct serve_options, server.field)
#define NUMBER(field, least, most) QUERN_CLI_NUMBER(struct serve_options, server.field, least, most)
#define SECONDS(field) QUERN_CLI_SECONDS(struct serve_options, server.field, MOST_WAIT)

static const struct quern_cli_option table[] = {
    {"model", 'm', "MODEL", "as for all verbs, or with a name, NAME=MODEL; may be given several times",
     QUERN_CLI_SEVERAL(struct serve_options, models)},
    QUERN_CLI_AS_OPTION(struct serve_options),
    {"models", '\0', "FOLDER", "serve the GGUF files of FOLDER, too", QUERN_CLI_TEXT(struct serve_options, folder)},
    {"index", '\0', "FILE", "search in this index, too; or with a name, NAME=FILE; may be given several times",
     QUERN_CLI_SEVERAL(struct serve_options, indexes)},
    {"index-writable", '\0', NULL, "clients may add texts to the indexes and remove them; a missing index is made",
     SWITCH(index_writable)},
    {"models-memory", '\0', "BYTES", "memory of loaded models, for example 8G; default: half of the machine's",
     QUERN_CLI_BYTES(struct serve_options, server.models_memory)},
    {"unload-after", '\0', "S", "seconds without a request after which a model is freed, 0: never; default: 0",
     SECONDS(unload_after)},
    QUERN_CLI_THREADS_OPTION(struct serve_options, session.threads),
    QUERN_CLI_EXACT_OPTION(struct serve_options),
    QUERN_CLI_CONTEXT_OPTION(struct serve_options),
    {"host", '\0', "ADDRESS", "address to listen on, or unix:PATH; default: 127.0.0.1", TEXT(host)},
    {"port", '\0', "PORT", "port to listen on, 0 for any; default: 8080", NUMBER(port, 0, 65535)},
    {"model-name", '\0', "NAME", "what clients call the one model; default: the name of its file",
     QUERN_CLI_TEXT(struct serve_options, name)},
    {"strict-model", '\0', NULL, "refuse requests for models of other names", SWITCH(strict_model)},
    {"default-task", '\0', "TASK", "task of texts that come without one; default: none",
     QUERN_CLI_TASK(struct serve_options, server.default_task)},
    {"allow-token-ids", '\0', NULL, "accept inputs that are token ids of this model", SWITCH(allow_token_ids)},
    {"step-tokens", '\0', "N", "tokens computed at once; default: 512", NUMBER(step_tokens, 1, 1 << 20)},
    {"timeout", '\0', "S", "seconds a request may wait for its vectors, 0: no limit; default: 300", SECONDS(timeout)},
    {"queue-tokens", '\0', "N", "tokens that may wait, and tokens of one request; default: 524288",
     NUMBER(queue_tokens, 1, 1 << 30)},
    {"queue-bytes", '\0', "N", "memory of all requests and answers; default: 268435456",
     NUMBER(queue_bytes, 1 << 16, INT_MAX)},
    {"cache", '\0', "BYTES", "memory for vectors of texts that may come again, for example 256M; default: none",
     QUERN_CLI_BYTES(struct serve_options, server.cache_bytes)},
    {"cache-file", '\0', "FILE", "keep these vectors in FILE from one run to the next; default: none",
     TEXT(cache_file)},
    {"max-body", '\0', "N", "bytes of a request; default: 16777216, or what --queue-bytes allows",
     NUMBER(max_body, 1, 1 << 30)},
    {"max-connections", '\0', "N", "connections open at once; default: 512", NUMBER(max_connections, 1, 1 << 20)},
    {"read-timeout", '\0', "S", "seconds for a head, and between signs of progress, 0: no limit; default: 20",
     SECONDS(read_timeout)},
    {"idle-timeout", '\0', "S", "seconds a connection may be idle, 0: no limit; default: 180", SECONDS(idle_timeout)},
    {"drain-timeout", '\0', "S", "seconds for running requests after SIGTERM, 0: none; default: 60",
     SECONDS(drain_timeout)},
    {"api-key-file", '\0', "FILE", "a file of keys, one a line; every request must bring one", TEXT(api_key_file)},
    {"insecure", '\0', NULL, "accept requests without a key on any address", SWITCH(insecure)},
    {"allowed-hosts", '\0', "NAMES", "names of this server in Host, with commas, such as a.example,*.a.example",
     TEXT(allowed_hosts)},
    {"cors-origin", '\0', "ORIGINS", "web pages that may send requests, with commas, such as http://localhost:*, or *",
     TEXT(cors_origins)},
    {"no-sandbox", '\0', NULL, "keep the rights that the server does not need", SWITCH(no_sandbox)},
    {"log-format", '\0', "FORMAT", NULL, QUERN_CLI_WORD(struct serve_options, log_format, "plain|json")},
    {0},
};

const struct quern_cli_verb quern_cli_serve = {
    .name = "serve",
    .summary = "Answers requests for vectors over HTTP, as OpenAI, Ollama, TEI and llama-server do.",
    .table = table,
    .more = "Every option may also be a variable of the environment, such as QUERN_STEP_TOKENS=1024 or\n"
            "QUERN_INSECURE=true; the command line counts first. API keys are read from --api-key-file and\n"
            "$QUERN_API_KEY, and again after SIGHUP. After SIGTERM the server answers the requests that it has\n"
            "accepted, then ends. The name of the model in a request may end in a task: 'any:query'.\n\n"
            "example:\n"
            "  quern serve -m embeddinggemma-300M-Q8_0.gguf\n"
            "  curl http://127.0.0.1:8080/v1/embeddings -d '{\"model\": \"any:query\", \"input\": \"a red apple\"}'\n"
            "  quern serve --index notes.qidx --index-writable\n"
            "  curl http://127.0.0.1:8080/index/add -d '{\"texts\": [{\"id\": \"a\", \"text\": \"Roots drink.\"}]}'\n"
            "  curl http://127.0.0.1:8080/search -d '{\"query\": \"how do plants drink\"}'\n",
    .environment = true,
    .options = &defaults,
    .run = serve,
};
