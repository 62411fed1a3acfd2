/* The command quern: texts in, vectors out. */
#include "arguments.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct quern_cli_verb *const verbs[] = {
    &quern_cli_embed,   &quern_cli_similarity, &quern_cli_tokenize,    &quern_cli_info,  &quern_cli_verify,
    &quern_cli_eval,    &quern_cli_bench,      &quern_cli_demo,        &quern_cli_pull,  &quern_cli_models,
    &quern_cli_convert, &quern_cli_quantize,   &quern_cli_attach_head, &quern_cli_serve, &quern_cli_run,
    &quern_cli_pipe,    &quern_cli_pg_worker,  &quern_cli_index,       &quern_cli_search, &quern_cli_similar,
    &quern_cli_cluster, &quern_cli_mcp};

static void print_help(FILE *file)
{
    fputs("quern turns text into vectors on the CPU, with models in GGUF files.\n\n"
          "usage: quern VERB [OPTION...] [ARGUMENT...]\n\n",
          file);
    for (size_t i = 0; i < QUERN_COUNT(verbs); i++)
        fprintf(file, "  %-12s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("\n  quern help VERB tells more about a verb; quern version names this version.\n\n"
          "example:\n"
          "  quern similarity -m embeddinggemma-300M-Q8_0.gguf 'a red apple' 'ripe fruit' 'the tax office'\n\n"
          "exit codes: 0 done, 1 failed (or verify found a difference), 2 wrong usage, 75 run, index or pg-worker was\n"
          "stopped\n",
          file);
}

static const struct quern_cli_verb *find_verb(const char *name)
{
    for (size_t i = 0; i < QUERN_COUNT(verbs); i++)
        if (strcmp(name, verbs[i]->name) == 0)
            return verbs[i];
    return NULL;
}

/* What other programs call verbs, and what they are here. */
static const struct {
    const char *names, *way;
} others[] = {{"list|ls|tags|ps", "models"}, {"rm|remove|delete", "models rm"}, {"download|get|fetch", "pull"},
              {"encode|embeddings|embedding|vectorize", "embed"}, {"start|server|daemon", "serve"},
              {"compare|diff", "verify --against"}, {"show|inspect|describe", "info"}, {"find|query|grep", "search"},
              {"benchmark", "bench"}, {"check|test|validate", "verify"}, {"cosine|distance", "similarity"},
              {"import|export", "index"},
              {"worker|postgres|postgresql|psql|pg", "pg-worker"}};

static int refuse_verb(const char *name)
{
    struct quern_nearest nearest = {.asked = name};
    char hint[QUERN_NEAREST_HINT];
    if (strncmp(name, "completion", 10) == 0)
        return quern_cli_misuse(NULL, "there is no verb '%s': 'make install' installs the completions of bash, zsh and "
                                "fish", name);
    if (name[0] == '-') {
        quern_nearest_offer_list(&nearest, "--help|--version");
        return quern_cli_misuse(NULL, "'%s' stands where the verb must be, as in 'quern VERB --quiet'%s", name,
                                quern_nearest_hint(&nearest, hint));
    }
    for (size_t i = 0; i < QUERN_COUNT(verbs); i++)
        quern_nearest_offer(&nearest, verbs[i]->name, strlen(verbs[i]->name));
    quern_nearest_offer_list(&nearest, "help|version");
    for (size_t i = 0; i < QUERN_COUNT(others); i++)
        quern_nearest_offer_names(&nearest, others[i].names, others[i].way);
    return quern_cli_misuse(NULL, "there is no verb '%s'%s", name, quern_nearest_hint(&nearest, hint));
}

static int refuse_more(const char *word)
{
    return quern_cli_misuse(NULL, "'%s' is one word too many", word);
}

/* quern help, and quern help VERB. */
static int help(const char *name)
{
    static char option[] = "--help";
    char *arguments[] = {NULL, option, NULL};
    struct quern_cli_arguments rest;
    const struct quern_cli_verb *verb = name != NULL ? find_verb(name) : NULL;
    if (name != NULL && verb == NULL && name[0] != '-' && strcmp(name, "help") != 0 && strcmp(name, "version") != 0)
        return refuse_verb(name);
    if (verb != NULL)
        return quern_cli_parse(verb, 2, arguments, &rest);
    print_help(stdout);
    return QUERN_CLI_DONE;
}

/* A file that is opened while a standard stream is closed would get the stream's number, and then its data. So closed
 * streams are opened in a way that makes their use fail. */
static void guard_standard_streams(void)
{
    for (int i = 0; i < 3; i++)
        if (fcntl(i, F_GETFD) == -1 && open("/dev/null", i == STDIN_FILENO ? O_WRONLY : O_RDONLY) != i)
            return;
}

int main(int argc, char **argv)
{
    guard_standard_streams();
    signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an error like a full disk */
    if (argc < 2) {
        print_help(stderr);
        return QUERN_CLI_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return argc > 3 ? refuse_more(argv[3]) : quern_cli_output_end(help(argv[2]));
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0 || strcmp(word, "version") == 0) {
        if (argc > 2)
            return refuse_more(argv[2]);
        printf("quern %s\n", quern_version());
        return quern_cli_output_end(QUERN_CLI_DONE);
    }
    if (strcmp(word, "--complete") == 0) {
        quern_cli_complete(verbs, QUERN_COUNT(verbs), argv + 2, argc - 2);
        return quern_cli_output_end(QUERN_CLI_DONE);
    }
    const struct quern_cli_verb *verb = find_verb(word);
    if (verb == NULL)
        return refuse_verb(word);
    struct quern_cli_arguments arguments;
    const int code = quern_cli_parse(verb, argc - 1, argv + 1, &arguments);
    return quern_cli_output_end(code >= 0 ? code : verb->run(verb->options, arguments));
}
