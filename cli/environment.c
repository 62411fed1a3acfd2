#include "environment.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PREFIX "QUERN_"
#define PREFIX_BYTES (sizeof PREFIX - 1)
#define NAME_BYTES 64

extern char **environ;

/* The variable of an option: QUERN_STEP_TOKENS for step-tokens. */
static void write_variable(char out[NAME_BYTES], const char *name)
{
    size_t length = (size_t)snprintf(out, NAME_BYTES, PREFIX "%s", name);
    for (size_t i = 0; i < length; i++)
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

static bool is_word(const char *value, const char *const words[4])
{
    for (size_t i = 0; i < 4; i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), size = strlen(end);
    return length >= size && strcmp(text + length - size, end) == 0;
}

/* Kubernetes sets QUERN_PORT=tcp://10.96.0.1:8080 for a service of the name quern, and Docker for a linked container.
 * It is not meant for this program. */
static bool is_address_of_a_service(const char *variable, const char *value)
{
    return ends_with(variable, "PORT") && (strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0 ||
                                           strncmp(value, "sctp://", 7) == 0);
}

/* Whether a variable is another one that Kubernetes or Docker set for a service whose name begins with quern:
 * QUERN_SERVICE_HOST, QUERN_SERVICE_PORT_HTTP, QUERN_PORT_8080_TCP_ADDR, QUERN_WEB_PORT, QUERN_NAME, QUERN_ENV_PATH. */
static bool is_of_a_service(const char *variable, const char *value)
{
    const char *port = strstr(variable, "_PORT_");
    return strstr(variable, "_SERVICE_HOST") != NULL || strstr(variable, "_SERVICE_PORT") != NULL ||
           (port != NULL && isdigit((unsigned char)port[6])) || is_address_of_a_service(variable, value) ||
           (ends_with(variable, "_NAME") && value[0] == '/') || strstr(variable, "_ENV_") != NULL;
}

/* The option behind this one, of those that the environment may have: the verb's own, then --quiet. NULL: none. */
static const struct quern_cli_option *next_option(const struct quern_cli_option *option)
{
    if (option == quern_cli_common_options)
        return NULL;
    return option[1].name != NULL ? option + 1 : quern_cli_common_options;
}

static const char *taken[QUERN_CLI_MOST_OPTIONS]; /* names of options that came from the environment */
static size_t taken_count;

const char *quern_cli_label(const char *option, char label[QUERN_CLI_LABEL])
{
    char variable[NAME_BYTES];
    snprintf(label, QUERN_CLI_LABEL, "--%s", option);
    for (size_t i = 0; i < taken_count; i++)
        if (strcmp(taken[i], option) == 0) {
            write_variable(variable, option);
            snprintf(label, QUERN_CLI_LABEL, "$%s", variable);
        }
    return label;
}

static int take_variable(const struct quern_cli_verb *verb, const struct quern_cli_option *option,
                         const char *variable, const char *value)
{
    static const char *const on[] = {"1", "true", "yes", "on"}, *const off[] = {"0", "false", "no", "off"};
    char label[NAME_BYTES + 1];
    if (is_address_of_a_service(variable, value)) {
        quern_cli_notice("$%s is the address of a service, as Kubernetes and Docker set it: it is left alone; --%s "
                         "tells this server its own", variable, option->name);
        return -1;
    }
    if (option->argument == NULL && is_word(value, off))
        return -1;
    if (option->argument == NULL && !is_word(value, on))
        return quern_cli_misuse(verb->name, "$%s takes true or false (1 or 0, yes or no, on or off), not '%s'",
                                variable, value);
    taken[taken_count++] = option->name;
    snprintf(label, sizeof label, "$%s", variable);
    return quern_cli_take(verb, option, label, value);
}

/* Whether a variable is one of the command's: an option of the verb, or one that has no option. */
static bool is_known(const struct quern_cli_verb *verb, const char *variable)
{
    static const char *const others[] = {"QUERN_API_KEY", "QUERN_CPU", "QUERN_HUB_URL"};
    char name[NAME_BYTES];
    for (size_t i = 0; i < QUERN_COUNT(others); i++)
        if (strcmp(variable, others[i]) == 0)
            return true;
    for (const struct quern_cli_option *option = verb->table; option != NULL; option = next_option(option)) {
        write_variable(name, option->name);
        if (strcmp(variable, name) == 0)
            return true;
    }
    return false;
}

/* A misspelt name would do nothing without a word. */
static void note_unknown(const struct quern_cli_verb *verb)
{
    for (char **entry = environ; *entry != NULL; entry++) {
        char variable[NAME_BYTES];
        const size_t length = strcspn(*entry, "=");
        if (strncmp(*entry, PREFIX, PREFIX_BYTES) != 0 || length >= sizeof variable || (*entry)[length] == '\0')
            continue;
        snprintf(variable, sizeof variable, "%.*s", (int)length, *entry);
        if (!is_known(verb, variable) && !is_of_a_service(variable, *entry + length + 1))
            quern_cli_notice("$%s does nothing: it is not the name of an option of 'quern %s'", variable, verb->name);
    }
}

int quern_cli_take_environment(const struct quern_cli_verb *verb, const bool *given)
{
    int code = -1;
    for (const struct quern_cli_option *option = verb->table; option != NULL && code < 0; given++) {
        char variable[NAME_BYTES];
        write_variable(variable, option->name);
        const char *value = getenv(variable);
        if (!*given && value != NULL && value[0] != '\0')
            code = take_variable(verb, option, variable, value);
        option = next_option(option);
    }
    if (code < 0)
        note_unknown(verb);
    return code;
}
