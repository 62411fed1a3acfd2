#include "arguments.h"
#include "pull.h"

#include "json_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_RETRIES 1000
#define MOST_STALL 3600  /* seconds */
#define MOST_WAIT 86400  /* seconds */

struct pull_options {
    const char *sha256; /* NULL: not given */
    int retries, stall, wait;
    bool list, json;
};

static bool is_cached(const struct quern_cli_published *published)
{
    char path[QUERN_CLI_PATH];
    return quern_cli_cache_path(path, published->name) && quern_cli_is_file(path);
}

static void put_or_null(const char *key, const char *value)
{
    printf(", \"%s\": ", key);
    if (value != NULL)
        quern_json_put_string(stdout, (quern_text){value, strlen(value)});
    else
        fputs("null", stdout);
}

static void list_json(void)
{
    for (const struct quern_cli_published *published = quern_cli_catalog; published->name != NULL; published++) {
        const quern_known_info known = quern_cli_published_known(published);
        fputs(published == quern_cli_catalog ? "[{" : ",\n {", stdout);
        quern_json_put_member(stdout, "name", published->name);
        quern_json_put_member(stdout, ", model", known.repository);
        quern_json_put_member(stdout, ", license", known.license);
        printf(", \"origin\": \"hf:%s/%s\"", published->repository, published->path);
        put_or_null("revision", published->revision);
        put_or_null("sha256", published->sha256);
        printf(published->size > 0 ? ", \"size\": %llu" : ", \"size\": null", (unsigned long long)published->size);
        printf(", \"official\": %s, \"inferred\": %s, \"cached\": %s}", published->lacks_head ? "false" : "true",
               published->is_inferred ? "true" : "false", is_cached(published) ? "true" : "false");
    }
    puts("]");
}

static void list_text(void)
{
    printf("%-21s %8s  %-6s  %-18s  %s\n", "name", "MB", "cached", "license", "from");
    for (const struct quern_cli_published *published = quern_cli_catalog; published->name != NULL; published++) {
        char size[16] = "?";
        if (published->size > 0)
            snprintf(size, sizeof size, "%.1f", (double)published->size * 1e-6);
        printf("%-21s %8s  %-6s  %-18s  hf:%s/%s%s%s\n", published->name, size, is_cached(published) ? "yes" : "no",
               quern_cli_published_known(published).license, published->repository, published->path,
               published->is_inferred ? " *" : "", published->lacks_head ? " (without the dense head)" : "");
    }
    puts("* The name of the file is inferred. Its digest is the one that the hub tells at the first download.");
}

static const char *first_of(const char *const names[])
{
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        if (value != NULL && value[0] != '\0')
            return value;
    }
    return NULL;
}

/* Finds the token for the hub. False when it has characters that a field of HTTP cannot have. */
static bool find_token(const char **token)
{
    *token = first_of((const char *const[]){"HF_TOKEN", NULL});
    for (const char *c = *token; c != NULL && *c != '\0'; c++)
        if (*c < 0x21 || *c > 0x7e)
            return false;
    return *token == NULL || strlen(*token) < 1024;
}

static int fetch(const struct pull_options *options, const char *name, const char *hub, const char *token)
{
    static struct quern_cli_source source;
    static struct quern_cli_record record;
    char reason[QUERN_CLI_REASON], folder[QUERN_CLI_PATH], path[QUERN_CLI_PATH];
    const struct quern_cli_download_options how = {
        .token = token, .retries = options->retries, .stall = options->stall, .wait = options->wait};
    if (!quern_cli_source_find(&source, name, options->sha256, hub, reason))
        return quern_cli_misuse("pull", "%s", reason);
    if (!quern_cli_cache_folder(folder) || !quern_cli_cache_path(path, source.file)) {
        quern_cli_say("there is no folder for models: set HOME or XDG_CACHE_HOME");
        return QUERN_CLI_FAILED;
    }
    if (!quern_cli_make_folder(folder)) {
        quern_cli_say("cannot make the folder %s: %s", folder, strerror(errno));
        return QUERN_CLI_FAILED;
    }
    int code = quern_cli_download(&source, path, &how, &record);
    if (code != QUERN_CLI_DONE)
        return code;
    if (!options->json) {
        puts(path);
        return QUERN_CLI_DONE;
    }
    putchar('{');
    quern_json_put_member(stdout, "path", path);
    quern_json_put_member(stdout, ", origin", record.origin);
    quern_json_put_member(stdout, ", sha256", record.sha256);
    printf(", \"size\": %llu}\n", (unsigned long long)record.size);
    return QUERN_CLI_DONE;
}

static int pull(const void *given, struct quern_cli_arguments arguments)
{
    const struct pull_options *options = given;
    const char *hub = first_of((const char *const[]){"QUERN_HUB_URL", "HF_ENDPOINT", NULL}), *token;
    if (arguments.count != (options->list ? 0 : 1))
        return quern_cli_misuse("pull", options->list ? "--list takes no name" : "give the name of one model");
    if (options->list) {
        const int code = quern_cli_allow(&quern_cli_pull, arguments, "list|json", "--list");
        if (code == QUERN_CLI_DONE)
            options->json ? list_json() : list_text();
        return code;
    }
    if (!find_token(&token))
        return quern_cli_misuse("pull", "HF_TOKEN does not hold a token");
    return fetch(options, arguments.texts[0], hub != NULL ? hub : "https://huggingface.co", token);
}

static struct pull_options defaults = {.retries = 5, .stall = 30, .wait = 120};

static const struct quern_cli_option table[] = {
    {"list", '\0', NULL, "list the published models that have a name", QUERN_CLI_SWITCH(struct pull_options, list)},
    {"sha256", '\0', "DIGEST", "the SHA-256 that the file must have", QUERN_CLI_TEXT(struct pull_options, sha256)},
    {"retries", '\0', "N", "failures in a row before giving up; default: 5",
     QUERN_CLI_NUMBER(struct pull_options, retries, 1, MOST_RETRIES)},
    {"stall", '\0', "S", "seconds with less than 1 KiB each before trying again; default: 30",
     QUERN_CLI_NUMBER(struct pull_options, stall, 1, MOST_STALL)},
    {"wait", '\0', "S", "seconds to wait in all when servers ask for it; default: 120",
     QUERN_CLI_NUMBER(struct pull_options, wait, 0, MOST_WAIT)},
    QUERN_CLI_JSON_OPTION(struct pull_options),
    {0},
};

const struct quern_cli_verb quern_cli_pull = {
    .name = "pull",
    .arguments = "NAME | --list",
    .summary = "Downloads a model into the cache folder, checks it, and prints its path.",
    .table = table,
    .more = "NAME is one of --list, hf:OWNER/REPOSITORY/FILE.gguf, or an https URL together with --sha256.\n"
            "A download that was interrupted is continued. A file that is there is not downloaded again.\n"
            "Environment: QUERN_HUB_URL or HF_ENDPOINT (a mirror of the hub), HF_TOKEN, https_proxy, no_proxy,\n"
            "CURL_CA_BUNDLE, XDG_CACHE_HOME.\n\n"
            "example:\n"
            "  quern pull embeddinggemma\n",
    .options = &defaults,
    .run = pull,
};
