#include "making.h"

#include "json_text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stopped; /* the signal that was received; 0: none */

static void stop(int signal_number)
{
    stopped = signal_number;
}

/* From now on, signals that would end the process only set `stopped`. */
static void stop_on_signals(void)
{
    static const int ending[] = {SIGHUP, SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND}, before;
    for (size_t i = 0; i < QUERN_COUNT(ending); i++)
        if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(ending[i], &action, NULL);
}

static bool proceed(void *state, uint64_t done, uint64_t total)
{
    quern_cli_progress_bytes(state, done, total);
    return stopped == 0;
}

static void print_result(const struct quern_convert_result *result, const char *path, bool json)
{
    if (!json) {
        quern_cli_put_clean(path);
        printf(": %llu bytes, %s, %s\n", (unsigned long long)result->bytes, result->types,
               result->has_head ? "with the head" : "without a head");
        return;
    }
    fputs("{\"file\":", stdout);
    quern_json_put_string(stdout, (quern_text){path, strlen(path)});
    printf(",\"bytes\":%llu,\"tensors\":%d,\"types\":\"%s\",\"head\":%s,\"notice\":", (unsigned long long)result->bytes,
           result->tensors, result->types, result->has_head ? "true" : "false");
    if (result->notice[0] != '\0')
        quern_json_put_string(stdout, (quern_text){result->notice, strlen(result->notice)});
    else
        fputs("null", stdout);
    puts("}");
}

int quern_cli_make(const char *verb, quern_cli_find_fn *find, quern_cli_make_fn *make,
                   const struct quern_cli_making_options *options, const char *given, const char *type,
                   const char *path)
{
    struct quern_cli_progress progress;
    struct quern_convert_result result;
    quern_error error;
    struct quern_convert_job job = {
        .name = path, .type = type, .threads = options->threads, .proceed = proceed, .state = &progress};
    if (type != NULL && !quern_convert_has_type(type)) {
        struct quern_nearest nearest = {.asked = type};
        char hint[QUERN_NEAREST_HINT];
        quern_nearest_offer_list(&nearest, QUERN_CONVERT_TYPES);
        return quern_cli_misuse(verb, "there is no type '%s'%s; the types are " QUERN_CONVERT_TYPES, type,
                                quern_nearest_hint(&nearest, hint));
    }
    if (strcmp(path, "-") == 0)
        return quern_cli_misuse(verb, "a model cannot be written to standard output; name a file, or ./- for a file of "
                                "this name");
    const char *input = find(given);
    if (input == NULL)
        return QUERN_CLI_FAILED;
    quern_cli_reads(input, "the model is");
    for (size_t i = 0; i < QUERN_COUNT(options->dense); i++)
        if (options->dense[i] != NULL)
            quern_cli_reads(options->dense[i], "a layer of the head is");
    int code = quern_cli_check_unread(path);
    if (code != QUERN_CLI_DONE)
        return code;
    char *target = quern_cli_output_target(path);
    if (target == NULL) {
        quern_cli_say("cannot write to %s: %s", path, strerror(errno));
        return QUERN_CLI_FAILED;
    }
    stop_on_signals();
    quern_cli_progress_start(&progress, false);
    code = make(options, input, target, &job, &result, &error);
    free(target);
    quern_cli_progress_clear(&progress);
    if (stopped != 0)
        raise(stopped); /* with the default action, see SA_RESETHAND */
    if (code != QUERN_OK)
        return quern_cli_fail(NULL, &error);
    if (result.notice[0] != '\0')
        quern_cli_notice("%s", result.notice);
    print_result(&result, path, options->json);
    return QUERN_CLI_DONE;
}
