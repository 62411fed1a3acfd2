#include "cli.h"
#include "store/session.h"

#include "server.h"

#include <stdlib.h>
#include <string.h>

const struct quern_cli_serve quern_cli_serve_defaults = {
    .host = "127.0.0.1",
    .port = 8080,
    .queue_tokens = 524288,
    .queue_bytes = 256 << 20,
    .max_body = 16 << 20,
    .max_connections = 512,
    .timeout = 300,
    .read_timeout = 20,
    .idle_timeout = 90,
    .drain_timeout = 60,
};

/* What the server is to do, as the command line asks. An exit code. */
static int translate(const struct quern_cli_options *options, struct quern_server_options *server)
{
    const struct quern_cli_serve *serve = &options->serve;
    const bool is_json = serve->log_format != NULL && strcmp(serve->log_format, "json") == 0;
    *server = (struct quern_server_options){
        .model_name = serve->model_name, .host = serve->host, .port = serve->port, .threads = options->threads,
        .path = options->exact ? QUERN_PATH_EXACT : QUERN_PATH_FAST, .step_tokens = serve->step_tokens,
        .default_task = -1, .allow_token_ids = serve->allow_token_ids, .strict_model = serve->strict_model,
        .insecure = serve->insecure, .no_sandbox = serve->no_sandbox, .log_json = is_json,
        .api_key_file = serve->api_key_file, .cors_origins = serve->cors_origin,
        .allowed_hosts = serve->allowed_hosts, .max_connections = serve->max_connections,
        .max_body = serve->max_body, .queue_tokens = serve->queue_tokens, .queue_bytes = serve->queue_bytes,
        .cache_bytes = serve->cache, .cache_file = serve->cache_file, .timeout = serve->timeout,
        .read_timeout = serve->read_timeout, .idle_timeout = serve->idle_timeout,
        .drain_timeout = serve->drain_timeout};
    if (options->text_count > 0)
        return quern_cli_misuse("serve", "it takes no arguments; the model is given with -m");
    if (serve->log_format != NULL && !is_json && strcmp(serve->log_format, "plain") != 0)
        return quern_cli_misuse("serve", "there is no log format '%s', but plain and json", serve->log_format);
    if (serve->cache_file != NULL && serve->cache == 0)
        return quern_cli_misuse("serve", "--cache-file needs --cache, the memory to keep vectors in");
    if (serve->default_task == NULL)
        return QUERN_CLI_DONE;
    server->default_task = quern_task_find(serve->default_task);
    return server->default_task >= 0 ? QUERN_CLI_DONE
                                     : quern_cli_misuse("serve", "there is no task '%s'", serve->default_task);
}

/* The file's name without folder and ending. */
static char *model_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = strdup(slash != NULL ? slash + 1 : path);
    if (name != NULL && strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".gguf") == 0)
        name[strlen(name) - 5] = '\0';
    return name;
}

static int serve(const struct quern_cli_options *options)
{
    struct quern_server_options server;
    struct quern_cli_session session;
    quern_error error;
    int code = translate(options, &server);
    if (code == QUERN_CLI_DONE)
        code = quern_cli_session_load(&session, options);
    if (code != QUERN_CLI_DONE)
        return code;
    char *name = model_name(session.path);
    if (server.model_name == NULL)
        server.model_name = name != NULL ? name : "quern";
    if (quern_server_run(session.model, &server, &error) != QUERN_OK) {
        quern_cli_say("%s", error.text);
        code = QUERN_CLI_FAILED;
    }
    free(name);
    quern_cli_session_close(&session);
    return code;
}

const struct quern_cli_verb quern_cli_server = {
    .name = "serve",
    .summary = "Answers requests for vectors over HTTP, as OpenAI, Ollama, TEI and llama-server do.",
    .options = "mJE",
    .more = "Every option may come from the environment, as QUERN_STEP_TOKENS=1024 or QUERN_INSECURE=1; the command\n"
            "line goes first. API keys are read from --api-key-file and $QUERN_API_KEY, again on SIGHUP. SIGTERM ends\n"
            "the server when what it has accepted is answered. A model's name may end in a task: 'any:query'.\n\n"
            "example:\n"
            "  quern serve -m embeddinggemma-300M-Q8_0.gguf\n"
            "  curl http://127.0.0.1:8080/v1/embeddings -d '{\"model\": \"any:query\", \"input\": \"a red apple\"}'\n",
    .environment = true,
    .run = serve,
};
