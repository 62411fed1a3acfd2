/* What a shell may complete. The scripts in completions/ ask the command itself, so they know every verb, option and
 * value that it has. */
#include "arguments.h"

#include <string.h>

/* Prints a candidate if it continues what was typed: dashes and name, a tab, and what it is. */
static void offer(const char *typed, const char *dashes, const char *name, size_t length, const char *what)
{
    char candidate[96];
    snprintf(candidate, sizeof candidate, "%s%.*s", dashes, (int)length, name);
    if (strncmp(candidate, typed, strlen(typed)) == 0)
        printf("%s\t%s\n", candidate, what);
}

/* The option of a verb that a word names, or NULL. */
static const struct quern_cli_option *find_named(const struct quern_cli_verb *verb, const char *word)
{
    for (const struct quern_cli_option *option = verb->table; option->name != NULL; option++)
        if ((strncmp(word, "--", 2) == 0 && strcmp(word + 2, option->name) == 0) ||
            (word[0] == '-' && word[1] != '\0' && word[1] == option->letter && word[2] == '\0'))
            return option;
    return NULL;
}

/* What the argument of an option may be; nothing when it may be a file, a number or any text. */
static void offer_arguments(const struct quern_cli_option *option, const char *typed)
{
    const char *name, *word = option->kind == QUERN_CLI_KIND_WORD ? option->words : NULL;
    if (option->kind == QUERN_CLI_KIND_TASK)
        for (int task = 0; (name = quern_task_name((quern_task)task)) != NULL; task++)
            offer(typed, "", name, strlen(name), option->name);
    while (word != NULL) {
        const size_t length = strcspn(word, "|");
        offer(typed, "", word, length, option->name);
        word = word[length] == '|' ? word + length + 1 : NULL;
    }
}

static void offer_options(const struct quern_cli_option *option, const char *typed)
{
    for (; option->name != NULL; option++)
        offer(typed, "--", option->name, strlen(option->name), option->help != NULL ? option->help : option->argument);
}

static void offer_verbs(const struct quern_cli_verb *const *verbs, size_t verb_count, const char *typed)
{
    for (size_t i = 0; i < verb_count; i++)
        offer(typed, "", verbs[i]->name, strlen(verbs[i]->name), verbs[i]->summary);
}

void quern_cli_complete(const struct quern_cli_verb *const *verbs, size_t verb_count, char **words, int count)
{
    const struct quern_cli_verb *verb = NULL;
    const char *typed = count > 0 ? words[count - 1] : "";
    if (count <= 1 || (count == 2 && strcmp(words[0], "help") == 0))
        offer_verbs(verbs, verb_count, typed);
    if (count <= 1) {
        offer(typed, "", "help", 4, "Tells more about a verb.");
        offer(typed, "", "version", 7, "Names this version.");
        return;
    }
    for (size_t i = 0; i < verb_count; i++)
        if (strcmp(verbs[i]->name, words[0]) == 0)
            verb = verbs[i];
    if (verb == NULL)
        return;
    const bool equals = count > 3 && strcmp(words[count - 2], "=") == 0; /* as bash divides --task=query */
    const struct quern_cli_option *option = count > 2 ? find_named(verb, words[count - 2 - equals]) : NULL;
    if (option != NULL && option->argument != NULL) {
        offer_arguments(option, strcmp(typed, "=") == 0 ? "" : typed);
    } else if (typed[0] == '-') {
        offer_options(verb->table, typed);
        offer_options(quern_cli_common_options, typed);
    }
}
